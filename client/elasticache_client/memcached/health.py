"""When a node counts as down, and when it is tried again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_STRIKES = 2
_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 10.0


class Health:
    """Two failures in a row, and the node is down: one caller at a time tries it again, the others need not wait.

    The first try is after a second, each further one after twice as long, up to ten seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._strikes = 0
        self._pause = _FIRST_SECONDS
        self._until: float | None = None

    @property
    def is_down(self) -> bool:
        """Whether it failed twice and has not answered since."""
        return self._until is not None

    def admits(self) -> bool:
        """Whether the caller may try the node; a node that is down admits one per pause."""
        if self._until is None:
            return True
        with self._lock:
            now = self._clock()
            if self._until is not None and now < self._until:
                return False
            self._pause = min(2 * self._pause, _LONGEST_SECONDS)
            self._until = now + self._pause
            return True

    def answered(self) -> bool:
        """Take note of an answer; whether the node was down until now."""
        if self._strikes == 0:
            return False
        with self._lock:
            was_down = self._until is not None
            self._strikes = 0
            self._pause = _FIRST_SECONDS
            self._until = None
            return was_down

    def failed(self) -> bool:
        """Take note of a failure; whether it is the one by which the node goes down."""
        with self._lock:
            self._strikes += 1
            if self._strikes < _STRIKES or self._until is not None:
                return False
            self._until = self._clock() + self._pause
            return True
