"""A cache's name, where people are to read it: its id in metrics, logs and calls of the API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.values.existing import PAGE

_FORM = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Name:
    """The id of a replication group or a Memcached cluster, or the name of a serverless cache.

    CloudFormation replaces a resource by making the new one first. A cache with a name cannot be replaced: the update
    fails, and changes nothing, because the name is taken. Names are unique in an account and region, so two stacks with
    the same code need two names. An existing cache that gets a name, or another one, is a new cache.

    Args:
        value: Lower-case letters, digits and single hyphens, beginning with a letter; at most 40 characters, and 50 for
            a Memcached cluster. Known at synth.
        reason: Why the generated name will not do.

    Raises:
        ConfigurationError: If the name has another form, or the reason has fewer than 20 characters.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
    """

    value: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse another form."""
        check_kind("Name", "value", self.value, Kind(of=str, example="'orders'", rule="NAM-01", literal=True))
        if not _FORM.fullmatch(self.value):
            raise ConfigurationError(
                got=f"Name({self.value!r})",
                allowed="a name has lower-case letters, digits and single hyphens, and begins with a letter",
                fix=f"Use {_corrected(self.value)!r}",
                rule="NAM-01",
            )
        checked_reason(self.reason, what=f"Name({self.value!r})")


def check_name(cache: Any, *, longest: int, rule: str) -> None:
    """Refuse a name that is too long, or is given to a cache that has one.

    Args:
        cache: The settings of a cache.
        longest: How many characters it may have.
        rule: The rule's id.

    Raises:
        ConfigurationError: If it is.
    """
    if cache.name is None:
        return
    if cache.existing is not None:
        raise ConfigurationError(
            got=f"{cache.CONSTRUCT}(existing=..., name=...)",
            allowed="a cache that exists has its name",
            fix="Leave name out",
            page=PAGE,
        )
    if len(cache.name.value) > longest:
        raise ConfigurationError(
            got=f"{cache.CONSTRUCT}(name=...) with a name of {len(cache.name.value)} characters",
            allowed=f"it has at most {longest}",
            fix="Shorten it",
            rule=rule,
        )


def _corrected(text: str) -> str:
    """The nearest name of the right form."""
    return re.sub(r"^[^a-z]+|-$", "", re.sub(r"[^a-z0-9]+", "-", text.lower())) or "orders"
