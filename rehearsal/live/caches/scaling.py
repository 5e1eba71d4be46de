"""Replicas and shards: IncreaseReplicaCount, DecreaseReplicaCount, ModifyReplicationGroupShardConfiguration."""

from __future__ import annotations

import copy
import itertools
import time
from typing import TYPE_CHECKING, Any

from rehearsal.extension.elasticache_groups import zones_of
from rehearsal.extension.seam import Action, Private, Query, Response, elasticache, is_true, param, params
from rehearsal.live.caches import answers, background, events, registry
from rehearsal.live.caches.groups import new_shard
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rehearsal.live.caches.registry import Cache, Caches
    from rehearsal.live.engines.group import Shard
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_replication_groups"),
    Private("services.elasticache", "_tags"),
    Private("services.elasticache", "_arn_cluster", ("cluster_id",)),
    Private("services.elasticache", "_increase_replica_count", ("p",)),
    Private("services.elasticache", "_decrease_replica_count", ("p",)),
)

Record = dict[str, Any]
MAX_REPLICAS = 5


def _cache(caches: Caches, query: Query) -> Cache | Response:
    name = param(query, "ReplicationGroupId")
    cache = caches.groups.get(name)
    if cache is None or name not in elasticache._replication_groups:
        return answers.error("ReplicationGroupNotFoundFault", f"Replication group {name} not found", answers.NOT_FOUND)
    if cache.record["Status"] != background.AVAILABLE:
        message = f"Replication group {name} has status {cache.record['Status']}"
        return answers.error("InvalidReplicationGroupState", message)
    if not is_true(param(query, "ApplyImmediately")):
        message = refusal(
            got=f"ApplyImmediately={param(query, 'ApplyImmediately') or 'false'}",
            allowed="ElastiCache changes replicas and shards at once only",
            fix="Set ApplyImmediately to true",
        )
        return answers.error(answers.INVALID_VALUE, message)
    return cache


def _count(query: Query, key: str) -> int | Response:
    value = param(query, key)
    if value.isdecimal():
        return int(value)
    message = refusal(got=f"{key}={value!r}", allowed="it must be a whole number", fix=f"Set {key}")
    return answers.error(answers.INVALID_VALUE, message)


def _increasing(caches: Caches) -> Action:
    def increase_replica_count(query: Query) -> Response:
        cache, wanted = _cache(caches, query), _count(query, "NewReplicaCount")
        if not isinstance(cache, registry.Cache):
            return cache
        if not isinstance(wanted, int):
            return wanted
        now = max(len(shard.replicas) for shard in cache.group.shards)
        if not now < wanted <= MAX_REPLICAS:
            message = refusal(
                got=f"NewReplicaCount={wanted} of {cache.id}, which has {now}",
                allowed=f"it must be more than {now} and at most {MAX_REPLICAS}",
                fix="Change NewReplicaCount",
            )
            return answers.error(answers.INVALID_VALUE, message)
        background.run(caches, cache, lambda: _add_replicas(caches, cache, wanted))
        return answers.group("IncreaseReplicaCount", cache.record)

    return increase_replica_count


def _decreasing(caches: Caches) -> Action:
    def decrease_replica_count(query: Query) -> Response:
        cache, wanted = _cache(caches, query), _count(query, "NewReplicaCount")
        if not isinstance(cache, registry.Cache):
            return cache
        if not isinstance(wanted, int):
            return wanted
        now = min(len(shard.replicas) for shard in cache.group.shards)
        least = 1 if cache.record["AutomaticFailover"] == "enabled" else 0
        if not least <= wanted < now:
            message = refusal(
                got=f"NewReplicaCount={wanted} of {cache.id}, which has {now}",
                allowed=f"it must be less than {now} and at least {least}",
                fix="Change NewReplicaCount, or disable automatic failover to remove the last replica",
            )
            return answers.error(answers.INVALID_VALUE, message)
        named = params(query, "ReplicasToRemove")
        background.run(caches, cache, lambda: _remove_replicas(caches, cache, wanted, named))
        return answers.group("DecreaseReplicaCount", cache.record)

    return decrease_replica_count


