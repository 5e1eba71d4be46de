"""Writes, write-through and invalidation: no older value comes back afterwards."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from elasticache_client.caching.errors import Unavailable
from elasticache_client.caching.nesting import working
from elasticache_client.caching.scripts import BEGIN_WRITE, END_WRITE, WRITE
from elasticache_client.steps import clean_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from elasticache_client.caching.entries import Policy
    from elasticache_client.caching.leases import Leases
    from elasticache_client.caching.server import Server
    from elasticache_client.caching.settings import Settings
    from elasticache_client.steps import Backend, Steps


class Writes:
    """Changes stored values, as steps.

    Args:
        server: The cache server.
        leases: The leases that writes end, or hold.
        settings: The cache's settings.
        backend: How to wait.
    """

    def __init__(self, server: Server, leases: Leases, settings: Settings, backend: Backend) -> None:
        self._server = server
        self._leases = leases
        self._jitter = settings.jitter
        self._backend = backend

    def write(self, key: str, value: Any, policy: Policy[Any]) -> Steps[None]:
        """Replace what is stored or being loaded.

        Args:
            key: The key.
            value: The value.
            policy: How it is cached.
        """
        content, keep_ms = policy.encode(value, 0, self._jitter)
        with self._server.or_remove_later([key]):
            yield from self._server.run(WRITE, key, content, keep_ms)

    def write_through(self, key: str, value: Any, store: Callable[[Any], Any], policy: Policy[Any]) -> Steps[Any]:
        """Write to the database, then to the cache; if another write came in between, the cache has no value.

        Args:
            key: The key.
            value: The value.
            store: Writes it to the database.
            policy: How it is cached.

        Returns:
            What ``store`` returns.
        """
        content, keep_ms = policy.encode(value, 0, self._jitter)
        token = secrets.token_hex(8)
        try:
            yield from self._server.run(BEGIN_WRITE, key, token, *self._leases.milliseconds)
        except Unavailable:
            pass  # the end finds no token then, and deletes the value
        except BaseException as error:
            # The server may have run it, and readers would wait for this writer.
            yield from clean_up(self._backend, self._leases.give_back([key], token), error)
            raise
        try:
            with working([self._server.identity(key)]):
                result = yield store(value)
        except BaseException as error:
            # The database may have committed it all the same.
            yield from clean_up(self._backend, self._server.remove([key]), error)
            raise
        with self._server.or_remove_later([key]):
            yield from self._server.run(END_WRITE, key, token, content, keep_ms)
        return result

    def invalidate(self, keys: Sequence[str]) -> Steps[None]:
        """Delete values, and the right to store what is being loaded.

        Args:
            keys: The keys.
        """
        yield from self._server.remove(keys)
