"""No process outlives a rehearsal, whether it ends, is interrupted or is killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from local_servers.ports import LOOPBACK
from rehearsal import emulator, workspace
from rehearsal.workspace import ROOT, Workspace
from tests.rehearsal.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLD_AN_EMULATOR = """
import sys, time
from pathlib import Path
from rehearsal import emulator
from rehearsal.workspace import Workspace
place = Workspace(Path(sys.argv[1]), Path(sys.argv[1]))
with emulator.running(place) as server:
    if "keep" in sys.argv:
        server.keep()
    print(server.pid, server.endpoint, flush=True)
    time.sleep(0 if "keep" in sys.argv else 60)
"""


@pytest.fixture
def place() -> Iterator[Workspace]:
    """Directories for one emulator."""
    prepared = workspace.prepare()
    yield prepared
    workspace.remove(prepared)


def _start(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _answers(endpoint: str) -> bool:
    try:
        socket.create_connection((LOOPBACK, int(endpoint.rsplit(":", 1)[1])), timeout=30).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("number", "app", "seen"),
    [
        pytest.param(signal.SIGINT, (), "jsii", id="SIGINT"),
        # Not the CDK again, which takes seconds to import.
        pytest.param(signal.SIGTERM, ("--app", "sleep 4321 & sleep 4321"), "\nsleep 4321", id="SIGTERM"),
    ],
)
def test_an_interrupted_rehearsal_leaves_nothing_running(
    number: signal.Signals, app: tuple[str, ...], seen: str
) -> None:
    """SIGINT or SIGTERM stops the emulator, the CLI, the app and what it started, and the exit code shows it."""
    with _start("-m", "rehearsal", *app) as process:
        watch = Watch(process.pid)
        watch.until(lambda: "rehearsal.server" in watch.commands() and seen in watch.commands())
        process.send_signal(number)
        output, _ = process.communicate(timeout=120)
        watch.stop()
    [told] = re.findall(r"Logs and templates: (.+)", output)
    workspace.remove(Workspace(ROOT / told, ROOT / told))
    assert process.returncode == 128 + number
    assert f"interrupted by {number.name}" in output
    assert [] == watch.alive()


def test_make_that_was_killed_before_the_rehearsal_began() -> None:
    """The rehearsal ends at once, although it never saw make alive."""
    runs = set((ROOT / ".rehearsal").glob("run-*"))
    environment = {**os.environ, "MAKE_PID": str(os.getppid())}
    process = subprocess.run([sys.executable, "-m", "rehearsal"], cwd=ROOT, env=environment, check=False, timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert set((ROOT / ".rehearsal").glob("run-*")) <= runs


def test_the_emulator_ends_with_a_parent_that_is_killed(place: Workspace) -> None:
    """A parent that cannot clean up takes the emulator with it."""
    with _start("-c", HOLD_AN_EMULATOR, str(place.run)) as process:
        assert process.stdout is not None
        server = psutil.Process(int(process.stdout.readline().split()[0]))
        process.kill()
    server.wait(timeout=60)


def test_a_kept_emulator_outlives_its_parent(place: Workspace) -> None:
    """A kept emulator still answers after its parent has ended."""
    with _start("-c", HOLD_AN_EMULATOR, str(place.run), "keep") as process:
        assert process.stdout is not None
        pid, endpoint = process.stdout.readline().split()
    try:
        assert _answers(endpoint)
    finally:
        os.killpg(int(pid), signal.SIGKILL)


def test_two_emulators_run_side_by_side(running: emulator.Emulator, place: Workspace) -> None:
    """Each has its own port and answers."""
    with emulator.running(place) as second:
        assert running.port != second.port
        assert _answers(running.endpoint)
        assert _answers(second.endpoint)
    assert not _answers(second.endpoint)


def test_an_emulator_that_cannot_start_says_why(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error carries what the emulator printed."""
    monkeypatch.setattr(emulator, "ROOT", Path("nowhere"))
    with pytest.raises(emulator.EmulatorError, match="No module named"), emulator.running(place):
        pass
