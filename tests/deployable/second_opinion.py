"""What the service refuses, written a second time: from the list of its rules, on finished properties, on its own.

It judges what CloudFormation would be given, and knows nothing of settings or of the catalogue. Versions and node types
on offer are cfn-lint's own tables. What came out later than those cannot be judged here: it passes.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.deployable.drawing.outside import MADE_IN, VPC
from tests.schemas import data

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.deployable.resources import Resources

Version = tuple[int, ...]

_CACHES = {"ReplicationGroup", "CacheCluster", "ServerlessCache"}

# From which version of an engine on something can be asked for.
FLOORS: dict[str, dict[str, str]] = {
    "users": {"redis": "6.0", "valkey": "7.2"},
    "iam": {"redis": "7.0", "valkey": "7.2"},
    "channels": {"redis": "6.2", "valkey": "7.2"},
    "selectors": {"redis": "7.0", "valkey": "7.2"},
    "databases": {"valkey": "9.1"},
    "tls": {"redis": "4.0.10", "valkey": "7.2", "memcached": "1.6.12"},
    "tls mode": {"redis": "7.0", "valkey": "7.2"},
    "cluster mode by choice": {"redis": "7.0", "valkey": "7.2"},
    "slow-log": {"redis": "6.0", "valkey": "7.2"},
    "engine-log": {"redis": "6.2", "valkey": "7.2"},
    "ipv6": {"redis": "6.2", "valkey": "7.2", "memcached": "1.6.6"},
    "500 nodes": {"redis": "5.0.6", "valkey": "7.2"},
    "durability": {"valkey": "9.0"},
    "scaling": {"redis": "6.0", "valkey": "7.2"},
    "scaling with data tiering": {"redis": "7.0", "valkey": "7.2"},
}
_FIRST = {"redis": "4.0.10", "valkey": "7.2", "memcached": "1.5.16"}
_LATE = {"redis": "6.2", "valkey": "7.2", "memcached": "1.5.16"}
_ARM = {"redis": "5.0.6", "valkey": "7.2", "memcached": "1.5.16"}
_NEWEST = {"valkey": "7.2", "memcached": "1.6.6"}
NODES: dict[str, tuple[str, dict[str, str]]] = {
    **dict.fromkeys(("m8g", "r8g", "c8gn"), ("NOD-04", _NEWEST)),
    **dict.fromkeys(("m7g", "r7g"), ("NOD-05", _LATE)),
    "c7gn": ("NOD-05", {**_LATE, "memcached": "1.6.6"}),
    **dict.fromkeys(("m6g", "r6g"), ("NOD-06", _ARM)),
    "t4g": ("NOD-07", _ARM),
    **dict.fromkeys(("m5", "m4", "r5", "r4", "t3"), ("NOD-08", _FIRST)),
    "r6gd": ("DTI-01", {"redis": "6.2", "valkey": "7.2"}),
}
"""By family: the rule, and the first version of each engine that runs on it."""

_CLOSED = ("t2", "t1", "m1", "m2", "m3", "c1", "r3")
_DURABLE = ("m6g", "m7g", "m8g", "r6g", "r7g", "r8g", "c7gn", "c8gn")
_NITRO = ("m5", "m6g", "m7g", "m8g", "r5", "r6g", "r6gd", "r7g", "r8g", "t3", "t4g", "c7gn", "c8gn")

_FAMILIES = (
    *("memcached1.4", "memcached1.5", "memcached1.6", "redis2.6", "redis2.8", "redis3.2", "redis4.0", "redis5.0"),
    *("redis6.x", "redis7", "valkey7", "valkey8", "valkey9"),
)
_MAJORS = {"valkey": ("7", "8", "9"), "redis": ("7",), "memcached": ("1.6",)}
_OF_SERVERLESS = {
    *("ServerlessCacheName", "Description", "Engine", "MajorEngineVersion", "CacheUsageLimits", "KmsKeyId"),
    *("SecurityGroupIds", "SubnetIds", "UserGroupId", "SnapshotRetentionLimit", "DailySnapshotTime"),
    *("FinalSnapshotName", "NetworkType", "SnapshotArnsToRestore", "ConnectionType"),
}

_POLICIES = (
    *("volatile-lru", "allkeys-lru", "volatile-lfu", "allkeys-lfu"),
    *("volatile-random", "allkeys-random", "volatile-ttl", "noeviction"),
)
_RANGES = {"databases": (1, 1_200_000), "reserved-memory-percent": (0, 100), "repl-backlog-size": (16384, None)}
_FIXED = re.compile(
    r"maxmemory|maxclients|appendonly|appendfsync|lua-time-limit|list-max-ziplist-size|replica-allow-chaining"
    r"|replica-ignore-maxmemory|replica-lazy-flush|client-output-buffer-limit-replica-.*|repl-timeout"
    r"|backlog_queue_limit|config_max|config_size_max|hashpower_init|large_memory_pages|lock_down_paged_memory"
    r"|max_simultaneous_connections|requests_per_event"
)
_GONE = {
    "redis6.x": re.compile("lua-replicate-commands"),
    "redis7": re.compile(r"lua-replicate-commands|(hash|zset|list)-max-ziplist-.*"),
    "valkey7": re.compile(r"lua-replicate-commands|(hash|zset|list)-max-ziplist-.*"),
    "valkey8": re.compile(r"lua-replicate-commands|(hash|zset|list)-max-ziplist-.*"),
    "valkey9": re.compile(r"lua-replicate-commands|(hash|zset|list)-max-ziplist-.*"),
    "memcached1.5": re.compile("modern|expirezero_does_not_evict"),
    "memcached1.6": re.compile("modern|expirezero_does_not_evict"),
}

_ACCESS_WORD = re.compile(
    r"on|off|(~|%(R|W|RW)~)\S+|&\S+|allkeys|resetkeys|allchannels|resetchannels|clearselectors|allcommands|nocommands"
    r"|db=\d+(,\d+)*|alldbs|resetdbs"
    r"|[+-]@[a-z]+|[+-][a-z][a-z0-9_.-]*(\|[a-z0-9_-]+)?",
    re.IGNORECASE,
)
_CREDENTIAL = re.compile(r"[><#!].*|nopass|resetpass|reset", re.IGNORECASE)
_MANAGED = ("bgrewriteaof", "bgsave", "config", "debug", "migrate", "replicaof", "save", "shutdown", "slaveof", "sync")
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEK = 7 * 24 * 60


@dataclass(frozen=True)
class Joined:
    """A global datastore, as a secondary joins it."""

    global_datastore_id: str
    primary: Asked
    members: Mapping[str, Any]
    """The properties of the primary since the last change to all members."""
    stated: frozenset[str]
    """The properties that the template of the secondary states."""


@dataclass(frozen=True)
class Asked:
    """One cache with its parameter group, users and user group, as the service is asked for them."""

    kind: str
    cache: Mapping[str, Any]
    family: str
    parameters: Mapping[str, Any]
    users: tuple[Mapping[str, Any], ...]
    members: tuple[Mapping[str, Any], ...]
    user_groups: tuple[Mapping[str, Any], ...]
    region: str | None
    node_quota: int = 90
    """Nodes that the account may have in a cluster."""
    is_loaded: bool = False
    """Whether it is there already, made of its files."""
    made_with: int = 0
    """How many nodes it was made with, where it is there already with a placement."""
    targets: tuple[Mapping[str, Any], ...] = ()
    """The numbers of it that are scaled, each with its dimension, capacities, metric and target."""
    secrets_key: str | None = None
    """The key of its secrets, where it is another one: its ARN, or what stands in place of one."""
    joins: Joined | None = None
    """The global datastore that it is a secondary of."""

    @property
    def is_group(self) -> bool:
        """Whether it is a replication group."""
        return self.kind == "ReplicationGroup"

    @property
    def engine(self) -> str:
        """Its engine."""
        return str(self.cache["Engine"])

    @property
    def node_family(self) -> str:
        """``r7g`` of ``cache.r7g.large``; empty for what is no node type."""
        found = re.fullmatch(r"cache\.([a-z0-9]+)\.[a-z0-9]+", self.cache["CacheNodeType"])
        return found[1] if found else ""

    @property
    def is_cluster(self) -> bool:
        """Whether clients are to see a cluster."""
        return self.counts_shards or self.cache.get("ClusterMode") == "enabled"

    @property
    def counts_shards(self) -> bool:
        """Whether it is asked for in numbers of shards."""
        return "NumNodeGroups" in self.cache

    @property
    def replicas(self) -> int:
        """Of each shard."""
        by_shard: int = self.cache["ReplicasPerNodeGroup"] if self.counts_shards else self.cache["NumCacheClusters"] - 1
        return by_shard

    @property
    def most_nodes(self) -> int:
        """Of all shards, when everything that is scaled is at its maximum."""
        most = {each["Dimension"]: each["MaxCapacity"] for each in self.targets}
        shards = max(self.cache.get("NumNodeGroups", 1), most.get("NodeGroups", 0))
        return int(shards * (1 + max(self.replicas, most.get("Replicas", 0))))

    def scales(self, *dimensions: str) -> bool:
        """Whether one of these numbers of it is scaled."""
        return any(each["Dimension"] in dimensions for each in self.targets)

    @property
    def speaks_ipv6(self) -> bool:
        """Whether it asks for addresses of IPv6."""
        return bool(self.cache.get("NetworkType", "ipv4") != "ipv4")

    @property
    def is_durable(self) -> bool:
        """Whether its writes are to be kept in a log."""
        return self.cache.get("Durability") in ("sync", "async")

    def is_before(self, floor: str) -> bool:
        """Whether the engine's version is older."""
        return _version(self.cache["EngineVersion"]) < _version(floor)

    def lacks(self, feature: str) -> bool:
        """Whether the engine's version has not got it. Serverless caches run no version that has not."""
        if self.kind == "ServerlessCache":
            return False
        floor = FLOORS[feature].get(self.engine)
        return floor is None or self.is_before(floor)


