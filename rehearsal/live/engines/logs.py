"""Slow log and engine log of a node, in the forms in which ElastiCache delivers them.

See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Log_Delivery.html
"""

from __future__ import annotations

import json
import operator
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.live.engines.valkey import ADMINISTRATOR, LOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.live.engines.valkey import Node

NODE_ID = "0001"  # the id of the only node of a cache cluster
SLOW_LOG, ENGINE_LOG = "slow-log", "engine-log"
_AT_ONCE = 128
_SHORTENED = re.compile(r"\.\.\. \((\d+) more arguments\)")
_LEVELS = {"-": "VERBOSE", "*": "NOTICE", "#": "WARNING"}
_LINE = re.compile(r"^\d+:(?P<role>\w) (?P<time>\d\d \w{3} \d{4} [\d:.]+) (?P<level>[-*#]) (?P<message>.*)$")


@dataclass(frozen=True)
class Entry:
    """One entry of a log.

    Attributes:
        milliseconds: When, in milliseconds since 1970.
        json: Its form with LogFormat `json`.
        text: Its form with LogFormat `text`.
    """

    milliseconds: int
    json: str
    text: str


class NodeLogs:
    """What of a node's logs has not been read yet.

    Args:
        node: The node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._last_slow = -1
        self._offset = 0
        self._pid: int | None = None

    def slow(self) -> Iterator[Entry]:
        """New entries of the slow log, oldest first; keys and values are replaced by their number."""
        self._note_restart()
        # Without the parser of redis-py, which joins the words of a command.
        entries: list[list[Any]] = self._node.execute("SLOWLOG", "GET", _AT_ONCE)
        for number, seconds, duration, words, _address, client in sorted(entries, key=operator.itemgetter(0)):
            if number <= self._last_slow:
                continue
            self._last_slow = number
            if client != ADMINISTRATOR:
                moment = {"Id": number, "Timestamp": seconds, "Duration (us)": duration}
                yield _slow_entry(self._node.name, moment, words, client)

    def engine(self) -> Iterator[Entry]:
        """New lines of the engine's log."""
        self._note_restart()
        path = self._node.directory / LOG
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._offset)
            read = file.read()
        complete = read[: read.rfind(b"\n") + 1]
        self._offset += len(complete)
        for line in complete.decode(errors="replace").splitlines():
            if entry := _engine_entry(self._node.name, line):
                yield entry

    def _note_restart(self) -> None:
        if self._node.pid is not None and self._node.pid != self._pid:  # both logs start again
            self._pid, self._last_slow, self._offset = self._node.pid, -1, 0


def _slow_entry(cluster_id: str, moment: dict[str, int], words: list[str], client: str) -> Entry:
    shortened = _SHORTENED.fullmatch(words[-1])  # the engine keeps 32 words at most
    count = len(words) - 2 + int(shortened[1]) if shortened else len(words) - 1
    command = f"{words[0]} ... ({count} more arguments)" if count else words[0]
    # The edge is the only client, so that the engine does not know the address.
    facts = {"CacheClusterId": cluster_id, "CacheNodeId": NODE_ID, **moment}
    facts |= {"Command": command, "ClientAddress": "", "ClientName": client}
    text = f"{cluster_id},{NODE_ID},{moment['Timestamp']},{moment['Duration (us)']},{command},,{client}"
    return Entry(moment["Timestamp"] * 1000, json.dumps(facts), text)


def _engine_entry(cluster_id: str, line: str) -> Entry | None:
    found = _LINE.match(line)
    if found is None:
        return None
    facts = {
        "CacheClusterId": cluster_id,
        "CacheNodeId": NODE_ID,
        "LogLevel": _LEVELS[found["level"]],
        "Role": found["role"],
        "Time": f"{found['time']} UTC",
        "Message": found["message"],
    }
    text = f"{cluster_id}/{NODE_ID}:{found['role']} {found['time']} UTC {found['level']} {found['message']}"
    return Entry(int(time.time() * 1000), json.dumps(facts), text)
