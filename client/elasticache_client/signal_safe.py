"""What threads wait on, safe to leave by an exception that a signal raises.

RQ, Celery and many timeouts raise an exception from a signal's handler, at any byte code. In the locks of ``queue`` and
``threading`` that are written in Python, it can come after a lock is taken and before anybody is there to release it;
then every thread that comes later waits without an end. Each step here is one call into C, which no signal divides.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from queue import Empty, Full, SimpleQueue
from threading import Lock
from typing import Any


class ConnectionStack:
    """For ``queue_class`` of the libraries' pools: the connection that came back last is the next to go out.

    An exception between two of its steps costs at most the place of one connection, as it does between the pool's own.

    Args:
        maxsize: how many connections, and empty places for new ones, it holds.
    """

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self.queue: deque[Any] = deque()
        self._tickets: SimpleQueue[None] = SimpleQueue()

    def put_nowait(self, item: Any) -> None:
        """Put one back.

        Raises:
            queue.Full: there are ``maxsize`` already.
        """
        if len(self.queue) >= self.maxsize:
            raise Full
        self.queue.append(item)
        self._tickets.put(None)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002  # as queue.Queue has it
        """Take the last one, and wait for it where there is none.

        Raises:
            queue.Empty: there has been none for ``timeout`` seconds, or there is none and ``block`` is false.
        """
        while True:
            try:
                self._tickets.get(block, timeout)
            except Empty:
                # An interrupted thread may have taken a ticket and left the connection.
                if not self.queue:
                    raise
            with suppress(IndexError):
                return self.queue.pop()


class Event:
    """As ``threading.Event``, as far as it is needed here."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: deque[Any] = deque()

    def set(self) -> None:
        """Let those go on who wait, and those who will."""
        self._is_set = True
        with suppress(IndexError):
            while True:
                self._waiting.pop().release()

    def wait(self, timeout: float) -> bool:
        """Wait until it is set, but no longer than so many seconds; whether it is."""
        if not self._is_set:
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
            # It may have been set before it could know of this one.
            if not self._is_set:
                mine.acquire(timeout=timeout)
        return self._is_set
