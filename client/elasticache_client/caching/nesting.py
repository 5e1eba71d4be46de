"""Loads inside of loads: what the outer one holds serves the inner one, and none waits for itself.

A cached function may call another one, in its own thread or task, or in tasks that it starts: those inherit the context
in which it runs. A thread that it starts itself does not, unless it is given ``contextvars.copy_context()``.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from elasticache_client.steps import Backend, Steps

Key: TypeAlias = tuple[int, str]
"""A key as it is known in the whole process: by its client, and its name there."""


class Work:
    """A function of the application's that runs and holds something: it loads some keys, or writes them.

    Args:
        keys: what it has the lease of, or what others wait for.
        places: for what runs within it, where it holds a place.
    """

    __slots__ = ("is_over", "keys", "outer", "places")

    def __init__(self, keys: Iterable[Key], places: Places | None) -> None:
        self.keys = frozenset(keys)
        self.places = places
        self.outer = current()
        self.is_over = False

    def line(self) -> Iterator[Work]:
        """This one, and what it runs in."""
        work: Work | None = self
        while work is not None:
            yield work
            work = work.outer


_current: ContextVar[Work | None] = ContextVar("elasticache_client_work", default=None)
_works: set[Work] = set()
_waiting: dict[object, tuple[Work, Iterable[Key]]] = {}


def current() -> Work | None:
    """What this runs in; a task may outlive what started it."""
    work = _current.get()
    while work is not None and work.is_over:
        work = work.outer
    return work


def places_within() -> Places | None:
    """The places for what runs within the nearest holder of one."""
    work = current()
    if work is None:
        return None
    return next((each.places for each in work.line() if each.places is not None and not each.is_over), None)


@contextmanager
def working(keys: Iterable[Key], places: Places | None = None) -> Iterator[None]:
    """Say what this thread or task is at meanwhile."""
    work = Work(keys, places)
    token = _current.set(work)
    _works.add(work)
    try:
        yield
    finally:
        work.is_over = True
        _works.discard(work)
        with suppress(ValueError):  # closed from another context, whose own work is another
            _current.reset(token)


@contextmanager
def waiting(work: Work | None, keys: Iterable[Key]) -> Iterator[None]:
    """Say what a work cannot go on without. Whoever says so first and asks then finds every circle."""
    if work is None:
        yield
        return
    mark = object()
    _waiting[mark] = (work, keys)
    try:
        yield
    finally:
        _waiting.pop(mark, None)


def waits_for_itself(work: Work | None, key: Key) -> bool:
    """Whether those who are at a key wait, in this process, for what this work holds; the work itself may be at it."""
    if work is None:
        return False
    mine = set(work.line())
    seen: set[Key] = set()
    ahead = [key]
    while ahead:
        each = ahead.pop()
        if each in seen:
            continue
        seen.add(each)
        for other in list(_works):
            if each not in other.keys:
                continue
            if other in mine:
                return True
            ahead += [key for waiter, keys in list(_waiting.values()) if other in waiter.line() for key in keys]
    return False


class Places:
    """Places for so many loads at a time.

    Args:
        number: how many there are.
    """

    __slots__ = ("_holds", "_number", "_queue")

    def __init__(self, number: int) -> None:
        self._number = number
        # Weakly: one that an exception, raised by a signal, kept from giving its place back is gone with its caller.
        self._holds: list[weakref.ref[Hold]] = []
        self._queue: deque[weakref.ref[Hold]] = deque()

    def admit(self, hold: Hold) -> bool:
        """Give it a place, if there is one; the lock is held."""
        self._holds = [each for each in self._holds if each() is not None]
        if len(self._holds) >= self._number:
            return False
        self._holds.append(weakref.ref(hold))
        return True

    def has(self, hold: Hold) -> bool:
        """Whether it has a place here."""
        return any(each() is hold for each in self._holds)

    def line_up(self, hold: Hold) -> None:
        """Put it at the end of the queue; the lock is held."""
        self._queue.append(weakref.ref(hold))

    def leave(self, hold: Hold) -> None:
        """Take it out of the queue; the lock is held."""
        self._queue = deque(each for each in self._queue if each() not in {hold, None})

    def dismiss(self, hold: Hold) -> Hold | None:
        """Take its place away; who has it now, if anybody waited. The lock is held."""
        self._holds = [each for each in self._holds if each() not in {hold, None}]
        for each in self._queue:
            waiting = each()
            if waiting is not None:
                return waiting if self.admit(waiting) else None
        return None


class Hold:
    """A place for one load, from any of several.

    Its owner gives it back. If an exception that a signal raises keeps it from that, the place is free again when the
    object is gone.

    Args:
        choice: where a place will do.
        backend: how to wait for one.
    """

    __slots__ = ("__weakref__", "_backend", "_choice", "_event", "_wake")

    def __init__(self, choice: list[Places], backend: Backend) -> None:
        self._choice = choice
        self._backend = backend
        self._event: Any = None
        self._wake: Callable[[], None] | None = None

    def take(self, seconds: float) -> Steps[bool]:
        """Take a place that is free or comes free within this time; whether there was one."""
        with _lock:
            if self._is_admitted():
                return True
            self._event = self._backend.event()
            self._wake = self._backend.waker(self._event)
            for places in self._choice:
                places.line_up(self)
        yield self._backend.wait(self._event, seconds)
        with _lock:
            return self._is_admitted()

    def give_back(self) -> None:
        """Give it to the one who waits longest."""
        woken = []
        with _lock:
            self.leave_queues()
            for places in self._choice:
                found = places.dismiss(self)
                if found is not None:
                    found.leave_queues()
                    woken.append(found)
        for each in woken:
            each.wake()

    def leave_queues(self) -> None:
        """It has a place, or wants none any more; the lock is held."""
        for places in self._choice:
            places.leave(self)

    def _is_admitted(self) -> bool:
        return any(each.has(self) for each in self._choice) or any(each.admit(self) for each in self._choice)

    def wake(self) -> None:
        """Have it look again."""
        if self._wake is not None:
            self._wake()


_lock = threading.Lock()


def _begin_anew() -> None:
    """A child process has none of its parent's threads, whatever these were at."""
    global _lock  # noqa: PLW0603  # a lock that is held for good cannot be released
    _lock = threading.Lock()
    _works.clear()
    _waiting.clear()
    _current.set(None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