def asked(
    resources: Resources,
    *,
    region: str | None,
    node_quota: int,
    is_loaded: bool = False,
    made_with: int = 0,
    targets: tuple[Mapping[str, Any], ...] = (),
    secrets_key: str | None = None,
    joins: Joined | None = None,
) -> Asked:
    """What the resources of one cache ask of the service.

    Args:
        resources: The cache with what belongs to it.
        region: Where; None where it is not known.
        node_quota: Nodes that the account may have in a cluster.
        is_loaded: Whether the cache is there already, made of its files.
        made_with: How many nodes it was made with, where it is there already with a placement.
        targets: The numbers of it that are scaled.
        secrets_key: The key of its secrets, where it is another one than the cache's.
        joins: The global datastore that it is a secondary of.
    """
    by_kind: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, resource in resources.items():
        kind = resource["Type"].removeprefix("AWS::ElastiCache::")
        by_kind.setdefault(kind, {})[name] = resource["Properties"]
    (kind,) = by_kind.keys() & _CACHES
    (cache,) = by_kind[kind].values()
    parameter_group = next(iter(by_kind.get("ParameterGroup", {}).values()), {})
    users, user_groups = by_kind.get("User", {}), tuple(by_kind.get("UserGroup", {}).values())
    return Asked(
        kind=kind,
        cache=cache,
        family=parameter_group.get("CacheParameterGroupFamily", ""),
        parameters=parameter_group.get("Properties", {}),
        users=tuple(users.values()),
        members=tuple(
            users.get(each["Ref"]) or {} if isinstance(each, dict) else _of_elsewhere(each)
            for group in user_groups
            for each in group["UserIds"]
        ),
        user_groups=user_groups,
        region=region,
        node_quota=node_quota,
        is_loaded=is_loaded,
        made_with=made_with,
        targets=targets,
        secrets_key=secrets_key,
        joins=joins,
    )


