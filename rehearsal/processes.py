"""Start programs in process groups of their own, and end such a group whole."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

PATIENCE = 3.0  # seconds between asking and insisting


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    output: IO[str] | int,
    line: bool = False,
) -> subprocess.Popen[str]:
    """Start a program as the leader of a new group; Ctrl-C in the terminal reaches only the caller.

    With `line`, the caller holds the program's standard input, which closes when the caller goes.
    """
    return subprocess.Popen(
        command,
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.PIPE if line else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    """Ask the group to stop, wait, then insist. The leader may be gone already while others of the group are not."""
    _signal(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    _signal(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def sweep(spare: int | None = None) -> None:
    """Kill every child there still is: one that an interruption caught between its start and its owner's care."""
    for child in psutil.Process().children():
        if child.pid != spare:
            _signal(child.pid, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
