"""Node types: what each can do, which engines run on it, and where it is on offer."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from elasticache_rules.facts.records import Source, read, sources
from elasticache_rules.facts.versions import natural_key, size_key, version_key

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["burstable", "compute", "data_tiering", "general", "memory", "network"]


@dataclass(frozen=True, slots=True)
class NodeFamily:
    """The facts that all sizes of a family share.

    Args:
        name: For example ``r7g``.
        kind: Its purpose. A ``burstable`` family runs on CPU credits of the standard kind: without credits it
            is throttled.
        creatable: Whether a new cache can have it; the oldest families only live on in caches that have them.
        minimum_versions: The first version of each engine that runs on it; an engine that never does is absent.
        data_tiering: Whether it keeps part of the data on SSD, which its caches must then switch on.
        maxmemory_policies: The eviction policies it is limited to; empty where it is limited to none.
        ipv6: Whether it supports IPv6, alone or with IPv4.
        durability: Whether the durability of Valkey 9 is on offer for it.
        global_datastore: Whether it can be a member of a global datastore.
        local_zones: Whether Local Zones offer it.
        autoscaling_sizes: The sizes whose caches Application Auto Scaling scales; empty where it scales none.
        sources: Where all of this is written.
    """

    name: str
    kind: Kind
    creatable: bool
    minimum_versions: Mapping[str, str] = field(hash=False)
    data_tiering: bool
    maxmemory_policies: tuple[str, ...]
    ipv6: bool
    durability: bool
    global_datastore: bool
    local_zones: bool
    autoscaling_sizes: tuple[str, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class NodeTypeFacts:
    """The facts about one node type; many are those of its family.

    Args:
        name: As the service writes it, ``cache.r7g.large``.
        family: Its family.
        size: For example ``large``.
        vcpus: How many; None for the oldest families.
        memory_gib: The memory for data, in GiB; None for the oldest families.
        autoscaling: Whether caches of it can be scaled by Application Auto Scaling.
        regions: The regions that list it, whether it is creatable or not; empty for the oldest families.
    """

    name: str
    family: NodeFamily
    size: str
    vcpus: int | None
    memory_gib: float | None
    autoscaling: bool
    regions: frozenset[str]

    @property
    def creatable(self) -> bool:
        """Whether a new cache can have it."""
        return self.family.creatable

    @property
    def burstable(self) -> bool:
        """Whether it runs on CPU credits."""
        return self.family.kind == "burstable"

    @property
    def data_tiering(self) -> bool:
        """Whether it keeps part of the data on SSD, which its caches must then switch on."""
        return self.family.data_tiering

    @property
    def ipv6(self) -> bool:
        """Whether it supports IPv6, alone or with IPv4."""
        return self.family.ipv6

    def minimum_version(self, engine: str) -> str | None:
        """The first version of an engine that runs on it, or None when the engine never does."""
        return self.family.minimum_versions.get(engine)

    def runs(self, engine: str, version: str) -> bool:
        """Whether a version of an engine, on offer today or not, runs on it."""
        minimum = self.minimum_version(engine)
        return minimum is not None and version_key(version) >= version_key(minimum)


@functools.cache
def regions() -> frozenset[str]:
    """The regions whose node types are known."""
    return frozenset(region for group in _groups() for region in group["regions"])


def node_types(region: str | None = None) -> tuple[str, ...]:
    """The names of all node types, or of those that one region offers."""
    named = [
        (natural_key(group["family"]), size_key(size), f"cache.{group['family']}.{size}")
        for group in _groups()
        if region is None or region in group["regions"]
        for size in group["sizes"]
    ]
    return tuple(name for *_, name in sorted(named))


def node_families() -> tuple[str, ...]:
    """The names of all families of node types."""
    return tuple(sorted(read("nodes"), key=natural_key))


@functools.cache
def node_family(name: str) -> NodeFamily | None:
    """A family of node types, or None when it is not known."""
    known = read("nodes").get(name)
    if known is None:
        return None
    return NodeFamily(
        name=name,
        kind=known["kind"],
        creatable=known["creatable"],
        minimum_versions=MappingProxyType(known["minimum_versions"]),
        data_tiering=known["data_tiering"],
        maxmemory_policies=tuple(known.get("maxmemory_policies", ())),
        ipv6=known["ipv6"],
        durability=known["durability"],
        global_datastore=known["global_datastore"],
        local_zones=known["local_zones"],
        autoscaling_sizes=tuple(known["autoscaling_sizes"]),
        sources=sources(known["sources"]),
    )


def node_type(name: str) -> NodeTypeFacts | None:
    """The facts about a node type, or None if it is not known."""
    prefix, _, rest = name.partition(".")
    family_name, _, size = rest.partition(".")
    family = node_family(family_name)
    group = next((each for each in _groups() if each["family"] == family_name and size in each["sizes"]), None)
    if prefix != "cache" or family is None or group is None:
        return None
    known = read("nodes")[family_name]
    vcpus, memory = known["sizes"].get(size, (None, None))
    autoscaling = size in family.autoscaling_sizes
    return NodeTypeFacts(name, family, size, vcpus, memory, autoscaling, frozenset(group["regions"]))


def _groups() -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = read("offered")["node_types"]
    return groups
