"""What a forked child must renew: locks that threads of the parent held and that the child cannot release.

Forking servers (gunicorn and uWSGI with preloading, Celery, multiprocessing) fork while other threads run. The client
libraries' locks are among those that a child would wait for indefinitely.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections import deque
from functools import cache, partial
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_log = logging.getLogger(__name__)

T = TypeVar("T")

_PACKAGES: Final = frozenset({"elasticache_client", "redis", "valkey"})
# 16,384 lists of nodes that are also in the cluster clients' nodes_cache.
_SLOTS: Final = "slots_cache"


def after_fork(target: T, renew: Callable[[T], None] | None = None) -> None:
    """Renew an object in each forked child, as long as the object lives.

    All locks and events that the object refers to are replaced, directly or by way of other objects of this package,
    of redis-py and of valkey-py. A lock that several objects share is replaced by one that they share.

    Args:
        target: The object. It is referenced weakly.
        renew: What else to do, called with the object when the locks of all objects are new. Not a method bound to the
            object, which would keep it alive. Default: nothing.
    """
    _renewals[target] = renew


def _renew_all() -> None:
    renewals = list(_renewals.items())
    _renew_locks([target for target, _ in renewals])
    for target, renew in renewals:
        if renew is None:
            continue
        try:
            renew(target)
        except Exception:  # noqa: BLE001 - the other objects must be renewed regardless
            # For example an object whose constructor failed, and which an exception still references.
            _log.warning("an object of type %s could not be renewed after a fork", type(target).__name__, exc_info=True)


def _renew_locks(targets: Iterable[object]) -> None:
    """Replace the locks and events of all objects that can be reached from these.

    They are replaced rather than released, because the thread that forked may hold some of them in the child.
    """
    renewed: dict[int, Any] = {}
    # Referenced, so that no other object gets the id of one that has been seen.
    seen: dict[int, object] = {}
    left = list(targets)
    while left:
        owner = left.pop()
        if id(owner) in seen:
            continue
        seen[id(owner)] = owner
        attributes = _attributes(owner)
        if attributes is None:
            left.extend(_contents(owner))
            continue
        for name, value in list(attributes.items()):
            if name == _SLOTS:
                continue
            make = _LOCKS.get(type(value))
            if make is None:
                left.append(value)
                continue
            if id(value) not in renewed:
                seen[id(value)] = value
                renewed[id(value)] = make(value)
            attributes[name] = renewed[id(value)]


def _attributes(owner: object) -> dict[Any, Any] | None:
    """An object's attributes, or a dictionary itself. None: it has none, or they are not renewed here."""
    if isinstance(owner, dict):
        return owner
    kind: Any = type(owner)
    return getattr(owner, "__dict__", None) if _is_renewed(kind) else None


@cache
def _is_renewed(kind: type) -> bool:
    return any(class_.__module__.partition(".")[0] in _PACKAGES for class_ in kind.__mro__)


def _contents(owner: object) -> Iterable[object]:
    """What a container holds, and what a reference or a method refers to."""
    if isinstance(owner, list | tuple | set | frozenset | deque):
        return owner
    if isinstance(owner, weakref.ref):
        return [owner()]
    if isinstance(owner, MethodType):
        return [owner.__self__]
    if isinstance(owner, partial):
        return [owner.func, owner.args, owner.keywords]
    return ()


def _new_event(event: threading.Event) -> threading.Event:
    new = threading.Event()
    if event.is_set():
        new.set()
    return new


_LOCKS: Final[dict[type, Callable[[Any], Any]]] = {
    type(threading.Lock()): lambda _: threading.Lock(),
    type(threading.RLock()): lambda _: threading.RLock(),
    threading.Event: _new_event,
}
_renewals: WeakKeyDictionary[Any, Callable[[Any], None] | None] = WeakKeyDictionary()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
