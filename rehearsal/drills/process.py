"""Run the drills in a separate process, which is a client of the stage and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from local_servers import processes
from rehearsal.drills.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

LOG = "drills.log"


class DrillsError(Exception):
    """The process of the drills ended before its end; the message has its last lines."""


def run(
    names: Sequence[str],
    *,
    environment: Mapping[str, str],
    arguments: Sequence[str],
    directory: Path,
    say: Callable[[str], None],
) -> Iterator[Outcome]:
    """Run drills, and yield the outcome of each when it ends.

    Args:
        names: Names of the drills; all if empty.
        environment: The environment of a client of the stage.
        arguments: The options of `rehearsal.drills`.
        directory: Directory for its log.
        say: Shows its progress.

    Raises:
        DrillsError: If the process ends before its end.
    """
    process = processes.start(
        [sys.executable, "-m", "rehearsal.drills", *arguments, *names],
        environment=environment,
        directory=directory,
        output=subprocess.PIPE,
    )
    try:
        with (directory / LOG).open("w") as log:
            for line in process.stdout or ():
                told = _told(line)
                if told is None:
                    log.write(line)
                elif "say" in told:
                    say(told["say"])
                else:
                    yield Outcome.of(told["outcome"])
        if process.wait() != 0:
            last = (directory / LOG).read_text(errors="replace").splitlines()[-12:]
            raise DrillsError("\n".join(["the process of the drills ended before its end:", *last]))
    finally:
        processes.end(process)


def _told(line: str) -> dict[str, Any] | None:
    """What a line of the process says; None if it is of another form, such as a warning of a library."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and told.keys() & {"say", "outcome"} else None
