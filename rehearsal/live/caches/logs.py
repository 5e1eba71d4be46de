"""Delivery of slow logs and engine logs to CloudWatch Logs, where a cache asks for it."""

from __future__ import annotations

import importlib
import logging
import threading
from typing import TYPE_CHECKING, Any

import redis

from rehearsal.extension.seam import REFUSED, Private
from rehearsal.live.caches import registry
from rehearsal.live.engines.logs import ENGINE_LOG, NODE_ID, SLOW_LOG, NodeLogs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rehearsal.live.caches.registry import Cache, Caches
    from rehearsal.live.engines.logs import Entry
    from rehearsal.live.engines.valkey import Node
    from rehearsal.live.run import Run

cloudwatch_logs: Any = importlib.import_module("ministack.services.cloudwatch_logs")

TOUCHES = (
    Private("services.cloudwatch_logs", "_log_groups"),
    Private("services.cloudwatch_logs", "_create_log_stream", ("data",)),
    Private("services.cloudwatch_logs", "_put_log_events", ("data",)),
)

PAUSE_SECONDS = 1.0
CLOUDWATCH = "cloudwatch-logs"

logger = logging.getLogger(__name__)


class Delivery:
    """Reads the logs of all nodes now and then, and delivers what is new.

    Args:
        caches: All caches.
    """

    def __init__(self, caches: Caches) -> None:
        self._caches = caches
        self._read: dict[Node, NodeLogs] = {}
        self._lock = threading.Lock()
        self._missing: set[str] = set()

    def start(self) -> None:
        """Begin, in a thread."""
        threading.Thread(target=self._deliver_forever, name="log-delivery", daemon=True).start()

    def deliver(self) -> Mapping[str, int]:
        """Deliver what is new, and return how many entries of each type there were."""
        delivered = {SLOW_LOG: 0, ENGINE_LOG: 0}
        with self._lock, self._caches.run.in_account():
            for cache in tuple(self._caches.groups.values()):
                for wanted in cache.record.get("LogDeliveryConfigurations") or ():
                    if wanted.get("DestinationType") == CLOUDWATCH and wanted.get("LogType") in delivered:
                        for node in cache.group.nodes:
                            delivered[wanted["LogType"]] += self._of_node(cache, node, wanted)
            known = {node for cache in self._caches.groups.values() for node in cache.group.nodes}
            self._read = {node: logs for node, logs in self._read.items() if node in known}
        return delivered

    def _of_node(self, cache: Cache, node: Node, wanted: dict[str, Any]) -> int:
        if not node.is_running:
            return 0
        logs = self._read.setdefault(node, NodeLogs(node))
        try:
            entries = list(logs.slow() if wanted["LogType"] == SLOW_LOG else logs.engine())
        except redis.RedisError:
            return 0  # it is being replaced
        group = wanted["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]
        stream = f"elasticache/{node.name}/{NODE_ID}/{wanted['LogType']}"
        return self._put(cache, group, stream, wanted["LogFormat"], entries)

    def _put(self, cache: Cache, group: str, stream: str, form: str, entries: Iterable[Entry]) -> int:
        if group not in cloudwatch_logs._log_groups:
            if group not in self._missing:
                self._missing.add(group)
                reason = f"the log group {group} does not exist"
                self._caches.run.journal.write(
                    "delivery", cache=cache.id, log_group=group, allowed=False, reason=reason
                )
            return 0
        lines = [
            {"timestamp": entry.milliseconds, "message": entry.json if form == "json" else entry.text}
            for entry in entries
        ]
        if not lines:
            return 0
        if stream not in cloudwatch_logs._log_groups[group]["streams"]:
            cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
        request = {"logGroupName": group, "logStreamName": stream, "logEvents": lines}
        status = cloudwatch_logs._put_log_events(request)[0]
        self._caches.run.journal.write(
            "delivery", cache=cache.id, log_group=group, log_stream=stream, entries=len(lines), allowed=status < REFUSED
        )
        return len(lines)

    def _deliver_forever(self) -> None:
        pause = threading.Event()
        while not pause.wait(PAUSE_SECONDS):
            try:
                self.deliver()
            except Exception:
                logger.exception("logs could not be delivered")


def install(run: Run) -> None:
    """Begin the delivery, and add the command that delivers at once."""
    delivery = Delivery(registry.of(run))
    delivery.start()
    run.control.register("deliver-logs", delivery.deliver)
