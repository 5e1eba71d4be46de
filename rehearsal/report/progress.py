"""The steps of a rehearsal, as they happen."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elasticache_rules import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Phase:
    """One step.

    Attributes:
        name: What it did.
        seconds: How long it took.
    """

    name: str
    seconds: float


@dataclass
class Progress:
    """Shows steps as they happen, and measures them.

    Attributes:
        started: When the rehearsal began, by `time.monotonic`.
        phases: The steps so far.
    """

    started: float = field(default_factory=time.monotonic)
    phases: list[Phase] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print a line with the seconds since the start."""
        write(f"[{self.elapsed:5.1f} s] {text}")

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Show a step and measure it."""
        self.say(f"{name} ...")
        began = self.elapsed
        with terminal.progress(name, is_announced=True):
            yield
        self.phases.append(Phase(name, round(self.elapsed - began, 2)))


def write(text: str = "") -> None:
    """Print a line without buffering."""
    terminal.say(text)
