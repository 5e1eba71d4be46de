"""The watch over all caches: nodes that have ended are replaced."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

PAUSE_SECONDS = 0.02

logger = logging.getLogger(__name__)


class Supervised(Protocol):
    """A cache with nodes that can be replaced."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def needs_replacement(self) -> bool:
        """Whether `supervise` has something to do."""

    def supervise(self) -> None:
        """Replace nodes that have ended."""


class Watcher:
    """A thread that lets each cache replace its nodes.

    Args:
        caches: The caches at this moment.
        scope: A context in which they are replaced.
    """

    def __init__(
        self, caches: Callable[[], Iterable[Supervised]], scope: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._caches = caches
        self._scope = scope
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._busy: dict[Supervised, threading.Thread] = {}
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; nothing if it has begun."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="cache-watcher", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(PAUSE_SECONDS):
            for cache in self._caches():
                busy = self._busy.get(cache)
                if cache.needs_replacement and (busy is None or not busy.is_alive()):
                    name = f"replace-{cache.name}"
                    self._busy[cache] = threading.Thread(target=self._replace, args=(cache,), name=name, daemon=True)
                    self._busy[cache].start()

    def _replace(self, cache: Supervised) -> None:
        """Each cache has a thread, so that one that waits for data does not keep another from its failover."""
        try:
            with self._scope():
                cache.supervise()
        except Exception:
            logger.exception("the nodes of %s could not be replaced", cache.name)
