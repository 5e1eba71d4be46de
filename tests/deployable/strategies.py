"""Draws whole configurations: about half are right throughout, the others have a slip or two.

A slip is an argument that was written without regard to the others, or to any rule. The more there are, the likelier it
is that one of them hides another: most configurations have none or one, since a check that is missing shows only where
nothing else is wrong.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from elasticache_constructs import NetworkType, ServerlessEngine
from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
from elasticache_constructs.serverless_cache.settings import ServerlessCacheSettings
from elasticache_constructs.shared.settings import settings_of
from tests.deployable.drawing import (
    access,
    engines,
    members,
    nodes,
    outside,
    parameters,
    scaling,
    serverless,
    shapes,
    surroundings,
    times,
)
from tests.deployable.drawing.reasons import REASON
from tests.deployable.written import Cache, call

if TYPE_CHECKING:
    from elasticache_constructs.shared.settings import CacheSettings

_UPGRADES = {"auto_minor_version_upgrade", "manual_upgrades_reason"}
_ASKS_FOR_NEW_ENGINES = {"topology", "transit_encryption", "permissions", "network_type"}

_OF_UPDATES = {"upgraded_from", "existing"}
"""What is about a deployment, and not about what it makes. The tests of the change gate try upgrades; those of the
command `adopt` draw caches that exist."""


def _aspects(settings: type[CacheSettings], *more: str) -> tuple[str, ...]:
    """What a slip may be about: each setting once, and what many rules are about more often."""
    return *(each.name for each in settings_of(settings) if each.name not in _OF_UPDATES), *more


_GROUP_ASPECTS = _aspects(ReplicationGroupSettings, "engine", "topology", "permissions", "permissions", "given")
_CLUSTER_ASPECTS = _aspects(MemcachedClusterSettings, "given")
_SERVERLESS_ASPECTS = _aspects(ServerlessCacheSettings, "given")


def _drawn(settings: type[CacheSettings], given: dict[str, Any], **drawn: Any) -> Cache:
    """The call, once every setting is drawn: one that is left to its default is never tried otherwise."""
    left_out = [each.name for each in settings_of(settings) if each.name not in drawn]
    assert [] == left_out, f"not drawn for {settings.CONSTRUCT}: {', '.join(left_out)}"
    check = functools.partial(outside.check, settings.CONSTRUCT, drawn.get("region", outside.HOME))
    return Cache(settings, (), drawn, given, check)


def _given(slips: set[str], region: str) -> st.SearchStrategy[dict[str, Any]]:
    """Resources that the construct is given, next to its settings."""
    return outside.careless(region) if "given" in slips else outside.careful(region)


@st.composite
def configurations(draw: st.DrawFn) -> Cache:
    """Everything that can be deployed, right and wrong."""
    # Not one_of, which gives each of its branches the same weight.
    kinds = [kind for tenths, kind in (*SHARES, (1, secondaries)) for _ in range(tenths)]
    return draw(draw(st.sampled_from(kinds))())


@st.composite
def _slips(draw: st.DrawFn, aspects: tuple[str, ...]) -> set[str]:
    number = draw(st.sampled_from((0, 0, 0, 1, 1, 1, 1, 1, 1, 2)))
    return {draw(st.sampled_from(aspects)) for _ in range(number)}


@st.composite
def replication_groups(draw: st.DrawFn, slips: set[str] | None = None) -> Cache:
    """A Redis or Valkey group, with these slips if they are given."""
    slips = draw(_slips(_GROUP_ASPECTS)) if slips is None else slips
    # What is wrong with an older engine, or on older nodes, is right with others.
    older = bool(slips & _ASKS_FOR_NEW_ENGINES) and draw(st.booleans())
    engine = draw(engines.careless() if "engine" in slips else engines.careful(("redis", "valkey"), older=older))
    known = engines.known(engine, "redis", "valkey", slipped="engine" in slips)
    region = draw(st.sampled_from(nodes.REGIONS))
    older = "network_type" in slips and draw(st.booleans())
    node_type = draw(nodes.careless() if "node_type" in slips else nodes.careful(known, region, older=older))
    logins, transit_encryption = draw(access.with_encryption(known, slips))
    maintenance_window, snapshot_window = draw(times.windows(apart="maintenance_window" not in slips))
    anyhow = bool(slips & {"node_type", "engine"})
    topology = draw(shapes.careful(known, region))
    if "topology" not in slips:
        topology = draw(scaling.of_group(topology, node_type, known, careful=not anyhow))
    else:
        topology = draw(st.one_of(shapes.careless(), shapes.careless(), scaling.beyond_group(topology)))
    return _drawn(
        ReplicationGroupSettings,
        draw(_given(slips, region)),
        name=draw(surroundings.careless_name() if "name" in slips else surroundings.careful_name()),
        description=draw(
            surroundings.careless_description()
            if "description" in slips
            else st.sampled_from(surroundings.DESCRIPTIONS)
        ),
        engine=engine,
        upgraded_from=None,
        node_type=node_type,
        topology=topology,
        access=logins,
        port=draw(shapes.wrong_number(1, 65535) if "port" in slips else shapes.PORTS),
        backups=draw(times.careless_backups() if "backups" in slips else times.careful_backups(snapshot_window)),
        maintenance_window=maintenance_window,
        parameters=draw(parameters.careless() if "parameters" in slips else parameters.careful(known, node_type)),
        unlisted_parameters=draw(
            parameters.wrong_unlisted() if "unlisted_parameters" in slips else parameters.unlisted()
        ),
        transit_encryption=transit_encryption,
        network_type=draw(
            surroundings.careless_network_type()
            if "network_type" in slips
            else surroundings.careful_network_type(known, node_type)
        ),
        durability=draw(
            surroundings.careless_durability()
            if "durability" in slips
            else surroundings.careful_durability(known, topology, transit_encryption, node_type)
        ),
        log_delivery=draw(
            surroundings.careless_log_delivery()
            if "log_delivery" in slips
            else surroundings.careful_log_delivery(region)
        ),
        restore_from=draw(
            surroundings.careless_snapshot()
            if "restore_from" in slips
            else surroundings.careful_snapshot(topology, region)
        ),
        **draw(times.minor_upgrades(slipped=bool(slips & _UPGRADES))),
        existing=None,
        region=region,
    )


@st.composite
def memcached_clusters(draw: st.DrawFn) -> Cache:
    """A Memcached cluster."""
    slips = draw(_slips(_CLUSTER_ASPECTS))
    engine = draw(engines.careless() if "engine" in slips else engines.careful(("memcached",), least="1.6.12"))
    region = draw(st.sampled_from(nodes.REGIONS))
    known = engines.known(engine, "memcached", slipped="engine" in slips)
    # Older nodes speak no IPv6, which shows with another network type alone.
    older = "network_type" in slips and draw(st.booleans())
    node_type = draw(nodes.careless() if "node_type" in slips else nodes.careful(known, region, older=older))
    number = draw(shapes.wrong_number(1, 60) if "nodes" in slips else st.one_of(st.integers(1, 3), st.integers(1, 60)))
    return _drawn(
        MemcachedClusterSettings,
        draw(_given(slips, region).map(without_secrets)),
        name=draw(surroundings.careless_name() if "name" in slips else surroundings.careful_name()),
        engine=engine,
        node_type=node_type,
        nodes=number,
        node_scaling=draw(
            scaling.beyond_nodes(number)
            if "node_scaling" in slips
            else scaling.of_nodes(number, node_type, careful="node_type" not in slips)
        ),
        port=draw(shapes.wrong_number(1, 65535) if "port" in slips else shapes.PORTS),
        maintenance_window=draw(times.windows(apart="maintenance_window" not in slips))[0],
        parameters=draw(parameters.careless() if "parameters" in slips else parameters.careful(known, node_type)),
        unlisted_parameters=draw(
            parameters.wrong_unlisted() if "unlisted_parameters" in slips else parameters.unlisted()
        ),
        **draw(times.minor_upgrades(slipped=bool(slips & _UPGRADES))),
        network_type=draw(
            surroundings.careless_network_type()
            if "network_type" in slips
            else surroundings.careful_network_type(known, node_type)
        ),
        existing=None,
        region=region,
    )


@st.composite
def serverless_caches(draw: st.DrawFn) -> Cache:
    """A serverless cache of any engine."""
    slips = draw(_slips(_SERVERLESS_ASPECTS))
    engine = draw(serverless.careless_engine() if "engine" in slips else serverless.careful_engine())
    _, snapshot_window = draw(times.windows(apart=True))
    is_public = draw(st.integers(0, 5)) == 0 and not slips & {"engine", "access", "network_type"}
    engine = call(ServerlessEngine, "valkey", "9") if is_public else engine
    return _drawn(
        ServerlessCacheSettings,
        draw(_given(slips, outside.HOME).map(without_groups if is_public else dict)),
        name=draw(surroundings.careless_name() if "name" in slips else surroundings.careful_name()),
        description=draw(
            serverless.careless_description() if "description" in slips else st.sampled_from(surroundings.DESCRIPTIONS)
        ),
        engine=engine,
        limits=draw(serverless.careless_limits() if "limits" in slips else serverless.careful_limits()),
        access=draw(
            serverless.careless_access()
            if "access" in slips
            else access.of_iam_only()
            if is_public
            else serverless.careful_access(engine)
        ),
        backups=draw(times.careless_backups() if "backups" in slips else times.careful_backups(snapshot_window)),
        restore_from=draw(
            serverless.careless_snapshot() if "restore_from" in slips else serverless.careful_snapshot(engine)
        ),
        network_type=draw(
            surroundings.careless_network_type()
            if "network_type" in slips
            else st.just(call(NetworkType, "ipv4"))
            if is_public
            else serverless.careful_network_type()
        ),
        public_endpoint_reason=draw(
            st.sampled_from(("short", REASON))
            if "public_endpoint_reason" in slips
            else st.just(REASON if is_public else None)
        ),
        existing=None,
    )


def without_secrets(given: dict[str, Any]) -> dict[str, Any]:
    """For a cache without logins."""
    return {name: each for name, each in given.items() if name != "secrets_key"}


def without_groups(given: dict[str, Any]) -> dict[str, Any]:
    """For a cache in no VPC."""
    return {name: each for name, each in given.items() if name != "security_groups"}


@st.composite
def secondaries(draw: st.DrawFn) -> Cache:
    """A secondary of a global datastore whose primary is any group, mostly one that can be."""
    slips = draw(_slips(members.ASPECTS))
    if "primary" in slips:
        settings = draw(replication_groups()).keywords
    else:
        settings = draw(members.able(draw(replication_groups(set())).keywords))
    return draw(members.secondary(settings, slips))


SHARES = ((7, replication_groups), (2, memcached_clusters), (1, serverless_caches))
"""Tenths of a sample, by kind of cache. Secondaries, which have what their primary has, are drawn in addition."""
