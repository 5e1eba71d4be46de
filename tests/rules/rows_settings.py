"""Parameters, backups, windows, logs and the other settings of replication groups and Memcached clusters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_logs as logs

from elasticache_constructs import (
    Access,
    Backups,
    Durability,
    Engine,
    Log,
    LogDelivery,
    Name,
    NetworkType,
    NodeType,
    Snapshot,
    Topology,
    TransitEncryption,
)
from elasticache_constructs.shared.snapshot_copies.construct import _check_cache
from elasticache_constructs.values.parameters import check_parameters
from tests.rules.row import Row, cluster, group

_TIERED = {"node_type": NodeType("cache.r6gd.xlarge")}
_YAML: Any = "yaml"
_IN_BOTH = (
    "parameters and unlisted_parameters with 'timeout' in both: a parameter has one value. Leave it out of "
    "unlisted_parameters, or of parameters where this package does not know it."
)
_READ = "The runbooks of the team on duty name it."
_MIGRATED = "Until the last client is migrated in spring."
_BUCKET = "arn:aws:s3:::bucket"


def _with(engine: Engine = Engine.REDIS_7_1, **parameters: Any) -> object:
    names = {name.replace("_", "-"): value for name, value in parameters.items()}
    return group(engine=engine, parameters=names)


def _check(parameters: dict[str, str], engine: Engine) -> None:
    check_parameters(parameters, engine=engine, node_type=NodeType("cache.r7g.large"))


def _dumps(number: int) -> Snapshot:
    return Snapshot.rdb_files([f"{_BUCKET}/{each}.rdb" for each in range(number)])


def _to_group_of(region: str) -> object:
    stack = cdk.Stack(cdk.App(), "Test", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    arn = f"arn:aws:logs:{region}:111111111111:log-group:/caches"
    log = Log.to_log_group(logs.LogGroup.from_log_group_arn(stack, "Logs", arn))
    return group(log_delivery=LogDelivery(engine_log=log), region="eu-west-1")


def _durable(durability: Durability | None = None, **changes: Any) -> object:
    ready = {"engine": Engine.VALKEY_9_1, "topology": Topology(shards=2), "access": Access.auth_token()}
    return group(**{**ready, "durability": durability or Durability.sync(), **changes})


def _exported(node_type: str) -> Any:
    """A group, as far as the copies of its snapshots ask about it."""
    return SimpleNamespace(encryption_key=None, _resource=SimpleNamespace(cache_node_type=node_type))


ROWS = (
    Row(
        "DUR-01",
        lambda: Durability("Sync"),
        (
            "Durability('Sync'): writes are durable before they are answered, after it, or not at all. Use "
            "Durability.sync(), Durability.asynchronous() or Durability.disabled()."
        ),
        lambda: Durability("sync"),
    ),
    Row(
        "DUR-02",
        lambda: _durable(Durability.disabled(), engine=Engine.VALKEY_8_2),
        (
            "ReplicationGroup(durability=Durability.disabled()) on valkey 8.2: durability needs at least Valkey 9.0. "
            "Upgrade the engine first, or leave durability out."
        ),
        lambda: _durable(Durability.disabled(), engine=Engine.VALKEY_9_0),
    ),
    Row(
        "DUR-02",
        lambda: _durable(upgraded_from=Engine.VALKEY_8_2),
        (
            "ReplicationGroup(durability=Durability.sync()) on valkey 8.2: durability needs at least Valkey 9.0. "
            "Upgrade the engine first, or leave durability out."
        ),
        lambda: _durable(upgraded_from=Engine.VALKEY_9_0),
    ),
    Row(
        "DUR-02",
        lambda: _durable(Durability.asynchronous(), topology=Topology()),
        (
            "ReplicationGroup(durability=Durability.asynchronous()) without cluster mode: durable groups are in "
            "cluster mode, with a replica in each shard. Use Topology(cluster_mode=True); a group that was made "
            "without it is migrated first: docs/runbooks/cluster-mode.md."
        ),
        lambda: _durable(Durability.disabled(), topology=Topology()),
    ),
    Row(
        "DUR-02",
        lambda: _durable(
            transit_encryption=TransitEncryption.preferred(reason=_MIGRATED),
            access=Access.without_login(reason=_MIGRATED),
        ),
        (
            "ReplicationGroup(durability=Durability.sync()) with TLS preferred: durable groups use TLS, required. Use "
            "TransitEncryption.required(); a group that was made without it is migrated first: docs/runbooks/tls.md."
        ),
        lambda: _durable(access=Access.without_login(reason=_MIGRATED)),
    ),
    Row(
        "DUR-03",
        lambda: _durable(node_type=NodeType("cache.m5.large")),
        (
            "ReplicationGroup(durability=Durability.sync()) on NodeType('cache.m5.large'): durable groups run on the "
            "families c7gn, c8gn, m6g, m7g, m8g, r6g, r7g, r8g. Use NodeType('cache.m7g.large') or "
            "NodeType('cache.r7g.large')."
        ),
        lambda: _durable(node_type=NodeType("cache.m6g.large")),
    ),
    Row(
        "POS-03",
        lambda: group(auto_minor_version_upgrade=False),
        (
            "ReplicationGroup(auto_minor_version_upgrade=False): minor versions, which bring security fixes, are "
            "installed automatically. Leave auto_minor_version_upgrade out, or say why upgrades are manual: "
            "manual_upgrades_reason='...'."
        ),
        lambda: group(auto_minor_version_upgrade=False, manual_upgrades_reason="The team tests each version first."),
    ),
    Row(
        "NAM-01",
        lambda: Name("Orders_2", _READ),
        (
            "Name('Orders_2'): a name has lower-case letters, digits and single hyphens, and begins with a letter. Use "
            "'orders-2'."
        ),
        lambda: Name("orders-2", _READ),
    ),
    Row(
        "NAM-01",
        lambda: group(name=Name("n" * 41, _READ)),
        "ReplicationGroup(name=...) with a name of 41 characters: it has at most 40. Shorten it.",
        lambda: group(name=Name("n" * 40, _READ)),
    ),
    Row(
        "NAM-02",
        lambda: cluster(name=Name("n" * 51, _READ)),
        "MemcachedCluster(name=...) with a name of 51 characters: it has at most 50. Shorten it.",
        lambda: cluster(name=Name("n" * 50, _READ)),
    ),
    Row(
        "NAM-16",
        lambda: group(description="d" * 256),
        "a description of 256 characters: it has 255 at most. Shorten it.",
        lambda: group(description="d" * 255),
    ),
    Row(
        "NAM-14",
        lambda: Snapshot.named("nightly_2026"),
        (
            "Snapshot.named('nightly_2026'): a snapshot's name begins with a letter and has letters, digits and "
            "single hyphens. Use the name that DescribeSnapshots shows, including a leading 'automatic.'."
        ),
        lambda: Snapshot.named("automatic.cache-2026-11-21-02-00"),
    ),
    Row(
        "PGR-03",
        lambda: _with(lazyfree_lazy_eviction=True),
        (
            "parameters['lazyfree-lazy-eviction'] = True: parameter values are strings, as the service writes "
            "them. Write 'lazyfree-lazy-eviction': 'yes'."
        ),
        lambda: _with(lazyfree_lazy_eviction="yes"),
    ),
    Row(
        "PGR-03",
        lambda: group(parameters={"timeout": "300"}, unlisted_parameters={"timeout": "600"}),
        _IN_BOTH,
        lambda: group(parameters={"timeout": "300"}, unlisted_parameters={"newer": "600"}),
    ),
    Row(
        "PGR-03",
        lambda: cluster(parameters={"idle_timeout": "60"}, unlisted_parameters={"idle_timeout": "90"}),
        _IN_BOTH.replace("timeout", "idle_timeout"),
        lambda: cluster(parameters={"idle_timeout": "60"}, unlisted_parameters={"newer": "90"}),
    ),
    Row(
        "PGR-03",
        lambda: group(unlisted_parameters={"": "1"}),
        (
            "parameters[''] = '1' with the name '' of type str: a parameter's name is a non-empty string. Name "
            "the parameter as the service does, as in 'maxmemory-policy'."
        ),
        lambda: group(unlisted_parameters={"a": "1"}),
    ),
    Row(
        "PGR-03",
        lambda: _with(timeout=300),
        (
            "parameters['timeout'] = 300: parameter values are strings, as the service writes them. Write "
            "'timeout': '300'."
        ),
        lambda: _with(timeout="300"),
    ),
    Row(
        "PGR-04",
        lambda: _with(maxmemory_polic="noeviction"),
        (
            "parameters['maxmemory-polic'] = 'noeviction': family redis7 has no such "
            "parameter. Use 'maxmemory-policy', or for one that is newer than this package "
            "unlisted_parameters={'maxmemory-polic': 'noeviction'}."
        ),
        lambda: _with(maxmemory_policy="noeviction"),
    ),
    Row(
        "PGR-04",
        lambda: _check({"idle_timeout": "60"}, Engine("memcached", "1.4.24")),
        (
            "parameters['idle_timeout'] = '60' on memcached 1.4.24: this parameter came with memcached 1.4.33. "
            "Leave it out, or use a newer engine."
        ),
        lambda: _check({"idle_timeout": "60"}, Engine("memcached", "1.4.33")),
    ),
    Row(
        "PGR-05",
        lambda: _with(maxclients="100"),
        (
            "parameters['maxclients'] = '100': the service sets this parameter itself and takes no other value. "
            "Leave it out."
        ),
        lambda: _with(timeout="0"),
    ),
    Row(
        "PGR-06",
        lambda: _with(timeout="19"),
        "parameters['timeout'] = '19': its values are 0 or at least 20. Use one of them, for example '0'.",
        lambda: _with(timeout="20"),
    ),
    Row(
        "PGR-06",
        lambda: _with(maxmemory_policy="lru"),
        (
            "parameters['maxmemory-policy'] = 'lru': its values are volatile-lru, allkeys-lru, volatile-lfu, "
            "allkeys-lfu, volatile-random, allkeys-random, volatile-ttl or noeviction. Use one of them, for "
            "example 'volatile-lru'."
        ),
        lambda: _with(maxmemory_policy="allkeys-lru"),
    ),
    Row(
        "PGR-07",
        lambda: _with(cluster_enabled="yes"),
        (
            "parameters['cluster-enabled'] = 'yes': cluster mode follows from the topology. Leave it out and use "
            "Topology(shards=...), or Topology(cluster_mode=True) for a cluster of one shard."
        ),
        _with,
    ),
    Row(
        "PGR-12",
        lambda: cluster(unlisted_parameters={"cluster-enabled": "yes"}),
        "parameters['cluster-enabled'] = 'yes': Memcached has no cluster mode. Leave it out.",
        cluster,
        carries="PGR-07",
    ),
    Row(
        "PGR-16",
        lambda: _with(rename_commands="flushall"),
        (
            "parameters['rename-commands'] = 'flushall': its values are commands, each followed by its new name. "
            "Write it as in 'flushall flushall-of-operations'."
        ),
        lambda: _with(rename_commands="flushall gone"),
    ),
    Row(
        "PGR-17",
        lambda: group(**_TIERED, parameters={"maxmemory-policy": "volatile-ttl"}),
        (
            "parameters['maxmemory-policy'] = 'volatile-ttl' on cache.r6gd.xlarge: with data tiering it is one of"
            " allkeys-lru, noeviction, volatile-lru. Use 'allkeys-lru'."
        ),
        lambda: group(**_TIERED, parameters={"maxmemory-policy": "volatile-lru"}),
        carries="DTI-02",
    ),
    Row(
        "DTI-02",
        lambda: group(**_TIERED, parameters={"maxmemory-policy": "allkeys-lfu"}),
        (
            "parameters['maxmemory-policy'] = 'allkeys-lfu' on cache.r6gd.xlarge: with data tiering it is one of "
            "allkeys-lru, noeviction, volatile-lru. Use 'allkeys-lru'."
        ),
        lambda: group(**_TIERED, parameters={"maxmemory-policy": "allkeys-lru"}),
    ),
    Row(
        "PGR-20",
        lambda: _with(hash_max_ziplist_entries="512"),
        (
            "parameters['hash-max-ziplist-entries'] = '512': family redis7 has no such "
            "parameter. Use 'hash-max-listpack-entries', or for one that is newer than this package "
            "unlisted_parameters={'hash-max-ziplist-entries': '512'}."
        ),
        lambda: _with(hash_max_listpack_entries="512"),
    ),
    Row(
        "SNP-01",
        lambda: Backups(retention_days=36),
        (
            "Backups(retention_days=36): snapshots are kept 15 to 35 days. Use retention_days=35, or say why a "
            "shorter time is enough: short_retention_reason='...'."
        ),
        lambda: Backups(retention_days=35),
    ),
    Row(
        "SNP-01",
        lambda: Backups(retention_days=0, short_retention_reason="The cache is filled again from the database."),
        "Backups(retention_days=0): snapshots are kept 1 to 35 days. Use retention_days=35.",
        lambda: Backups(retention_days=1, short_retention_reason="The cache is filled again from the database."),
    ),
    Row(
        "POS-05",
        lambda: Backups(retention_days=14),
        (
            "Backups(retention_days=14): snapshots are kept 15 to 35 days. Use retention_days=35, or say why a "
            "shorter time is enough: short_retention_reason='...'."
        ),
        lambda: Backups(retention_days=15),
        carries="SNP-01",
    ),
    Row(
        "SNP-02",
        lambda: Backups(window="2:00-3:00"),
        "snapshot window '2:00-3:00': it is hh:mm-hh:mm in UTC with two digits each. Write it as in 02:00-03:00.",
        lambda: Backups(window="02:00-03:00"),
    ),
    Row(
        "SNP-02",
        lambda: Backups(window="0\N{ARABIC-INDIC DIGIT FOUR}:00-05:00"),
        (
            "snapshot window '0\N{ARABIC-INDIC DIGIT FOUR}:00-05:00': it is hh:mm-hh:mm in UTC with two digits each. "
            "Write it as in 02:00-03:00."
        ),
        lambda: Backups(window="04:00-05:00"),
    ),
    Row(
        "SNP-02",
        lambda: Backups(window="02:00-02:59"),
        (
            "snapshot window 02:00-02:59 (59 minutes): a window lasts at least 60 minutes and at most 24 hours."
            " Move its end."
        ),
        lambda: Backups(window="23:30-00:30"),
    ),
    Row(
        "SNP-03",
        lambda: group(backups=Backups(window="03:30-04:30"), maintenance_window="sun:04:00-sun:05:00"),
        (
            "snapshot window 03:30-04:30 and maintenance window sun:04:00-sun:05:00: the two must not overlap on "
            "any day. Move one of them, for example the snapshot window to 05:00-06:00."
        ),
        lambda: group(backups=Backups(window="03:00-04:00"), maintenance_window="sun:04:00-sun:05:00"),
    ),
    Row(
        "SNP-03",
        lambda: group(maintenance_window="sun:00:00-mon:00:00"),
        (
            "snapshot window 02:00-03:00 and maintenance window sun:00:00-mon:00:00: the two must not overlap on "
            "any day. Shorten the maintenance window: it leaves no hour of its day free."
        ),
        lambda: group(maintenance_window="sun:03:00-mon:02:00"),
    ),
    Row(
        "SNP-10",
        lambda: Snapshot.rdb_files([]),
        (
            "Snapshot(name=None, files=()): a group is restored from one snapshot or from one or more files. Use "
            "Snapshot.named('...') or Snapshot.rdb_files(['arn:aws:s3:::bucket/dump.rdb'])."
        ),
        lambda: Snapshot.rdb_files([f"{_BUCKET}/dump.rdb"]),
    ),
    Row(
        "SNP-10",
        lambda: Snapshot(name="nightly", files=(f"{_BUCKET}/dump.rdb",)),
        (
            "Snapshot(name='nightly', files=('arn:aws:s3:::bucket/dump.rdb',)): a group is restored from one "
            "snapshot or from one or more files. Use Snapshot.named('...') or "
            "Snapshot.rdb_files(['arn:aws:s3:::bucket/dump.rdb'])."
        ),
        lambda: Snapshot(name="nightly"),
    ),
    Row(
        "SNP-10",
        lambda: Snapshot.rdb_files([f"{_BUCKET}/a,b.rdb"]),
        (
            "Snapshot.rdb_files(['arn:aws:s3:::bucket/a,b.rdb']): a file is arn:aws:s3:::bucket/key.rdb, without "
            "a comma in the key. Write it as in arn:aws:s3:::bucket/folder/dump.rdb."
        ),
        lambda: Snapshot.rdb_files([f"{_BUCKET}/a/b.rdb"]),
    ),
    Row(
        "SNP-13",
        lambda: group(topology=Topology(shards=3), restore_from=_dumps(2)),
        (
            "Snapshot.rdb_files with 2 files for 3 shards: a group is made from one file for each shard. Use "
            "Topology(shards=2), or name 3 files; where the group is there already and its shards changed since, "
            "Snapshot.rdb_files([...], loaded=True)."
        ),
        lambda: group(topology=Topology(shards=2), restore_from=_dumps(2)),
    ),
    Row(
        "SNP-13",
        lambda: group(restore_from=_dumps(2)),
        (
            "Snapshot.rdb_files with 2 files for 1 shard: a group is made from one file for each shard. Use "
            "Topology(shards=2), or name 1 file; where the group is there already and its shards changed since, "
            "Snapshot.rdb_files([...], loaded=True)."
        ),
        lambda: group(restore_from=_dumps(1)),
    ),
    Row(
        "SNP-10",
        lambda: group(restore_from=Snapshot.rdb_files(["arn:aws-cn:s3:::bucket/dump.rdb"])),
        (
            "Snapshot.rdb_files with an ARN of the partition aws-cn in eu-west-1: eu-west-1 is in the partition aws, "
            "and nothing of another one is reached from there. Use an ARN that begins with arn:aws:, or leave it out."
        ),
        lambda: group(restore_from=Snapshot.rdb_files(["arn:aws:s3:::old_bucket/dump.rdb"])),
    ),
    Row(
        "WIN-01",
        lambda: group(maintenance_window="Sunday 04:00"),
        (
            "maintenance window 'Sunday 04:00': it is ddd:hh:mm-ddd:hh:mm in UTC with English day names of three "
            "letters in lower case. Write it as in sun:04:00-sun:05:00."
        ),
        lambda: group(maintenance_window="mon:04:00-mon:05:00"),
    ),
    Row(
        "WIN-01",
        lambda: cluster(maintenance_window="sun:04:00-sun:0\N{ARABIC-INDIC DIGIT FIVE}:00"),
        (
            "maintenance window 'sun:04:00-sun:0\N{ARABIC-INDIC DIGIT FIVE}:00': it is ddd:hh:mm-ddd:hh:mm in UTC with "
            "English day names of three letters in lower case. Write it as in sun:04:00-sun:05:00."
        ),
        lambda: cluster(maintenance_window="sun:04:00-sun:05:00"),
    ),
    Row(
        "WIN-01",
        lambda: cluster(maintenance_window="sun:04:00-mon:04:01"),
        (
            "maintenance window sun:04:00-mon:04:01 (1441 minutes): a window lasts at least 60 minutes and at "
            "most 24 hours. Move its end."
        ),
        lambda: cluster(maintenance_window="sun:04:00-mon:04:00"),
    ),
    Row(
        "LOG-01",
        lambda: LogDelivery(log_format=_YAML),
        "LogDelivery(log_format='yaml'): logs are written as json or text. Use log_format='json'.",
        lambda: LogDelivery(log_format="text"),
    ),
    Row(
        "LOG-01",
        lambda: Log(_YAML),
        "Log(log_format='yaml'): logs are written as json or text. Use log_format='json'.",
        lambda: Log("text"),
    ),
    Row(
        "LOG-01",
        lambda: LogDelivery(slow_log=_YAML),
        (
            "LogDelivery(slow_log='yaml') of type str: slow_log is of type Log or None. Use "
            "slow_log=Log.to_firehose('events')."
        ),
        lambda: LogDelivery(slow_log=Log()),
    ),
    Row(
        "LOG-06",
        lambda: _to_group_of("eu-central-1"),
        (
            "Log.to_log_group with a log group of eu-central-1 in eu-west-1: logs are delivered to a log group of the "
            "same account and region. Use a log group of eu-west-1."
        ),
        lambda: _to_group_of("eu-west-1"),
    ),
    Row(
        "LOG-07",
        lambda: Log.to_firehose("two words"),
        (
            "Log.to_firehose(firehose_stream='two words'): a stream's name has 1 to 64 letters, digits, hyphens, "
            "underscores and dots. Name the stream, not its ARN."
        ),
        lambda: Log.to_firehose("logs"),
    ),
    Row(
        "LOG-07",
        lambda: LogDelivery(firehose_stream="arn:aws:firehose:::logs"),
        (
            "LogDelivery(firehose_stream='arn:aws:firehose:::logs'): a stream's name has 1 to 64 letters, digits,"
            " hyphens, underscores and dots. Name the stream, not its ARN."
        ),
        lambda: LogDelivery(firehose_stream="logs"),
    ),
    Row(
        "LOG-07",
        lambda: group(log_delivery=LogDelivery(firehose_stream="logs"), region="ap-northeast-3"),
        (
            "LogDelivery(firehose_stream='logs') in ap-northeast-3: logs are not delivered to Data Firehose in "
            "that region. Leave firehose_stream out: CloudWatch takes the logs."
        ),
        lambda: group(log_delivery=LogDelivery(firehose_stream="logs"), region="ap-northeast-1"),
    ),
    Row(
        "NET-12",
        lambda: group(port=65536),
        "port=65536: a TCP port is a whole number from 1 to 65535. Use port=6379, or leave it out.",
        lambda: group(port=65535),
    ),
    Row(
        "NET-12",
        lambda: cluster(port=0),
        "port=0: a TCP port is a whole number from 1 to 65535. Use port=11211, or leave it out.",
        lambda: cluster(port=1),
    ),
    Row(
        "NET-13",
        lambda: NetworkType("IPv6"),
        (
            "NetworkType('IPv6'): a network type is ipv4, ipv6 or dual_stack. Use NetworkType.IPV4, "
            "NetworkType.IPV6 or NetworkType.dual_stack()."
        ),
        lambda: NetworkType("ipv6"),
    ),
    Row(
        "NET-13",
        lambda: group(
            engine=Engine("redis", "6.0"),
            node_type=NodeType("cache.r5.large"),
            access=Access.auth_token(),
            network_type=NetworkType.IPV6,
        ),
        (
            "NetworkType ipv6 on redis 6.0: IPv6 needs at least Redis OSS 6.2 or Valkey 7.2. Use a newer engine, or "
            "NetworkType.IPV4."
        ),
        lambda: group(engine=Engine.REDIS_6_2, node_type=NodeType("cache.r5.large"), network_type=NetworkType.IPV6),
    ),
    Row(
        "NET-14",
        lambda: NetworkType("dual_stack"),
        (
            "NetworkType('dual_stack', ip_discovery=None): dual_stack discovers ipv4 or ipv6. Use "
            "NetworkType.dual_stack(ip_discovery='ipv4')."
        ),
        NetworkType.dual_stack,
    ),
    Row(
        "NET-16",
        lambda: NetworkType("ipv4", "ipv6"),
        "NetworkType('ipv4', ip_discovery='ipv6'): ipv4 discovers ipv4. Leave it out.",
        lambda: NetworkType("ipv4", "ipv4"),
    ),
    Row(
        "MEM-01",
        lambda: cluster(nodes=61),
        "MemcachedCluster(nodes=61): a cluster has 1 to 60 nodes. Use nodes=2, in two Availability Zones.",
        lambda: cluster(nodes=60),
    ),
    Row(
        "SNP-18",
        lambda: _check_cache(_exported("cache.r6gd.xlarge")),
        (
            "SnapshotCopies(cache=...) of a group of cache.r6gd.xlarge: snapshots of node types with data tiering are "
            "not exported. Use another node type, or keep the snapshots in ElastiCache."
        ),
        lambda: _check_cache(_exported("cache.r6g.xlarge")),
    ),
)
