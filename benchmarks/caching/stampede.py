"""200 concurrent callers of one key: the number of database queries, and the longest wait."""

from __future__ import annotations

import itertools
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks.caching.crowd import Call, crowd, together
from benchmarks.caching.libraries import LIBRARIES
from benchmarks.caching.servers import queries, running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.caching.crowd import Member
    from benchmarks.caching.servers import Servers

_CALLERS = 200
_PROCESSES = (1, 4)
_ROUNDS = 3
_LOAD_SECONDS = 0.05
_LONG_SECONDS = 60.0
_SHORT_SECONDS = 1.0
# For a refresh that continues after all callers have an answer.
_SETTLE_SECONDS = 0.1
_LOAD = f"SELECT nextval('queries'), pg_sleep({_LOAD_SECONDS})"

_keys = (f"stampede:{number}" for number in itertools.count())


def run(*, quick: bool = False) -> dict[str, Any]:
    """Measure each library with a key that was never loaded and with an expired one."""
    rounds = 2 if quick else _ROUNDS
    with running() as servers:
        return {
            "callers": _CALLERS,
            "load_ms": round(_LOAD_SECONDS * 1000),
            "rounds": rounds,
            "libraries": {
                library: {
                    f"{processes} x {_CALLERS // processes}": _measured(library, servers, processes, rounds)
                    for processes in _PROCESSES
                }
                for library in LIBRARIES
            },
        }


def _measured(library: str, servers: Servers, processes: int, rounds: int) -> dict[str, Any]:
    with crowd(library, servers, processes) as members:
        for fresh in (_LONG_SECONDS, _SHORT_SECONDS):
            # Opens the connections.
            together(members, _call(next(_keys), fresh, processes))
        cold = [_stampede(servers, members, next(_keys), _LONG_SECONDS) for _ in range(rounds)]
        keys = [next(_keys) for _ in range(rounds)]
        for key in keys:
            together(members[:1], Call(key, _LOAD, 1, _SHORT_SECONDS))
        time.sleep(_SHORT_SECONDS)
        expired = [_stampede(servers, members, key, _SHORT_SECONDS) for key in keys]
    return {"cold": _summary(cold), "expired": _summary(expired)}


def _stampede(servers: Servers, members: Sequence[Member], key: str, fresh: float) -> dict[str, Any]:
    with servers.database() as database:
        before = queries(database)
        answers = together(members, _call(key, fresh, len(members)))
        time.sleep(_SETTLE_SECONDS)
        return {
            "queries": queries(database) - before,
            "longest_ms": max(answer.seconds for answer in answers) * 1000,
            "failed": sum(answer.error is not None for answer in answers),
        }


def _call(key: str, fresh: float, processes: int) -> Call:
    return Call(key, _LOAD, _CALLERS // processes, fresh)


def _summary(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    longest = [measured["longest_ms"] for measured in rounds]
    return {
        "queries": [measured["queries"] for measured in rounds],
        "longest_ms": {"median": round(statistics.median(longest)), "worst": round(max(longest))},
        "failed": sum(measured["failed"] for measured in rounds),
    }
