"""Automatic backups of a Redis or Valkey group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import CfnParameter

from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import stack_of
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.tokens import is_token
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_constructs.values.windows import checked_snapshot_window
from elasticache_rules import facts

if TYPE_CHECKING:
    from constructs import IConstruct

_MAX_RETENTION_DAYS = facts.limit("snapshot_retention_days").maximum
_PACKS_MIN_DAYS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """Retention and time of the daily snapshots.

    Both are changed in place. A shorter retention deletes the snapshots that are then too old. The final snapshot of a
    deleted or replaced group is separate, and is always taken.

    A CDK token passes through unchecked, as a retention and as a window. A ``CfnParameter`` as the retention gets the
    service's limits, 1 to 35, if it has none. So the template shows that there are backups, as the posture rules
    require, and a deployment cannot turn them off.

    Args:
        retention_days: Days that a snapshot is kept, 15 to 35. 15 is the minimum that the HIPAA and NIST 800-53 packs
            accept. Default: 35, the maximum of the service.
        window: Daily time in UTC in which the snapshot starts, at least 60 minutes. Default: ``02:00-03:00``.
        short_retention_reason: Why fewer than 15 days are enough. The minimum is then 1 day, and the findings of the
            policy packs are acknowledged with the reason. Default: fewer than 15 days are refused.

    Raises:
        ConfigurationError: If the retention or the window is out of its limits.
    """

    retention_days: int = _MAX_RETENTION_DAYS
    window: str = "02:00-03:00"
    short_retention_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the service or the policy packs would."""
        with reported_together() as check:
            check(checked_snapshot_window, self.window)
            if self.short_retention_reason is not None:
                check(checked_reason, self.short_retention_reason, what="Backups(short_retention_reason=...)")
            check(self._check_retention)

    def _check_retention(self) -> None:
        lowest = _PACKS_MIN_DAYS if self.short_retention_reason is None else 1
        if not is_token(self.retention_days) and not is_whole_number(self.retention_days, lowest, _MAX_RETENTION_DAYS):
            raise ConfigurationError(
                got=f"Backups(retention_days={shown(self.retention_days)}){other_type(self.retention_days)}",
                allowed=f"snapshots are kept {lowest} to {_MAX_RETENTION_DAYS} days",
                fix=f"Use retention_days={_MAX_RETENTION_DAYS}"
                + (
                    ", or say why a shorter time is enough: short_retention_reason='...'"
                    if lowest == _PACKS_MIN_DAYS
                    else ""
                ),
                rule="SNP-01",
            )

    def bind(self, scope: IConstruct) -> None:
        """Set the service's limits on the retention, if it is a ``CfnParameter``.

        Args:
            scope: The cache of the backups.
        """
        stack = stack_of(scope)
        written = stack.resolve(self.retention_days)
        name = written.get("Ref") if isinstance(written, dict) else None
        for parameter in stack.node.find_all() if name else ():
            if isinstance(parameter, CfnParameter) and stack.resolve(parameter.logical_id) == name:
                if parameter.allowed_values is None and parameter.min_value is None:
                    parameter.min_value = 1
                if parameter.allowed_values is None and parameter.max_value is None:
                    parameter.max_value = _MAX_RETENTION_DAYS

    @property
    def below_policy_floor(self) -> bool:
        """Whether the policy packs have a finding about the retention."""
        return not is_token(self.retention_days) and self.retention_days < _PACKS_MIN_DAYS
