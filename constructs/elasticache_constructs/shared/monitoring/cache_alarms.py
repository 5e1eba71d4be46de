"""Changes to the alarms that a cache has by default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from elasticache_constructs.checks.argument_types import Kind, check_kind, check_kinds
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.tokens import is_token
from elasticache_constructs.checks.whole_numbers import shown
from elasticache_constructs.shared.monitoring.cache_alarm import PAGE, CacheAlarm
from elasticache_constructs.shared.monitoring.table import ROWS, CacheKind
from elasticache_rules import facts

if TYPE_CHECKING:
    from elasticache_constructs.shared.monitoring.table import CacheProfile, Row

_ROWS = {row.alarm: row for row in ROWS}
_MAPPINGS = {
    "thresholds": Kind(of=Mapping, example="{CacheAlarm.DATABASE_MEMORY: 85}"),
    "removed": Kind(of=Mapping, example="{CacheAlarm.EVICTIONS: 'Why this cache does without'}"),
    "no_alarms_reason": Kind(of=str | None, example="'Why this cache has no alarms'"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheAlarms:
    """Changes to the alarms that a cache has by default: other thresholds, and alarms that it does without.

    A cache has the alarms of docs/runbooks/alarms/README.md for its kind, engine and node type, with thresholds that
    follow from them. Changing them changes nothing about the cache.

    ``CacheAlarms(thresholds={CacheAlarm.DATABASE_MEMORY: 85}, removed={CacheAlarm.EVICTIONS: "It is meant to be full:
    it holds pages that are rendered again"})``

    Args:
        thresholds: Thresholds by alarm, in the unit of the alarm's row. Some alarms, such as
            ``CacheAlarm.CACHE_HIT_RATE``, are made for a given threshold only. Default: those that follow from the
            cache.
        removed: Why the cache does without an alarm, by alarm, in at least 20 characters. Default: it has all.
        no_alarms_reason: Why the cache has no alarms, and no topic for them, because for example another system
            watches it. Default: it has alarms.

    Raises:
        ConfigurationError: If an alarm is not known, a threshold is out of its limits, a reason is too short, or an
            alarm that is removed has a threshold.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.WhichShouldIMonitor.html
    """

    thresholds: Mapping[CacheAlarm, float] = field(default_factory=dict, hash=False)
    removed: Mapping[CacheAlarm, str] = field(default_factory=dict, hash=False)
    no_alarms_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse alarms that do not exist, thresholds out of their limits, and reasons that say nothing."""
        check_kinds("CacheAlarms", self, _MAPPINGS)
        with reported_together() as check:
            for name in ("thresholds", "removed"):
                for alarm in getattr(self, name):
                    check(_check_alarm, name, alarm)
        with reported_together() as check:
            for alarm, threshold in self.thresholds.items():
                check(_check_threshold, alarm, threshold)
            for alarm, reason in self.removed.items():
                check(_check_removed, alarm, reason)
            check(self._check_once)
            check(self._check_no_alarms)
        for name in ("thresholds", "removed"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def chosen(self, cache: CacheProfile) -> dict[CacheAlarm, float]:
        """The alarms of a cache with their thresholds.

        Raises:
            ConfigurationError: If the cache does not have an alarm that is changed or removed.
        """
        has = {row.alarm: row for row in ROWS if row.is_of(cache)}
        with reported_together() as check:
            for name in ("thresholds", "removed"):
                for alarm in getattr(self, name):
                    check(_check_has, name, alarm, cache, has)
        if self.no_alarms_reason is not None:
            return {}
        thresholds = {alarm: self.thresholds.get(alarm, row.threshold(cache)) for alarm, row in has.items()}
        return {
            alarm: threshold
            for alarm, threshold in thresholds.items()
            if threshold is not None and alarm not in self.removed
        }

    def _check_once(self) -> None:
        for alarm in self.thresholds:
            if alarm in self.removed:
                raise ConfigurationError(
                    got=f"CacheAlarms with a threshold for {alarm}, which is removed",
                    allowed="an alarm has a threshold, or is removed",
                    fix=f"Leave {alarm} out of thresholds or of removed",
                )

    def _check_no_alarms(self) -> None:
        if self.no_alarms_reason is None:
            return
        checked_reason(self.no_alarms_reason, what="CacheAlarms(no_alarms_reason=...)")
        if self.thresholds or self.removed:
            raise ConfigurationError(
                got=f"CacheAlarms(no_alarms_reason=...) with {'thresholds' if self.thresholds else 'removed'}",
                allowed="without alarms there is nothing to change about them",
                fix="Leave no_alarms_reason out, or everything else",
            )


_ALARMS = Kind(of=CacheAlarms | None, example="CacheAlarms(thresholds={CacheAlarm.DATABASE_MEMORY: 85})")


class _Profiled(Protocol):
    """Settings of a cache."""

    def profile(self) -> CacheProfile:
        """What its alarms follow from."""


def chosen_thresholds(alarms: CacheAlarms | None, settings: _Profiled) -> dict[CacheAlarm, float]:
    """The alarms of a cache with their thresholds.

    Args:
        alarms: The argument of its construct.
        settings: The settings of the cache.

    Raises:
        ConfigurationError: If the argument is not of its type, or changes an alarm that the cache does not have.
    """
    check_kind("", "alarms", alarms, _ALARMS)
    profile = settings.profile()
    return (alarms or CacheAlarms()).chosen(profile)


def _check_alarm(name: str, alarm: object) -> None:
    if isinstance(alarm, CacheAlarm):
        return
    written = str(alarm).upper().replace("-", "_").removeprefix("CACHEALARM.")
    near = facts.closest(written, [each.name for each in CacheAlarm])
    raise ConfigurationError(
        got=f"CacheAlarms({name}={{{shown(alarm)}: ...}})",
        allowed="an alarm is named by a CacheAlarm",
        fix=f"Use CacheAlarm.{near or 'DATABASE_MEMORY'}",
        page=PAGE,
    )


def _check_threshold(alarm: CacheAlarm, threshold: object) -> None:
    row, written = _ROWS[alarm], f"CacheAlarms(thresholds={{{alarm}: {shown(threshold)}}})"
    lowest, highest = row.limits
    is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool) and not is_token(threshold)
    if is_number and math.isfinite(threshold) and lowest <= threshold <= highest:  # type: ignore[arg-type,operator]
        return
    if lowest == highest:
        raise ConfigurationError(
            got=written,
            allowed=f"the threshold of this alarm is {lowest}: its metric is {row.unit}",
            fix="Leave it out",
            page=PAGE,
        )
    raise ConfigurationError(
        got=written,
        allowed=f"the threshold of this alarm is a number from {lowest} to {highest}, in {row.unit}",
        fix="Use a number in that range, or leave it out",
        page=PAGE,
    )


def _check_removed(alarm: CacheAlarm, reason: object) -> None:
    what = f"CacheAlarms(removed={{{alarm}: ...}})"
    if not isinstance(reason, str):
        raise ConfigurationError(
            got=f"{what} with {shown(reason)} of type {type(reason).__name__}",
            allowed="an alarm is removed for a written reason",
            fix="Write why this cache does without it, so that it can be reviewed",
        )
    checked_reason(reason, what=what)


def _check_has(name: str, alarm: CacheAlarm, cache: CacheProfile, has: Mapping[CacheAlarm, Row]) -> None:
    row = _ROWS[alarm]
    if alarm in has and (name != "removed" or row.comes_later or row.threshold(cache) is not None):
        return
    kinds = " and ".join(kind.value for kind in CacheKind if kind in row.measures)
    raise ConfigurationError(
        got=f"CacheAlarms({name}={{{alarm}: ...}}) of this {cache.kind.value}",
        allowed=f"this cache does not have the alarm, which {kinds} can have: {row.when}",
        fix="Leave it out",
        page=PAGE,
    )
