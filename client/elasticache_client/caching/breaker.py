"""When to stop asking a node that does not answer, and when to try again."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_logger = logging.getLogger(__name__)

_LIMIT = 5.0
SLOW_SECONDS = 1.0
_RETRY_SECONDS = 1.0


class Breaker:
    """Opens when trouble in a row adds up to five: each failure counts one, and each second that was lost one more.

    So five refused connections open it, or one timeout of five seconds. An answer that took a second or more counts its
    seconds, a quicker one ends the row; of slow answers that overlap one counts, because a machine that is too busy
    makes many slow at once. While the breaker is open, one caller in a second tries the node.

    A node that refuses a command answers: whatever concerns one command or one key is no failure here.

    Args:
        clock: seconds that only go forward.
        name: what the log calls the node.

    Attributes:
        is_open: whether the node is left alone.
        is_healthy: whether there is no trouble, so that a quick answer need not be told.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, name: str = "The cache") -> None:
        self._clock = clock
        self._name = name
        self._severity = 0.0
        self._retry_at = 0.0
        self._slow_until = -math.inf
        self.is_open = False
        self.is_healthy = True

    def allows(self) -> bool:
        """Whether this caller may ask the node."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._retry_at:
            return False
        self._retry_at = now + _RETRY_SECONDS
        return True

    def answered(self, seconds: float) -> None:
        """The node answered after so long."""
        now = self._clock()
        if seconds >= SLOW_SECONDS:
            if now - seconds >= self._slow_until:
                self._slow_until = now
                self._record_failure(seconds, "too slow")
        else:
            self._severity = 0.0
            self.is_healthy = True
            if self.is_open:
                self.is_open = False
                _logger.warning("%s answers again", self._name)

    def failed(self, seconds: float, error: Exception) -> None:
        """The node did not answer, and it took so long to find out."""
        self._record_failure(1 + seconds, type(error).__name__)

    def _record_failure(self, trouble: float, why: str) -> None:
        self._severity += trouble
        self.is_healthy = False
        if self._severity < _LIMIT:
            return
        self._retry_at = self._clock() + _RETRY_SECONDS
        if not self.is_open:
            self.is_open = True
            # The error's type alone: a message may quote a login.
            _logger.warning("%s does not answer (%s): going past it until it does", self._name, why)
