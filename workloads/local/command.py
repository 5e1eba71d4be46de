"""`python -m workloads.local`: start the three applications and print their addresses; Ctrl-C ends them."""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from elasticache_rules import terminal
from elasticache_rules.terminal import progress, say
from local_servers.ports import LOOPBACK, free_port
from local_servers.processes import MissingProgramError
from local_servers.server import ServerError
from workloads.local.applications import serving

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

OVER, ENDED = 0, 1
EXITS = {OVER: "the time of --for is over", ENDED: "an application did not start, or ended by itself"}
_PORTS = {"catalogue": 8001, "sessions": 8002, "leaderboard": 8003}


def main() -> int:
    """Serve until a signal, or for as long as the command line asks.

    Returns:
        The exit code: 0 if the time is over, 1 if an application did not start or ended by itself.
    """
    parser = argparse.ArgumentParser(
        prog="python -m workloads.local", description=__doc__, epilog=terminal.exit_codes(EXITS)
    )
    parser.add_argument(
        "--for", type=float, metavar="SECONDS", dest="seconds", help="end after SECONDS; default: never"
    )
    options = parser.parse_args()
    ports = {name: free_port(wanted) for name, wanted in _PORTS.items()}
    try:
        with ExitStack() as stack:
            with progress("Starting the servers and the applications"):
                started = stack.enter_context(serving(ports))
            for name, port in ports.items():
                say(f"{name:12} http://{LOOPBACK}:{port}/")
            say("Ctrl-C ends them all.")
            return _watch(started, options.seconds)
    except (MissingProgramError, ServerError) as fault:
        terminal.fail(fault)
        return ENDED


def _watch(started: Sequence[subprocess.Popen[str]], seconds: float | None) -> int:
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    while time.monotonic() < end:
        for process in started:
            if process.poll() is not None:
                terminal.complain(f"{process.args!r} ended by itself; everything else is ended too.")
                return ENDED
        time.sleep(0.2)
    return OVER
