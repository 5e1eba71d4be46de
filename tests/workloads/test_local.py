"""``make workloads``: one command starts everything, and one signal stops it."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(name="directory")
def _directory() -> Iterator[Path]:
    """The directory for the command's files. Its path is short, because paths of sockets must be."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.fixture(name="started")
def _started(directory: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The command, and the addresses that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workloads.local"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = list(itertools.takewhile(lambda line: not line.startswith("Ctrl-C"), process.stdout))
    yield process, dict(line.split() for line in said)
    process.terminate()
    process.wait()
    process.stdout.close()


def test_one_command_starts_all_and_one_signal_ends_all(
    started: tuple[subprocess.Popen[str], dict[str, str]], directory: Path
) -> None:
    """Every page is served. After Ctrl-C, no process and no file is left."""
    process, addresses = started
    titles = {name: re.findall("<h1>(.*)</h1>", httpx.get(address).text) for name, address in addresses.items()}
    children = psutil.Process(process.pid).children(recursive=True)
    databases = [
        process for process in psutil.process_iter(["cmdline"]) if str(directory) in str(process.info["cmdline"])
    ]
    process.send_signal(signal.SIGINT)
    assert 128 + signal.SIGINT == process.wait(60)
    assert {"catalogue": ["Catalogue"], "sessions": ["Sessions"], "leaderboard": ["Leaderboard"]} == titles
    assert (True, True) == (len(children) >= 6, len(databases) >= 1)
    assert [] == [process for process in [*children, *databases] if is_alive(process)]
    assert [".lockfile"] == [file.name for file in directory.iterdir()], "the wheel of PostgreSQL keeps a lock there"


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs. One that has ended may still wait to be reaped by its parent."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