def _of_elsewhere(user_id: str) -> Mapping[str, Any]:
    """A user that the template only names, taken for one of IAM."""
    return {"UserId": user_id, "UserName": user_id, "AuthenticationMode": {"Type": "iam"}}


def refusals(wanted: Asked) -> list[str]:
    """The rules that the service would refuse it by."""
    rules = OF_SERVERLESS_CACHES if wanted.kind == "ServerlessCache" else OF_NODES
    broken = [rule for rule, breaks in (*rules.items(), *OF_USERS.items(), *GIVEN.items()) if breaks(wanted)]
    if wanted.joins is not None:
        broken += [rule for rule, breaks in OF_SECONDARIES.items() if breaks(wanted, wanted.joins)]
    return broken


def _version(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))


@functools.cache
def _table(name: str) -> Any:
    path = data() / "extensions" / "aws_elasticache_cachecluster" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@functools.cache
def _offered_versions(engine: str) -> tuple[str, ...]:
    cases = {
        case["if"]["properties"]["Engine"].get("const"): case["then"] for case in _table("engine_version")["allOf"]
    }
    return tuple(cases[engine]["properties"]["EngineVersion"]["enum"])


@functools.cache
def _offered_nodes() -> dict[str, tuple[str, ...]]:
    regions = {name: each for name, each in _table("cachenodetype_enum").items() if "enum" in each}
    return {name: tuple(each["enum"]) for name, each in regions.items()}


def _is_no_major(wanted: Asked) -> bool:
    """Neither a major version on offer, nor newer than all of them."""
    major, offered = wanted.cache["MajorEngineVersion"], _MAJORS.get(wanted.engine, ())
    return major not in offered and not (offered and _version(major) > _version(offered[-1]))


def _is_no_span(wanted: Asked, name: str, lowest: int, highest: int) -> bool:
    """Whether a usage limit has an end out of bounds, or its ends in the wrong order, or data in another unit."""
    span = wanted.cache.get("CacheUsageLimits", {}).get(name)
    if span is None:
        return False
    ends = [span[end] for end in ("Minimum", "Maximum") if end in span]
    fits = all(type(end) is int and lowest <= end <= highest for end in ends) and ends == sorted(ends)
    return not ends or not fits or span.get("Unit") != ("GB" if name == "DataStorage" else None)


def _is_no_version(wanted: Asked) -> bool:
    """Neither on offer, nor newer than what is on offer of its major version."""
    version, offered = wanted.cache["EngineVersion"], _offered_versions(wanted.engine)
    if version in offered:
        return False
    same_major = [each for each in offered if each.split(".")[0] == version.split(".")[0]]
    return any(_version(each) > _version(version) for each in same_major or offered)


def _is_no_family_of_its_version(wanted: Asked) -> bool:
    major, minor = _version(wanted.cache["EngineVersion"])[:2]
    families = {
        "redis": f"redis{major}.{minor}" if major < 6 else "redis6.x" if major == 6 else f"redis{major}",
        "valkey": f"valkey{major}",
        "memcached": f"memcached{major}.{minor}",
    }
    return wanted.family != families[wanted.engine]


def _takes(name: str, value: str) -> bool:
    if name == "timeout":
        return value.isdecimal() and (int(value) == 0 or int(value) >= 20)
    if name == "maxmemory-policy":
        return value in _POLICIES
    if name in _RANGES:
        low, high = _RANGES[name]
        return value.isdecimal() and int(value) >= low and (high is None or int(value) <= high)
    return True


def _is_not_in_region(wanted: Asked) -> bool:
    table, name = _offered_nodes(), wanted.cache["CacheNodeType"]
    is_known = any(name in each for each in table.values())
    return is_known and name not in table.get(wanted.region or "", (name,))


def _runs_on(rule: str) -> Callable[[Asked], bool]:
    """Broken by a family of that rule under an engine that does not run on it."""

    def breaks(wanted: Asked) -> bool:
        if wanted.node_family not in NODES or NODES[wanted.node_family][0] != rule:
            return False
        floor = NODES[wanted.node_family][1].get(wanted.engine)
        return floor is None or wanted.is_before(floor)

    return breaks


def _tiering_is_wrong(wanted: Asked) -> bool:
    on = wanted.cache.get("DataTieringEnabled") is True
    return on != (wanted.node_family == "r6gd") or _runs_on("DTI-01")(wanted)


def _words(user: Mapping[str, Any]) -> list[str]:
    return re.sub(r"[()]", " ", user["AccessString"]).split()


def _any_word(test: Callable[[str], Any]) -> Callable[[Asked], bool]:
    return lambda wanted: any(test(word) for user in wanted.users for word in _words(user))


def _is_managed(word: str) -> bool:
    return word.startswith("+") and word[1:].lower().split("|")[0] in _MANAGED


def _reads_too_new_words(wanted: Asked) -> bool:
    for user in wanted.users:
        words = _words(user)
        if wanted.lacks("selectors") and ("(" in user["AccessString"] or any(word[0] == "%" for word in words)):
            return True
        if wanted.lacks("channels") and any(word[0] == "&" or word.endswith("channels") for word in words):
            return True
        if wanted.lacks("databases") and any(word.startswith("db=") or word.endswith("dbs") for word in words):
            return True
    return False


