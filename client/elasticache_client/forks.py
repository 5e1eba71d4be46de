"""What a forked child must renew: locks that threads of the parent held and that the child cannot release.

Forking servers (gunicorn and uWSGI with preloading, Celery, multiprocessing) fork while other threads run.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

T = TypeVar("T")

_LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}


def renew_locks(owner: object) -> None:
    """Replace all locks among an object's attributes with new ones."""
    for name, value in list(vars(owner).items()):
        make: Callable[[], object] | None = _LOCKS.get(type(value))
        if make is not None:
            setattr(owner, name, make())


def after_fork(target: T, renew: Callable[[T], None]) -> None:
    """Call a function with an object in each forked child, as long as the object lives.

    Args:
        target: The object. It is referenced weakly.
        renew: The function. Not a method bound to the object, which would keep it alive.
    """
    _renewals[target] = renew


def _renew_all() -> None:
    for target, renew in list(_renewals.items()):
        try:
            renew(target)
        except Exception:  # noqa: BLE001 - the other objects must be renewed regardless
            # For example an object whose constructor failed, and which an exception still references.
            _log.warning("an object of type %s could not be renewed after a fork", type(target).__name__, exc_info=True)


_renewals: WeakKeyDictionary[Any, Callable[[Any], None]] = WeakKeyDictionary()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
