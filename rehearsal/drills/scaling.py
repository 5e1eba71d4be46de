"""The drill of automatic scaling: its numbers are changed by API, as the service does, and the alarms still fit."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.drills.alarms import Alarms, cache_nodes
from rehearsal.drills.scene import NotApplicableError
from rehearsal.drills.stimuli import CacheNode, NoStimulusError, is_on_caches, stimuli
from verification.account import Account
from verification.alarms import alarm, watched_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rehearsal.drills.emulated import EmulatedScene

SHARDS, REPLICAS = "elasticache:replication-group:NodeGroups", "elasticache:replication-group:Replicas"
NODES = "elasticache:cache-cluster:Nodes"


@dataclass(frozen=True)
class Target:
    """A number that Application Auto Scaling owns.

    Attributes:
        cache: Id of the cache.
        dimension: Which of its numbers.
    """

    cache: str
    dimension: str


def scale(scene: EmulatedScene) -> None:
    """Add one to each number that is scaled, raise the alarms by what was added, and take it away again."""
    targets = [
        Target(str(asked["ResourceId"]).partition("/")[2], str(asked["ScalableDimension"]))
        for _deployment, _resource, asked in scene.stage.all_of("AWS::ApplicationAutoScaling::ScalableTarget")
    ]
    if not targets:
        raise NotApplicableError("no number of the stage is scaled automatically")
    with ExitStack() as stack:
        alarms = Alarms(scene, stack)
        for target in targets:
            before = _of(cache_nodes(scene), target)
            _change(scene, target, 1)
            added = [node for node in _of(cache_nodes(scene), target) if node not in before]
            scene.expect(f"nodes of {target.cache} are added", "yes", "yes" if added else "no", of=target.dimension)
            _expect_fit(scene, target)
            _expect_raised(scene, target, added, alarms)
            _change(scene, target, -1)
            after = _of(cache_nodes(scene), target)
            scene.expect(f"{target.cache} has as many nodes again", len(before), len(after), of=target.dimension)
            _expect_fit(scene, target)
        alarms.expect_messages()


def _of(nodes: Sequence[CacheNode], target: Target) -> list[CacheNode]:
    return [node for node in nodes if node.cache == target.cache and node.name]


def _change(scene: EmulatedScene, target: Target, by: int) -> None:
    """Change a number of a cache as Application Auto Scaling does."""
    client = scene.client("elasticache")
    if target.dimension == NODES:
        cluster = client.describe_cache_clusters(CacheClusterId=target.cache, ShowCacheNodeInfo=True)["CacheClusters"][
            0
        ]
        names = sorted(node["CacheNodeId"] for node in cluster["CacheNodes"])
        removed = {"CacheNodeIdsToRemove": names[by:]} if by < 0 else {}
        client.modify_cache_cluster(
            CacheClusterId=target.cache, NumCacheNodes=len(names) + by, ApplyImmediately=True, **removed
        )
        return
    group = scene.stage.describe(target.cache)
    shards = sorted(shard["NodeGroupId"] for shard in group["NodeGroups"])
    if target.dimension == SHARDS:
        removed = {"NodeGroupsToRemove": shards[by:]} if by < 0 else {}
        client.modify_replication_group_shard_configuration(
            ReplicationGroupId=target.cache, NodeGroupCount=len(shards) + by, ApplyImmediately=True, **removed
        )
    else:
        replicas = len(group["NodeGroups"][0]["NodeGroupMembers"]) - 1
        operation = client.increase_replica_count if by > 0 else client.decrease_replica_count
        operation(ReplicationGroupId=target.cache, NewReplicaCount=replicas + by, ApplyImmediately=True)
    scene.available(target.cache)


def _expect_fit(scene: EmulatedScene, target: Target) -> None:
    """The rules of alarms hold for the nodes that there are now."""
    account = Account(scene.stage.account.region)
    findings = [finding for found in _alarms(scene) for finding in alarm(account, found["AlarmName"])]
    dimension = "CacheNodeId" if target.dimension == NODES else "CacheClusterId"
    nodes: list[Mapping[str, str]] = [
        {"CacheClusterId": target.cache, dimension: node.name} for node in _of(cache_nodes(scene), target)
    ]
    findings += watched_nodes(account, nodes)
    wrong = [f"{finding.what}: {finding.read}" for finding in findings if not finding.ok]
    scene.expect("alarms watch all nodes that there are", "yes", "; ".join(wrong) or "yes", of=target.cache)


def _alarms(scene: EmulatedScene) -> Iterator[dict[str, Any]]:
    return (found for found in scene.stage.alarms if is_on_caches(found))


def _expect_raised(scene: EmulatedScene, target: Target, added: Sequence[CacheNode], alarms: Alarms) -> None:
    """What was added raises each alarm of its cache; an alarm on a metric of the whole cache is raised by that."""
    raised, by, nodes = 0, (*added, CacheNode(target.cache)), cache_nodes(scene)
    for found in _alarms(scene):
        if target.cache not in json.dumps(found, default=str):
            continue  # an alarm of another cache; ids of nodes begin with that of their group
        try:
            chosen = [one for one in stimuli(found, nodes) if one.node in by]
        except NoStimulusError as fault:
            scene.expect("ElastiCache publishes what the alarm watches", "yes", str(fault), of=found["AlarmName"])
            continue
        for stimulus in chosen[:1]:
            alarms.raise_and_calm(found, stimulus)
            raised += 1
    scene.expect("alarms are raised after nodes were added", "yes", "yes" if raised else "no", of=target.cache)
