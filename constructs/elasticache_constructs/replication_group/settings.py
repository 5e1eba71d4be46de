"""What a replication group is to be, checked as a whole before anything is constructed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_cdk import Token

from elasticache_constructs.access import Access
from elasticache_constructs.checks.argument_types import Kind, check_kinds
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import check_arn
from elasticache_constructs.values.backups import Backups
from elasticache_constructs.values.engine import Engine
from elasticache_constructs.values.log_delivery import LogDelivery
from elasticache_constructs.values.network_type import NetworkType
from elasticache_constructs.values.node_type import NodeType
from elasticache_constructs.values.parameters import check_named_once, check_parameters, check_unlisted_parameters
from elasticache_constructs.values.ports import REDIS_PORT, checked_port
from elasticache_constructs.values.restore import Snapshot
from elasticache_constructs.values.topology import ClusterMode, Topology
from elasticache_constructs.values.transit_encryption import TransitEncryption
from elasticache_constructs.values.windows import check_windows_apart, checked_maintenance_window

if TYPE_CHECKING:
    from collections.abc import Iterator


_LONGEST_DESCRIPTION = 255
_MOST_NODES_OF_OLD_ENGINES = 250
_GUIDE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg"
_TLS_PAGE = f"{_GUIDE}/in-transit-encryption.html"
_KINDS = {
    "description": Kind(of=str, example="'Sessions of the shop'", free=True, rule="NAM-16"),
    "engine": Kind(of=Engine, example="Engine.VALKEY_8_2", rule="ENG-01"),
    "upgraded_from": Kind(of=Engine | None, example="Engine.REDIS_7_1", rule="ENG-01"),
    "node_type": Kind(of=NodeType, example="NodeType('cache.t4g.small')", rule="NOD-01"),
    "topology": Kind(of=Topology, example="Topology(replicas_per_shard=1)", rule="TOP-03"),
    "access": Kind(of=Access, example="Access.users(default=DefaultUser.disabled(), users=[...])", secret=True),
    "backups": Kind(of=Backups, example="Backups(retention_days=35)", rule="SNP-01"),
    "maintenance_window": Kind(of=str, example="'sun:04:00-sun:05:00'", rule="WIN-01"),
    "parameters": Kind(of=Mapping, example="{'timeout': '300'}", rule="PGR-03"),
    "unlisted_parameters": Kind(of=Mapping, example="{'timeout': '300'}", rule="PGR-03"),
    "transit_encryption": Kind(of=TransitEncryption, example="TransitEncryption.required()", rule="TLS-06"),
    "network_type": Kind(of=NetworkType, example="NetworkType.IPV4", rule="NET-13"),
    "log_delivery": Kind(of=LogDelivery, example="LogDelivery(log_format='json')", rule="LOG-01"),
    "restore_from": Kind(of=Snapshot | None, example="Snapshot.named('nightly')", rule="SNP-10"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationGroupSettings:
    """Everything about a group that is not another resource.

    Raises:
        ConfigurationError: When the service would refuse it; with all mistakes, where there are several.
    """

    description: str
    engine: Engine
    upgraded_from: Engine | None = None
    node_type: NodeType
    topology: Topology
    access: Access
    port: int
    backups: Backups
    maintenance_window: str
    parameters: Mapping[str, str] = field(hash=False)
    unlisted_parameters: Mapping[str, str] = field(hash=False)
    transit_encryption: TransitEncryption
    network_type: NetworkType
    log_delivery: LogDelivery
    restore_from: Snapshot | None
    region: str
    """A CDK token where it is not known; then what depends on it is not judged."""

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        check_kinds("ReplicationGroup", self, _KINDS)
        if self.engine.is_memcached:
            raise ConfigurationError(
                got=f"ReplicationGroup(engine={self.engine})",
                allowed="replication groups run Redis or Valkey",
                fix="Use MemcachedCluster",
                page=f"{_GUIDE}/WhatIs.html",
                rule="ENG-01",
            )
        with reported_together() as check:
            check(self._check_upgrade)
            check(self.node_type.check, engine=self.engine, region=self.region, ipv6=self.network_type.needs_ipv6)
            check(self._check_size)
            check(self._check_cluster_mode)
            check(self._check_transit_encryption)
            check(self._check_login)
            check(self._check_restore)
            for engine in dict.fromkeys((self.engine_of_users, self.engine)):
                check(self.access.check_engine, engine)
            check(self._check_network_type)
            check(self._check_log_delivery)
            check(self._check_description)
            check(checked_port, self.port, default=REDIS_PORT)
            check(checked_maintenance_window, self.maintenance_window)
            check(check_windows_apart, snapshot=self.backups.window, maintenance=self.maintenance_window)
            check(check_parameters, self.parameters, engine=self.engine, node_type=self.node_type)
            check(check_unlisted_parameters, self.unlisted_parameters, engine=self.engine)
            check(check_named_once, self.parameters, self.unlisted_parameters)

    def properties(self) -> dict[str, Any]:
        """The arguments of ``CfnReplicationGroup`` that follow from the settings alone, without unset ones."""
        counts_shards = self.topology.counts_shards
        arguments: dict[str, Any] = {
            "replication_group_description": self.description,
            "engine": self.engine.name,
            "engine_version": self.engine.version,
            "cache_node_type": self.node_type.name,
            "num_cache_clusters": None if counts_shards else self.topology.nodes,
            "num_node_groups": self.topology.shards if counts_shards else None,
            "replicas_per_node_group": self.topology.replicas_per_shard if counts_shards else None,
            "node_group_configuration": self._shards_with_slots() or None,
            "cluster_mode": self._cluster_mode(),
            "automatic_failover_enabled": self.topology.multi_az,
            "multi_az_enabled": self.topology.multi_az,
            "port": self.port,
            "transit_encryption_enabled": self.transit_encryption.mode is not None,
            "transit_encryption_mode": self.transit_encryption.mode
            if self.running.supports_transit_encryption_mode
            else None,
            "at_rest_encryption_enabled": True,
            "data_tiering_enabled": True if self.node_type.has_data_tiering else None,
            "network_type": self.network_type.name if self.network_type.needs_ipv6 else None,
            "ip_discovery": self.network_type.ip_discovery,
            "auto_minor_version_upgrade": True,
            "snapshot_retention_limit": self.backups.retention_days,
            "snapshot_window": self.backups.window,
            "snapshot_name": self.restore_from.name if self.restore_from else None,
            "snapshot_arns": list(self.restore_from.files) or None if self.restore_from else None,
            "preferred_maintenance_window": self.maintenance_window,
        }
        return {name: value for name, value in arguments.items() if value is not None}

    def _shards_with_slots(self) -> list[dict[str, Any]]:
        """Each shard by its id, for a cluster that is made from files: the service has to be told who gets which keys.

        The ids are those that the service gives out itself, and that metrics of nodes go by.
        """
        if not self._is_seeded or not self.topology.counts_shards:
            return []
        return [
            {"nodeGroupId": f"{number:04}", "replicaCount": self.topology.replicas_per_shard, "slots": slots}
            for number, slots in enumerate(self.topology.slots, start=1)
        ]

    @property
    def _is_seeded(self) -> bool:
        return self.restore_from is not None and bool(self.restore_from.files) and not self.restore_from.loaded

    def _cluster_mode(self) -> str | None:
        mode = self.topology.cluster_mode
        if mode is ClusterMode.UNSTATED:
            return None
        if isinstance(mode, ClusterMode):
            stated: str = mode.value
            return stated
        # Engines that cannot be migrated do not know the property either.
        enabled = self.topology.cluster_mode_enabled and self.running.supports_cluster_mode_migration
        return ClusterMode.ENABLED.value if enabled else None

    def all_parameters(self) -> dict[str, str]:
        """The parameters, those that were not checked included."""
        return {**self.parameters, **self.unlisted_parameters}

    def logs(self) -> Iterator[str]:
        """The logs that the engine can deliver."""
        if self.running.supports_slow_log:
            yield "slow-log"
        if self.running.supports_engine_log:
            yield "engine-log"

    @property
    def running(self) -> Engine:
        """The engine that the service checks the deployment against: the one that runs when it comes."""
        return self.upgraded_from or self.engine

    @property
    def engine_of_users(self) -> Engine:
        """The engine that access strings are written for: users change before the group that they are attached to."""
        return self.running if self.running.supports_user_groups else self.engine

    def _check_upgrade(self) -> None:
        old, new = self.running, self.engine
        newer = old.name == new.name and new.is_at_least(old.version)
        to_valkey = (old.name, new.name) == ("redis", "valkey")
        if newer or to_valkey or (str(old), str(new)) == ("valkey 7.2", "redis 7.1"):
            return
        raise ConfigurationError(
            got=f"ReplicationGroup(engine={new}, upgraded_from={old})",
            allowed="a group goes to a newer version, from Redis to Valkey, or from Valkey 7.2 back to Redis 7.1",
            fix="Restore a snapshot into a new group: docs/runbooks/snapshot-and-restore.md",
            page=f"{_GUIDE}/VersionManagement.HowTo.html",
            rule="ENG-10" if old.name == new.name else "ENG-12",
        )

    def _check_size(self) -> None:
        if self.topology.nodes > _MOST_NODES_OF_OLD_ENGINES and not self.engine.supports_five_hundred_nodes:
            raise ConfigurationError(
                got=f"Topology with {self.topology.nodes} nodes on {self.engine}",
                allowed=f"before Redis 5.0.6 a cluster has {_MOST_NODES_OF_OLD_ENGINES} nodes at most",
                fix="Use a newer engine, or fewer nodes",
                page=f"{_GUIDE}/quota-limits.html",
                rule="TOP-19",
            )

    def _check_cluster_mode(self) -> None:
        mode = self.topology.cluster_mode
        migrates = isinstance(mode, ClusterMode) and mode is not ClusterMode.UNSTATED
        if migrates and not self.running.supports_cluster_mode_migration:
            raise ConfigurationError(
                got=f"Topology(cluster_mode={self.topology.cluster_mode}) on {self.running}",
                allowed="a running group is taken to cluster mode from Redis 7.0 or Valkey 7.2 on",
                fix="Upgrade the engine first; a new group takes Topology(cluster_mode=True)",
                page=f"{_GUIDE}/modify-cluster-mode.html",
                rule="TOP-23",
            )

    def _check_transit_encryption(self) -> None:
        if self.transit_encryption.mode is not None and not self.engine.supports_transit_encryption:
            raise ConfigurationError(
                got=f"ReplicationGroup(engine={self.engine})",
                allowed="TLS needs Redis 4.0.10 or Valkey 7.2 at least",
                fix="Use Engine.REDIS_7_1 or Engine.VALKEY_8_2",
                page=_TLS_PAGE,
                rule="TLS-02",
            )
        if self.transit_encryption.mode == "preferred" and not self.running.supports_transit_encryption_mode:
            raise ConfigurationError(
                got=f"TransitEncryption.preferred on {self.running}",
                allowed="the mode preferred needs Redis 7.0 or Valkey 7.2 at least",
                fix="Upgrade the engine first, or use TransitEncryption.required()",
                page=f"{_GUIDE}/in-transit-encryption-enable.html",
                rule="TLS-06",
            )

    def _check_login(self) -> None:
        if self.transit_encryption.is_required or self.access.without_login_reason is not None:
            return
        preferred = self.transit_encryption.mode is not None
        rule = "TLS-12" if self.access.has_users else "TLS-11" if preferred else "AUT-01"
        raise ConfigurationError(
            got=f"{'users' if self.access.has_users else 'an AUTH token'} with TLS "
            f"{'preferred' if preferred else 'disabled'}",
            allowed="logins need TLS, required",
            fix="Use TransitEncryption.required(), or until then Access.without_login(reason='...')",
            page=_TLS_PAGE,
            rule=rule,
        )

    def _check_restore(self) -> None:
        if self.restore_from is None or not self.restore_from.files:
            return
        with reported_together() as check:
            for arn in self.restore_from.files:
                check(check_arn, "Snapshot.rdb_files", arn, service="s3", region=self.region, rule="SNP-10")
            if self._is_seeded:
                check(self._check_files, self.restore_from.number_of_files)

    def _check_files(self, files: int | None) -> None:
        shards = self.topology.shards
        if files in (None, shards):
            return
        raise ConfigurationError(
            got=f"Snapshot.rdb_files with {files} {'file' if files == 1 else 'files'} for {shards} "
            f"{'shard' if shards == 1 else 'shards'}",
            allowed="a group is made from one file for each shard",
            fix=f"Use Topology(shards={files}), or name {shards} {'file' if shards == 1 else 'files'}; where the group "
            "is there already and its shards changed since, Snapshot.rdb_files([...], loaded=True)",
            page=f"{_GUIDE}/backups-seeding-redis.html",
            rule="SNP-13",
        )

    def _check_network_type(self) -> None:
        if self.network_type.needs_ipv6 and not self.engine.supports_ipv6:
            raise ConfigurationError(
                got=f"NetworkType {self.network_type.name} on {self.engine}",
                allowed="IPv6 needs Redis 6.2 or Valkey 7.2 at least",
                fix="Use a newer engine, or NetworkType.IPV4",
                page=f"{_GUIDE}/network-type.html",
                rule="NET-13",
            )

    def _check_log_delivery(self) -> None:
        if self.log_delivery.firehose_stream is not None and self.region == "ap-northeast-3":
            raise ConfigurationError(
                got=f"LogDelivery(firehose_stream={self.log_delivery.firehose_stream!r}) in {self.region}",
                allowed="logs are not delivered to Data Firehose in that region",
                fix="Leave firehose_stream out: CloudWatch takes the logs",
                page=f"{_GUIDE}/Log_Delivery.html",
                rule="LOG-07",
            )

    def _check_description(self) -> None:
        if not Token.is_unresolved(self.description) and len(self.description) > _LONGEST_DESCRIPTION:
            raise ConfigurationError(
                got=f"a description of {len(self.description)} characters",
                allowed=f"it has {_LONGEST_DESCRIPTION} at most",
                fix="Shorten it",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html",
                rule="NAM-16",
            )
