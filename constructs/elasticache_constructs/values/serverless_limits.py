"""Limits of a serverless cache's scaling, and so of its cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_rules import facts

_STORAGE = facts.limit("serverless_storage_gb")
_ECPU = facts.limit("serverless_ecpu_per_second")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerlessLimits:
    """Minimum and maximum of data storage and ECPUs per second. Changed in place.

    At the maximum, writes fail or requests are throttled. The minimum is billed even if it is not used; it is ready for
    a peak.

    Args:
        maximum_storage_gb: Maximum data storage, in GB, 1 to 5000.
        maximum_ecpu_per_second: Maximum ElastiCache processing units (ECPUs) per second, 1000 to 15,000,000.
        minimum_storage_gb: Minimum data storage, in GB, billed even if unused. Default: no minimum.
        minimum_ecpu_per_second: Minimum ECPUs per second, billed even if unused. Default: no minimum.
        unlimited_reason: Why one of the maximums is omitted. Default: both are required.

    Raises:
        ConfigurationError: If a number is out of its range, a minimum is above its maximum, or a maximum is missing
            without a reason.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Scaling.html
    """

    maximum_storage_gb: int | None = None
    maximum_ecpu_per_second: int | None = None
    minimum_storage_gb: int | None = None
    minimum_ecpu_per_second: int | None = None
    unlimited_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the service would, and an unlimited cost without a reason."""
        with reported_together() as check:
            check(self._check_maximums)
            check(self._check_number, "maximum_storage_gb", _STORAGE, "SLS-02")
            check(self._check_number, "minimum_storage_gb", _STORAGE, "SLS-02")
            check(self._check_number, "maximum_ecpu_per_second", _ECPU, "SLS-03")
            check(self._check_number, "minimum_ecpu_per_second", _ECPU, "SLS-03")
        with reported_together() as check:
            check(self._check_order, "storage_gb", "SLS-02")
            check(self._check_order, "ecpu_per_second", "SLS-03")

    def usage_limits(self) -> dict[str, Any] | None:
        """The ``CacheUsageLimits`` of the cache, as ``CfnServerlessCache`` takes them."""
        storage = _bounds(self.minimum_storage_gb, self.maximum_storage_gb)
        ecpu = _bounds(self.minimum_ecpu_per_second, self.maximum_ecpu_per_second)
        limits = {
            "dataStorage": {**storage, "unit": "GB"} if storage else None,
            "ecpuPerSecond": ecpu or None,
        }
        return {name: value for name, value in limits.items() if value is not None} or None

    def _check_maximums(self) -> None:
        if self.unlimited_reason is not None:
            checked_reason(self.unlimited_reason, what="ServerlessLimits(unlimited_reason=...)")
        elif self.maximum_storage_gb is None or self.maximum_ecpu_per_second is None:
            missing = "maximum_storage_gb" if self.maximum_storage_gb is None else "maximum_ecpu_per_second"
            raise ConfigurationError(
                got=f"ServerlessLimits without {missing}",
                allowed="a serverless cache needs a maximum, which limits its cost",
                fix=f"Add {missing}=..., or say why there is none: unlimited_reason='...'",
                rule="SLS-04",
            )

    def _check_number(self, name: str, limit: facts.Limit, rule: str) -> None:
        value = getattr(self, name)
        if value is not None and not is_whole_number(value, limit.minimum, limit.maximum):
            nearest = limit.maximum if isinstance(value, int) and value > limit.maximum else limit.minimum
            raise ConfigurationError(
                got=f"ServerlessLimits({name}={shown(value)}){other_type(value)}",
                allowed=f"it is a whole number from {limit.minimum} to {limit.maximum}",
                fix=f"Use a number in that range, for example {name}={nearest}",
                rule=rule,
            )

    def _check_order(self, name: str, rule: str) -> None:
        minimum, maximum = getattr(self, f"minimum_{name}"), getattr(self, f"maximum_{name}")
        if minimum is not None and maximum is not None and minimum > maximum:
            raise ConfigurationError(
                got=f"ServerlessLimits(minimum_{name}={minimum}, maximum_{name}={maximum})",
                allowed="the minimum is at most the maximum",
                fix=f"Use minimum_{name}={maximum} or less",
                rule=rule,
            )


def _bounds(minimum: int | None, maximum: int | None) -> dict[str, int]:
    return {name: value for name, value in (("minimum", minimum), ("maximum", maximum)) if value is not None}
