"""Memcached clusters."""

from elasticache_constructs.memcached_cluster.construct import MemcachedCluster, MemcachedClusterBase

__all__ = ["MemcachedCluster", "MemcachedClusterBase"]