def _mode(user: Mapping[str, Any]) -> str:
    return str(user["AuthenticationMode"]["Type"])


def _minute(day: str, time: str) -> int:
    hours, minutes = time.split(":")
    return (_DAYS.index(day) * 24 + int(hours)) * 60 + int(minutes)


def _maintenance(wanted: Asked) -> tuple[int, int] | None:
    """From when, in minutes of the week, and for how long; None when it is not well formed."""
    days = "|".join(_DAYS)
    window = wanted.cache["PreferredMaintenanceWindow"]
    if not re.fullmatch(rf"({days}):{_TIME}-({days}):{_TIME}", window):
        return None
    first, last = (_minute(end[:3], end[4:]) for end in window.split("-"))
    return first, (last - first) % _WEEK


def _snapshots(wanted: Asked) -> tuple[int, int] | None:
    """From when, in minutes of the day, and for how long; None when it is not well formed."""
    window = wanted.cache["SnapshotWindow"]
    if not re.fullmatch(f"{_TIME}-{_TIME}", window):
        return None
    first, last = (_minute("sun", end) for end in window.split("-"))
    return first, (last - first) % (24 * 60)


def _windows_overlap(wanted: Asked) -> bool:
    weekly, daily = _maintenance(wanted), _snapshots(wanted)
    if weekly is None or daily is None:
        return False
    starts = [day * 24 * 60 + daily[0] for day in range(7)]
    # Two spans on a circle meet when one begins within the other.
    return any((start - weekly[0]) % _WEEK < weekly[1] or (weekly[0] - start) % _WEEK < daily[1] for start in starts)


def _log_is_wrong(wanted: Asked) -> bool:
    logs = wanted.cache.get("LogDeliveryConfigurations", [])
    details = {"cloudwatch-logs": {"CloudWatchLogsDetails"}, "kinesis-firehose": {"KinesisFirehoseDetails"}}
    kinds = [log["LogType"] for log in logs]
    return len(kinds) != len(set(kinds)) or any(
        log["LogFormat"] not in ("json", "text")
        or details.get(log["DestinationType"]) != log["DestinationDetails"].keys()
        for log in logs
    )


def _delivers(wanted: Asked, kind: str) -> bool:
    return any(log["LogType"] == kind for log in wanted.cache.get("LogDeliveryConfigurations", []))


def _streams(wanted: Asked) -> list[str]:
    logs = wanted.cache.get("LogDeliveryConfigurations", [])
    return [
        log["DestinationDetails"]["KinesisFirehoseDetails"]["DeliveryStream"]
        for log in logs
        if log["DestinationType"] == "kinesis-firehose"
    ]


def _existing_log_groups(wanted: Asked) -> list[str]:
    """The names of log groups that the template does not make; each ends with its Region here."""
    logs = wanted.cache.get("LogDeliveryConfigurations", [])
    names = [each["DestinationDetails"].get("CloudWatchLogsDetails", {}).get("LogGroup") for each in logs]
    return [name for name in names if isinstance(name, str) and "/" in name]


def _discovery_is_wrong(wanted: Asked) -> bool:
    fit = {"ipv4": ("ipv4",), "ipv6": ("ipv6",), "dual_stack": ("ipv4", "ipv6")}
    chosen = wanted.cache.get("IpDiscovery")
    return chosen is not None and chosen not in fit.get(wanted.cache.get("NetworkType", "ipv4"), ())


def _id_is_wrong(user_id: str) -> bool:
    return not re.fullmatch(r"[a-z][a-z0-9-]*", user_id) or "--" in user_id or user_id.endswith("-")


def _name_is_wrong(name: str | None, longest: int) -> bool:
    return name is not None and (_id_is_wrong(name) or len(name) > longest)


def _names_twice(wanted: Asked) -> bool:
    names = [user["UserName"] for user in wanted.members]
    return len(names) != len(set(names))


def _snapshot_is_no_name(name: str | None) -> bool:
    return name is not None and not re.fullmatch(r"(automatic\.)?[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", name)


def _slots(wanted: Asked) -> list[int]:
    """All slots that shards name, in order and as often as they are named."""
    slots: list[int] = []
    for shard in wanted.cache["NodeGroupConfiguration"]:
        for part in shard.get("Slots", "").split(","):
            if match := re.fullmatch(r"(\d+)-(\d+)", part):
                slots += range(int(match[1]), int(match[2]) + 1)
    return sorted(slots)


def _shard_ids_are_wrong(wanted: Asked) -> bool:
    ids = [shard.get("NodeGroupId", "") for shard in wanted.cache.get("NodeGroupConfiguration", [])]
    return len(ids) != len(set(ids)) or any(not re.fullmatch(r"\d{1,4}", each) for each in ids)


def _is_elsewhere(arn: str, wanted: Asked) -> bool:
    partitions = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    right = next((each for prefix, each in partitions.items() if (wanted.region or "").startswith(prefix)), "aws")
    return wanted.region is not None and arn.split(":")[1] != right


def _is_no_dump(arn: str) -> bool:
    return not re.fullmatch(r"arn:aws[a-z-]*:s3:::[^/,]+/[^,]+\.rdb", arn)


_SCALED = re.compile(r"cache\.(c[78]gn|m[5678]g?|r[5678]g?|r6gd)\.(large|xlarge|2xlarge)")
_METRICS = {
    "NodeGroups": ("PRIMARY_CPU", "MEMORY", "CAPACITY"),
    "Replicas": ("REPLICA_CPU",),
    "Nodes": ("NODE_CPU",),
}
_STATED = {"NodeGroups": "NumNodeGroups", "Replicas": "ReplicasPerNodeGroup", "Nodes": "NumCacheNodes"}


