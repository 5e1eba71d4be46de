"""Global datastores: primaries that can be, what changed since, and secondaries in other Regions."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from elasticache_constructs import Access, DefaultUser, Engine, NetworkType, NodeType, Topology
from elasticache_constructs.replication_group.membership import (
    checked_members,
    checked_topology,
    global_datastore_id,
    of_all_members,
)
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings, SecondarySettings
from elasticache_rules import facts
from tests.deployable.drawing import outside, shapes, surroundings, times
from tests.deployable.drawing.reasons import REASON
from tests.deployable.written import Cache, Call, call

if TYPE_CHECKING:
    from collections.abc import Mapping

ASPECTS: tuple[str, ...] = (
    "primary",
    "primary",
    "suffix",
    "id_prefix",
    "engine",
    "node_type",
    "shards",
    "region",
    "replicas",
)
ASPECTS += ("access", "given", "name", "description", "log_delivery", "maintenance_window", "backups", "port")
"""What a slip may be about."""

REGIONS = ("eu-west-1", "us-east-1", "ap-northeast-3", "eu-south-1", "me-central-1")
_OTHERS = ("ap-southeast-6", "cn-north-1", "us-gov-west-1")
_PREFIXES = {"eu-south-1": "abcde", "me-central-1": "bcdef"}
"""Of Regions that AWS documents none of."""


@dataclass(frozen=True)
class Secondary:
    """A secondary with what it is a member of."""

    primary: ReplicationGroupSettings
    members: ReplicationGroupSettings
    settings: SecondarySettings
    global_datastore_id: str


def joined(
    *, primary: ReplicationGroupSettings, store: Mapping[str, Any], region: str, replicas: int | None, **own: Any
) -> Secondary:
    """What the constructs make of it: a global datastore of the primary, and a secondary of that."""
    members = checked_members(primary, region=primary.region, description=None, **store)
    topology = checked_topology(
        members, access=own["access"], replicas=replicas, region=region, taken={primary.region: "its primary"}
    )
    settings = SecondarySettings.of(topology=topology, region=region, **own, **of_all_members(members))
    store_id = global_datastore_id(primary.region, store["suffix"], store["id_prefix"])
    return Secondary(primary, members, settings, store_id)


@st.composite
def able(draw: st.DrawFn, primary: dict[str, Any]) -> dict[str, Any]:
    """Settings of a group, changed so that it can be a member."""
    engine = primary["engine"]
    old = engine.arguments[0] == "redis" and engine.arguments[1] in ("4.0.10", "5.0.0", "5.0.4", "5.0.5")
    region = draw(st.sampled_from(REGIONS))
    engine = call(Engine, "redis", "7.1") if old else engine
    topology = primary["topology"]
    is_scaled = any(name.endswith("_scaling") for name in topology.keywords)
    return {
        **primary,
        "engine": engine,
        "node_type": call(NodeType, draw(st.sampled_from(_types_of(*engine.arguments)))),
        "topology": draw(st.sampled_from(_SHAPES)) if is_scaled or "placement" in topology.keywords else topology,
        "network_type": call(NetworkType, "ipv4"),
        "durability": None,
        "auto_minor_version_upgrade": False,
        "manual_upgrades_reason": REASON,
        "log_delivery": draw(surroundings.careful_log_delivery(region)),
        "restore_from": None,
        "region": region,
    }


@functools.cache
def _types_of(engine: str, version: str) -> tuple[str, ...]:
    """The types that members can have, and that each Region has."""
    everywhere = [
        facts.node_type(name) for name in sorted(set.intersection(*(set(facts.node_types(each)) for each in REGIONS)))
    ]
    return tuple(
        each.name for each in everywhere if each and each.family.global_datastore and each.runs(engine, version)
    )


_SHAPES = tuple(call(Topology, shards=shards, replicas_per_shard=2) for shards in (1, 1, 3))


@st.composite
def secondary(draw: st.DrawFn, primary: dict[str, Any], slips: set[str]) -> Cache:
    """A secondary of a primary with these settings."""
    ours = primary["region"]
    regions = [each for each in REGIONS if each != ours]
    region = draw(st.sampled_from((*_OTHERS, ours) if "region" in slips else regions))
    # Users are of each Region, of the same kind.
    own = primary["access"]
    logins = {
        "same": own,
        "token": call(Access.auth_token),
        "users": call(Access.users, default=call(DefaultUser.with_token)),
        "open": call(Access.without_login, reason=REASON),
    }
    maintenance_window, snapshot_window = draw(times.windows(apart="maintenance_window" not in slips))
    written = {
        "primary": call(ReplicationGroupSettings, **primary),
        "store": draw(_store(primary, slips)),
        "region": region,
        "replicas": draw(
            shapes.wrong_number(0, 5) if "replicas" in slips else st.sampled_from((None, None, None, 1, 2))
        ),
        "access": logins[draw(st.sampled_from(sorted(logins)))] if "access" in slips else own,
        "port": draw(shapes.wrong_number(1, 65535) if "port" in slips else shapes.PORTS),
        "backups": draw(times.careless_backups() if "backups" in slips else times.careful_backups(snapshot_window)),
        "maintenance_window": maintenance_window,
        "log_delivery": draw(
            surroundings.careless_log_delivery()
            if "log_delivery" in slips
            else surroundings.careful_log_delivery(region)
        ),
        "description": draw(
            surroundings.careless_description()
            if "description" in slips
            else st.sampled_from(surroundings.DESCRIPTIONS)
        ),
        "name": draw(surroundings.careless_name() if "name" in slips else surroundings.careful_name()),
    }
    given = draw(outside.careless(region) if "given" in slips else outside.careful(region))
    return Cache(joined, (), written, given, functools.partial(outside.check, "SecondaryReplicationGroup", region))


@st.composite
def _store(draw: st.DrawFn, primary: dict[str, Any], slips: set[str]) -> dict[str, Any]:
    """A global datastore: its id, and what all members were changed to since the primary joined."""
    region, engine = primary["region"], primary["engine"]
    later = [call(Engine, "valkey", each) for each in facts.engine_versions("valkey")]
    if engine.arguments[0] == "valkey":
        later = [each for each in later if _is_later(each, engine)]
    anything = (
        call(Engine, "redis", "6.2"),
        call(Engine, "valkey", "7.2"),
        call(Engine, "memcached", "1.6.22"),
        engine,
    )
    types = _types_of(*engine.arguments) or ("cache.r7g.large",)
    careless_types = ("cache.t4g.small", "cache.r7g.large", "cache.m4.large", "cache.r4.large")
    changed = draw(st.sampled_from((None, "engine", "node_type", "shards")))
    is_cluster = primary["topology"].keywords.get("shards", 1) not in (1, None)
    return {
        "suffix": draw(
            st.sampled_from(
                ("shop_prod", "two--hyphens", "-shop", "ends-", "", "a b") if "suffix" in slips else _SUFFIXES
            )
        ),
        "id_prefix": draw(st.sampled_from(("sgaui", "virxk-", "ABCDE", None, "abcd")))
        if "id_prefix" in slips
        else _PREFIXES.get(region),
        "engine": draw(st.sampled_from(anything))
        if "engine" in slips
        else draw(st.sampled_from(later))
        if later and changed == "engine"
        else None,
        "node_type": call(NodeType, draw(st.sampled_from(careless_types)))
        if "node_type" in slips
        else call(NodeType, draw(st.sampled_from(types)))
        if changed == "node_type"
        else None,
        "shards": draw(shapes.wrong_number(1, 500))
        if "shards" in slips
        else draw(st.integers(1, 20))
        if is_cluster and changed == "shards"
        else None,
    }


_SUFFIXES = ("shop", "shop-prod", "Orders2026")


def _is_later(engine: Call, than: Call) -> bool:
    return facts.version_key(engine.arguments[1]) > facts.version_key(than.arguments[1])
