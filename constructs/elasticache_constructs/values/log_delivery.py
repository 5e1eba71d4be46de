"""Destination and format of a cache's slow log and engine log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from aws_cdk import aws_logs as logs

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.tokens import is_unresolved

LogFormat = Literal["json", "text"]
YEAR = 365
"""Days that a log group of a cache is kept by default."""

_KEPT = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
_RETENTION_PAGE = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
_GROUP = Kind(
    of=logs.ILogGroup, method="add_metric_filter", example="logs.LogGroup.from_log_group_name(...)", rule="LOG-06"
)


@dataclass(frozen=True, slots=True)
class Log:
    """Where one log goes. Create one with `to_own_log_group`, `to_log_group`, `to_firehose` or `disabled`."""

    log_format: LogFormat = "json"
    log_group: logs.ILogGroup | None = None
    firehose_stream: str | None = None
    disabled_reason: str | None = None
    """Why it is not delivered."""

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        with reported_together() as check:
            check(_check_format, "Log", self.log_format)
            if self.log_group is not None:
                check(check_kind, "Log.to_log_group", "log_group", self.log_group, _GROUP)
            check(_check_stream, "Log.to_firehose", "firehose_stream", self.firehose_stream)
            if self.disabled_reason is not None:
                check(checked_reason, self.disabled_reason, what="Log.disabled")

    @classmethod
    def to_own_log_group(cls, log_format: LogFormat = "json") -> Log:
        """To a log group that is made with the cache, encrypted, and kept as long as `LogDelivery` says.

        Args:
            log_format: ``json`` or ``text``.
        """
        return cls(log_format)

    @classmethod
    def to_log_group(cls, log_group: logs.ILogGroup, log_format: LogFormat = "json") -> Log:
        """To a log group that exists or is made elsewhere. Its key and how long it is kept are its own.

        Args:
            log_group: A log group of the same account and region.
            log_format: ``json`` or ``text``.
        """
        return cls(log_format, log_group=log_group)

    @classmethod
    def to_firehose(cls, firehose_stream: str, log_format: LogFormat = "json") -> Log:
        """To an Amazon Data Firehose stream of the same account and region.

        Args:
            firehose_stream: The name of the stream.
            log_format: ``json`` or ``text``.
        """
        return cls(log_format, firehose_stream=firehose_stream)

    @classmethod
    def disabled(cls, *, reason: str) -> Log:
        """Not delivered.

        Args:
            reason: Why it is not needed, or where else it is.

        Raises:
            ConfigurationError: If the reason has fewer than 20 characters.
        """
        return cls(disabled_reason=reason)

    def check_region(self, region: str) -> None:
        """Refuse a log group of another region than the cache's.

        Args:
            region: The region of the cache. A CDK token is not judged.

        Raises:
            ConfigurationError: If the log group is known to be elsewhere.
        """
        if self.log_group is None:
            return
        other = self.log_group.env.region
        if other != region and not is_unresolved(other) and not is_unresolved(region):
            raise ConfigurationError(
                got=f"Log.to_log_group with a log group of {other} in {region}",
                allowed="logs are delivered to a log group of the same account and region",
                fix=f"Use a log group of {region}",
                rule="LOG-06",
            )


_LOG = Kind(of=Log | None, example="Log.to_firehose('events')", rule="LOG-01")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDelivery:
    """Delivery of the slow log (from Redis 6.0) and the engine log (from Redis 6.2); Valkey has both.

    Changed in place. Delivery starts after the group exists. If it fails, the service says so in its events.

    Args:
        log_format: ``json`` or ``text``. Default: ``json``.
        firehose_stream: Name of an Amazon Data Firehose stream of the same account and region, which receives both
            logs. Default: the group's own encrypted CloudWatch log groups.
        retention_days: How long the group's own log groups keep what they get; one of the numbers of days that
            CloudWatch Logs takes. Default: 365.
        short_retention_reason: Why they keep it for less than a year. Default: they do not.
        slow_log: The slow log, if it is another choice than for both. Default: as the arguments above say.
        engine_log: The engine log, if it is another choice than for both. Default: as the arguments above say.

    Raises:
        ConfigurationError: If the format, the stream's name or the days are not valid, or less than a year is kept
            without a reason.
    """

    log_format: LogFormat = "json"
    firehose_stream: str | None = None
    retention_days: int = YEAR
    short_retention_reason: str | None = None
    slow_log: Log | None = None
    engine_log: Log | None = None

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        with reported_together() as check:
            check(_check_format, "LogDelivery", self.log_format)
            check(_check_stream, "LogDelivery", "firehose_stream", self.firehose_stream)
            check(self._check_retention)
            check(check_kind, "LogDelivery", "slow_log", self.slow_log, _LOG)
            check(check_kind, "LogDelivery", "engine_log", self.engine_log, _LOG)

    def log(self, kind: str) -> Log:
        """The choice for a log: ``slow-log`` or ``engine-log``."""
        chosen = self.slow_log if kind == "slow-log" else self.engine_log
        return chosen or Log(self.log_format, firehose_stream=self.firehose_stream)

    def _check_retention(self) -> None:
        days = self.retention_days
        if type(days) is not int or days not in _KEPT:
            raise ConfigurationError(
                got=f"LogDelivery(retention_days={days!r})",
                allowed=f"CloudWatch Logs keeps entries for {', '.join(map(str, _KEPT[:-1]))} or {_KEPT[-1]} days",
                fix="Use retention_days=365, or leave it out",
                page=_RETENTION_PAGE,
            )
        if self.short_retention_reason is not None:
            checked_reason(self.short_retention_reason, what="LogDelivery(short_retention_reason=...)")
        elif days < YEAR:
            raise ConfigurationError(
                got=f"LogDelivery(retention_days={days})",
                allowed="logs are kept for a year, as policy packs ask for",
                fix="Use retention_days=365, or say why less is enough: short_retention_reason='...'",
                page=_RETENTION_PAGE,
            )


def _check_format(call: str, log_format: str) -> None:
    if log_format not in get_args(LogFormat):
        raise ConfigurationError(
            got=f"{call}(log_format={log_format!r})",
            allowed="logs are written as json or text",
            fix="Use log_format='json'",
            rule="LOG-01",
        )


def _check_stream(call: str, argument: str, name: str | None) -> None:
    kind = Kind(of=str | None, example="'events'", rule="LOG-07")
    check_kind(call, argument, name, kind)
    if name is not None and not is_unresolved(name) and not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
        raise ConfigurationError(
            got=f"{call}(firehose_stream={name!r})",
            allowed="a stream's name has 1 to 64 letters, digits, hyphens, underscores and dots",
            fix="Name the stream, not its ARN",
            rule="LOG-07",
        )