def _any_target(test: Callable[[Asked, Mapping[str, Any]], Any]) -> Callable[[Asked], bool]:
    return lambda wanted: any(test(wanted, each) for each in wanted.targets)


def _is_no_range(_: Asked, target: Mapping[str, Any]) -> bool:
    most = {"NodeGroups": 250, "Replicas": 5, "Nodes": 60}[target["Dimension"]]
    return not 1 <= target["MinCapacity"] <= target["MaxCapacity"] or (
        target["Dimension"] != "Nodes" and target["MaxCapacity"] > most
    )


def _tracks_another_metric(wanted: Asked, target: Mapping[str, Any]) -> bool:
    if target["TargetValue"] is None:
        return False
    is_full = target["Metric"] == "MEMORY" and wanted.node_family == "r6gd"
    return target["Metric"] not in _METRICS[target["Dimension"]] or is_full or not 1 <= target["TargetValue"] <= 100


OF_NODES: dict[str, Callable[[Asked], bool]] = {
    # Names
    "NAM-01": lambda wanted: _name_is_wrong(wanted.cache.get("ReplicationGroupId"), 40),
    "NAM-02": lambda wanted: _name_is_wrong(wanted.cache.get("ClusterName"), 50),
    "NAM-14": lambda wanted: _snapshot_is_no_name(wanted.cache.get("SnapshotName")),
    "NAM-16": lambda wanted: wanted.is_group and not 1 <= len(wanted.cache["ReplicationGroupDescription"]) <= 255,
    # Engines and parameter groups
    "ENG-01": lambda wanted: wanted.is_group and wanted.engine not in ("redis", "valkey"),
    "ENG-02": lambda wanted: not wanted.is_group and wanted.engine != "memcached",
    "ENG-03": lambda wanted: wanted.engine == "redis" and _is_no_version(wanted),
    "ENG-04": lambda wanted: wanted.engine == "valkey" and _is_no_version(wanted),
    "ENG-05": lambda wanted: wanted.engine == "memcached" and _is_no_version(wanted),
    "ENG-09": _is_no_family_of_its_version,
    "PGR-03": lambda wanted: any(not isinstance(value, str) for value in wanted.parameters.values()),
    "PGR-05": lambda wanted: wanted.family in _FAMILIES and any(_FIXED.fullmatch(name) for name in wanted.parameters),
    "PGR-06": lambda wanted: (
        wanted.family in _FAMILIES and any(not _takes(name, str(value)) for name, value in wanted.parameters.items())
    ),
    "PGR-12": lambda wanted: not wanted.is_group and "cluster-enabled" in wanted.parameters,
    "PGR-13": lambda wanted: wanted.is_cluster and wanted.parameters.get("cluster-enabled") != "yes",
    "PGR-14": lambda wanted: (
        not wanted.is_cluster
        and wanted.parameters.get("cluster-enabled") == "yes"
        and wanted.cache.get("ClusterMode") != "compatible"
    ),
    "PGR-20": lambda wanted: any(
        _GONE.get(wanted.family, re.compile("")).fullmatch(name) for name in wanted.parameters
    ),
    # Nodes
    "NOD-01": lambda wanted: not wanted.node_family,
    "NOD-03": lambda wanted: not wanted.is_group and wanted.node_family == "r6gd",
    **{rule: _runs_on(rule) for rule in ("NOD-04", "NOD-05", "NOD-06", "NOD-07", "NOD-08")},
    "NOD-10": lambda wanted: wanted.node_family in _CLOSED,
    "NOD-15": _is_not_in_region,
    "NOD-20": lambda wanted: wanted.speaks_ipv6 and wanted.node_family in {*NODES, *_CLOSED} - {*_NITRO},
    "DTI-01": _tiering_is_wrong,
    "DTI-02": lambda wanted: (
        wanted.node_family == "r6gd"
        and wanted.parameters.get("maxmemory-policy", "noeviction") not in ("volatile-lru", "allkeys-lru", "noeviction")
    ),
    # Shape
    "TOP-01": lambda wanted: "NumCacheClusters" in wanted.cache and not 1 <= wanted.cache["NumCacheClusters"] <= 6,
    "TOP-02": lambda wanted: (
        wanted.is_group and wanted.cache["AutomaticFailoverEnabled"] is True and wanted.replicas < 1
    ),
    "TOP-03": lambda wanted: wanted.counts_shards and not 0 <= wanted.replicas <= 5,
    "TOP-04": lambda wanted: wanted.is_cluster and wanted.cache["AutomaticFailoverEnabled"] is not True,
    "TOP-06": lambda wanted: wanted.is_cluster and wanted.replicas == 0,
    "TOP-08": lambda wanted: (
        wanted.cache.get("MultiAZEnabled") is True and wanted.cache.get("AutomaticFailoverEnabled") is not True
    ),
    "TOP-12": lambda wanted: wanted.counts_shards and "NumCacheClusters" in wanted.cache,
    "TOP-19": lambda wanted: (
        wanted.is_group and wanted.most_nodes > min(wanted.node_quota, 250 if wanted.lacks("500 nodes") else 500)
    ),
    "TOP-23": lambda wanted: "ClusterMode" in wanted.cache and wanted.lacks("cluster mode by choice"),
    "TOP-24": lambda wanted: (
        wanted.cache.get("ClusterMode") in ("enabled", "compatible")
        and wanted.parameters.get("cluster-enabled") != "yes"
    ),
    "MEM-01": lambda wanted: not wanted.is_group and not 1 <= wanted.cache["NumCacheNodes"] <= 60,
    "MEM-02": lambda wanted: (
        not wanted.is_group and (wanted.cache["AZMode"] == "cross-az") != (wanted.cache["NumCacheNodes"] > 1)
    ),
    "SNP-06": lambda wanted: not wanted.is_group and any(name.startswith("Snapshot") for name in wanted.cache),
    # Encryption
    "TLS-01": lambda wanted: wanted.engine == "valkey" and "TransitEncryptionEnabled" not in wanted.cache,
    "TLS-02": lambda wanted: (
        wanted.is_group and wanted.cache.get("TransitEncryptionEnabled") is True and wanted.lacks("tls")
    ),
    "TLS-04": lambda wanted: (
        not wanted.is_group and wanted.cache.get("TransitEncryptionEnabled") is True and wanted.lacks("tls")
    ),
    "TLS-06": lambda wanted: "TransitEncryptionMode" in wanted.cache and wanted.lacks("tls mode"),
    "TLS-07": lambda wanted: (
        "TransitEncryptionMode" in wanted.cache and wanted.cache.get("TransitEncryptionEnabled") is not True
    ),
    "TLS-11": lambda wanted: "AuthToken" in wanted.cache and wanted.cache.get("TransitEncryptionMode") == "preferred",
    "TLS-12": lambda wanted: (
        "UserGroupIds" in wanted.cache
        and (
            wanted.cache.get("TransitEncryptionEnabled") is not True
            or wanted.cache.get("TransitEncryptionMode") == "preferred"
        )
    ),
    "KMS-03": lambda wanted: "KmsKeyId" in wanted.cache and wanted.cache.get("AtRestEncryptionEnabled") is not True,
    # Logins
    "AUT-01": lambda wanted: "AuthToken" in wanted.cache and wanted.cache.get("TransitEncryptionEnabled") is not True,
    "AUT-04": lambda wanted: "AuthToken" in wanted.cache and "UserGroupIds" in wanted.cache,
    "RBC-01": lambda wanted: len(wanted.cache.get("UserGroupIds", [])) > 1,
    "RBC-02": lambda wanted: "UserGroupIds" in wanted.cache and wanted.lacks("users"),
    # Snapshots and windows
    "SNP-01": lambda wanted: wanted.is_group and not 0 <= wanted.cache["SnapshotRetentionLimit"] <= 35,
    "SNP-02": lambda wanted: wanted.is_group and ((_snapshots(wanted) or (0, 0))[1] < 60),
    "SNP-03": lambda wanted: wanted.is_group and _windows_overlap(wanted),
    "SNP-10": lambda wanted: (
        any(_is_no_dump(arn) or _is_elsewhere(arn, wanted) for arn in wanted.cache.get("SnapshotArns", []))
        or len(wanted.cache.get("SnapshotArns", [])) != len({*wanted.cache.get("SnapshotArns", [])})
        or ("SnapshotArns" in wanted.cache and "SnapshotName" in wanted.cache)
    ),
    "SNP-13": lambda wanted: (
        wanted.is_group
        and "SnapshotArns" in wanted.cache
        and not wanted.is_loaded
        and (
            "NodeGroupConfiguration" not in wanted.cache
            if wanted.counts_shards
            else len({*wanted.cache["SnapshotArns"]}) > 1
        )
    ),
    "TOP-15": lambda wanted: (
        len(wanted.cache.get("NodeGroupConfiguration", [])) not in (0, wanted.cache.get("NumNodeGroups"))
    ),
    "TOP-13": lambda wanted: "NodeGroupConfiguration" in wanted.cache and "PreferredCacheClusterAZs" in wanted.cache,
    "TOP-14": lambda wanted: (
        len(wanted.cache.get("PreferredCacheClusterAZs", []))
        not in (0, wanted.cache.get("NumCacheClusters"), wanted.made_with)
    ),
    "TOP-16": lambda wanted: any(
        len(shard["ReplicaAvailabilityZones"]) != shard["ReplicaCount"] or "PrimaryAvailabilityZone" not in shard
        for shard in wanted.cache.get("NodeGroupConfiguration", [])
        if "ReplicaAvailabilityZones" in shard
    ),
    "TOP-17": lambda wanted: (
        "NodeGroupConfiguration" in wanted.cache
        and ("SnapshotArns" in wanted.cache or bool(_slots(wanted)))
        and _slots(wanted) != [*range(16384)]
    ),
    "NAM-12": _shard_ids_are_wrong,
    "WIN-01": lambda wanted: not 60 <= (_maintenance(wanted) or (0, 0))[1] <= 24 * 60,
    # Logs and network
    "LOG-01": _log_is_wrong,
    "LOG-06": lambda wanted: any(
        wanted.region is not None and not name.endswith(f"/{wanted.region}") for name in _existing_log_groups(wanted)
    ),
    "LOG-02": lambda wanted: _delivers(wanted, "slow-log") and wanted.lacks("slow-log"),
    "LOG-03": lambda wanted: _delivers(wanted, "engine-log") and wanted.lacks("engine-log"),
    "LOG-07": lambda wanted: bool(_streams(wanted)) and wanted.region == "ap-northeast-3",
    "NET-12": lambda wanted: not 1 <= wanted.cache["Port"] <= 65535,
    "NET-13": lambda wanted: wanted.speaks_ipv6 and wanted.lacks("ipv6"),
    "NET-14": lambda wanted: wanted.cache.get("NetworkType") == "dual_stack" and "IpDiscovery" not in wanted.cache,
    "NET-16": _discovery_is_wrong,
    # Durability
    "DUR-01": lambda wanted: wanted.cache.get("Durability", "default") not in ("default", "async", "sync", "disabled"),
    "DUR-02": lambda wanted: (
        ("Durability" in wanted.cache and wanted.lacks("durability"))
        or (
            wanted.is_durable
            and not (
                wanted.is_cluster
                and wanted.cache.get("MultiAZEnabled") is True
                and wanted.cache.get("TransitEncryptionMode") == "required"
            )
        )
    ),
    "DUR-03": lambda wanted: wanted.is_durable and wanted.node_family in {*NODES, *_CLOSED} - {*_DURABLE},
    # Automatic scaling
    "ASC-02": lambda wanted: wanted.scales("NodeGroups", "Replicas") and not wanted.counts_shards,
    "ASC-03": lambda wanted: wanted.scales("NodeGroups", "Replicas") and wanted.lacks("scaling"),
    "DTI-03": lambda wanted: (
        bool(wanted.targets) and wanted.node_family == "r6gd" and wanted.lacks("scaling with data tiering")
    ),
    "ASC-04": lambda wanted: (
        bool(wanted.targets) and wanted.node_family in NODES and not _SCALED.fullmatch(wanted.cache["CacheNodeType"])
    ),
    "ASC-06": _any_target(_tracks_another_metric),
    "ASC-07": _any_target(_is_no_range),
    "ASC-08": lambda wanted: bool(wanted.targets) and "NodeGroupConfiguration" in wanted.cache,
    "ASC-10": _any_target(
        lambda wanted, target: wanted.cache.get(_STATED[target["Dimension"]], 0) > target["MaxCapacity"]
    ),
    "ASC-11": _any_target(
        lambda _, target: target["Metric"] == "REPLICA_CPU" and not 35 <= (target["TargetValue"] or 60) <= 70
    ),
    "ASC-12": lambda wanted: (
        wanted.scales("Replicas") and int(wanted.parameters.get("reserved-memory-percent", "25")) < 25
    ),
    "MEM-05": lambda wanted: wanted.scales("Nodes") and wanted.cache["NumCacheNodes"] == 1,
    "MEM-13": lambda wanted: (
        wanted.scales("Nodes")
        and ((wanted.region or "").startswith("cn-") or any(each["MaxCapacity"] > 60 for each in wanted.targets))
    ),
}
"""Whether a replication group or a Memcached cluster breaks a rule, by the rule's id."""


