"""No program outlives the process that starts it, whichever way that process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from local_servers import processes
from local_servers.waiting import wait_until
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_START = """
import subprocess, sys, time
from pathlib import Path
from local_servers import processes
program = "sleep 60 & echo $! > child; echo $$ > leader; wait"
process = processes.start(["sh", "-c", program], environment={}, directory=Path(sys.argv[1]), output=subprocess.DEVNULL)
if "release" in sys.argv:
    processes.release(process)
print(process.pid, flush=True)
time.sleep(60)
"""
_KILL_REMAINING = """
import subprocess
from local_servers import processes
kept, killed = (subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2))
processes.kill_remaining(spare=kept.pid)
print(kept.poll(), killed.wait())
kept.kill()
kept.wait()
"""
_AFTER = """
import os, signal, sys
from local_servers import processes
command = processes.run_after_this_process(["touch", sys.argv[1]])
if "cancel" in sys.argv:
    processes.cancel(command)
os.kill(os.getpid(), signal.SIGKILL)
"""
_DELETE_AFTER = """
import os, signal, subprocess, sys
from pathlib import Path
from local_servers import processes
directory = Path(sys.argv[1])
processes.delete_after_this_process(directory)
directory.mkdir()
# Its program writes into the directory for a moment after the caller has ended, as one that is about to be killed does.
script = "for i in $(seq 100); do mkdir "$0/$i" && touch "$0/$i/file"; done 2>/dev/null"
subprocess.Popen(["sh", "-c", script, str(directory)], start_new_session=True)
if "remaining" in sys.argv:
    processes.kill_remaining()
os.kill(os.getpid(), signal.SIGKILL)
"""


def start(script: str, *, directory: Path) -> subprocess.Popen[str]:
    """A shell script in its own group."""
    return processes.start(["sh", "-c", script], environment={}, directory=directory, output=subprocess.PIPE)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended may wait for its parent to read its status."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_the_caller(directory: Path, *arguments: str) -> tuple[int, int]:
    """Start a program from another process, and kill that one; the program's leader, and its child."""
    command = [sys.executable, "-c", _START, str(directory), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        leader = int(caller.stdout.readline())
        wait_until((directory / "leader").exists, "the program runs")
        wait_until(lambda: bool((directory / "leader").read_text().strip()), "it has told its id")
        caller.kill()
    assert leader == int((directory / "leader").read_text()), "the process that is started is the program itself"
    return leader, int((directory / "child").read_text())


def test_a_program_ends_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    """A caller that cannot clean up takes the program and the program's children with it."""
    leader, child = kill_the_caller(tmp_path)
    wait_until(lambda: not is_alive(leader) and not is_alive(child), "both have ended")


def test_a_program_that_is_released_outlives_its_caller(tmp_path: Path) -> None:
    """It runs on until it is ended by hand."""
    leader, child = kill_the_caller(tmp_path, "release")
    try:
        with pytest.raises(TimeoutError):
            wait_until(lambda: not is_alive(leader) or not is_alive(child), "it has ended", 0.5)
    finally:
        os.killpg(leader, signal.SIGKILL)


@pytest.mark.parametrize("arguments", [(), ("cancel",)], ids=["killed", "cancelled"])
def test_a_command_runs_after_a_caller_that_is_killed(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Unless the caller cancelled it."""
    done = tmp_path / "done"
    subprocess.run([sys.executable, "-c", _AFTER, str(done), *arguments], cwd=ROOT, check=False)
    if arguments:
        with pytest.raises(TimeoutError):
            wait_until(done.exists, "it has run", 0.5)
    else:
        wait_until(done.exists, "it has run")


@pytest.mark.parametrize("arguments", [(), ("remaining",)], ids=["killed", "after kill_remaining"])
def test_a_directory_is_deleted_after_a_caller_that_is_killed(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Although a program still writes into it when the deletion begins."""
    directory = tmp_path / "run"
    subprocess.run([sys.executable, "-c", _DELETE_AFTER, str(directory), *arguments], cwd=ROOT, check=False)
    wait_until(lambda: not directory.exists(), "the directory is gone")
    with pytest.raises(TimeoutError):
        wait_until(directory.exists, "it is back", 0.5)


def test_a_group_that_ignores_the_request_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that does not react to SIGTERM, and its child, are killed after a moment."""
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    process = start("trap '' TERM; sleep 60 & echo $!; wait; wait", directory=tmp_path)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    processes.end(process)
    assert process.returncode in {-signal.SIGKILL, -signal.SIGTERM}
    wait_until(lambda: not is_alive(child), "its child has ended")


def test_output_ends_with_the_program(tmp_path: Path) -> None:
    """What watches for the end of the caller holds no output open, so that a reader sees the end of the file."""
    process = start("echo one; echo two >&2; read -r line || echo no input", directory=tmp_path)
    assert process.stdout is not None
    assert ["one\n", "two\n", "no input\n"] == list(process.stdout)
    assert 0 == process.wait()
    processes.end(process)


def test_a_program_gets_the_given_environment_alone(tmp_path: Path) -> None:
    """Apart from what a shell sets for itself."""
    process = processes.start(
        ["env"], environment={"A": "1", "PATH": os.defpath}, directory=tmp_path, output=subprocess.PIPE
    )
    assert process.stdout is not None
    seen = dict(line.strip().split("=", 1) for line in process.stdout)
    processes.end(process)
    assert {"A": "1", "PATH": os.defpath} == {
        name: seen[name] for name in seen.keys() - {"PWD", "OLDPWD", "SHLVL", "_"}
    }


def test_a_program_that_does_not_exist(tmp_path: Path) -> None:
    """It is an error of the call."""
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        processes.start(["no-such-program"], environment={}, directory=tmp_path, output=subprocess.DEVNULL)


def test_programs_that_remain_are_killed_but_for_one() -> None:
    """Every remaining child is killed except the one to spare."""
    ended = subprocess.run(
        [sys.executable, "-c", _KILL_REMAINING], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["None", "-9"]
