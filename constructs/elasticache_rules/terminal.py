"""How every command of the project speaks: lines, colours, progress, files, signals and exit codes.

A command is a module whose `main()` returns an exit code. Its `__main__.py` starts it: `terminal.run("the.module")`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
QUIET_SECONDS = 2.0
"""What takes no longer shows no progress."""
_REDRAWN_SECONDS, _REPEATED_SECONDS = 0.2, 30.0
_CLEARED = "\r\x1b[K"


class Interrupted(BaseException):  # not an error: the user asked for it
    """A signal asked the command to end; what it has begun is undone on the way out.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def code(self) -> int:
        """The exit code: 128 plus the number of the signal."""
        return 128 + self.number


class Colour(Enum):
    """What a text on a terminal says before it is read."""

    BAD = "31"
    GOOD = "32"
    WARNING = "33"
    HEADING = "1"


def run(command: str) -> NoReturn:
    """Run a command as this process, and end with its exit code.

    Its module is imported in here: Ctrl-C is clean from the beginning. A reader of its output that ends early, such as
    `head`, changes neither what it does nor how it ends.

    Args:
        command: Name of the module, whose `main()` returns the exit code.
    """
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    try:
        code = importlib.import_module(command).main()
    except Interrupted as interrupted:
        # The terminal has shown ^C, and has not ended the line.
        complain(f"{chr(10) * _is_terminal(sys.stderr)}Interrupted by {interrupted}")
        code = interrupted.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            _written(stream, "")
    sys.exit(code)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    for handled in SIGNALS:
        signal.signal(handled, signal.SIG_IGN)  # a second one must not interrupt what undoes things
    raise Interrupted(number)


def exit_codes(codes: Mapping[int, str]) -> str:
    """The sentence about a command's exit codes, for its help.

    Args:
        codes: What each means, as a clause that follows "if".
    """
    said = ", ".join(f"{code} if {meaning}" for code, meaning in codes.items())
    return f"Exits with {said}, 128 plus its number if a signal ended it."


# Output


def say(text: str = "") -> None:
    """Write a line to the standard output at once."""
    _status.clear()
    _written(sys.stdout, f"{text}\n")


def complain(text: str) -> None:
    """Write a line to the standard error at once."""
    _status.clear()
    _written(sys.stderr, f"{text}\n")


def fail(fault: object) -> None:
    """Write why the command cannot go on to the standard error."""
    complain(f"{paint('error:', Colour.BAD, sys.stderr)} {fault}")


def paint(text: str, colour: Colour, stream: IO[str] | None = None) -> str:
    """The text in a colour, if it goes to a terminal and https://no-color.org does not ask for none.

    Args:
        text: The text.
        colour: What it says.
        stream: Where it goes. Default: the standard output.
    """
    if os.environ.get("NO_COLOR") or not _is_terminal(sys.stdout if stream is None else stream):
        return text
    return f"\x1b[{colour.value}m{text}\x1b[0m"


def output_file(text: str) -> Path:
    """A file of the command line that `write_whole` will write: its type, for argparse.

    Args:
        text: What was typed.

    Raises:
        argparse.ArgumentTypeError: If its folder is missing, which should not end a long command at its end.
    """
    file = Path(text)
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: its folder must exist. Make it: mkdir -p {file.parent}")
    return file


def write_whole(file: Path, text: str) -> None:
    """Write a file, whole or not at all; what is no ordinary file, such as `/dev/stdout`, is written to.

    Args:
        file: The file.
        text: What it has then.

    Raises:
        OSError: If its folder is missing or not writable.
    """
    if file.is_symlink() or (file.exists() and not file.is_file()):
        file.write_text(text, encoding="utf-8")
        return
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    written = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        written.chmod(file.stat().st_mode if file.exists() else 0o666 & ~_umask())
        written.replace(file)
    finally:
        written.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _is_terminal(stream: IO[str]) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _written(stream: IO[str], text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # Its reader has ended. What follows, and what is still in the buffer, goes nowhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


# Progress


@contextmanager
def progress(text: str, *, is_announced: bool = False) -> Iterator[Callable[[str], None]]:
    """Show on the standard error that something lasts, once it has lasted for two seconds.

    On a terminal it is one line that counts seconds and goes away; elsewhere a line at once and one every half minute.

    Args:
        text: What is being done, such as "Reading the stage".
        is_announced: Whether a line has already said so. Default: none has.

    Yields:
        A function that takes how far it is, such as "3 of 14".
    """
    task = _Task(text, is_announced)
    thread = threading.Thread(target=task.watch, name="progress", daemon=True)
    thread.start()
    try:
        yield task.reached
    finally:
        task.over.set()
        thread.join()


class _Status:
    """The line at the bottom of the terminal that other output must not run into."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_shown = False

    def show(self, text: str) -> None:
        columns = shutil.get_terminal_size().columns
        with self._lock:
            _written(sys.stderr, f"{_CLEARED}{text[: columns - 1]}")
            self._is_shown = True

    def clear(self) -> None:
        with self._lock:
            if self._is_shown:
                _written(sys.stderr, _CLEARED)
                self._is_shown = False


_status = _Status()


class _Task:
    def __init__(self, text: str, is_announced: bool) -> None:  # noqa: FBT001 - private
        self.over = threading.Event()
        self._text, self._is_announced, self._step = text, is_announced, ""
        self._began = time.monotonic()

    def reached(self, step: str) -> None:
        self._step = f", {step}"

    def watch(self) -> None:
        if self.over.wait(QUIET_SECONDS):
            return
        if _is_terminal(sys.stderr):
            while not self.over.wait(_REDRAWN_SECONDS):
                _status.show(f"{self._text}{self._step}, {self._seconds} s")
            _status.clear()
            return
        if not self._is_announced:
            complain(f"{self._text}{self._step} ...")
        while not self.over.wait(_REPEATED_SECONDS):
            complain(f"{self._text}{self._step}, {self._seconds} s ...")

    @property
    def _seconds(self) -> int:
        return int(time.monotonic() - self._began)