def _is_no_backup(wanted: Asked) -> bool:
    """Whether a serverless cache would begin with what is no snapshot for it."""
    of_nodes = "" if wanted.engine == "memcached" else r"|snapshot:(automatic\.)?[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*"
    known = rf":(serverlesscachesnapshot:(automatic\.)?[a-z][a-z0-9]*(-[a-z0-9]+)*{of_nodes})"
    ends = [arn["Fn::Join"][1][-1] for arn in wanted.cache.get("SnapshotArnsToRestore", [])]
    return any(not re.fullmatch(known, end) or len(end) > len(":serverlesscachesnapshot:") + 255 for end in ends)


def _is_public(wanted: Asked) -> bool:
    """Whether a cache would be reachable from the internet."""
    return bool(wanted.cache.get("ConnectionType", "vpc") != "vpc")


OF_SERVERLESS_CACHES: dict[str, Callable[[Asked], bool]] = {
    "NAM-09": lambda wanted: not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", wanted.cache["ServerlessCacheName"]),
    "NAM-17": lambda wanted: not re.fullmatch("[^<>]{0,255}", wanted.cache["Description"]),
    "WIN-02": lambda wanted: not re.fullmatch(_TIME, wanted.cache["DailySnapshotTime"]),
    "SLS-01": _is_no_major,
    "SLS-02": lambda wanted: _is_no_span(wanted, "DataStorage", 1, 5000),
    "SLS-03": lambda wanted: _is_no_span(wanted, "ECPUPerSecond", 1000, 15_000_000),
    "SLS-06": lambda wanted: not _is_public(wanted) and not 2 <= len(wanted.cache["SubnetIds"]) <= 3,
    "SLS-08": lambda wanted: wanted.cache.get("NetworkType", "ipv4") not in ("ipv4", "ipv6", "dual_stack"),
    "SLS-11": lambda wanted: wanted.engine == "memcached" and "UserGroupId" in wanted.cache,
    "SLS-14": lambda wanted: not 1 <= wanted.cache["SnapshotRetentionLimit"] <= 35,
    "SLS-09": lambda wanted: (
        _is_public(wanted)
        and (
            (wanted.engine, wanted.cache["MajorEngineVersion"]) not in (("valkey", "9"), ("valkey", "10"))
            or not wanted.cache.keys().isdisjoint({"SubnetIds", "SecurityGroupIds"})
        )
    ),
    "SLS-10": lambda wanted: (
        _is_public(wanted)
        and ("UserGroupId" not in wanted.cache or any(_mode(user) != "iam" for user in wanted.members))
    ),
    "SNP-20": _is_no_backup,
    "SLS-20": lambda wanted: bool(wanted.parameters) or not wanted.cache.keys() <= _OF_SERVERLESS,
}
"""Whether a serverless cache does."""

