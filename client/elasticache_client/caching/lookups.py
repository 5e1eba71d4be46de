"""Lazy loading: the stored value, or the one that this caller or another one loads.

Two releases of an application share a key as long as one can read what the other has stored. A value that cannot be
read stays where it is, and the release that cannot read it keeps a variant under a second name. Whatever deletes or
replaces the value also ends its variants, because each begins with the digest of the value it belongs to.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, TypeVar

from elasticache_client.caching.errors import Unavailable
from elasticache_client.caching.flights import Flights
from elasticache_client.caching.leases import Leases
from elasticache_client.caching.loading import Loader
from elasticache_client.caching.nesting import current, waiting
from elasticache_client.caching.results import Request, digest_of, value_of, without_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from elasticache_client.caching.entries import Entry, Policy
    from elasticache_client.caching.results import Result
    from elasticache_client.caching.server import Server
    from elasticache_client.caching.settings import Settings
    from elasticache_client.steps import Backend, Steps

T = TypeVar("T")


class Lookups:
    """Looks values up, as steps.

    Args:
        server: The cache server.
        settings: The cache's settings.
        backend: How to wait.

    Attributes:
        leases: What acquires the leases of its loads.
        flights: The look-ups that callers of this process share.
    """

    def __init__(self, server: Server, settings: Settings, backend: Backend) -> None:
        self.stats = server.stats
        self._server = server
        self._early = settings.early
        self._loader = Loader(server, settings, backend)
        self.leases = Leases(server, self._loader, settings, backend)
        self.flights = Flights(server, self.leases, self._loader, settings, backend)

    def hit(self, content: bytes | None, policy: Policy[T]) -> Entry[T] | None:
        """The entry, if it can be served as it is.

        Args:
            content: What is stored.
            policy: How the value is cached.
        """
        entry = policy.decode(content)
        if entry is None or entry.is_due(self._early):
            return None
        self.stats.hits += 1
        return entry

    def lookup(self, key: str, load: Callable[[], Any], policy: Policy[T], *, is_lost: bool = False) -> Steps[T]:
        """Return the stored value, or the one that this caller or another one loads.

        Args:
            key: The key.
            load: The function that loads it.
            policy: How it is cached.
            is_lost: Whether the caller has just asked for it and the server did not answer.
        """
        called_at = time.monotonic()
        result: Result | None = None
        while result is None:
            request: Request | None = None
            entry: Entry[T] | None = None
            if not is_lost:
                try:
                    content = yield from self._server.get(key)
                    entry = self.hit(content, policy)
                    if entry is None:
                        request = self._request(key, called_at, content, policy)
                        if request.variant_of:
                            content = yield from self._server.get(request.name)
                            entry = self.hit(without_digest(content, request.variant_of), policy)
                            request = self._request(key, called_at, content, policy, request.variant_of)
                except Unavailable:
                    request = None
            is_lost = False
            if entry is not None:
                return entry.value
            result = yield from self.flights.obtain(key, called_at, request, load, policy)
        value: T = value_of(result, policy)
        return value

    def lookup_many(
        self, keys: Iterable[str], load_many: Callable[[list[str]], Any], policy: Policy[T]
    ) -> Steps[dict[str, T]]:
        """Return the stored values of all keys, with one load for those that are missing and not being loaded.

        Args:
            keys: The keys.
            load_many: The function that loads several.
            policy: How they are cached.
        """
        unique = list(dict.fromkeys(keys))
        if not unique:
            return {}

        def load(keys: list[str]) -> Steps[Mapping[str, Any]]:
            loaded = yield load_many(keys)
            return {key: loaded.get(key) for key in keys}

        asked_at = time.monotonic()
        values: dict[str, T] = {}
        lost: list[str] = []
        requests: list[Request] = []
        reads = [(key, key, b"") for key in unique]
        while reads:
            contents = yield from self._server.get_many([name for _, name, _ in reads])
            variants = []
            for (key, _, variant_of), content in zip(reads, contents, strict=True):
                if isinstance(content, Unavailable):
                    lost.append(key)
                    continue
                entry = self.hit(without_digest(content, variant_of), policy)
                if entry is not None:
                    values[key] = entry.value
                    continue
                request = self._request(key, asked_at, content, policy, variant_of)
                if request.variant_of and not variant_of:
                    variants.append((key, request.name, request.variant_of))
                else:
                    requests.append(request)
            reads = variants
        with waiting(current(), [self._server.identity(request.key) for request in requests]):
            results = yield from self.leases.obtain(requests, load, policy)
        results |= yield from self._loader.load_bypassing(lost, load, policy)
        values |= {key: value_of(result, policy) for key, result in results.items()}
        return {key: values[key] for key in unique}

    def reload(self, key: str, load: Callable[[], Any], policy: Policy[T]) -> Steps[T]:
        """Return a value whose load begins after this call.

        Args:
            key: The key.
            load: The function that loads it.
            policy: How it is cached.
        """
        yield from self._server.remove([key])
        return (yield from self.lookup(key, load, policy))

    def _request(
        self, key: str, read_at: float, content: bytes | None, policy: Policy[Any], variant_of: bytes = b""
    ) -> Request:
        """What to ask the server for, if what is stored cannot be served as it is."""
        request = Request(key, read_at)
        if variant_of:
            request.ask_for_variant(variant_of, policy)
        if content is None:
            return request
        usable = without_digest(content, variant_of)
        entry = policy.decode(usable)
        if entry is None:
            request.reject(content, policy)
            return request
        # The server decides whether the end is near: a machine whose clock is wrong would always say so.
        near = policy.stale_for + entry.window(self._early)
        request.near_ms = math.ceil(near * 1000)
        request.stale_ms = math.ceil(policy.stale_for * 1000)
        request.usable, request.usable_digest = usable, digest_of(content)
        return request
