"""Where a cache's slow log and engine log go, and how they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from aws_cdk import Token

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together

LogFormat = Literal["json", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDelivery:
    """Delivery of the logs that the engine has: the slow log from Redis 6.0, the engine log from 6.2, both on Valkey.

    Changed in place. The service begins to deliver after the group exists, and says in its events when it cannot.

    Args:
        log_format: ``json`` or ``text``. Default: ``json``.
        firehose_stream: An Amazon Data Firehose stream of the same account and region that takes both logs, by name.
            Default: encrypted CloudWatch log groups of the group's own, kept a year.

    Raises:
        ConfigurationError: If the format is none, or the stream's name is not well formed.
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
        if name is not None and not Token.is_unresolved(name) and not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            raise ConfigurationError(
                got=f"LogDelivery(firehose_stream={name!r})",
                allowed="a stream's name has 1 to 64 letters, digits, hyphens, underscores and dots",
                fix="Name the stream, not its ARN",
                rule="LOG-07",
            )
