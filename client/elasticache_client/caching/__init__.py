"""Lazy loading and write-through over Redis and Valkey: one caller of all loads, and no older value comes back.

    cache = Cache(connect(), prefix="catalogue")

    @cache.lazy("product:{product_id}", ttl=300)
    def product(product_id: int) -> Product | None: ...

``docs/adr/0008-own-lease-based-caching.md`` says why no library is used. It needs the extra ``caching``.

See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Strategies.html
"""

from __future__ import annotations

from elasticache_client.caching.cache import AsyncCache, Cache
from elasticache_client.caching.errors import LoadFailed, Overloaded
from elasticache_client.caching.lazy import Lazy
from elasticache_client.caching.stats import Stats

__all__ = ["AsyncCache", "Cache", "Lazy", "LoadFailed", "Overloaded", "Stats"]
