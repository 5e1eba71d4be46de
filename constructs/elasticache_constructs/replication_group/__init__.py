"""Redis and Valkey replication groups."""

from elasticache_constructs.replication_group.base import ReplicationGroupBase
from elasticache_constructs.replication_group.construct import ReplicationGroup

__all__ = ["ReplicationGroup", "ReplicationGroupBase"]
