"""The settings of a replication group, checked together before anything is constructed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from elasticache_constructs.access import Access
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.features import check_feature
from elasticache_constructs.checks.locations import check_arn
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.shared.monitoring.table import CacheKind, CacheProfile
from elasticache_constructs.shared.settings import NodeSettings, Setting
from elasticache_constructs.values.auto_scaling import SHARDS, ScalingMetric
from elasticache_constructs.values.backups import Backups
from elasticache_constructs.values.durability import Durability
from elasticache_constructs.values.engine import Engine
from elasticache_constructs.values.existing import PAGE, ExistingReplicationGroup
from elasticache_constructs.values.log_delivery import LogDelivery
from elasticache_constructs.values.name import Name, check_name
from elasticache_constructs.values.node_type import NodeType
from elasticache_constructs.values.ports import REDIS_PORT, checked_port
from elasticache_constructs.values.restore import Snapshot
from elasticache_constructs.values.topology import ClusterMode, Shard, Topology
from elasticache_constructs.values.transit_encryption import TransitEncryption
from elasticache_constructs.values.windows import check_windows_apart
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Iterator


_LONGEST_DESCRIPTION = facts.limit("description_characters").maximum
_LONGEST_NAME = 40
_LEAST_RESERVED_MEMORY_PERCENT = 25
_DURABLE_FAMILIES = [
    name for name in facts.node_families() if (family := facts.node_family(name)) is not None and family.durability
]
_MOST_NODES_OF_OLD_ENGINES = facts.limit("nodes_per_cluster_of_old_engines").maximum


def _is_seeded(cache: ReplicationGroupSettings) -> bool:
    return cache.restore_from is not None and bool(cache.restore_from.files) and not cache.restore_from.loaded


def _cluster_mode(cache: ReplicationGroupSettings) -> str | None:
    mode = cache.topology.cluster_mode
    if mode is ClusterMode.UNSTATED:
        return None
    if isinstance(mode, ClusterMode):
        stated: str = mode.value
        return stated
    # Engines that cannot be migrated do not know the property either.
    enabled = cache.topology.cluster_mode_enabled and cache.running.supports_cluster_mode_migration
    return ClusterMode.ENABLED.value if enabled else None


def _named_shards(cache: ReplicationGroupSettings) -> list[dict[str, Any]] | None:
    """Each shard by its id: of a cluster that is made from files, which has to state slots, or with a placement.

    The ids are those that the service assigns, which the dimensions of metrics use.
    """
    topology, seeded = cache.topology, _is_seeded(cache)
    is_loaded = cache.restore_from is not None and cache.restore_from.loaded
    if is_loaded or not (topology.counts_shards and (seeded or topology.states_shards)):
        return None
    shards = topology.placement if topology.states_shards and topology.placement else [Shard()] * topology.shards
    return [
        _named_shard(number, shard, topology.replicas_per_shard, even if seeded else None)
        for number, (shard, even) in enumerate(zip(shards, topology.slots, strict=True), start=1)
    ]


def _named_shard(number: int, shard: Shard, replicas: int, even: str | None) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "nodeGroupId": f"{number:04}",
        "replicaCount": replicas,
        "slots": shard.slots or even,
        "primaryAvailabilityZone": shard.primary_zone,
        "replicaAvailabilityZones": list(shard.replica_zones) or None,
    }
    return {name: value for name, value in stated.items() if value is not None}


def _transit_encryption_mode(cache: ReplicationGroupSettings) -> str | None:
    return cache.transit_encryption.mode if cache.running.supports_transit_encryption_mode else None


def _snapshot_files(cache: ReplicationGroupSettings) -> list[str] | None:
    return list(cache.restore_from.files) or None if cache.restore_from else None


def _check_topology(cache: ReplicationGroupSettings) -> None:
    with reported_together() as check:
        check(_check_size, cache)
        check(_check_cluster_mode, cache)
        if cache.topology.is_scaled:
            check(_check_scaled_engine, cache)
            check(cache.node_type.check_auto_scaling, _scaled(cache))
            check(_check_scaled_memory, cache)
            check(_check_scaled_files, cache)


def _check_access(cache: ReplicationGroupSettings) -> None:
    with reported_together() as check:
        check(_check_login, cache)
        for engine in dict.fromkeys((cache.engine_of_users, cache.engine)):
            check(cache.access.check_engine, engine)


def _check_upgrade(cache: ReplicationGroupSettings) -> None:
    old, new = cache.running, cache.engine
    newer = old.name == new.name and new.is_at_least(old.version)
    to_valkey = (old.name, new.name) == ("redis", "valkey")
    if newer or to_valkey or (str(old), str(new)) == ("valkey 7.2", "redis 7.1"):
        return
    raise ConfigurationError(
        got=f"ReplicationGroup(engine={new}, upgraded_from={old})",
        allowed="a group goes to a newer version, from Redis to Valkey, or from Valkey 7.2 back to Redis 7.1",
        fix="Restore a snapshot into a new group: docs/runbooks/snapshot-and-restore.md",
        rule="ENG-10" if old.name == new.name else "ENG-12",
    )


def _check_size(cache: ReplicationGroupSettings) -> None:
    if cache.topology.maximum_nodes > _MOST_NODES_OF_OLD_ENGINES:
        got = f"Topology with {cache.topology.maximum_nodes} nodes on {cache.engine}"
        fix = "Use a newer engine, or fewer nodes"
        check_feature(cache.engine, "five_hundred_nodes", got=got, fix=fix, rule="TOP-19")


def _check_cluster_mode(cache: ReplicationGroupSettings) -> None:
    mode = cache.topology.cluster_mode
    migrates = isinstance(mode, ClusterMode) and mode is not ClusterMode.UNSTATED
    if migrates:
        got, fix = (
            f"Topology(cluster_mode={cache.topology.cluster_mode}) on {cache.running}",
            "Upgrade the engine first; a new group takes Topology(cluster_mode=True)",
        )
        check_feature(cache.running, "cluster_mode_migration", got=got, fix=fix, rule="TOP-23")


def _scaled(cache: ReplicationGroupSettings) -> str:
    return f"Topology({'shard' if cache.topology.shard_scaling else 'replica'}_scaling=...)"


def _check_scaled_engine(cache: ReplicationGroupSettings) -> None:
    got, fix = f"{_scaled(cache)} on {cache.running}", "Upgrade the engine first, and scale in the deployment after it"
    check_feature(cache.running, "autoscaling", got=got, fix=fix, rule="ASC-03")
    if cache.node_type.has_data_tiering:
        got = f"{_scaled(cache)} on {cache.running} with data tiering"
        check_feature(cache.running, "data_tiering_autoscaling", got=got, fix=fix, rule="DTI-03")


def _check_scaled_memory(cache: ReplicationGroupSettings) -> None:
    shards = cache.topology.shard_scaling
    with reported_together() as check:
        if shards is not None and shards.tracked(SHARDS) is ScalingMetric.MEMORY:
            check(_check_memory_metric, cache)
        if cache.topology.replica_scaling is not None:
            check(_check_reserved_memory, cache)


def _check_memory_metric(cache: ReplicationGroupSettings) -> None:
    if cache.node_type.has_data_tiering:
        raise ConfigurationError(
            got=f"AutoScaling(metric=ScalingMetric.MEMORY) with NodeType({cache.node_type.name!r})",
            allowed="with data tiering the memory is always full",
            fix="Use metric=ScalingMetric.CAPACITY",
            rule="ASC-06",
        )


def _check_reserved_memory(cache: ReplicationGroupSettings) -> None:
    given = cache.all_parameters().get("reserved-memory-percent", "")
    if given.isdecimal() and int(given) < _LEAST_RESERVED_MEMORY_PERCENT:
        raise ConfigurationError(
            got=f"Topology(replica_scaling=...) with parameters={{'reserved-memory-percent': {given!r}}}",
            allowed=f"replicas are scaled where {_LEAST_RESERVED_MEMORY_PERCENT} percent or more are reserved",
            fix="Leave the parameter out: its default is 25",
            rule="ASC-12",
        )


def _check_scaled_files(cache: ReplicationGroupSettings) -> None:
    if _is_seeded(cache):
        raise ConfigurationError(
            got=f"{_scaled(cache)} with Snapshot.rdb_files(...)",
            allowed="a group that is made from files names each shard, and the template would set them again",
            fix="Leave the scaling out of this deployment; once the files are loaded, use "
            "Snapshot.rdb_files([...], loaded=True), and scale",
            rule="ASC-08",
        )


def _check_transit_encryption(cache: ReplicationGroupSettings) -> None:
    if cache.transit_encryption.mode is not None:
        got, fix = f"ReplicationGroup(engine={cache.engine})", "Use Engine.REDIS_7_1 or Engine.VALKEY_8_2"
        check_feature(cache.engine, "transit_encryption", got=got, fix=fix, rule="TLS-02")
    if cache.transit_encryption.mode == "preferred":
        got, fix = (
            f"TransitEncryption.preferred on {cache.running}",
            "Upgrade the engine first, or use TransitEncryption.required()",
        )
        check_feature(cache.running, "transit_encryption_mode", got=got, fix=fix, rule="TLS-06")


def _check_login(cache: ReplicationGroupSettings) -> None:
    if cache.transit_encryption.is_required or cache.access.without_login_reason is not None:
        return
    preferred = cache.transit_encryption.mode is not None
    rule = "TLS-12" if cache.access.has_users else "TLS-11" if preferred else "AUT-01"
    raise ConfigurationError(
        got=f"{'users' if cache.access.has_users else 'an AUTH token'} with TLS "
        f"{'preferred' if preferred else 'disabled'}",
        allowed="logins need TLS, required",
        fix="Use TransitEncryption.required(), or until then Access.without_login(reason='...')",
        rule=rule,
    )


def _check_durability(cache: ReplicationGroupSettings) -> None:
    if cache.durability is None:
        return
    got = f"ReplicationGroup(durability={cache.durability})"
    fix = "Upgrade the engine first, or leave durability out"
    with reported_together() as check:
        check(check_feature, cache.running, "durability", got=f"{got} on {cache.running}", fix=fix, rule="DUR-02")
        if cache.durability.is_on:
            check(_check_durable_topology, cache, got)
            check(_check_durable_encryption, cache, got)
            check(_check_durable_nodes, cache, got)


def _check_durable_topology(cache: ReplicationGroupSettings, got: str) -> None:
    if not cache.topology.cluster_mode_enabled:
        raise ConfigurationError(
            got=f"{got} without cluster mode",
            allowed="durable groups are in cluster mode, with a replica in each shard",
            fix="Use Topology(cluster_mode=True); a group that was made without it is migrated first: "
            "docs/runbooks/cluster-mode.md",
            rule="DUR-02",
        )


def _check_durable_encryption(cache: ReplicationGroupSettings, got: str) -> None:
    if not cache.transit_encryption.is_required:
        raise ConfigurationError(
            got=f"{got} with TLS {cache.transit_encryption.mode or 'disabled'}",
            allowed="durable groups use TLS, required",
            fix="Use TransitEncryption.required(); a group that was made without it is migrated first: "
            "docs/runbooks/tls.md",
            rule="DUR-02",
        )


def _check_durable_nodes(cache: ReplicationGroupSettings, got: str) -> None:
    family = cache.node_type.family
    if family is not None and not family.durability:
        raise ConfigurationError(
            got=f"{got} on NodeType({cache.node_type.name!r})",
            allowed="durable groups run on the families " + ", ".join(_DURABLE_FAMILIES),
            fix="Use NodeType('cache.m7g.large') or NodeType('cache.r7g.large')",
            rule="DUR-03",
        )


def _check_restore(cache: ReplicationGroupSettings) -> None:
    if cache.restore_from is not None and cache.restore_from.is_serverless:
        raise ConfigurationError(
            got=f"ReplicationGroup(restore_from=Snapshot.of_serverless_cache({cache.restore_from.name!r}))",
            allowed="a group is restored from a snapshot of a group, or from RDB files",
            fix="Export the snapshot to S3 (aws elasticache export-serverless-cache-snapshot) and use "
            "Snapshot.rdb_files([...])",
            rule="CFN-15",
        )
    if cache.restore_from is None or not cache.restore_from.files:
        return
    with reported_together() as check:
        for arn in cache.restore_from.files:
            check(check_arn, "Snapshot.rdb_files", arn, service="s3", region=cache.region, rule="SNP-10")
        if _is_seeded(cache):
            check(_check_files, cache, cache.restore_from.number_of_files)


def _check_files(cache: ReplicationGroupSettings, files: int | None) -> None:
    shards = cache.topology.shards
    if files in (None, shards):
        return
    raise ConfigurationError(
        got=f"Snapshot.rdb_files with {files} {'file' if files == 1 else 'files'} for {shards} "
        f"{'shard' if shards == 1 else 'shards'}",
        allowed="a group is made from one file for each shard",
        fix=f"Use Topology(shards={files}), or name {shards} {'file' if shards == 1 else 'files'}; where the group "
        "is there already and its shards changed since, Snapshot.rdb_files([...], loaded=True)",
        rule="SNP-13",
    )


def _check_network_type(cache: ReplicationGroupSettings) -> None:
    if cache.network_type.needs_ipv6:
        got, fix = f"NetworkType {cache.network_type.name} on {cache.engine}", "Use a newer engine, or NetworkType.IPV4"
        check_feature(cache.engine, "ipv6", got=got, fix=fix, rule="NET-13")


def _check_log_delivery(cache: ReplicationGroupSettings) -> None:
    with reported_together() as check:
        for log in map(cache.log_delivery.log, cache.logs()):
            if log.firehose_stream is not None:
                check(_check_firehose, log.firehose_stream, cache.region)
            check(log.check_region, cache.region)


def _check_firehose(stream: str, region: str) -> None:
    if region == "ap-northeast-3":
        raise ConfigurationError(
            got=f"LogDelivery(firehose_stream={stream!r}) in {region}",
            allowed="logs are not delivered to Data Firehose in that region",
            fix="Leave firehose_stream out: CloudWatch takes the logs",
            rule="LOG-07",
        )


def _check_description(cache: ReplicationGroupSettings) -> None:
    if not is_unresolved(cache.description) and len(cache.description) > _LONGEST_DESCRIPTION:
        raise ConfigurationError(
            got=f"a description of {len(cache.description)} characters",
            allowed=f"it has {_LONGEST_DESCRIPTION} at most",
            fix="Shorten it",
            rule="NAM-16",
        )


def _kept(cache: ReplicationGroupSettings, name: str) -> Any:
    """What an existing group says; ``None`` for any other."""
    return None if cache.existing is None else getattr(cache.existing, name)


def _check_existing(cache: ReplicationGroupSettings) -> None:
    kept = cache.existing
    if kept is None:
        cache.node_type.check_available()
        return
    with reported_together() as check:
        if cache.restore_from is not None:
            check(_refuse_both, "restore_from", "a group that exists is not restored")
        if kept.parameter_group_name is not None and cache.all_parameters():
            check(
                _refuse_both,
                "parameters",
                "the parameters are those of its parameter_group_name",
                "Leave parameter_group_name out to have a parameter group with these parameters, or the parameters",
            )
        if kept.auth_token_secret is not None and not cache.access.is_auth_token:
            check(
                _refuse_both,
                "access",
                "an auth_token_secret is of a group with an AUTH token",
                "Use Access.auth_token(), or leave auth_token_secret out",
            )
        if kept.no_multi_az_reason is not None and not cache.topology.multi_az:
            check(
                _refuse_both,
                "topology",
                "no_multi_az_reason is for a group with automatic failover",
                "Leave no_multi_az_reason out: Topology(no_failover_reason='...') says it of both",
            )


def _refuse_both(argument: str, allowed: str, fix: str | None = None) -> None:
    raise ConfigurationError(
        got=f"ReplicationGroup(existing=..., {argument}=...)",
        allowed=allowed,
        fix=fix or f"Leave {argument} out",
        page=PAGE,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationGroupSettings(NodeSettings):
    """Everything about a group that is not another resource.

    Raises:
        ConfigurationError: If the service would refuse it; with all mistakes, if there are several.
    """

    CONSTRUCT = "ReplicationGroup"
    is_secondary: ClassVar[bool] = False
    """Whether it follows a group in another Region, which decides part of the settings."""

    engine: Engine = field(
        metadata=Setting(
            l1={
                "engine": lambda cache: cache.engine.name,
                "engine_version": lambda cache: cache.engine.version,
            },
            example="Engine.VALKEY_8_2",
            check=_check_network_type,
            rule="ENG-01",
        )
    )
    upgraded_from: Engine | None = field(
        default=None, metadata=Setting(example="Engine.REDIS_7_1", check=_check_upgrade, rule="ENG-01")
    )
    node_type: NodeType = field(
        metadata=Setting(
            l1={
                "cache_node_type": lambda cache: cache.node_type.name,
                "data_tiering_enabled": lambda cache: True if cache.node_type.has_data_tiering else None,
            },
            example="NodeType('cache.t4g.small')",
            check=lambda cache: cache.node_type.check(
                engine=cache.engine, region=cache.region, ipv6=cache.network_type.needs_ipv6
            ),
            rule="NOD-01",
        )
    )
    topology: Topology = field(
        default_factory=Topology,
        metadata=Setting(
            l1={
                "num_cache_clusters": lambda cache: None if cache.topology.counts_shards else cache.topology.nodes,
                "num_node_groups": lambda cache: cache.topology.shards if cache.topology.counts_shards else None,
                "replicas_per_node_group": lambda cache: (
                    cache.topology.replicas_per_shard if cache.topology.counts_shards else None
                ),
                "preferred_cache_cluster_a_zs": lambda cache: list(cache.topology.zones_of_nodes) or None,
                "cluster_mode": _cluster_mode,
                "automatic_failover_enabled": lambda cache: cache.topology.multi_az,
                "multi_az_enabled": lambda cache: (
                    cache.topology.multi_az and _kept(cache, "no_multi_az_reason") is None
                ),
            },
            made_by_construct=("node_group_configuration",),
            example="Topology(replicas_per_shard=1)",
            check=_check_topology,
            rule="TOP-03",
        ),
    )
    transit_encryption: TransitEncryption = field(
        default_factory=TransitEncryption.required,
        metadata=Setting(
            l1={
                "transit_encryption_enabled": lambda cache: cache.transit_encryption.mode is not None,
                "transit_encryption_mode": _transit_encryption_mode,
            },
            example="TransitEncryption.required()",
            check=_check_transit_encryption,
            rule="TLS-06",
        ),
    )
    access: Access = field(
        metadata=Setting(
            made_by_construct=("auth_token", "user_group_ids"),
            example="Access.users(default=DefaultUser.disabled(), users=[...])",
            check=_check_access,
            secret=True,
        )
    )
    restore_from: Snapshot | None = field(
        default=None,
        metadata=Setting(
            l1={
                "snapshot_name": lambda cache: cache.restore_from.name if cache.restore_from else None,
                "snapshot_arns": _snapshot_files,
                "node_group_configuration": _named_shards,
            },
            example="Snapshot.named('nightly')",
            check=_check_restore,
            rule="SNP-10",
        ),
    )
    durability: Durability | None = field(
        default=None,
        metadata=Setting(
            l1={"durability": lambda cache: cache.durability.mode if cache.durability else None},
            example="Durability.sync()",
            check=_check_durability,
            rule="DUR-01",
        ),
    )
    log_delivery: LogDelivery = field(
        default_factory=LogDelivery,
        metadata=Setting(
            made_by_construct=("log_delivery_configurations",),
            example="LogDelivery(log_format='json')",
            check=_check_log_delivery,
            rule="LOG-01",
        ),
    )
    name: Name | None = field(
        default=None,
        metadata=Setting(
            l1={
                "replication_group_id": lambda cache: (
                    cache.name.value if cache.name else _kept(cache, "replication_group_id")
                )
            },
            example="Name('orders', reason='...')",
            check=lambda cache: check_name(cache, longest=_LONGEST_NAME, rule="NAM-01"),
            rule="NAM-01",
        ),
    )
    description: str = field(
        metadata=Setting(
            l1="replication_group_description",
            example="'Sessions of the shop'",
            check=_check_description,
            rule="NAM-16",
            free=True,
        )
    )
    port: int = field(
        default=REDIS_PORT,
        metadata=Setting(l1="port", check=lambda cache: checked_port(cache.port, default=REDIS_PORT), rule="NET-12"),
    )
    backups: Backups = field(
        default_factory=Backups,
        metadata=Setting(
            l1={
                "snapshot_retention_limit": lambda cache: (
                    cache.backups.retention_days if _kept(cache, "no_backups_reason") is None else 0
                ),
                "snapshot_window": lambda cache: cache.backups.window,
            },
            example="Backups(retention_days=35)",
            check=lambda cache: check_windows_apart(
                snapshot=cache.backups.window, maintenance=cache.maintenance_window
            ),
            rule="SNP-01",
        ),
    )

    existing: ExistingReplicationGroup | None = field(
        default=None,
        metadata=Setting(
            l1={
                "at_rest_encryption_enabled": lambda cache: (
                    cache.existing is None or cache.existing.encryption_at_rest.is_enabled
                ),
            },
            made_by_construct=("replication_group_id", "cache_subnet_group_name", "kms_key_id", "security_group_ids"),
            example="ExistingReplicationGroup(replication_group_id='orders-2019', ...)",
            check=_check_existing,
        ),
    )

    @property
    def running(self) -> Engine:
        """The engine that the service checks the deployment against: the one that runs when it comes."""
        return self.upgraded_from or self.engine

    @property
    def engine_of_users(self) -> Engine:
        """The engine that access strings are written for: users change before the group that they are attached to."""
        return self.running if self.running.supports_user_groups else self.engine

    def profile(self) -> CacheProfile:
        """What its alarms follow from."""
        return CacheProfile(
            kind=CacheKind.REPLICATION_GROUP,
            engine=self.engine.name,
            node_type=self.node_type.facts,
            nodes=None if self.topology.is_scaled else self.topology.nodes,
            has_replicas=self.topology.replicas_per_shard > 0,
            eviction_policy=self.parameter("maxmemory-policy", family=self.engine.family),
            connections=self.parameter_number("maxclients", family=self.engine.family),
            has_users=self.access.has_users,
            has_iam_users=self.access.has_iam_users,
            is_durable_later=self.durability is not None and self.durability.is_asynchronous,
            is_secondary=self.is_secondary,
        )

    def logs(self) -> Iterator[str]:
        """The logs that are delivered."""
        for kind, is_known in (
            ("slow-log", self.running.supports_slow_log),
            ("engine-log", self.running.supports_engine_log),
        ):
            if is_known and self.log_delivery.log(kind).disabled_reason is None:
                yield kind

    def _check_engine(self) -> None:
        if self.engine.is_memcached:
            raise ConfigurationError(
                got=f"ReplicationGroup(engine={self.engine})",
                allowed="replication groups run Redis or Valkey",
                fix="Use MemcachedCluster",
                rule="ENG-01",
            )


_DECIDED_BY_THE_GLOBAL_DATASTORE = (
    "engine",
    "engine_version",
    "cache_node_type",
    "num_node_groups",
    "cluster_mode",
    "automatic_failover_enabled",
    "multi_az_enabled",
    "transit_encryption_enabled",
    "transit_encryption_mode",
    "at_rest_encryption_enabled",
)
"""Arguments of the L1 construct that the service refuses for a secondary, or takes from the primary (GDS-04).

Data tiering is not in AWS's list of them, so it stays stated, with the primary's node type.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondarySettings(ReplicationGroupSettings):
    """The settings of a secondary of a global datastore: checked like those of any group, and stated in part.

    Raises:
        ConfigurationError: If the service would refuse it; with all mistakes, if there are several.
    """

    CONSTRUCT = "SecondaryReplicationGroup"
    is_secondary: ClassVar[bool] = True

    def properties(self) -> dict[str, Any]:
        """The arguments of the L1 construct, without those that the global datastore decides."""
        stated = ReplicationGroupSettings.properties(self)
        return {name: value for name, value in stated.items() if name not in _DECIDED_BY_THE_GLOBAL_DATASTORE}
