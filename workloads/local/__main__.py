"""`python -m workloads.local`: start the three applications and print their addresses; Ctrl-C ends them."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from local_servers.ports import LOOPBACK, free_port
from workloads.local.applications import serving

if TYPE_CHECKING:
    import subprocess

_PORTS = {"catalogue": 8001, "sessions": 8002, "leaderboard": 8003}


def main() -> int:
    """Serve until a signal, or for as long as the command line asks.

    Returns:
        The exit code: 0, or 1 if an application ended by itself.
    """
    parser = argparse.ArgumentParser(prog="python -m workloads.local", description=__doc__)
    parser.add_argument(
        "--for", type=float, metavar="SECONDS", dest="seconds", help="end after SECONDS; default: never"
    )
    options = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    ports = {name: free_port(wanted) for name, wanted in _PORTS.items()}
    with serving(ports) as started:
        for name, port in ports.items():
            sys.stdout.write(f"{name:12} http://{LOOPBACK}:{port}/\n")
        sys.stdout.write("Ctrl-C ends them all.\n")
        sys.stdout.flush()
        return _watch(started, over, options.seconds)


def _watch(started: list[subprocess.Popen[str]], over: threading.Event, seconds: float | None) -> int:
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    while not over.wait(0.2) and time.monotonic() < end:
        for process in started:
            if process.poll() is not None:
                sys.stderr.write(f"{process.args!r} ended by itself; everything else is ended too.\n")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
