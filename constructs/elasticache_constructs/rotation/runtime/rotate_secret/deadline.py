"""Waiting within the time that Lambda gives an invocation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from .errors import Busy, NotYet

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# A step ends by its own decision, and has the time to say so.
_RESERVE_SECONDS = 30.0


class Context(Protocol):
    """What is used of Lambda's context."""

    function_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long this invocation may wait, and how often it polls."""

    context: Context
    poll_seconds: float
    sleep: Callable[[float], None]

    def run(self, step: Callable[[], T]) -> T:
        """Run a step, and run it again from its start while AWS is busy.

        Raises:
            Busy: If the time is nearly up and AWS is still busy.
        """
        while True:
            try:
                return step()
            except Busy:
                if not self._wait():
                    raise

    def until(self, unmet: Callable[[], str | None]) -> None:
        """Wait until a condition is met.

        Args:
            unmet: Returns what is still missing, or None.

        Raises:
            NotYet: If the time is nearly up; the message has the last reason.
        """
        while reason := self._look(unmet):
            if not self._wait():
                raise NotYet(f"{reason}; no time is left to wait, so invoke the step again")

    @staticmethod
    def _look(unmet: Callable[[], str | None]) -> str | None:
        try:
            return unmet()
        except Busy as busy:
            return str(busy)

    def _wait(self) -> bool:
        if self.context.get_remaining_time_in_millis() / 1000 - self.poll_seconds < _RESERVE_SECONDS:
            return False
        self.sleep(self.poll_seconds)
        return True