def _add_replicas(caches: Caches, cache: Cache, wanted: int) -> None:
    for described, shard in _described(cache):
        while len(shard.replicas) < wanted:
            member = _new_member(cache, described)
            node = caches.node(
                member["CacheClusterId"], member["PreferredAvailabilityZone"], cache.port, cache.administrator
            )
            caches.run.addresses.point({cache.names.node(node.name): str(node.address)})
            cache.group.add_replica(shard, node)
            _register(cache, described, member)
            caches.open_endpoint(cache, node)
    _finish(caches, cache, wanted, "AddCacheNodeComplete")


def _remove_replicas(caches: Caches, cache: Cache, wanted: int, named: list[str]) -> None:
    for described, shard in _described(cache):
        order = sorted(shard.replicas, key=lambda node: (node.name in named, node.name))
        while len(shard.replicas) > wanted:
            node = order.pop()
            cache.group.remove_replica(shard, node)
            _unregister(caches, cache, described, [node.name])
    _finish(caches, cache, wanted, "RemoveCacheNodeComplete")


def _finish(caches: Caches, cache: Cache, replicas: int, notification: str) -> None:
    cache.record["_replicas_per_node_group"] = replicas
    caches.point_names(cache)
    events.record(events.GROUP, cache.id, f"Replica count is {replicas}")
    events.publish(caches.run, cache.record, notification, cache.id)


def modify_shards(caches: Caches, query: Query) -> Response:
    """ModifyReplicationGroupShardConfiguration: add or remove shards in a thread, while clients go on."""
    cache, wanted = _cache(caches, query), _count(query, "NodeGroupCount")
    if not isinstance(cache, registry.Cache):
        return cache
    if not isinstance(wanted, int):
        return wanted
    now = len(cache.group.shards)
    if not cache.group.cluster_mode or wanted < 1 or wanted == now:
        message = refusal(
            got=f"NodeGroupCount={wanted} of {cache.id}, which has {now}",
            allowed="it must be another number, at least 1, and the group must have cluster mode enabled",
            fix="Change NodeGroupCount",
        )
        return answers.error(answers.INVALID_VALUE, message)
    if wanted > now:
        background.run(caches, cache, lambda: _add_shards(caches, cache, wanted - now))
        return answers.group("ModifyReplicationGroupShardConfiguration", cache.record)
    removed = _chosen(cache, query)
    if len(removed) != now - wanted:
        message = refusal(
            got=f"{len(removed)} node groups to remove and NodeGroupCount={wanted}",
            allowed=f"{now - wanted} must be removed",
            fix="Name them in NodeGroupsToRemove, or those that stay in NodeGroupsToRetain",
        )
        return answers.error(answers.INVALID_COMBINATION, message)
    background.run(caches, cache, lambda: _remove_shards(caches, cache, removed))
    return answers.group("ModifyReplicationGroupShardConfiguration", cache.record)


def _chosen(cache: Cache, query: Query) -> list[Shard]:
    """The shards that a request removes."""
    named = params(query, "NodeGroupsToRemove", "NodeGroupToRemove")
    retained = params(query, "NodeGroupsToRetain", "NodeGroupToRetain")
    if named:
        return [shard for shard in cache.group.shards if shard.id in named]
    if retained:
        return [shard for shard in cache.group.shards if shard.id not in retained]
    return []


def _add_shards(caches: Caches, cache: Cache, count: int) -> None:
    record = cache.record
    replicas = max(len(shard.replicas) for shard in cache.group.shards)
    added: list[tuple[Record, Shard]] = []
    for _ in range(count):
        number = max(int(described["NodeGroupId"]) for described in record["NodeGroups"]) + len(added) + 1
        described: Record = {"NodeGroupId": f"{number:04d}", "Status": "available", "NodeGroupMembers": []}
        while len(described["NodeGroupMembers"]) <= replicas:
            described["NodeGroupMembers"].append(_new_member(cache, described))
        added.append((described, new_shard(caches, described, cache.port, cache.administrator)))
    nodes = [node for _, shard in added for node in shard.nodes]
    caches.run.addresses.point({cache.names.node(node.name): str(node.address) for node in nodes})
    for node in nodes:
        caches.open_endpoint(cache, node)
    cache.group.add_shards([shard for _, shard in added])
    for described, _ in added:
        members, described["NodeGroupMembers"] = described["NodeGroupMembers"], []
        record["NodeGroups"].append(described)
        for member in members:
            _register(cache, described, member)
    _finish_shards(caches, cache)