OF_USERS: dict[str, Callable[[Asked], bool]] = {
    "NAM-05": lambda wanted: any(_id_is_wrong(user["UserId"]) for user in wanted.users),
    "RBC-03": lambda wanted: (
        any(group["Engine"] == "redis" for group in wanted.user_groups)
        and [user["UserName"] for user in wanted.members].count("default") != 1
    ),
    "RBC-05": _names_twice,
    "RBC-06": lambda wanted: (
        any(group["Engine"] == "valkey" for group in wanted.user_groups)
        and any(_mode(user) == "no-password-required" for user in wanted.members)
    ),
    "RBC-07": lambda wanted: any(
        each["Engine"] not in ("redis", wanted.engine) for each in (*wanted.user_groups, *wanted.users)
    ),
    "RBC-09": lambda wanted: any(not user["AccessString"].strip() for user in wanted.users),
    "RBC-10": lambda wanted: (
        _any_word(lambda word: not _ACCESS_WORD.fullmatch(word) and not _CREDENTIAL.fullmatch(word))(wanted)
        or _reads_too_new_words(wanted)
    ),
    "RBC-12": _any_word(_CREDENTIAL.fullmatch),
    "RBC-14": _any_word(_is_managed),
    "RBC-18": lambda wanted: any(
        (_mode(user) == "password") != ("Passwords" in user["AuthenticationMode"]) for user in wanted.users
    ),
    "RBC-22": lambda wanted: len(wanted.members) > 100,
    "RBC-27": lambda wanted: bool(wanted.user_groups) and not wanted.members,
    "IAM-01": lambda wanted: wanted.lacks("iam") and any(_mode(user) == "iam" for user in wanted.users),
    "IAM-02": lambda wanted: any(_mode(user) == "iam" and user["UserId"] != user["UserName"] for user in wanted.users),
    "IAM-03": lambda wanted: any(_mode(user) == "iam" and user["UserName"] == "default" for user in wanted.users),
}
"""Whether the users of any cache, or their group, do."""


