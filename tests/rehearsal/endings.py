"""What rehearsals leave behind if `make` is killed, and whether two at once pass and listen on this machine only.

``python -m tests.rehearsal.endings`` takes a quarter of an hour. It is not among the tests, which start no live stage.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from tests.conftest import ROOT
from tests.rehearsal.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
_RUNS = ROOT / ".rehearsal"
_GONE_SECONDS = 20.0
_LOG_LINES = 30


@dataclass(frozen=True)
class Run:
    """One `make rehearse` with its own directory for temporary files.

    Attributes:
        make: The process of make.
        watch: What it has started.
        temporary: The directory.
        log: Its output.
    """

    make: subprocess.Popen[bytes]
    watch: Watch
    temporary: Path
    log: IO[bytes]

    def remains(self) -> list[str]:
        """What is still there some seconds after the end: processes, their sockets, and files."""
        end = time.monotonic() + _GONE_SECONDS
        while (found := [*self._processes(), *self._files()]) and time.monotonic() < end:
            time.sleep(0.2)
        return found

    def outside(self) -> list[str]:
        """Where it listened on addresses of other networks."""
        return [f"{ip}:{port}" for ip, port in self.watch.listened if ipaddress.ip_address(ip) not in _LOOPBACK]

    def told(self) -> str:
        """The end of its output."""
        self.log.seek(0)
        return "\n".join(self.log.read().decode(errors="replace").splitlines()[-_LOG_LINES:])

    def _processes(self) -> list[str]:
        marks = [str(self.temporary), *map(str, self.watch.directories & set(_RUNS.glob("run-*")))]
        known = {process.pid: process for process in self.watch.seen.values() if process.is_running()}
        for process in psutil.process_iter():
            # A process that has left the tree of make still has the directories of the run in its environment.
            try:
                text = " ".join([*process.cmdline(), *process.environ().values(), process.cwd()])
            except (psutil.Error, OSError):
                continue
            if process.pid != os.getpid() and any(mark in text for mark in marks):
                known[process.pid] = process
        return [described for process in known.values() if (described := _described(process))]

    def _files(self) -> list[str]:
        # The list of reserved ports stays on purpose: removing it would end other processes' reservations.
        return [str(path) for path in self.temporary.iterdir() if not path.name.endswith(".ports")]


def _described(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        sockets = [f"{item.laddr.ip}:{item.laddr.port}" for item in process.net_connections("inet") if item.laddr]
        return f"process {process.pid}: {' '.join(process.cmdline())[:120]} {' '.join(sockets)}".rstrip()
    except psutil.Error:
        return ""


@contextmanager
def running(stage: str, drills: str) -> Iterator[Run]:
    """Run `make rehearse` for as long as the block lasts."""
    # Its path is short, because those of unix sockets must be.
    with (
        tempfile.TemporaryDirectory(prefix="e-", ignore_cleanup_errors=True) as temporary,
        tempfile.TemporaryFile() as log,
    ):
        Path(temporary).chmod(0o711)  # as root, PostgreSQL runs as another user
        environment = {**os.environ, "TMPDIR": temporary, "DRILLS": drills}
        make = subprocess.Popen(
            ["make", "--no-print-directory", "rehearse", f"STAGE={stage}"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        watch = Watch(make.pid)
        try:
            yield Run(make, watch, Path(temporary), log)
        finally:
            make.kill()
            make.wait()
            watch.stop()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def two_at_once(stage: str, drills: str) -> tuple[list[str], float]:
    """What is wrong with two rehearsals at once, and the seconds that they took."""
    began = time.monotonic()
    found = []
    with running(stage, drills) as first, running(stage, drills) as second:
        for name, run in (("first", first), ("second", second)):
            if run.make.wait():
                found.append(f"the {name} of two at once ended with {run.make.returncode}\n{run.told()}")
            found += [f"the {name} of two at once listened on {each}" for each in run.outside()]
        seconds = time.monotonic() - began
        found += [f"left by two at once: {each}" for run in (first, second) for each in run.remains()]
    return found, seconds


def killed(stage: str, drills: str, seconds: float) -> list[str]:
    """What is left if make is killed after some seconds."""
    before = set(_RUNS.glob("run-*"))
    with running(stage, drills) as run:
        try:
            run.make.wait(seconds)
        except subprocess.TimeoutExpired:
            run.make.send_signal(signal.SIGKILL)
            run.make.wait()
            is_over = False
        else:
            is_over = True
        found = [*run.remains(), *(f"listened on {each}" for each in run.outside())]
        if is_over and run.make.returncode:
            # It keeps its logs then.
            return [*found, f"it ended with {run.make.returncode} before\n{run.told()}"]
    found += [str(path) for path in set(_RUNS.glob("run-*")) - before]
    return [f"killed after {seconds:.1f} s: {each}" for each in found]


def main() -> int:
    """Run everything. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.rehearsal.endings", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="how often make is killed (default: 20)")
    parser.add_argument("--within", type=float, help="kill within so many seconds; default: as two at once take")
    parser.add_argument("--stage", default="dev", help="a stage of stages.py (default: dev)")
    parser.add_argument("--drills", default="", help="as DRILLS of make rehearse (default: all)")
    options = parser.parse_args()
    found: list[str] = []
    within = options.within
    if within is None:
        found, within = two_at_once(options.stage, options.drills)
        _say(f"two at once: {within:.0f} s, {len(found)} findings")
    for number in range(options.kills):
        moment = random.uniform(0, within)  # noqa: S311 - not a secret
        left = killed(options.stage, options.drills, moment)
        _say("\n".join([f"{number + 1}: killed after {moment:.1f} s", *left]))
        found += left
    _say("\n".join(found) or "nothing is left")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
