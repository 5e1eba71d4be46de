"""How far a serverless cache scales, which is what it may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.whole_numbers import is_whole_number, shown

_STORAGE = (1, 5000)
_ECPU = (1000, 15_000_000)
_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Scaling.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerlessLimits:
    """The most, and the least, that a serverless cache holds and does. Changed in place.

    What is beyond the most is refused to the application: writes fail where memory is full, and requests are throttled.
    What is below the least is billed all the same, and is there when a peak comes.

    Args:
        storage_gb: The most data, in GB, 1 to 5000.

        ecpu_per_second: The most ElastiCache processing units in a second, 1000 to 15,000,000.

        least_storage_gb: Data that is billed and kept ready. Default: none.

        least_ecpu_per_second: Processing units that are billed and kept ready. Default: none.

        unlimited_reason: Why there is no most of either. Default: both are named.

    Raises:
        ConfigurationError: When a number is out of its limits, the least is above the most, or the most is missing
            without a reason.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Scaling.html
    """

    storage_gb: int | None = None
    ecpu_per_second: int | None = None
    least_storage_gb: int | None = None
    least_ecpu_per_second: int | None = None
    unlimited_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the service would, and a bill without an end."""
        with reported_together() as check:
            check(self._check_end)
            check(self._check_number, "storage_gb", _STORAGE, "SLS-02")
            check(self._check_number, "least_storage_gb", _STORAGE, "SLS-02")
            check(self._check_number, "ecpu_per_second", _ECPU, "SLS-03")
            check(self._check_number, "least_ecpu_per_second", _ECPU, "SLS-03")
        with reported_together() as check:
            check(self._check_order, "storage_gb", "SLS-02")
            check(self._check_order, "ecpu_per_second", "SLS-03")

    def usage_limits(self) -> dict[str, Any] | None:
        """The ``CacheUsageLimits`` of the cache, as ``CfnServerlessCache`` takes them."""
        storage = _bounds(self.least_storage_gb, self.storage_gb)
        ecpu = _bounds(self.least_ecpu_per_second, self.ecpu_per_second)
        limits = {
            "dataStorage": {**storage, "unit": "GB"} if storage else None,
            "ecpuPerSecond": ecpu or None,
        }
        return {name: value for name, value in limits.items() if value is not None} or None

    def _check_end(self) -> None:
        if self.unlimited_reason is not None:
            checked_reason(self.unlimited_reason, what="ServerlessLimits(unlimited_reason=...)")
        elif self.storage_gb is None or self.ecpu_per_second is None:
            missing = "storage_gb" if self.storage_gb is None else "ecpu_per_second"
            raise ConfigurationError(
                got=f"ServerlessLimits without {missing}",
                allowed="a serverless cache scales, and costs, up to a limit that is named",
                fix=f"Add {missing}=..., or say why there is none: unlimited_reason='...'",
                page=_PAGE,
                rule="SLS-04",
            )

    def _check_number(self, name: str, ends: tuple[int, int], rule: str) -> None:
        value = getattr(self, name)
        if value is not None and not is_whole_number(value, *ends):
            raise ConfigurationError(
                got=f"ServerlessLimits({name}={shown(value)})",
                allowed=f"it is a whole number from {ends[0]} to {ends[1]}",
                fix=f"Use {name}={ends[1] if isinstance(value, int) and value > ends[1] else ends[0]}, say",
                page=_PAGE,
                rule=rule,
            )

    def _check_order(self, name: str, rule: str) -> None:
        least, most = getattr(self, f"least_{name}"), getattr(self, name)
        if least is not None and most is not None and least > most:
            raise ConfigurationError(
                got=f"ServerlessLimits(least_{name}={least}, {name}={most})",
                allowed="the least is not above the most",
                fix=f"Use least_{name}={most} or less",
                page=_PAGE,
                rule=rule,
            )


def _bounds(least: int | None, most: int | None) -> dict[str, int]:
    return {name: value for name, value in (("minimum", least), ("maximum", most)) if value is not None}
