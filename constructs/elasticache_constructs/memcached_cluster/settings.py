"""What a Memcached cluster is to be, checked as a whole before anything is constructed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.features import check_feature
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_constructs.shared.monitoring.table import CacheKind, CacheProfile
from elasticache_constructs.shared.settings import NodeSettings, Setting
from elasticache_constructs.values.auto_scaling import NODES, AutoScaling
from elasticache_constructs.values.engine import Engine
from elasticache_constructs.values.existing import PAGE, ExistingMemcachedCluster
from elasticache_constructs.values.name import Name, check_name
from elasticache_constructs.values.node_type import NodeType
from elasticache_constructs.values.ports import MEMCACHED_PORT, checked_port
from elasticache_rules import facts

_LONGEST_NAME = 50
_MOST_NODES = facts.limit("memcached_nodes").maximum


def _kept(cache: MemcachedClusterSettings, name: str) -> Any:
    """What an existing cluster says; ``None`` for any other."""
    return None if cache.existing is None else getattr(cache.existing, name)


def _check_existing(cache: MemcachedClusterSettings) -> None:
    if cache.existing is None:
        cache.node_type.check_available()
    elif cache.existing.parameter_group_name is not None and cache.all_parameters():
        raise ConfigurationError(
            got="MemcachedCluster(existing=..., parameters=...)",
            allowed="the parameters are those of its parameter_group_name",
            fix="Leave parameter_group_name out to have a parameter group with these parameters, or the parameters",
            page=PAGE,
        )


def _check_transit_encryption(cache: MemcachedClusterSettings) -> None:
    if _kept(cache, "no_tls_reason") is not None:
        return
    got, fix = f"MemcachedCluster(engine={cache.engine})", "Use Engine.MEMCACHED_1_6_22"
    check_feature(cache.engine, "transit_encryption", got=got, fix=fix, rule="TLS-04")


def _check_nodes(cache: MemcachedClusterSettings) -> None:
    if not is_whole_number(cache.nodes, 1, _MOST_NODES):
        raise ConfigurationError(
            got=f"MemcachedCluster(nodes={shown(cache.nodes)}){other_type(cache.nodes)}",
            allowed=f"a cluster has 1 to {_MOST_NODES} nodes",
            fix="Use nodes=2, in two Availability Zones",
            rule="MEM-01",
        )


def _check_scaling(cache: MemcachedClusterSettings) -> None:
    what = "MemcachedCluster(node_scaling=...)"
    if cache.node_scaling is None or not is_whole_number(cache.nodes, 1, _MOST_NODES):
        return
    with reported_together() as check:
        check(cache.node_scaling.check, what, NODES, cache.nodes)
        check(cache.node_type.check_auto_scaling, what)
        check(_check_spread, cache)
        check(_check_region, cache)


def _check_spread(cache: MemcachedClusterSettings) -> None:
    if cache.nodes == 1:
        raise ConfigurationError(
            got="MemcachedCluster(node_scaling=...) with nodes=1",
            allowed="a cluster that is made with one node puts all later ones into the same Availability Zone",
            fix="Use nodes=2",
            rule="MEM-05",
        )


def _check_region(cache: MemcachedClusterSettings) -> None:
    if not is_unresolved(cache.region) and cache.region.startswith("cn-"):
        raise ConfigurationError(
            got=f"MemcachedCluster(node_scaling=...) in {cache.region}",
            allowed="Memcached is not scaled automatically in Beijing and Ningxia",
            fix="Leave node_scaling out",
            rule="MEM-13",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemcachedClusterSettings(NodeSettings):
    """Everything about a cluster that is not another resource.

    Raises:
        ConfigurationError: If the service would refuse it; with all mistakes, if there are several.
    """

    CONSTRUCT = "MemcachedCluster"
    node_type: NodeType = field(
        metadata=Setting(
            l1={"cache_node_type": lambda cache: cache.node_type.name},
            example="NodeType('cache.t4g.small')",
            check=lambda cache: cache.node_type.check(
                engine=cache.engine, region=cache.region, ipv6=cache.network_type.needs_ipv6
            ),
            rule="NOD-01",
        )
    )
    engine: Engine = field(
        default=Engine.MEMCACHED_1_6_22,
        metadata=Setting(
            l1={
                "engine": lambda cache: cache.engine.name,
                "engine_version": lambda cache: cache.engine.version,
            },
            example="Engine.MEMCACHED_1_6_22",
            check=_check_transit_encryption,
            rule="ENG-02",
        ),
    )
    nodes: int = field(
        default=2,
        metadata=Setting(
            l1={
                "num_cache_nodes": lambda cache: cache.nodes,
                "az_mode": lambda cache: (
                    "cross-az" if cache.nodes > 1 and _kept(cache, "no_multi_az_reason") is None else "single-az"
                ),
            },
            check=_check_nodes,
            rule="MEM-01",
        ),
    )
    node_scaling: AutoScaling | None = field(
        default=None,
        metadata=Setting(example="AutoScaling(minimum=2, maximum=6)", check=_check_scaling, rule="MEM-13"),
    )
    port: int = field(
        default=MEMCACHED_PORT,
        metadata=Setting(
            l1="port", check=lambda cache: checked_port(cache.port, default=MEMCACHED_PORT), rule="NET-12"
        ),
    )
    existing: ExistingMemcachedCluster | None = field(
        default=None,
        metadata=Setting(
            l1={
                "transit_encryption_enabled": lambda cache: _kept(cache, "no_tls_reason") is None,
            },
            made_by_construct=("cluster_name", "cache_subnet_group_name", "vpc_security_group_ids"),
            example="ExistingMemcachedCluster(cluster_id='pages-2018', ...)",
            check=_check_existing,
        ),
    )

    name: Name | None = field(
        default=None,
        metadata=Setting(
            l1={"cluster_name": lambda cache: cache.name.value if cache.name else _kept(cache, "cluster_id")},
            example="Name('orders', reason='...')",
            check=lambda cache: check_name(cache, longest=_LONGEST_NAME, rule="NAM-02"),
            rule="NAM-02",
        ),
    )

    def profile(self) -> CacheProfile:
        """What its alarms follow from."""
        return CacheProfile(
            kind=CacheKind.MEMCACHED,
            engine=self.engine.name,
            node_type=self.node_type.facts,
            nodes=self.nodes if self.node_scaling is None else None,
            connections=self.parameter_number("max_simultaneous_connections", family=self.engine.family),
        )

    def _check_engine(self) -> None:
        if not self.engine.is_memcached:
            raise ConfigurationError(
                got=f"MemcachedCluster(engine={self.engine})",
                allowed="a Memcached cluster runs Memcached",
                fix="Use ReplicationGroup for Redis and Valkey",
                rule="ENG-02",
            )
