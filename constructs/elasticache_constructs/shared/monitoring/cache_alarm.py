"""The alarms of caches by name."""

from __future__ import annotations

from enum import Enum

PAGE = "docs/runbooks/alarms/README.md"
"""The index of the alarms' runbooks, with the table of all alarms."""


class CacheAlarm(Enum):
    """An alarm of a cache. Its value names its runbook, ``docs/runbooks/alarms/<value>.md``.

    docs/runbooks/alarms/README.md has the table: which caches have it, its threshold, and why.
    """

    AUTHENTICATION_FAILURES = "authentication-failures"
    AUTHORIZATION_FAILURES = "authorization-failures"
    CACHE_HIT_RATE = "cache-hit-rate"
    CONNECTIONS = "connections"
    CPU_CREDITS = "cpu-credits"
    DATABASE_CAPACITY = "database-capacity"
    DATABASE_MEMORY = "database-memory"
    DURABILITY_LAG = "durability-lag"
    DURABILITY_REFUSALS = "durability-refusals"
    ECPU = "ecpu"
    ENGINE_CPU = "engine-cpu"
    EVICTIONS = "evictions"
    FREEABLE_MEMORY = "freeable-memory"
    GLOBAL_REPLICATION_LAG = "global-replication-lag"
    HOST_CPU = "host-cpu"
    IAM_THROTTLING = "iam-throttling"
    NETWORK_BANDWIDTH = "network-bandwidth"
    NETWORK_PACKETS = "network-packets"
    READ_LATENCY = "read-latency"
    REJECTED_CONNECTIONS = "rejected-connections"
    REPLICATION_LAG = "replication-lag"
    REPLICATION_LINK = "replication-link"
    STORAGE = "storage"
    SWAP_USAGE = "swap-usage"
    THROTTLED_COMMANDS = "throttled-commands"
    TRAFFIC_MANAGEMENT = "traffic-management"
    WRITE_LATENCY = "write-latency"

    @property
    def runbook(self) -> str:
        """The path of its runbook in this repository."""
        return f"docs/runbooks/alarms/{self.value}.md"
