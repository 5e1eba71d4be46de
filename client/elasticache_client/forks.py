"""What a forked child has to make anew: locks that threads of its parent held, which it does not have to release them.

Forking servers (gunicorn and uWSGI with preloading, Celery, multiprocessing) fork while other threads are at work.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}


def renew_locks(thing: object) -> None:
    """Give an object new locks in the place of those among its attributes."""
    for name, value in list(vars(thing).items()):
        make: Callable[[], object] | None = _LOCKS.get(type(value))
        if make is not None:
            setattr(thing, name, make())


def after_fork(thing: T, renew: Callable[[T], None]) -> None:
    """Have something done to an object in each forked child, for as long as the object lives.

    Args:
        thing: the object.
        renew: what is done to it; no method bound to it, which would keep it alive.
    """
    _things[thing] = renew


def _renew_all() -> None:
    for thing, renew in list(_things.items()):
        renew(thing)


_things: WeakKeyDictionary[Any, Callable[[Any], None]] = WeakKeyDictionary()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
