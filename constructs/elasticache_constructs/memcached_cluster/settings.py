"""What a Memcached cluster is to be, checked as a whole before anything is constructed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elasticache_constructs.checks.argument_types import Kind, check_kinds
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.whole_numbers import is_whole_number, shown
from elasticache_constructs.values.engine import Engine
from elasticache_constructs.values.network_type import NetworkType
from elasticache_constructs.values.node_type import NodeType
from elasticache_constructs.values.parameters import check_named_once, check_parameters, check_unlisted_parameters
from elasticache_constructs.values.ports import MEMCACHED_PORT, checked_port
from elasticache_constructs.values.windows import checked_maintenance_window

_MOST_NODES = 60
_GUIDE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg"
_KINDS = {
    "engine": Kind(of=Engine, example="Engine.MEMCACHED_1_6_22", rule="ENG-02"),
    "node_type": Kind(of=NodeType, example="NodeType('cache.t4g.small')", rule="NOD-01"),
    "maintenance_window": Kind(of=str, example="'sun:04:00-sun:05:00'", rule="WIN-01"),
    "parameters": Kind(of=Mapping, example="{'timeout': '300'}", rule="PGR-03"),
    "unlisted_parameters": Kind(of=Mapping, example="{'timeout': '300'}", rule="PGR-03"),
    "network_type": Kind(of=NetworkType, example="NetworkType.IPV4", rule="NET-13"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemcachedClusterSettings:
    """Everything about a cluster that is not another resource.

    Raises:
        ConfigurationError: When the service would refuse it; with all mistakes, where there are several.
    """

    engine: Engine
    node_type: NodeType
    nodes: int
    port: int
    maintenance_window: str
    parameters: Mapping[str, str] = field(hash=False)
    unlisted_parameters: Mapping[str, str] = field(hash=False)
    network_type: NetworkType
    region: str
    """A CDK token where it is not known; then what depends on it is not judged."""

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        check_kinds("MemcachedCluster", self, _KINDS)
        if not self.engine.is_memcached:
            raise ConfigurationError(
                got=f"MemcachedCluster(engine={self.engine})",
                allowed="a Memcached cluster runs Memcached",
                fix="Use ReplicationGroup for Redis and Valkey",
                page=f"{_GUIDE}/WhatIs.html",
                rule="ENG-02",
            )
        with reported_together() as check:
            check(self.node_type.check, engine=self.engine, region=self.region, ipv6=self.network_type.needs_ipv6)
            check(self._check_transit_encryption)
            check(self._check_nodes)
            check(checked_port, self.port, default=MEMCACHED_PORT)
            check(checked_maintenance_window, self.maintenance_window)
            check(check_parameters, self.parameters, engine=self.engine, node_type=self.node_type)
            check(check_unlisted_parameters, self.unlisted_parameters, engine=self.engine)
            check(check_named_once, self.parameters, self.unlisted_parameters)

    def properties(self) -> dict[str, Any]:
        """The arguments of ``CfnCacheCluster`` that follow from the settings alone, without those that are unset."""
        arguments: dict[str, Any] = {
            "engine": self.engine.name,
            "engine_version": self.engine.version,
            "cache_node_type": self.node_type.name,
            "num_cache_nodes": self.nodes,
            "az_mode": "cross-az" if self.nodes > 1 else "single-az",
            "port": self.port,
            "transit_encryption_enabled": True,
            "auto_minor_version_upgrade": True,
            "preferred_maintenance_window": self.maintenance_window,
            "network_type": self.network_type.name if self.network_type.needs_ipv6 else None,
            "ip_discovery": self.network_type.ip_discovery,
        }
        return {name: value for name, value in arguments.items() if value is not None}

    def all_parameters(self) -> dict[str, str]:
        """The parameters, those that were not checked included."""
        return {**self.parameters, **self.unlisted_parameters}

    def _check_transit_encryption(self) -> None:
        if not self.engine.supports_transit_encryption:
            raise ConfigurationError(
                got=f"MemcachedCluster(engine={self.engine})",
                allowed="TLS is always on here and needs Memcached 1.6.12 at least",
                fix="Use Engine.MEMCACHED_1_6_22",
                page=f"{_GUIDE}/in-transit-encryption-mc.html",
                rule="TLS-04",
            )

    def _check_nodes(self) -> None:
        if not is_whole_number(self.nodes, 1, _MOST_NODES):
            raise ConfigurationError(
                got=f"MemcachedCluster(nodes={shown(self.nodes)})",
                allowed=f"a cluster has 1 to {_MOST_NODES} nodes",
                fix="Use nodes=2, one in each of two zones",
                page=f"{_GUIDE}/quota-limits.html",
                rule="MEM-01",
            )
