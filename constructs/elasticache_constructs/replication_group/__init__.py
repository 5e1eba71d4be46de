"""Redis and Valkey replication groups, and global datastores of them."""

from elasticache_constructs.replication_group.base import ReplicationGroupBase
from elasticache_constructs.replication_group.construct import ReplicationGroup
from elasticache_constructs.replication_group.global_datastore import GlobalDatastore, SecondaryReplicationGroup

__all__ = ["GlobalDatastore", "ReplicationGroup", "ReplicationGroupBase", "SecondaryReplicationGroup"]