def _groups_are_wrong(wanted: Asked) -> bool:
    """Whether a security group is there twice, or of another VPC; the ids of those whose VPC is known tell it."""
    groups = wanted.cache.get("SecurityGroupIds") or wanted.cache.get("VpcSecurityGroupIds") or []
    ids = [each for each in groups if isinstance(each, str)]
    return len(ids) != len(set(ids)) or any(MADE_IN in each and each != f"{MADE_IN}{VPC}" for each in ids)


GIVEN: dict[str, Callable[[Asked], bool]] = {
    "NET-10": _groups_are_wrong,
    "KMS-03": lambda wanted: (
        wanted.secrets_key is not None
        and not re.fullmatch(
            rf"arn:aws:kms:{wanted.region or '[a-z0-9-]+'}:\d{{12}}:key/[0-9a-f-]+", wanted.secrets_key
        )
    ),
}
"""Whether what a cache is given of others does."""

# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Redis-Global-Datastores-Getting-Started.html
_MEMBERS = {"m5", "m6g", "m7g", "m8g", "r5", "r6g", "r6gd", "r7g", "r8g", "c7gn", "c8gn"}
_WITHOUT_GLOBAL_DATASTORES = ("ap-southeast-6",)
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Redis-Global-Datastores-CLI.html
NOT_FOR_SECONDARIES = {
    *("PrimaryClusterId", "AutomaticFailoverEnabled", "NumNodeGroups", "CacheParameterGroupName", "CacheNodeType"),
    *("Engine", "EngineVersion", "CacheSecurityGroupNames", "TransitEncryptionEnabled", "AtRestEncryptionEnabled"),
    *("SnapshotArns", "SnapshotName"),
}


def _partition(region: str | None) -> str:
    return next((each for each in ("cn-", "us-gov-") if (region or "").startswith(each)), "")


def _login(group: Mapping[str, Any]) -> str:
    return next((name for name in ("UserGroupIds", "AuthToken") if name in group), "")


def breaks_as_primary(group: Asked) -> list[str]:
    """The rules that a group breaks as the primary of a global datastore."""
    known = group.node_family in NODES or group.node_family in _CLOSED
    found = {
        "GDS-01": known and group.node_family not in _MEMBERS,
        "GDS-02": group.is_before({"redis": "5.0.6", "valkey": "7.2"}[group.engine]),
        "GDS-11": group.speaks_ipv6 or group.is_durable,
        "GDS-12": group.region in _WITHOUT_GLOBAL_DATASTORES,
        "GDS-03": group.region is None,
        "ASC-05": bool(group.targets),
        "ENG-21": group.cache["AutoMinorVersionUpgrade"] is not False,
    }
    return [rule for rule, is_broken in found.items() if is_broken]


OF_SECONDARIES: dict[str, Callable[[Asked, Joined], bool]] = {
    "GDS-01": lambda wanted, _: wanted.node_family in {*NODES, *_CLOSED} - _MEMBERS,
    "GDS-03": lambda wanted, joins: (
        wanted.region in (None, joins.primary.region) or _partition(wanted.region) != _partition(joins.primary.region)
    ),
    "GDS-04": lambda _, joins: bool(joins.stated & NOT_FOR_SECONDARIES),
    "GDS-06": lambda wanted, _: "SnapshotName" in wanted.cache or "SnapshotArns" in wanted.cache,
    "GDS-07": lambda wanted, joins: joins.members["AutomaticFailoverEnabled"] is True and wanted.replicas == 0,
    "GDS-12": lambda wanted, _: wanted.region in _WITHOUT_GLOBAL_DATASTORES,
    "GDS-14": lambda wanted, joins: _login(wanted.cache) != _login(joins.primary.cache),
    "NAM-11": lambda _, joins: not re.fullmatch("[a-z]{5}-[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*", joins.global_datastore_id),
    "ENG-21": lambda wanted, joins: (
        wanted.cache["AutoMinorVersionUpgrade"] is not False
        or (wanted.engine == joins.primary.engine and wanted.is_before(joins.primary.cache["EngineVersion"]))
        or (joins.primary.engine, wanted.engine) == ("valkey", "redis")
    ),
    "ASC-05": lambda wanted, _: bool(wanted.targets),
    "TOP-19": lambda wanted, joins: (
        wanted.cache.get("NumNodeGroups") != joins.members.get("NumNodeGroups") or wanted.most_nodes > 500
    ),
    "primary": lambda _, joins: bool(breaks_as_primary(joins.primary)),
}
"""Whether a secondary, or the global datastore that it joins, does."""
