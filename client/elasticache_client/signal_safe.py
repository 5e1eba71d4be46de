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
from weakref import WeakSet


class Living(WeakSet[Any]):
    """The connections that a pool has made and somebody still has, in the place of the pool's list of all of them."""

    append = WeakSet.add


def pool_class(module: Any) -> Any:
    """The blocking pool of a library, which gets over connections that interrupted threads have lost.

    Between taking a connection and giving it back, an exception may come where nothing gives it back. The library keeps
    a list of all connections, so that one that nobody has any more still counts; here it does not.

    Args:
        module: ``redis`` or ``valkey``.
    """
    base = module.BlockingConnectionPool

    def reset(self: Any) -> None:
        base.reset(self)
        self._connections = self.pool.living = Living()

    return type(base.__name__, (base,), {"reset": reset, "__module__": base.__module__})


class ConnectionStack:
    """For ``queue_class`` of the libraries' pools: the connection that came back last is the next to go out.

    An exception between two of its steps, or between the pool's own, may lose a connection, or its place. When none is
    left, there is room again for as many as are lost.

    Args:
        maxsize: how many connections, and empty places for new ones, it holds.
    """

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self.queue: deque[Any] = deque()
        self.living: Living | None = None
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
                # An interrupted thread may have taken a ticket and left the connection, or have lost it.
                if not self.queue and not self._make_room():
                    raise
            with suppress(IndexError):
                return self.queue.pop()

    def _make_room(self) -> bool:
        """Room for new connections in the place of those that nobody has any more; whether there are any."""
        lost = 0 if self.living is None else self.maxsize - len(self.living)
        for _ in range(lost):
            self.queue.append(None)
        return lost > 0


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
