"""Run the storm for all kinds of client: wrong answers, foreign sessions, and the time to recover from an outage."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import Any

from benchmarks.storm.servers import running

KINDS = {
    f"{library}-py{' asyncio' if asynchronous else ''}, {'cluster' if cluster else 'one node'}": (
        library,
        asynchronous,
        cluster,
    )
    for library in ("redis", "valkey")
    for asynchronous in (False, True)
    for cluster in (False, True)
    if (library, asynchronous, cluster) != ("valkey", True, True)  # connect_async() refuses it
}

_REQUESTS = 100_000
QUICK_REQUESTS = 4_000
_PAUSE_SECONDS = 4.0
_DOWN_SECONDS = 1.0
_DELAY_EVERY_SECONDS = 0.01
_MAX_SECONDS = 3600.0


def run(*, quick: bool = False) -> dict[str, Any]:
    """Run the storm for each kind of client."""
    requests = QUICK_REQUESTS if quick else _REQUESTS
    return {"requests": requests, "kinds": {kind: one(kind, requests) for kind in KINDS}}


def one(kind: str, requests: int) -> dict[str, Any]:
    """Run the storm for one kind of client.

    Args:
        kind: One of `KINDS`.
        requests: Number of requests.
    """
    library, asynchronous, cluster = KINDS[kind]
    with running(cluster=cluster) as servers:
        order = {
            "settings": asdict(servers.settings),
            "library": library,
            "asynchronous": asynchronous,
            "requests": requests,
        }
        outages: list[tuple[float, float]] = []
        over = threading.Event()

        def kill() -> None:
            # At least one outage, even if the requests complete quickly.
            pause = _PAUSE_SECONDS / 4
            while not over.wait(pause):
                killed_at = time.monotonic()
                outages.append((killed_at, servers.kill_one(_DOWN_SECONDS)))
                pause = _PAUSE_SECONDS

        def delay_replies() -> None:
            while not over.wait(_DELAY_EVERY_SECONDS):
                servers.delay_replies()

        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.storm.client", json.dumps(order)], stdout=subprocess.PIPE, text=True
        ) as process:
            disturbers = [threading.Thread(target=disturb) for disturb in (kill, delay_replies)]
            for disturber in disturbers:
                disturber.start()
            try:
                output, _ = process.communicate(timeout=_MAX_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                output = ""
            finally:
                over.set()
                for disturber in disturbers:
                    disturber.join()
        if not output:
            return {"ended": False}
        return _summary(json.loads(output), outages)


def _summary(seen: dict[str, Any], outages: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "ended": True,
        "answers": seen["right"] + seen["lost"] + seen["wrong"] + seen["foreign"],
        "wrong": seen["wrong"],
        "foreign_sessions": seen["foreign"],
        "example": seen["example"],
        "interrupted": seen["interrupted"],
        "forks": seen["forks"],
        "hung": seen["hung"],
        "outages": len(outages),
        "recovery_seconds": _recovery(seen["failures"], outages),
        "bypassed_for_seconds": _recovery(seen["bypasses"], outages),
        "failed_away_from_outages": _stray(seen["failures"], outages),
        "errors": seen["errors"],
    }


def _recovery(moments: list[float], outages: list[tuple[float, float]]) -> float:
    """The longest time from the return of a server to the last failure before the next outage."""
    longest = 0.0
    for number, (killed_at, returned_at) in enumerate(outages):
        until = outages[number + 1][0] if number + 1 < len(outages) else float("inf")
        of_this = [moment for moment in moments if killed_at <= moment < until]
        longest = max([longest, *(moment - returned_at for moment in of_this)])
    return round(longest, 2)


def _stray(moments: list[float], outages: list[tuple[float, float]]) -> int:
    """The number of failures before the first outage; it must be 0."""
    first = outages[0][0] if outages else float("inf")
    return sum(moment < first for moment in moments)
