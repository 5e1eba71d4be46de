"""Amazon ElastiCache for AWS CDK: Redis, Valkey and Memcached, secure unless told otherwise in writing."""

from elasticache_constructs.access import Access, DefaultUser, IamUser, PasswordUser, Permissions
from elasticache_constructs.acknowledgements import acknowledge
from elasticache_constructs.backups import Backups
from elasticache_constructs.encryption_key import EncryptionKey
from elasticache_constructs.endpoint import Endpoint
from elasticache_constructs.engine import Engine
from elasticache_constructs.errors import CombinedConfigurationError, ConfigurationError, one_line_errors
from elasticache_constructs.log_delivery import LogDelivery
from elasticache_constructs.memcached_cluster import MemcachedCluster, MemcachedClusterBase
from elasticache_constructs.network import CacheNetwork, Egress, ImportedNetwork
from elasticache_constructs.network_type import NetworkType
from elasticache_constructs.node_type import NodeType
from elasticache_constructs.notifications import AlarmTopic, EventTopic
from elasticache_constructs.ports import MEMCACHED_PORT, REDIS_PORT
from elasticache_constructs.replication_group import ReplicationGroup
from elasticache_constructs.replication_group_base import ReplicationGroupBase
from elasticache_constructs.restore import Snapshot
from elasticache_constructs.rotation.construct import Rotation, SecretRotation
from elasticache_constructs.serverless_cache import ServerlessCache, ServerlessCacheBase
from elasticache_constructs.serverless_engine import ServerlessEngine
from elasticache_constructs.serverless_limits import ServerlessLimits
from elasticache_constructs.topology import ClusterMode, Topology
from elasticache_constructs.transit_encryption import TransitEncryption

__all__ = [
    "MEMCACHED_PORT",
    "REDIS_PORT",
    "Access",
    "AlarmTopic",
    "Backups",
    "CacheNetwork",
    "ClusterMode",
    "CombinedConfigurationError",
    "ConfigurationError",
    "DefaultUser",
    "Egress",
    "EncryptionKey",
    "Endpoint",
    "Engine",
    "EventTopic",
    "IamUser",
    "ImportedNetwork",
    "LogDelivery",
    "MemcachedCluster",
    "MemcachedClusterBase",
    "NetworkType",
    "NodeType",
    "PasswordUser",
    "Permissions",
    "ReplicationGroup",
    "ReplicationGroupBase",
    "Rotation",
    "SecretRotation",
    "ServerlessCache",
    "ServerlessCacheBase",
    "ServerlessEngine",
    "ServerlessLimits",
    "Snapshot",
    "Topology",
    "TransitEncryption",
    "acknowledge",
    "one_line_errors",
]
