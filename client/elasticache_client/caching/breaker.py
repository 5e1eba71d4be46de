"""When to stop asking a node that does not answer, and when to try again."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

from elasticache_client.failures import denial

if TYPE_CHECKING:
    from collections.abc import Callable

_logger = logging.getLogger(__name__)

_LIMIT = 5.0
SLOW_SECONDS = 1.0
_RETRY_SECONDS = 1.0


class Breaker:
    """A circuit breaker. It opens when failures in a row add up to five.

    Each failure counts one, and each second that it took one more: five refused connections open it, or one timeout of
    five seconds. An answer that took a second or more counts its seconds; a quicker one resets the count. Of slow
    answers that overlap one counts, because an overloaded machine makes many slow at once. While the breaker is open,
    one caller per second tries the node.

    A node that refuses a command has answered: an error of one command or one key is not a failure here.

    Args:
        clock: Seconds that only go forward.
        name: The node's name in the log.

    Attributes:
        is_open: Whether the node is not used for now.
        is_healthy: Whether the count is zero, so that a quick answer need not be recorded.
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
        """Whether this caller may use the node."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._retry_at:
            return False
        self._retry_at = now + _RETRY_SECONDS
        return True

    def answered(self, seconds: float) -> None:
        """Record an answer and how long it took."""
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
        """Record a failure and how long it took."""
        refused = denial(error)
        self._record_failure(1 + seconds, type(error).__name__ + (f": {refused}" if refused else ""))

    def _record_failure(self, severity: float, why: str) -> None:
        self._severity += severity
        self.is_healthy = False
        if self._severity < _LIMIT:
            return
        self._retry_at = self._clock() + _RETRY_SECONDS
        if not self.is_open:
            self.is_open = True
            # The error's type alone: a message may quote a login.
            _logger.warning("%s does not answer (%s): it is bypassed until it does", self._name, why)