def _remove_shards(caches: Caches, cache: Cache, removed: list[Shard]) -> None:
    cache.group.remove_shards(removed)
    gone = {shard.id for shard in removed}
    for described in [each for each in cache.record["NodeGroups"] if each["NodeGroupId"] in gone]:
        _unregister(caches, cache, described, [member["CacheClusterId"] for member in described["NodeGroupMembers"]])
        cache.record["NodeGroups"].remove(described)
    _finish_shards(caches, cache)


def _finish_shards(caches: Caches, cache: Cache) -> None:
    cache.record["_num_node_groups"] = len(cache.group.shards)
    caches.point_names(cache)
    events.record(events.GROUP, cache.id, f"Number of node groups is {len(cache.group.shards)}")
    events.publish(caches.run, cache.record, "ReplicationGroupScalingComplete", cache.id)


def _described(cache: Cache) -> Iterable[tuple[Record, Shard]]:
    shards = {shard.id: shard for shard in cache.group.shards}
    return [(described, shards[described["NodeGroupId"]]) for described in cache.record["NodeGroups"]]


def _new_member(cache: Cache, described: Record) -> Record:
    """A member with the next free number, in the Availability Zone with the fewest nodes of the shard."""
    prefix = f"{cache.id}-{described['NodeGroupId']}" if cache.group.cluster_mode else cache.id
    members = described["NodeGroupMembers"]
    taken = {member["CacheClusterId"] for member in members}
    name = next(name for n in itertools.count(1) if (name := f"{prefix}-{n:03d}") not in taken)
    used = [member["PreferredAvailabilityZone"] for member in members]
    zones = zones_of(cache.record["CacheSubnetGroupName"]) or used or [f"{cache.names.region}a"]
    return {
        "CacheClusterId": name,
        "CacheNodeId": "0001",
        "CurrentRole": "replica" if members else "primary",
        "PreferredAvailabilityZone": min(zones, key=used.count),
        "ReadEndpoint": {"Address": cache.names.node(name), "Port": cache.port},
    }


def _register(cache: Cache, described: Record, member: Record) -> None:
    """Add a member to the records of the emulator: its cluster is like the first of the group."""
    name, arn = member["CacheClusterId"], elasticache._arn_cluster(member["CacheClusterId"])
    cluster = copy.deepcopy(elasticache._clusters[cache.record["MemberClusters"][0]])
    cluster.update(
        CacheClusterId=name,
        CacheClusterArn=arn,
        CacheClusterCreateTime=time.time(),
        PreferredAvailabilityZone=member["PreferredAvailabilityZone"],
    )
    elasticache._clusters[name] = cluster
    elasticache._tags[arn] = list(elasticache._tags.get(cache.record["ARN"]) or [])
    described["NodeGroupMembers"].append(member)
    cache.record["MemberClusters"].append(name)


def _unregister(caches: Caches, cache: Cache, described: Record, names: list[str]) -> None:
    for name in names:
        cluster = elasticache._clusters.pop(name, None)
        if cluster is not None:
            elasticache._tags.pop(cluster["CacheClusterArn"], None)
        cache.record["MemberClusters"].remove(name)
        caches.run.edge.close(name)
    members = described["NodeGroupMembers"]
    described["NodeGroupMembers"] = [member for member in members if member["CacheClusterId"] not in names]
    caches.run.addresses.point({}, remove=[cache.names.node(name) for name in names])


def install(run: Run) -> None:
    """Replace IncreaseReplicaCount and DecreaseReplicaCount."""
    caches = registry.of(run)
    elasticache._increase_replica_count = _increasing(caches)
    elasticache._decrease_replica_count = _decreasing(caches)
