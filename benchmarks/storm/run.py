"""The storm over all kinds of client: wrong answers, foreign sessions, and how soon all is well after an outage."""

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
_CALM_SECONDS = 4.0
_AWAY_SECONDS = 1.0
_HESITATION_EVERY_SECONDS = 0.01
_MOST_SECONDS = 330.0


def run(*, quick: bool = False) -> dict[str, Any]:
    """Each kind of client in turn."""
    requests = QUICK_REQUESTS if quick else _REQUESTS
    return {"requests": requests, "kinds": {kind: one(kind, requests) for kind in KINDS}}


def one(kind: str, requests: int) -> dict[str, Any]:
    """One kind of client under the storm."""
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
            # At least one outage, however soon the requests are through.
            pause = _CALM_SECONDS / 4
            while not over.wait(pause):
                killed_at = time.monotonic()
                outages.append((killed_at, servers.kill_one(_AWAY_SECONDS)))
                pause = _CALM_SECONDS

        def hesitate() -> None:
            while not over.wait(_HESITATION_EVERY_SECONDS):
                servers.hesitate()

        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.storm.client", json.dumps(order)], stdout=subprocess.PIPE, text=True
        ) as process:
            disturbers = [threading.Thread(target=each) for each in (kill, hesitate)]
            for each in disturbers:
                each.start()
            try:
                output, _ = process.communicate(timeout=_MOST_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                output = ""
            finally:
                over.set()
                for each in disturbers:
                    each.join()
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
    """The longest time from a server's return to the last failure before the next outage."""
    longest = 0.0
    for number, (killed_at, returned_at) in enumerate(outages):
        until = outages[number + 1][0] if number + 1 < len(outages) else float("inf")
        of_this = [moment for moment in moments if killed_at <= moment < until]
        longest = max([longest, *(moment - returned_at for moment in of_this)])
    return round(longest, 2)


def _stray(moments: list[float], outages: list[tuple[float, float]]) -> int:
    """Failures before the first outage, which nothing excuses."""
    first = outages[0][0] if outages else float("inf")
    return sum(moment < first for moment in moments)
