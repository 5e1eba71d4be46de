"""Run the real CDK CLI, keep all it says in a file, and pass on the little a reader wants to follow."""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_servers import processes

Say = Callable[[str], None]

EVENT = re.compile(r"^(?P<stack>\S+) \|\s*(?P<done>\d+)(?:/(?P<of>\d+))? \|.*\| (?P<status>[A-Z_]+) +\|")
WRAPPING = "Subprocess exited with error"  # what the CLI adds to the message of a failed app
MILESTONE = re.compile(r"^ ?(?:✅|❌)")
SHOWN = 40  # lines of a failure


class CdkError(Exception):
    """The CLI failed; the message is what it said about it."""

    def __init__(self, name: str, complaint: str) -> None:
        super().__init__(complaint)
        self.name = name


@dataclass(frozen=True)
class Cli:
    """The CDK CLI in the environment of one rehearsal."""

    environment: Mapping[str, str]
    directory: Path
    logs: Path

    @contextmanager
    def started(self, name: str, *arguments: str, directory: Path | None = None) -> Iterator[subprocess.Popen[str]]:
        """Run a command in the background; it does not outlive the block."""
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
        """Wait for a command in the background."""
        if process.wait() != 0:
            raise CdkError(name, self._complaint(name))

    def run(self, name: str, *arguments: str, say: Say) -> None:
        """Run a command to its end, and tell of each stack as it advances."""
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
                    if news := milestone(line):
                        say(news)
            if process.wait() != 0:
                raise CdkError(name, self._complaint(name))
        finally:
            processes.end(process)

    def _log(self, name: str) -> Path:
        return self.logs / f"cdk-{name}.log"

    def _complaint(self, name: str) -> str:
        return complaint(self._log(name).read_text(errors="replace"))


def milestone(line: str) -> str | None:
    """The line in short, if it is one of the few that tell how far the command is."""
    if MILESTONE.match(line):
        return line.strip()
    event = EVENT.match(line)
    if event and event["status"].endswith("FAILED"):
        return line.strip()
    return None


def complaint(output: str) -> str:
    """What matters of a failed command's output: the resources that failed, and what it says from there on."""
    lines = [line for line in output.splitlines() if line.strip() and WRAPPING not in line]
    failed = [line for line in lines if (event := EVENT.match(line)) and event["status"].endswith("FAILED")]
    verdicts = [index for index, line in enumerate(lines) if line.lstrip().startswith("❌")]
    if verdicts:
        lines = lines[verdicts[0] :]
    return "\n".join([*failed, *lines[-SHOWN:]])
