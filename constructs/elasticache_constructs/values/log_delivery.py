"""Destination and format of a cache's slow log and engine log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.tokens import is_unresolved

LogFormat = Literal["json", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDelivery:
    """Delivery of the slow log (from Redis 6.0) and the engine log (from Redis 6.2); Valkey has both.

    Changed in place. Delivery starts after the group exists. If it fails, the service says so in its events.

    Args:
        log_format: ``json`` or ``text``. Default: ``json``.
        firehose_stream: Name of an Amazon Data Firehose stream of the same account and region, which receives both
            logs. Default: the group's own encrypted CloudWatch log groups, with a retention of one year.

    Raises:
        ConfigurationError: If the format or the stream's name is not valid.
    """

    log_format: LogFormat = "json"
    firehose_stream: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        with reported_together() as check:
            check(self._check_format)
            check(self._check_stream)

    def _check_format(self) -> None:
        if self.log_format not in get_args(LogFormat):
            raise ConfigurationError(
                got=f"LogDelivery(log_format={self.log_format!r})",
                allowed="logs are written as json or text",
                fix="Use log_format='json'",
                rule="LOG-01",
            )

    def _check_stream(self) -> None:
        name = self.firehose_stream
        kind = Kind(of=str | None, example="'events'", rule="LOG-07")
        check_kind("LogDelivery", "firehose_stream", name, kind)
        if name is not None and not is_unresolved(name) and not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            raise ConfigurationError(
                got=f"LogDelivery(firehose_stream={name!r})",
                allowed="a stream's name has 1 to 64 letters, digits, hyphens, underscores and dots",
                fix="Name the stream, not its ARN",
                rule="LOG-07",
            )
