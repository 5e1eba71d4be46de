"""Start programs in separate process groups that end with this process, and end such a group as a whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from typing import IO, TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

GRACE_SECONDS = 3.0  # between the request to stop and the kill

# Standard input is a pipe that this process holds open. A subshell of the program's group reads it: its end means that
# this process has ended, however it did. The group is killed then, unless release() said otherwise.
_ENDS_WITH_CALLER = """
exec 3<&0 </dev/null
{ trap '' HUP INT TERM; read -r word <&3; [ "$word" = keep ] || kill -KILL 0; } >/dev/null 2>&1 &
exec "$@" 3<&-
"""
_RUNS_AFTER_CALLER = 'read -r word; [ "$word" = keep ] || exec "$@" </dev/null'
_KEEP = "keep\n"
_DELETE = """
for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null; [ -e "$1" ] || exit 0; sleep 0.2; done
"""

_run_afterwards: set[int] = set()  # process ids


class MissingProgramError(Exception):
    """A program is not installed; the message says how to install it."""


def find_program(name: str, fix: str) -> str:
    """The path of an installed program.

    Args:
        name: Name of the program, as in `PATH`.
        fix: How to install it, as an imperative sentence.

    Raises:
        MissingProgramError: If the program is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise MissingProgramError(f"{name}: it must be installed, and it is not in PATH. {fix}")
    return path


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    output: IO[str] | int,
) -> subprocess.Popen[str]:
    """Start a program as the leader of a new process group.

    The group is killed when this process ends, even if this process is killed, or when it drops the returned object.
    Ctrl-C in the terminal reaches only this process.

    Args:
        command: Program and arguments.
        environment: All environment variables of the program; none is inherited.
        directory: Working directory of the program.
        output: Where its output and its errors go, as for `subprocess.Popen`.

    Raises:
        FileNotFoundError: If the program does not exist.
    """
    program = shutil.which(command[0], path=environment.get("PATH", os.defpath))
    if program is None:
        raise FileNotFoundError(f"{command[0]}: no such program")
    process = _start(_ENDS_WITH_CALLER, [program, *command[1:]], environment, directory, output)
    process.args = list(command)
    return process


def run_after_this_process(command: Sequence[str]) -> subprocess.Popen[str]:
    """Have a command run when this process ends, even if this process is killed; `cancel` cancels it."""
    process = _start(_RUNS_AFTER_CALLER, command, {"PATH": os.defpath}, None, subprocess.DEVNULL)
    _run_afterwards.add(process.pid)
    return process


def delete_after_this_process(directory: Path) -> subprocess.Popen[str]:
    """Have a directory deleted when this process ends, even if this process is killed; `cancel` cancels it.

    Programs that write into it may end a moment later, so the deletion is repeated until the directory is gone.
    """
    return run_after_this_process(deletion(directory))


def deletion(directory: Path) -> list[str]:
    """The command that deletes a directory, into which programs may write for another moment."""
    return ["/bin/sh", "-c", _DELETE, "sh", str(directory)]


def release(process: subprocess.Popen[str]) -> None:
    """Detach a program from the end of this process: it keeps running afterwards."""
    if process.stdin is not None and not process.stdin.closed:
        with contextlib.suppress(BrokenPipeError):  # it has ended
            process.stdin.write(_KEEP)
            process.stdin.close()


def cancel(command: subprocess.Popen[str]) -> None:
    """Do not run the command of `run_after_this_process`."""
    release(command)
    command.wait()
    _run_afterwards.discard(command.pid)


def end(process: subprocess.Popen[str]) -> None:
    """Ask the group to stop, wait, then kill what remains of it, even if its leader has already ended."""
    if _has_ended(process):
        return
    _signal(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    kill(process)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill the group without a request to stop."""
    if _has_ended(process):
        return
    _signal(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def kill_remaining(spare: int | None = None) -> None:
    """Kill the groups of all remaining children, such as one that an interrupt separated from the code that ends it.

    Commands of `run_after_this_process` still run.

    Args:
        spare: Process id of a child that keeps running.
    """
    for child in psutil.Process().children():
        if child.pid != spare and child.pid not in _run_afterwards:
            _signal(child.pid, signal.SIGKILL)


def _start(
    script: str, command: Sequence[str], environment: Mapping[str, str], directory: Path | None, output: IO[str] | int
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", *command],
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _has_ended(process: subprocess.Popen[str]) -> bool:
    """Whether `kill` or `end` has been called; another group may have the id by now."""
    return process.returncode is not None and (process.stdin is None or process.stdin.closed)


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
