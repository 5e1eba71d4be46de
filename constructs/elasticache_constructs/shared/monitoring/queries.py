"""Queries of the logs of replication groups: what a dashboard shows, and what CloudWatch Logs Insights saves.

See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Log_Delivery.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_logs as logs
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elasticache_constructs.values.log_delivery import LogFormat

# A log of the text format has one message for all fields.
_SLOW_TEXT = (
    'parse @message "*,*,*,*,*,*,*" as CacheClusterId, CacheNodeId, Timestamp, Micros, Command, Client, ClientName'
)
_ENGINE_TEXT = (
    r"parse @message /^(?<CacheClusterId>[^\/]+)\/[^:]+:(?<Role>\S+) .* UTC (?<LogLevel>[.*#-]) (?<Message>.*)$/"
)
_WARNINGS = ("WARNING", "#")
_SLOWEST = "count(*) as calls, max(milliseconds) as slowest, sum(milliseconds) as total"


@dataclass(frozen=True, slots=True)
class CacheLog:
    """A log of a cache in CloudWatch Logs.

    Args:
        group: Its log group.
        log_format: ``json`` or ``text``.
    """

    group: logs.ILogGroup
    log_format: LogFormat


@dataclass(frozen=True, slots=True)
class Query:
    """A query of one log of a cache.

    Args:
        name: What it shows, in words.
        of: The log, as the service names it: ``slow-log`` or ``engine-log``.
        fields: What it reads from an entry, by the log's format.
        lines: What it does with them.
    """

    name: str
    of: str
    fields: dict[LogFormat, Sequence[str]]
    lines: Sequence[str]

    def written(self, log_format: LogFormat) -> tuple[str, ...]:
        """The lines of the query, for a log of that format."""
        return (*self.fields[log_format], *self.lines)


_SLOW: dict[LogFormat, Sequence[str]] = {
    "json": ("fields `Duration (us)` / 1000 as milliseconds, ClientAddress as Client",),
    "text": (_SLOW_TEXT, "fields Micros / 1000 as milliseconds"),
}
_ENGINE: dict[LogFormat, Sequence[str]] = {"json": (), "text": (_ENGINE_TEXT,)}

SLOW_COMMANDS = Query(
    "Slow commands",
    "slow-log",
    _SLOW,
    (r"parse Command /^(?<name>\S+)/", f"stats {_SLOWEST} by name", "sort total desc", "limit 20"),
)
SLOW_CLIENTS = Query(
    "Clients of slow commands",
    "slow-log",
    _SLOW,
    # An address has the port of one connection behind it.
    (r"parse Client /^(?<address>.*):\d+$/", f"stats {_SLOWEST} by address, ClientName", "sort total desc", "limit 20"),
)
SLOWEST = Query(
    "Slowest commands",
    "slow-log",
    _SLOW,
    (
        "sort milliseconds desc",
        "limit 50",
        "display @timestamp, CacheClusterId, milliseconds, Command, Client, ClientName",
    ),
)
ENGINE_WARNINGS = Query(
    "Warnings of the engine",
    "engine-log",
    _ENGINE,
    (
        f"filter LogLevel in {list(_WARNINGS)}",
        "sort @timestamp desc",
        "limit 50",
        "display @timestamp, CacheClusterId, Role, Message",
    ),
)
QUERIES = (SLOW_COMMANDS, SLOW_CLIENTS, SLOWEST, ENGINE_WARNINGS)


class LoggedCache:
    """What every kind of cache tells about its logs. A cache whose logs are not in CloudWatch Logs has none."""

    _logs: dict[str, CacheLog]

    @property
    def slow_log_group(self) -> logs.ILogGroup | None:
        """The log group of the slow log. ``None`` if it goes elsewhere, or is not delivered."""
        return self._group("slow-log")

    @property
    def engine_log_group(self) -> logs.ILogGroup | None:
        """The log group of the engine log. ``None`` if it goes elsewhere, or is not delivered."""
        return self._group("engine-log")

    def _group(self, kind: str) -> logs.ILogGroup | None:
        log = logs_of(self).get(kind)
        return None if log is None else log.group


def logs_of(cache: object) -> dict[str, CacheLog]:
    """The logs of a cache by the service's name."""
    return getattr(cache, "_logs", {})


class SavedQueries(Construct):
    """Saves queries in CloudWatch Logs Insights, in a folder for each cache.

    Who is slow, by command and by client, the slowest commands, and warnings of the engine. A cache without logs in
    CloudWatch Logs gets none: Memcached and serverless caches deliver none. A query costs what it scans
    (https://aws.amazon.com/cloudwatch/pricing/); saving it costs nothing, and changes no cache.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        caches: The caches.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_Insights-Saving-Queries.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, caches: Sequence[Construct]) -> None:
        super().__init__(scope, construct_id)
        for cache in caches:
            known = logs_of(cache)
            for query in (each for each in QUERIES if each.of in known):
                log = known[query.of]
                # An L1, since the L2 puts the parts of a query in an order of its choice; a widget has the same lines.
                logs.CfnQueryDefinition(
                    self,
                    f"{cache.node.addr[-8:]}{query.name.title().replace(' ', '')}",
                    name=f"{cache.node.path}/{query.name}",
                    query_string="\n| ".join(query.written(log.log_format)),
                    log_group_names=[log.group.log_group_name],
                )
