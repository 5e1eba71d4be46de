"""Cost of a hit: the CPU time of this process, as a ratio to a GET on a bare client and the same deserialisation."""

from __future__ import annotations

import asyncio
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.caching.libraries import (
    LIBRARIES,
    OURS,
    OURS_ASYNC,
    OURS_STALE,
    Row,
    bare_client,
    bare_client_async,
    ours_async_on,
    ours_on,
)
from benchmarks.caching.servers import running
from elasticache_client import connect, connect_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from benchmarks.caching.servers import Servers

_ROUNDS = 15
_HITS = 1000
_HOUR = 3600.0
_ROW: Row = {"id": 7, "name": "item 7", "price": 0.7, "description": "x" * 192}
_FLOOR = "GET and decode"
_FLOOR_CONNECTED = "connect(): GET and decode"
_decode: Callable[[Any], Row] = msgspec.msgpack.Decoder(Row).decode


def run(*, quick: bool = False) -> dict[str, Any]:
    """Measure the libraries for threads in turns, then those for asyncio, with one caller each."""
    rounds = 5 if quick else _ROUNDS
    with running() as servers:
        return {
            "rounds": rounds,
            "hits_in_a_round": _HITS,
            "value_bytes": len(msgspec.msgpack.encode(_ROW)),
            "threads": _summary(_in_threads(servers, rounds)),
            "asyncio": _summary(asyncio.run(_in_tasks(servers, rounds))),
        }


def _in_threads(servers: Servers, rounds: int) -> Mapping[str, Sequence[float]]:
    bare, connected = bare_client(servers), connect(servers.cache)
    bare.set("bare", msgspec.msgpack.encode(_ROW))
    faces = {
        OURS: ours_on(bare, _HOUR),
        f"{OURS} on connect()": ours_on(connected, _HOUR),
        **{
            name: library.open(servers, _HOUR)
            for name, library in LIBRARIES.items()
            if _is_peer(name, asynchronous=False)
        },
    }
    calls: dict[str, Callable[[], object]] = {
        _FLOOR: lambda: _decode(bare.get("bare")),
        _FLOOR_CONNECTED: lambda: _decode(connected.get("bare")),
    }
    for name, face in faces.items():
        face.get(name, lambda: _ROW)
        calls[name] = partial(face.get, name, _refuse)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started_at = time.process_time()
            for _ in range(_HITS):
                call()
            seconds[name].append((time.process_time() - started_at) / _HITS)
    return seconds


async def _in_tasks(servers: Servers, rounds: int) -> Mapping[str, Sequence[float]]:
    bare, connected = bare_client_async(servers), connect_async(servers.cache)

    async def bare_get() -> Row:
        return _decode(await bare.get("bare"))

    async def connected_get() -> Row:
        return _decode(await connected.get("bare"))

    async def load() -> Row:
        return _ROW

    async def refuse() -> Row:
        return _refuse()

    faces = {
        OURS_ASYNC: ours_async_on(bare, _HOUR),
        f"{OURS_ASYNC} on connect_async()": ours_async_on(connected, _HOUR),
        **{
            name: library.open(servers, _HOUR)
            for name, library in LIBRARIES.items()
            if _is_peer(name, asynchronous=True)
        },
    }
    calls: dict[str, Callable[[], Awaitable[object]]] = {_FLOOR: bare_get, _FLOOR_CONNECTED: connected_get}
    for name, face in faces.items():
        await face.get(name, load)
        calls[name] = partial(face.get, name, refuse)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started_at = time.process_time()
            for _ in range(_HITS):
                await call()
            seconds[name].append((time.process_time() - started_at) / _HITS)
    for client in (bare, connected):
        await client.aclose()
    return seconds


def _is_peer(name: str, *, asynchronous: bool) -> bool:
    return LIBRARIES[name].asynchronous is asynchronous and name not in {OURS, OURS_STALE, OURS_ASYNC}


def _refuse() -> Row:
    raise RuntimeError("a miss: hits are measured, so the key must be in the cache")


def _summary(seconds: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Medians of the times and of their ratios to the floor of the same round, with the quartiles of the ratios."""
    summary = {}
    for name, rounds in seconds.items():
        ratios = [one / floor for one, floor in zip(rounds, seconds[_FLOOR], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        summary[name] = {
            "cpu_microseconds": round(statistics.median(rounds) * 1e6, 1),
            "ratio": round(middle, 2),
            "ratio_middle_half": [round(low, 2), round(high, 2)],
        }
    return summary
