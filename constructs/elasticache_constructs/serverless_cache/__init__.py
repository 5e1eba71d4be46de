"""Serverless caches."""

from elasticache_constructs.serverless_cache.construct import ServerlessCache, ServerlessCacheBase

__all__ = ["ServerlessCache", "ServerlessCacheBase"]
