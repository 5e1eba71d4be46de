"""The written reasons for a relaxed default."""

from __future__ import annotations

from elasticache_constructs.checks.argument_types import check_seen
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.tokens import is_token
from elasticache_rules.reasons import SHORTEST_REASON, is_reason


def checked_reason(reason: str, *, what: str) -> str:
    """The reason, if it is long enough.

    Raises:
        ConfigurationError: If it is shorter than 20 characters.
    """
    if is_token(reason):
        raise ConfigurationError(
            got=f"{what} with the reason {reason!r}",
            allowed="a reason is known at synth, so that it can be reviewed",
            fix="Write it out where it is given",
        )
    if not is_reason(reason):
        raise ConfigurationError(
            got=f"{what} with the reason {reason!r}",
            allowed=f"a reason has {SHORTEST_REASON} characters at least",
            fix="Write why this is right here, so that it can be reviewed",
        )
    # A reason may have several lines.
    check_seen(what, reason.replace("\n", " "))
    return reason
