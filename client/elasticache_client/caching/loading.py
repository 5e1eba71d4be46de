"""Calls of the functions that load, under a lease or, in a limited number, without the cache."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from elasticache_client.caching.errors import Overloaded
from elasticache_client.caching.nesting import Permit, Permits, permits_within, working
from elasticache_client.caching.results import Loaded
from elasticache_client.forks import after_fork
from elasticache_client.steps import Steps
from elasticache_client.values import UnfitError

if TYPE_CHECKING:
    from elasticache_client.caching.entries import Policy
    from elasticache_client.caching.results import Result
    from elasticache_client.caching.server import Server
    from elasticache_client.caching.settings import Settings
    from elasticache_client.steps import Backend

LoadMany: TypeAlias = Callable[[list[str]], Steps[Mapping[str, Any]]]
"""Loads keys, and returns their values by key."""

_logger = logging.getLogger(__name__)


class Loader:
    """Calls functions that load, and encodes what they give.

    Args:
        server: The cache server.
        settings: The cache's settings.
        backend: How to wait.
    """

    def __init__(self, server: Server, settings: Settings, backend: Backend) -> None:
        self.stats = server.stats
        self._server = server
        self._settings = settings
        self._backend = backend
        self._permits = Permits(settings.bypass_limit)
        self._unfit: set[tuple[object, type]] = set()
        after_fork(self, Loader.reset)

    def reset(self) -> None:
        """In a forked child: the threads that have permits are the parent's."""
        self._permits = Permits(self._settings.bypass_limit)

    def load(
        self, keys: list[str], load: LoadMany, policy: Policy[Any], permits: Permits | None = None
    ) -> Steps[dict[str, Loaded]]:
        """Call the function that loads.

        Args:
            keys: The keys to load.
            load: The function.
            policy: How the values are cached.
            permits: The permits for loads within this one, if it has a permit.

        Returns:
            By key, the value and what to store of it.
        """
        with working(map(self._server.identity, keys), permits):
            self.stats.loads += 1
            started_at = time.monotonic()
            try:
                values = yield from load(keys)
            except policy.answers:
                raise
            except Exception:
                self.stats.errors += 1
                raise
            seconds = time.monotonic() - started_at
            return {key: self._encoded(value, seconds, policy) for key, value in values.items()}

    def load_bypassing(self, keys: list[str], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, Result]]:
        """Load without the cache, a limited number at a time.

        Args:
            keys: The keys to load.
            load: The function.
            policy: How the values are cached.

        Raises:
            Overloaded: If no permit becomes free in time.
        """
        if not keys:
            return {}
        self.stats.misses += len(keys)
        self.stats.bypassed += 1
        settings = self._settings
        # A load within one that has a permit uses that one, one at a time, or another that is free.
        within = permits_within()
        permit = Permit([self._permits] if within is None else [within, self._permits], self._backend)
        try:
            if not (yield from permit.acquire(settings.bypass_wait)):
                raise Overloaded(settings.bypass_limit, settings.bypass_wait)
            return (yield from self._unstored(keys, load, policy, Permits(1)))
        finally:
            permit.release()

    def load_within(self, keys: list[str], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, Result]]:
        """Load what would wait for itself: as without a cache, and without storing it.

        Args:
            keys: The keys to load.
            load: The function.
            policy: How the values are cached.
        """
        if not keys:
            return {}
        self.stats.misses += len(keys)
        return (yield from self._unstored(keys, load, policy, None))

    def _unstored(
        self, keys: list[str], load: LoadMany, policy: Policy[Any], permits: Permits | None
    ) -> Steps[dict[str, Result]]:
        started_at = time.monotonic()
        loaded = yield from self.load(keys, load, policy, permits)
        return {key: one.result(started_at) for key, one in loaded.items()}

    def _encoded(self, value: Any, seconds: float, policy: Policy[Any]) -> Loaded:
        """What to store of a value: its caller gets it in any case, unless the type declared for it is wrong."""
        try:
            return Loaded(value, *policy.encode(value, seconds, self._settings.jitter))
        except UnfitError as error:
            if error.is_mistyped:
                self.stats.errors += 1
                raise
            kind = (policy.shape, type(value))
            if kind not in self._unfit:
                self._unfit.add(kind)
                _logger.warning("A value is not cached, and loaded at each call: %s", error)
            return Loaded(value, None)


def loading_one(load: Callable[[], Any]) -> LoadMany:
    """The function for many keys, from one that loads a single key."""

    def load_one(keys: list[str]) -> Steps[Mapping[str, Any]]:
        value = yield load()
        return {keys[0]: value}

    return load_one
