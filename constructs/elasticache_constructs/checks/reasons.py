"""Reasons that people write beside what they relax."""

from __future__ import annotations

from elasticache_constructs.checks.argument_types import check_seen, is_token
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_rules.reasons import SHORTEST_REASON, is_reason


def checked_reason(reason: str, *, what: str) -> str:
    """The reason itself, once it says something.

    Raises:
        ConfigurationError: If it is shorter than 20 characters.
    """
    if is_token(reason):
        raise ConfigurationError(
            got=f"{what} with the reason {reason!r}",
            allowed="a reason is known at synth, for whoever reviews the code",
            fix="Write it out where it is given",
        )
    if not is_reason(reason):
        raise ConfigurationError(
            got=f"{what} with the reason {reason!r}",
            allowed=f"a reason has {SHORTEST_REASON} characters at least",
            fix="Write why this is right here, for whoever reviews it later",
        )
    # A reason may have several lines.
    check_seen(what, reason.replace("\n", " "))
    return reason
