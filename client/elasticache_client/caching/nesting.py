"""Loads within loads: an inner load uses the outer one's permit, and no load waits for itself.

A cached function may call another one, in its own thread or task, or in tasks that it starts: those inherit the context
that it runs in. A thread that it starts itself does not, unless the thread runs in ``contextvars.copy_context()``.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from elasticache_client.steps import Backend, Steps

T = TypeVar("T")
Key: TypeAlias = tuple[int, str]
"""A key as it is known in the whole process: the client it belongs to, and its name there."""


class Work:
    """A function of the application that runs and holds something: it loads some keys, or writes them.

    Only the frame that runs it keeps it alive. If an exception that a signal raises skips the end of that frame, the
    work is over when the frame is gone.

    Args:
        keys: The keys whose lease it has, or that others wait for.
        permits: The permits for loads within it, if it has a permit itself.
    """

    __slots__ = ("__weakref__", "_outer", "is_over", "keys", "permits")

    def __init__(self, keys: Iterable[Key], permits: Permits | None) -> None:
        self.keys = frozenset(keys)
        self.permits = permits
        self.is_over = False
        self._outer = [weakref.ref(work) for work in running()]

    def chain(self) -> list[Work]:
        """This work, and what it runs in."""
        return [self, *_unfinished(self._outer)]


class Wait:
    """Keys that a work cannot go on without.

    Args:
        work: The work that waits.
        keys: The keys it waits for.
    """

    __slots__ = ("__weakref__", "keys", "work")

    def __init__(self, work: Work, keys: Iterable[Key]) -> None:
        self.work = work
        self.keys = keys


class Registry(Generic[T]):
    """The objects that are in use; one that was not removed is gone with the frame that made it.

    Each method is one call into C as far as it changes the registry, which neither a signal nor a thread divides.
    """

    def __init__(self) -> None:
        self._references: set[weakref.ref[T]] = set()

    def add(self, item: T) -> None:
        """Add an object."""
        self._references.add(weakref.ref(item, self._references.discard))

    def remove(self, item: T) -> None:
        """Remove an object."""
        self._references.discard(weakref.ref(item))

    def clear(self) -> None:
        """Remove all."""
        self._references.clear()

    def __iter__(self) -> Iterator[T]:
        items = [reference() for reference in list(self._references)]
        return iter([item for item in items if item is not None])

    def __len__(self) -> int:
        return len(self._references)


_current: ContextVar[list[weakref.ref[Work]]] = ContextVar("elasticache_client_work")
works: Registry[Work] = Registry()
waits: Registry[Wait] = Registry()


def running() -> list[Work]:
    """What this thread or task runs in, the innermost first; a task may outlive what started it."""
    return _unfinished(_current.get([]))


def current() -> Work | None:
    """The innermost work that this thread or task runs in."""
    return next(iter(running()), None)


def permits_within() -> Permits | None:
    """The permits for what runs within the nearest work that has one."""
    return next((work.permits for work in running() if work.permits is not None), None)


@contextmanager
def working(keys: Iterable[Key], permits: Permits | None = None) -> Iterator[None]:
    """Note what this thread or task does meanwhile.

    Args:
        keys: As for `Work`.
        permits: As for `Work`.
    """
    work = Work(keys, permits)
    token = _current.set([weakref.ref(each) for each in work.chain()])
    works.add(work)
    try:
        yield
    finally:
        work.is_over = True
        works.remove(work)
        with suppress(ValueError):  # it is closed from another context, which has its own work
            _current.reset(token)


@contextmanager
def waiting(work: Work | None, keys: Iterable[Key]) -> Iterator[None]:
    """Note what a work cannot go on without. A caller that first notes its wait and then asks finds every circle.

    Args:
        work: The work that waits. None: the caller holds nothing.
        keys: The keys it waits for.
    """
    if work is None:
        yield
        return
    wait = Wait(work, keys)
    waits.add(wait)
    try:
        yield
    finally:
        waits.remove(wait)


def waits_for_itself(work: Work | None, key: Key) -> bool:
    """Whether the loads of a key, in this process, wait for what this work holds, or are this work.

    Args:
        work: The work. None: the caller holds nothing.
        key: The key that it is about to wait for.
    """
    if work is None:
        return False
    own = set(work.chain())
    seen: set[Key] = set()
    ahead = [key]
    while ahead:
        held = ahead.pop()
        if held in seen:
            continue
        seen.add(held)
        for other in works:
            if held not in other.keys:
                continue
            if other in own:
                return True
            ahead += [key for wait in waits if other in wait.work.chain() for key in wait.keys]
    return False


class Permits:
    """A number of permits, each for one load at a time.

    Args:
        number: How many there are.
    """

    __slots__ = ("_holders", "_number", "_queue")

    def __init__(self, number: int) -> None:
        self._number = number
        # Weak: a holder that a signal's exception kept from releasing its permit is gone with its caller.
        self._holders: list[weakref.ref[Permit]] = []
        self._queue: deque[weakref.ref[Permit]] = deque()

    def admit(self, permit: Permit) -> bool:
        """Grant the permit if one is free; the lock is held."""
        self._holders = [holder for holder in self._holders if holder() is not None]
        if len(self._holders) >= self._number:
            return False
        self._holders.append(weakref.ref(permit))
        return True

    def has(self, permit: Permit) -> bool:
        """Whether the permit is granted here."""
        return any(holder() is permit for holder in self._holders)

    def enqueue(self, permit: Permit) -> None:
        """Put it at the end of the queue; the lock is held."""
        self._queue.append(weakref.ref(permit))

    def dequeue(self, permit: Permit) -> None:
        """Take it out of the queue; the lock is held."""
        self._queue = deque(queued for queued in self._queue if queued() not in {permit, None})

    def release(self, permit: Permit) -> Permit | None:
        """Release it, and return the one that is granted instead, if any waits. The lock is held."""
        self._holders = [holder for holder in self._holders if holder() not in {permit, None}]
        for queued in self._queue:
            next_one = queued()
            if next_one is not None:
                return next_one if self.admit(next_one) else None
        return None


class Permit:
    """One load's permit, from any of several.

    Its owner releases it. If an exception that a signal raises prevents that, the permit is free again when the object
    is gone.

    Args:
        choice: The permits of which one is needed.
        backend: How to wait for it.
    """

    __slots__ = ("__weakref__", "_backend", "_choice", "_event", "_wake")

    def __init__(self, choice: list[Permits], backend: Backend) -> None:
        self._choice = choice
        self._backend = backend
        self._event: Any = None
        self._wake: Callable[[], None] | None = None

    def acquire(self, seconds: float) -> Steps[bool]:
        """Acquire a permit that is free or becomes free in time.

        Args:
            seconds: How long to wait.

        Returns:
            Whether it was granted.
        """
        with _lock:
            if self._is_admitted():
                return True
            self._event = self._backend.event()
            self._wake = self._backend.waker(self._event)
            for permits in self._choice:
                permits.enqueue(self)
        yield self._backend.wait(self._event, seconds)
        with _lock:
            return self._is_admitted()

    def release(self) -> None:
        """Hand it to the caller that has waited longest."""
        woken = []
        with _lock:
            self.leave_queues()
            for permits in self._choice:
                successor = permits.release(self)
                if successor is not None:
                    successor.leave_queues()
                    woken.append(successor)
        for successor in woken:
            successor.wake()

    def leave_queues(self) -> None:
        """Stop waiting; the lock is held."""
        for permits in self._choice:
            permits.dequeue(self)

    def _is_admitted(self) -> bool:
        return any(permits.has(self) for permits in self._choice) or any(
            permits.admit(self) for permits in self._choice
        )

    def wake(self) -> None:
        """Let its owner look again."""
        if self._wake is not None:
            self._wake()


# Reentrant: the garbage collector may end a coroutine of a closed loop, which releases its permit, in a thread that has
# the lock. What it changes there is right again at the next call, because dead permits are left out.
_lock = threading.RLock()


def _unfinished(references: Iterable[weakref.ref[Work]]) -> list[Work]:
    works = [reference() for reference in references]
    return [work for work in works if work is not None and not work.is_over]


def _reset_in_child() -> None:
    """A forked child has none of its parent's threads, whatever these held."""
    global _lock  # noqa: PLW0603 - a lock that another thread held cannot be released
    _lock = threading.RLock()
    works.clear()
    waits.clear()
    _current.set([])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
