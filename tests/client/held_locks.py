"""Forks while threads of the parent hold locks."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import traceback
import types
import warnings
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HANGS_SECONDS = 60
_LOCKS = (type(threading.Lock()), type(threading.RLock()))
# What all objects of the process are reachable from.
_SHARED = (type, types.ModuleType, types.FunctionType, types.FrameType, threading.Thread, logging.Logger)


def child_ends_well(work: Callable[[], object]) -> bool:
    """Whether a forked child completes its work. A child that hangs is killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of threads, which these tests need
        child = os.fork()
    if child == 0:
        signal.alarm(HANGS_SECONDS)
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - the parent fails
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


@contextmanager
def held(lock: Any) -> Iterator[None]:
    """Another thread holds the lock, as long as the block lasts."""
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            is_held.set()
            may_end.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait()
    try:
        yield
    finally:
        may_end.set()
        thread.join()


def locks_of(root: object) -> dict[str, Any]:
    """All locks that an object refers to, as the garbage collector knows it, by their owner's class and name."""
    found: dict[str, Any] = {}
    seen: dict[int, object] = {}
    left: list[tuple[object, str]] = [(root, "")]
    while left:
        owner, owner_name = left.pop()
        if id(owner) in seen or isinstance(owner, _SHARED):
            continue
        seen[id(owner)] = owner
        if isinstance(owner, _LOCKS):
            found[f"{owner_name} ({len(found)})"] = owner
        elif isinstance(owner, weakref.ref):
            left.append((owner(), owner_name))
        elif isinstance(owner, dict):
            left += [(value, f"{owner_name}[{key!r}]"[:200]) for key, value in owner.items()]
        else:
            attributes = getattr(owner, "__dict__", {})
            names = {id(value): f"{type(owner).__name__}.{name}" for name, value in attributes.items()}
            left += [
                (part, names.get(id(part), owner_name)) for part in gc.get_referents(owner) if part is not attributes
            ]
            left += [(value, names[id(value)]) for value in attributes.values()]
    return found


def that_hang(root: object, work: Callable[[], object], besides: object = None) -> list[str]:
    """The locks that keep a forked child from its work if another thread of the parent holds them.

    Args:
        root: The object whose locks are tried, one after another.
        work: What the child does.
        besides: An object whose locks are not tried.
    """
    others = {id(lock) for lock in locks_of(besides).values()}
    locks = {name: lock for name, lock in locks_of(root).items() if id(lock) not in others}
    assert locks
    hanging = []
    for name, lock in locks.items():
        with held(lock):
            if not child_ends_well(work):
                hanging.append(name)
    return hanging
