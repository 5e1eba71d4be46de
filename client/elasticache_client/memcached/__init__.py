"""pymemcache, set up for Amazon ElastiCache for Memcached: TLS, auto discovery, failing nodes, and no pickle.

    from elasticache_client import memcached

    with memcached.connect(key_prefix="shop:") as cache:
        cache.set("pear", {"price": 1.5}, ttl=300)
        assert cache.get("pear") == {"price": 1.5}

Requires the extra ``memcached``. ``connect_sasl`` requires ``memcached-sasl``.
"""

from __future__ import annotations

from elasticache_client.memcached.client import Memcached, connect, connect_nodes
from elasticache_client.memcached.discovery import DiscoveryError
from elasticache_client.memcached.node import NodeError
from elasticache_client.memcached.sasl import connect_sasl

__all__ = ["DiscoveryError", "Memcached", "NodeError", "connect", "connect_nodes", "connect_sasl"]
