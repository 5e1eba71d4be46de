"""Simulated time, in which everything of a rotation happens: no test waits, or fails because a machine is slow."""

from __future__ import annotations

import heapq
import itertools
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_START = 1_700_000_000.0


class Clock:
    """A clock on which time passes only while a caller sleeps. What the caller does in between takes no time."""

    def __init__(self) -> None:
        self._now = _START
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        # Some tests run the function in several threads. Events run without the lock: they may take other locks.
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        """Have an event happen in some seconds; events of the same moment happen in the order of these calls."""
        with self._lock:
            heapq.heappush(self._events, (self._now + seconds, next(self._order), event))

    def sleep(self, seconds: float) -> None:
        """Let time pass, and everything happen that falls due."""
        end = self._now + seconds
        while event := self._next(end):
            event()

    def _next(self, end: float) -> Callable[[], None] | None:
        """Go on to the next event that falls due by the end, and return it; or to the end."""
        with self._lock:
            if self._events and self._events[0][0] <= end:
                due, _, event = heapq.heappop(self._events)
                self._now = max(self._now, due)
                return event
            self._now = max(self._now, end)
            return None
