"""Amazon ElastiCache for AWS CDK: Redis, Valkey and Memcached.

Secure by default; every relaxation needs a written reason.
"""

from elasticache_constructs.access import (
    Access,
    DefaultUser,
    ExistingUser,
    ExistingUserGroup,
    IamUser,
    PasswordUser,
    Permissions,
    UserGroup,
)
from elasticache_constructs.checks.acknowledgements import acknowledge
from elasticache_constructs.checks.errors import CombinedConfigurationError, ConfigurationError, one_line_errors
from elasticache_constructs.memcached_cluster.construct import MemcachedCluster, MemcachedClusterBase
from elasticache_constructs.network.construct import CacheNetwork, Egress, ImportedNetwork
from elasticache_constructs.replication_group.base import ReplicationGroupBase
from elasticache_constructs.replication_group.construct import ReplicationGroup
from elasticache_constructs.replication_group.global_datastore import GlobalDatastore, SecondaryReplicationGroup
from elasticache_constructs.rotation.construct import Rotation, SecretRotation, UserGroupRotation
from elasticache_constructs.serverless_cache.construct import ServerlessCache, ServerlessCacheBase
from elasticache_constructs.shared.connection_parameters import ConnectionParameters, ConnectionParametersBase
from elasticache_constructs.shared.encryption_key import EncryptionKey
from elasticache_constructs.shared.ephemeral import make_ephemeral
from elasticache_constructs.shared.monitoring.cache_alarm import CacheAlarm
from elasticache_constructs.shared.monitoring.cache_alarms import CacheAlarms
from elasticache_constructs.shared.monitoring.dashboard import CacheDashboard
from elasticache_constructs.shared.monitoring.queries import SavedQueries
from elasticache_constructs.shared.notifications import AlarmTopic, EventTopic
from elasticache_constructs.shared.service_updates.construct import ServiceUpdateAlarm
from elasticache_constructs.shared.snapshot_copies.construct import SnapshotCopies
from elasticache_constructs.shared.snapshot_copies.vault import SnapshotVault
from elasticache_constructs.shared.subscriptions import Subscriptions
from elasticache_constructs.values.auto_scaling import AutoScaling, ScalingMetric, ScheduledScaling
from elasticache_constructs.values.backups import Backups
from elasticache_constructs.values.durability import Durability
from elasticache_constructs.values.endpoint import Endpoint
from elasticache_constructs.values.engine import Engine
from elasticache_constructs.values.existing import (
    EncryptionAtRest,
    ExistingMemcachedCluster,
    ExistingReplicationGroup,
    ExistingServerlessCache,
)
from elasticache_constructs.values.log_delivery import Log, LogDelivery
from elasticache_constructs.values.name import Name
from elasticache_constructs.values.network_type import NetworkType
from elasticache_constructs.values.node_type import NodeType
from elasticache_constructs.values.ports import MEMCACHED_PORT, REDIS_PORT
from elasticache_constructs.values.restore import Snapshot
from elasticache_constructs.values.serverless_engine import ServerlessEngine
from elasticache_constructs.values.serverless_limits import ServerlessLimits
from elasticache_constructs.values.subscribers import Pager, SlackChannel, Subscribers, TeamsChannel
from elasticache_constructs.values.topology import ClusterMode, Shard, Topology
from elasticache_constructs.values.transit_encryption import TransitEncryption

__all__ = [
    "MEMCACHED_PORT",
    "REDIS_PORT",
    "Access",
    "AlarmTopic",
    "AutoScaling",
    "Backups",
    "CacheAlarm",
    "CacheAlarms",
    "CacheDashboard",
    "CacheNetwork",
    "ClusterMode",
    "CombinedConfigurationError",
    "ConfigurationError",
    "ConnectionParameters",
    "ConnectionParametersBase",
    "DefaultUser",
    "Durability",
    "Egress",
    "EncryptionAtRest",
    "EncryptionKey",
    "Endpoint",
    "Engine",
    "EventTopic",
    "ExistingMemcachedCluster",
    "ExistingReplicationGroup",
    "ExistingServerlessCache",
    "ExistingUser",
    "ExistingUserGroup",
    "GlobalDatastore",
    "IamUser",
    "ImportedNetwork",
    "Log",
    "LogDelivery",
    "MemcachedCluster",
    "MemcachedClusterBase",
    "Name",
    "NetworkType",
    "NodeType",
    "Pager",
    "PasswordUser",
    "Permissions",
    "ReplicationGroup",
    "ReplicationGroupBase",
    "Rotation",
    "SavedQueries",
    "ScalingMetric",
    "ScheduledScaling",
    "SecondaryReplicationGroup",
    "SecretRotation",
    "ServerlessCache",
    "ServerlessCacheBase",
    "ServerlessEngine",
    "ServerlessLimits",
    "ServiceUpdateAlarm",
    "Shard",
    "SlackChannel",
    "Snapshot",
    "SnapshotCopies",
    "SnapshotVault",
    "Subscribers",
    "Subscriptions",
    "TeamsChannel",
    "Topology",
    "TransitEncryption",
    "UserGroup",
    "UserGroupRotation",
    "acknowledge",
    "make_ephemeral",
    "one_line_errors",
]
