"""What `elasticache_rules.terminal` does for every command: signals, pipes, colours, progress, files."""

from __future__ import annotations

import argparse
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from elasticache_rules import terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND = """
import os, sys, time
from pathlib import Path
from elasticache_rules import terminal

terminal.QUIET_SECONDS = 0.05

def wait():
    print("waiting", flush=True)
    time.sleep(60)

if "import" in sys.argv:
    wait()

def main():
    if "wait" in sys.argv:
        try:
            wait()
        finally:
            Path("undone").touch()
    if "many" in sys.argv:
        for number in range(20_000):
            terminal.say(f"line {number}")
        Path("done").touch()
    if "errors" in sys.argv:
        for number in range(20_000):
            terminal.complain(f"line {number}")
    if "between" in sys.argv:
        for write in (terminal.complain, terminal.say):
            terminal._status.show("Reading")
            write("a line")
        return 0
    if "long" in sys.argv:
        terminal.say("before")
        with terminal.progress("Reading") as reached:
            reached("3 of 14")
            time.sleep(1)
        return 0
    terminal.say(terminal.paint("painted", terminal.Colour.BAD))
    return 1
"""


PROGRAM = "from elasticache_rules import terminal; terminal.run('fake')"


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A folder with a command in it."""
    (tmp_path / "fake.py").write_text(COMMAND)
    return tmp_path


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start the command in its folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("moment", ["import", "wait"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_one_line(folder: Path, moment: str, number: signal.Signals) -> None:
    """Also while it is still importing; what it has begun is undone, and the exit code names the signal."""
    with start(folder, moment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        _, complained = process.communicate(timeout=60)

    assert (128 + number, f"Interrupted by {number.name}\n") == (process.returncode, complained)
    assert (moment == "wait") == (folder / "undone").exists()


@pytest.mark.parametrize("words", [("many",), ("errors",)])
def test_a_reader_that_ends_early_changes_nothing(folder: Path, words: tuple[str, ...]) -> None:
    """It does what it does without one, says nothing about it, and its exit code is its verdict."""
    with start(folder, *words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        closed, read = (process.stdout, process.stderr) if words == ("many",) else (process.stderr, process.stdout)
        closed.readline()
        closed.close()
        rest = read.read()

    assert (1, "" if words == ("many",) else "painted\n") == (process.returncode, rest)
    assert (words == ("many",)) == (folder / "done").exists()


def on_terminal(folder: Path, *words: str, **environment: str) -> str:
    """What a terminal gets from the command."""
    owner, terminal_of_it = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "TERM": "xterm", "COLUMNS": "80", **environment},
        stdout=terminal_of_it,
        stderr=terminal_of_it,
    )
    os.close(terminal_of_it)
    shown = b""
    try:
        while part := os.read(owner, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(owner)
        process.wait()
    return shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("environment", "is_painted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals(folder: Path, environment: Mapping[str, str], is_painted: bool) -> None:  # noqa: FBT001 - a parameter
    """https://no-color.org: a variable that is set, and not empty, asks for none."""
    assert ("\x1b[31mpainted\x1b[0m\n" if is_painted else "painted\n") == on_terminal(folder, **environment)


def test_progress_on_a_terminal_is_one_line_that_goes_away(folder: Path) -> None:
    """It counts seconds, and nothing of it is left for the next prompt."""
    shown = on_terminal(folder, "long")

    assert shown.startswith("before\n\r\x1b[KReading, 3 of 14, 0 s")
    assert shown.endswith("\r\x1b[K")
    assert 1 == shown.count("\n")


def test_no_line_runs_into_the_progress(folder: Path) -> None:
    """What is written while it is shown stands in its place, an error too."""
    assert "\r\x1b[KReading\r\x1b[Ka line\n" * 2 == on_terminal(folder, "between")


def test_progress_elsewhere_is_lines_apart_from_the_output(folder: Path) -> None:
    """A machine that reads the output does not read them."""
    with start(folder, "long") as process:
        assert ("before\n", "Reading, 3 of 14 ...\n") == process.communicate(timeout=60)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What cannot be encoded leaves the old file and no other; permissions stay, and a link is written through."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    with pytest.raises(UnicodeEncodeError):
        terminal.write_whole(file, "new\ud800")
    assert ("old", {file, link}) == (file.read_text(), set(tmp_path.iterdir()))

    with file.open() as begun:  # by another program
        terminal.write_whole(file, "new")
        assert "old" == begun.read()
    assert ("new", 0o640) == (file.read_text(), file.stat().st_mode & 0o777)
    terminal.write_whole(link, "newer")
    assert ("newer", True) == (file.read_text(), link.is_symlink())


def test_a_file_without_a_folder_is_refused_at_once() -> None:
    """Not after a rehearsal of a minute."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"its folder must exist. Make it: mkdir -p missing"):
        terminal.output_file("missing/found.json")
    assert Path("found.json") == terminal.output_file("found.json")
