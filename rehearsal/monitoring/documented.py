"""The metrics that ElastiCache publishes and their dimensions, from AWS's pages.

An alarm on another metric, or on another dimension, has no data on AWS. It gets none here either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "AWS/ElastiCache"

# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.HostLevel.html
HOST = frozenset(
    {
        *("CPUUtilization", "CPUCreditBalance", "CPUCreditUsage", "FreeableMemory", "SwapUsage"),
        *("NetworkBytesIn", "NetworkBytesOut", "NetworkPacketsIn", "NetworkPacketsOut"),
        *("NetworkBandwidthInAllowanceExceeded", "NetworkBandwidthOutAllowanceExceeded"),
        *("NetworkConntrackAllowanceExceeded", "NetworkLinkLocalAllowanceExceeded"),
        *("NetworkPacketsPerSecondAllowanceExceeded", "NetworkMaxBytesIn", "NetworkMaxBytesOut"),
        *("NetworkMaxPacketsIn", "NetworkMaxPacketsOut"),
    }
)
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html, without those of command types
NODES = HOST | {
    *("ActiveDefragHits", "AuthenticationFailures", "DatabaseAuthorizationFailures", "BytesUsedForCache"),
    *("BytesReadFromDisk", "BytesWrittenToDisk", "CacheHits", "CacheMisses", "CommandAuthorizationFailures"),
    *("CacheHitRate", "ChannelAuthorizationFailures", "CurrConnections", "CurrItems", "CurrVolatileItems"),
    *("DatabaseCapacityUsagePercentage", "DatabaseCapacityUsageCountedForEvictPercentage"),
    *("DatabaseMemoryUsagePercentage", "DatabaseMemoryUsageCountedForEvictPercentage", "DB0AverageTTL"),
    *("EngineCPUUtilization", "Evictions", "GlobalDatastoreReplicationLag", "IamAuthenticationExpirations"),
    *("IamAuthenticationThrottling", "IsMaster", "KeyAuthorizationFailures", "KeysTracked"),
    *("MemoryFragmentationRatio", "NewConnections", "NumItemsReadFromDisk", "NumItemsWrittenToDisk"),
    *("MasterLinkHealthStatus", "Reclaimed", "ReplicationBytes", "ReplicationLag", "SaveInProgress"),
    *("TrafficManagementActive", "SuccessfulWriteRequestLatency", "SuccessfulReadRequestLatency", "ErrorCount"),
    *("BlockedConnections", "RejectedConnections", "UsedMemoryDataset", "ProcessedCommands"),
    *("AllocatorFragmentationBytes", "AllocatorFragmentationRatio", "DurabilityLag"),
    "DurabilityBufferExceededErrorCount",
}
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Memcached.html
MEMCACHED = HOST | {
    *("BytesReadIntoMemcached", "BytesUsedForCacheItems", "BytesWrittenOutFromMemcached", "BytesUsedForHash"),
    *("CasBadval", "CasHits", "CasMisses", "CmdFlush", "CmdGet", "CmdSet", "CmdTouch", "CmdConfigGet"),
    *("CmdConfigSet", "CurrConfig", "CurrConnections", "CurrItems", "DecrHits", "DecrMisses", "DeleteHits"),
    *("DeleteMisses", "EvictedUnfetched", "Evictions", "ExpiredUnfetched", "GetHits", "GetMisses", "IncrHits"),
    *("IncrMisses", "NewConnections", "NewItems", "Reclaimed", "SlabsMoved", "TouchHits", "TouchMisses"),
    "UnusedMemory",
}
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/serverless-metrics-events-redis.html and ...-memcached.html
SERVERLESS = frozenset(
    {
        *("BytesUsedForCache", "ElastiCacheProcessingUnits", "SuccessfulReadRequestLatency", "CurrItems"),
        *("SuccessfulWriteRequestLatency", "TotalCmdsCount", "CacheHitRate", "CacheHits", "CacheMisses"),
        *("CurrConnections", "ThrottledCmds", "NewConnections", "CurrVolatileItems", "Evictions", "Reclaimed"),
        *("NetworkBytesIn", "NetworkBytesOut", "IamAuthenticationExpirations", "IamAuthenticationThrottling"),
        *("KeyAuthorizationFailures", "AuthenticationFailures", "CommandAuthorizationFailures"),
    }
)

# OpenTelemetry metrics that are vended, with the values of their additional attributes.
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/otel-metrics-reference.html
_PLAIN = (
    "valkey.clients.connected",
    "valkey.clients.max",
    "valkey.clients.blocked",
    "valkey.connections.received",
    "valkey.connections.rejected",
    "valkey.commands.processed",
    "valkey.keyspace.hits",
    "valkey.keyspace.misses",
    "valkey.keys.expired",
    "valkey.keys.evicted",
    "valkey.keys.tracked",
    "valkey.keys.expired_fields",
    "valkey.memory.used",
    "valkey.memory.used.dataset",
    "valkey.memory.max",
    "valkey.memory.fragmentation_ratio",
    "valkey.memory.allocator_frag_bytes",
    "valkey.memory.allocator_frag_ratio",
    "valkey.memory.not_counted_for_evict",
    "valkey.defrag.hits",
    "valkey.replication.offset",
    "valkey.replication.is_primary",
    "valkey.replication.link_healthy",
    "valkey.persistence.rdb.save_in_progress",
    "valkey.pubsub.channels",
    "valkey.pubsub.shard_channels",
    "valkey.throttling.active",
    "valkey.durability.lag",
    "valkey.durability.buffer_exceeded_errors",
    "system.network.bandwidth.limit",
)
_DIRECTIONS = {"network.io.direction": ("receive", "transmit")}
OTEL: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **{name: {} for name in _PLAIN},
    "valkey.acl.denied": {"valkey.acl.denied.reason": ("auth", "cmd", "channel", "key", "tls_cert")},
    "process.cpu.time": {"cpu.mode": ("user", "system"), "thread.type": ("main",)},
    "process.paging.faults": {"system.paging.fault.type": ("major",)},
    "system.memory.usage": {"system.memory.state": ("free",)},
    "system.paging.usage": {"system.paging.state": ("used",)},
    "system.network.io": _DIRECTIONS,
    "system.network.packet.count": _DIRECTIONS,
    "system.network.allowance_exceeded": {
        "network.allowance_exceeded.reason": ("bandwidth_in", "bandwidth_out", "pps", "conntrack")
    },
}
ROLE, REPLICAS_ONLY = "valkey.role", frozenset({"valkey.replication.link_healthy"})
