"""When a node counts as down, and when it is tried again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FAILURES_UNTIL_DOWN = 2
_MIN_SECONDS = 1.0
_MAX_SECONDS = 10.0


class Health:
    """Whether a node is down: it is after two failures in a row. One caller at a time tries it again.

    The first attempt is after one second. The interval doubles with each attempt, up to ten seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = _MIN_SECONDS
        self._until: float | None = None

    @property
    def is_down(self) -> bool:
        """Whether the node failed twice in a row and has not replied since."""
        return self._until is not None

    def admits(self) -> bool:
        """Whether the caller may use the node. A node that is down admits one caller per interval."""
        if self._until is None:
            return True
        with self._lock:
            now = self._clock()
            if self._until is not None and now < self._until:
                return False
            self._pause = min(2 * self._pause, _MAX_SECONDS)
            self._until = now + self._pause
            return True

    def answered(self) -> bool:
        """Record a reply. Returns whether the node was down until now."""
        if self._failures == 0:
            return False
        with self._lock:
            was_down = self._until is not None
            self._failures = 0
            self._pause = _MIN_SECONDS
            self._until = None
            return was_down

    def failed(self) -> bool:
        """Record a failure. Returns whether the node is down because of it."""
        with self._lock:
            self._failures += 1
            if self._failures < _FAILURES_UNTIL_DOWN or self._until is not None:
                return False
            self._until = self._clock() + self._pause
            return True
