"""Run the CDK CLI, write its output to a file, and show its progress in short."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_servers import processes

if TYPE_CHECKING:
    from pathlib import Path

Show = Callable[[str], None]

EVENT = re.compile(r"^(?P<stack>\S+) \|\s*(?P<done>\d+)(?:/(?P<of>\d+))? \|.*\| (?P<status>[A-Z_]+) +\|")
WRAPPER = "Subprocess exited with error"  # what the CLI adds to the message of an app that failed
MILESTONE = re.compile(r"^ ?(?:✅|❌)")
MAX_LINES = 40  # of a failure


class CdkError(Exception):
    """The CLI failed; the message is the part of its output that says why.

    Args:
        name: Name of the step, for example `deploy`.
        message: Part of the output.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Cli:
    """The CDK CLI of one rehearsal.

    Attributes:
        environment: Environment variables of the CLI.
        directory: Its working directory.
        logs: Directory for the files with its output.
    """

    environment: Mapping[str, str]
    directory: Path
    logs: Path

    @contextmanager
    def started(self, name: str, *arguments: str, directory: Path | None = None) -> Iterator[subprocess.Popen[str]]:
        """Run a command in the background until the block ends.

        Args:
            name: Name of the step, which is part of the name of the output file.
            arguments: Arguments of the CLI.
            directory: Working directory. Default: that of this object.
        """
        with self._log(name).open("w") as output:
            process = processes.start(
                ["cdk", *arguments],
                environment=self.environment,
                directory=directory or self.directory,
                output=output,
            )
            try:
                yield process
            finally:
                processes.end(process)

    def finish(self, name: str, process: subprocess.Popen[str]) -> None:
        """Wait for a command in the background.

        Raises:
            CdkError: If the command failed.
        """
        if process.wait() != 0:
            raise CdkError(name, self._failure(name))

    def run(self, name: str, *arguments: str, show: Show) -> None:
        """Run a command and show the progress of each stack.

        Args:
            name: Name of the step, which is part of the name of the output file.
            arguments: Arguments of the CLI.
            show: Called with each line to show.

        Raises:
            CdkError: If the command failed.
        """
        process = processes.start(
            ["cdk", *arguments],
            environment=self.environment,
            directory=self.directory,
            output=subprocess.PIPE,
        )
        try:
            with self._log(name).open("w") as log:
                for line in process.stdout or ():
                    log.write(line)
                    if shown := milestone(line):
                        show(shown)
            if process.wait() != 0:
                raise CdkError(name, self._failure(name))
        finally:
            processes.end(process)

    def _log(self, name: str) -> Path:
        return self.logs / f"cdk-{name}.log"

    def _failure(self, name: str) -> str:
        return failure(self._log(name).read_text(errors="replace"))


def milestone(line: str) -> str | None:
    """The line in short if it shows progress, otherwise None."""
    if MILESTONE.match(line):
        return line.strip()
    event = EVENT.match(line)
    if event and event["status"].endswith("FAILED"):
        return line.strip()
    return None


def failure(output: str) -> str:
    """The part of a failed command's output that says why: the resources that failed, and the CLI's last lines."""
    lines = [line for line in output.splitlines() if line.strip() and WRAPPER not in line]
    failed = [line for line in lines if (event := EVENT.match(line)) and event["status"].endswith("FAILED")]
    verdicts = [index for index, line in enumerate(lines) if line.lstrip().startswith("❌")]
    if verdicts:
        lines = lines[verdicts[0] :]
    return "\n".join([*failed, *lines[-MAX_LINES:]])
