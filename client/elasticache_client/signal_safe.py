"""Replacements for queues and locks that stay usable if a signal handler raises an exception in a thread.

RQ, Celery and many timeout libraries raise an exception from a signal handler, between any two bytecodes. In the locks
of ``queue`` and ``threading`` that are written in Python, it can come after a lock is acquired and before it is
released. Then all later threads wait indefinitely. Each step here is one call into C, which a signal cannot divide.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from queue import Empty, Full, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from weakref import ReferenceType


class LiveConnections(WeakSet[Any]):
    """The connections of a pool that are still referenced. Replaces the pool's list of all connections."""

    data: set[ReferenceType[Any]]  # of WeakSet
    append = WeakSet.add

    def __len__(self) -> int:
        # Not WeakSet's, which counts references too: a signal handler's exception may end the removal of a dead one.
        return sum(reference() is not None for reference in [*self.data])


def pool_class(module: Any) -> Any:
    """The library's blocking pool, which recovers connections that interrupted threads have lost.

    An exception may come between taking a connection and returning it. The library keeps all connections in a list, so
    a lost connection counts against the limit. Here it does not.

    Args:
        module: ``redis`` or ``valkey``.
    """
    base = module.BlockingConnectionPool

    def reset(self: Any) -> None:
        base.reset(self)
        self._connections = self.pool.living = LiveConnections()

    return type(base.__name__, (base,), {"reset": reset, "__module__": base.__module__})


class ConnectionStack:
    """A ``queue_class`` for the libraries' pools: the connection that was returned last is used next.

    An exception between two of its steps, or between the pool's own steps, may lose a connection or its place. When no
    connection is left, as many new ones are allowed as have been lost.

    Args:
        maxsize: The maximum number of connections, including places for new ones.
    """

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        # The libraries iterate over it without its lock, and a deque raises if it changes meanwhile.
        self.queue: list[Any] = []
        self.living: LiveConnections | None = None
        self._tickets: SimpleQueue[None] = SimpleQueue()

    def put_nowait(self, item: Any) -> None:
        """Return a connection.

        Raises:
            queue.Full: If there are already ``maxsize`` connections.
        """
        if len(self.queue) >= self.maxsize:
            raise Full
        self.queue.append(item)
        self._tickets.put(None)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002 - as queue.Queue has it
        """Take the connection that was returned last, or wait for one.

        Raises:
            queue.Empty: If no connection was returned within ``timeout`` seconds, or ``block`` is false and there is
                none.
        """
        while True:
            try:
                self._tickets.get(block, timeout)
            except Empty:
                # An interrupted thread may have taken a ticket but not its connection, or lost the connection.
                if not self.queue and not self._make_room():
                    raise
            with suppress(IndexError):
                return self.queue.pop()

    def _make_room(self) -> bool:
        """Make places for new connections instead of lost ones. Returns whether there are any."""
        lost = 0 if self.living is None else self.maxsize - len(self.living)
        for _ in range(lost):
            self.queue.append(None)
        return lost > 0


class Event:
    """The part of ``threading.Event`` that is needed here."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: deque[Any] = deque()

    def set(self) -> None:
        """Wake all threads that wait, and let later ones pass."""
        self._is_set = True
        with suppress(IndexError):
            while True:
                self._waiting.pop().release()

    def wait(self, timeout: float) -> bool:
        """Wait until the event is set, at most ``timeout`` seconds. Returns whether it is set."""
        if not self._is_set:
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
            # The event may have been set before this lock was in the queue.
            if not self._is_set:
                mine.acquire(timeout=timeout)
        return self._is_set
