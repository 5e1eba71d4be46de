"""Drills on nodes: failover, a killed primary, a lost Availability Zone, a rolling restart, a new shard."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from rehearsal.drills import accounts
from rehearsal.drills.scene import PRIMARY, REPLICA, NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rehearsal.drills.emulated import EmulatedScene
    from rehearsal.drills.load import Load
    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Group

AWAY_SECONDS = 2.0  # for which a zone is lost
NODE_ID = "0001"


def replicated(scene: Scene) -> list[Group]:
    """The replication groups with replicas and automatic failover, on which a failover can be tried.

    Raises:
        NotApplicableError: If the stage has none.
        NotRunError: If it has, but this scene has no clients for them.
    """
    found = [group for group in scene.stage.groups if _fails_over(scene.stage.describe(group.name))]
    if not found:
        raise NotApplicableError("no replication group of the stage has replicas and automatic failover")
    scene.require_engine(*(group.name for group in found))
    return scene.require_clients(found)


def _fails_over(described: Mapping[str, Any]) -> bool:
    replicas = all(len(shard["NodeGroupMembers"]) > 1 for shard in described["NodeGroups"])
    return replicas and described.get("AutomaticFailover") == "enabled"


def primary_of(roles: Mapping[str, str]) -> str:
    """The primary among the nodes of a shard, or nothing if there is not exactly one."""
    found = [node for node, role in roles.items() if role == PRIMARY]
    return found[0] if len(found) == 1 else ""


def _promoted(scene: Scene, group: Group, shard: str, before: str) -> bool:
    now = primary_of(scene.shards(group)[shard])
    return now not in {"", before}


def _expect_roles(scene: Scene, group: Group, shards: Sequence[str] = ()) -> None:
    """Check that each of these shards, or each at all, has exactly one primary, and all its nodes have a role."""
    for shard, roles in scene.shards(group).items():
        if shards and shard not in shards:
            continue
        expected = [PRIMARY] + [REPLICA] * (len(roles) - 1)
        scene.expect(f"roles of shard {shard}", expected, sorted(roles.values()), of=group.resource)


def _events(scene: Scene, group: Group) -> str:
    of = {"SourceType": "replication-group", "SourceIdentifier": group.name}
    listed = scene.stage.account.read_now("elasticache", "describe_events", **of)
    return " ".join(event["Message"].lower() for event in listed["Events"])


def failover(scene: Scene) -> None:
    """`TestFailover` of each shard, under load, and how long each takes."""
    left = scene.maximum_failovers
    for group in replicated(scene):
        every = sorted(scene.shards(group))
        tried, left = every[:left], left - len(every[:left])
        if untried := every[len(tried) :]:
            scene.leave_out(f"shards {', '.join(untried)} of {group.name}: {scene.maximum_failovers} failovers a day")
        with scene.cache_load(group) as load:
            for shard in tried:
                before = primary_of(scene.shards(group)[shard])
                load.event(f"TestFailover {shard}")
                _test_failover(scene, group, shard, before, load)
                after = primary_of(scene.shards(group)[shard])
                changed = "another node" if after not in {"", before} else after or "unknown"
                scene.expect(
                    f"the primary of shard {shard} after the failover", "another node", changed, of=group.resource
                )
        forced = not scene.failover_is_graceful
        scene.expect_right_answers(errors=forced, losses=forced, of=group.resource)
        _expect_roles(scene, group, tried)
        told = "recorded" if "failover" in _events(scene, group) else "none"
        scene.expect("the failover is among the events of the group", "recorded", told, of=group.resource)


def _test_failover(scene: Scene, group: Group, shard: str, before: str, load: Load) -> None:
    began = time.monotonic()
    scene.client("elasticache").test_failover(ReplicationGroupId=group.name, NodeGroupId=shard)
    scene.until(lambda: _promoted(scene, group, shard, before), f"a replica of shard {shard} is promoted")
    load.event("promoted")
    scene.measure(f"seconds until a replica of shard {shard} of {group.name} was promoted", time.monotonic() - began)
    scene.available(group.name)
    scene.measure(
        f"seconds until {group.name} was available after the failover of shard {shard}", time.monotonic() - began
    )


def kill_primary(scene: EmulatedScene) -> None:
    """Kill the primary of the first shard without warning, under load; it comes back as a replica."""
    for group in replicated(scene):
        shard = min(scene.shards(group))
        before = primary_of(scene.shards(group)[shard])
        with _topic(scene, group) as inbox, scene.cache_load(group) as load:
            load.event("the primary is killed")
            scene.control("kill-node", node=before)
            scene.until(partial(_promoted, scene, group, shard, before), "a replica is promoted")
            load.event("promoted")
            scene.wait_until_whole(group)
            load.event("back as a replica")
            if inbox is not None:
                scene.until(inbox.texts, "an event reaches the topic")
                told = "arrived" if any("ElastiCache:" in text for text in inbox.texts()) else "none"
                scene.expect("an event reaches the topic of the group", "arrived", told, of=group.resource)
        scene.expect_right_answers(errors=True, losses=True, of=group.resource)
        _expect_roles(scene, group)


@contextmanager
def _topic(scene: EmulatedScene, group: Group) -> Iterator[accounts.Inbox | None]:
    """An inbox for the events of a group, if it publishes them."""
    member = scene.stage.member(scene.stage.describe(group.name)["MemberClusters"][0])
    topic = member.get("NotificationConfiguration", {}).get("TopicArn")
    if topic is None:
        yield None
        return
    with accounts.inbox(scene, topic) as inbox:
        yield inbox


def lose_zone(scene: EmulatedScene) -> None:
    """Stop all nodes of the primary's Availability Zone for a while, under load."""
    for group in replicated(scene):
        zones = dict(_zones(scene, group))
        nodes = scene.shards(group)
        lost = zones[primary_of(nodes[min(nodes)])]
        if set(zones.values()) == {lost}:
            raise NotApplicableError(f"all nodes of {group.name} are in one Availability Zone")
        stopped = [shard for shard in nodes if zones[primary_of(nodes[shard])] == lost]
        with scene.cache_load(group) as load:
            load.event(f"{lost} is lost")
            scene.control("stop-zone", zone=lost)
            try:
                for shard in stopped:
                    before = primary_of(nodes[shard])
                    scene.until(partial(_promoted, scene, group, shard, before), f"shard {shard} fails over")
                load.event("promoted")
                time.sleep(AWAY_SECONDS)
            finally:
                scene.control("start-zone", zone=lost)
            scene.wait_until_whole(group)
            load.event(f"{lost} is back")
        scene.expect_right_answers(errors=True, losses=True, of=group.resource)
        _expect_roles(scene, group)


def _zones(scene: EmulatedScene, group: Group) -> Iterator[tuple[str, str]]:
    for shard in scene.stage.describe(group.name)["NodeGroups"]:
        for member in shard["NodeGroupMembers"]:
            yield member["CacheClusterId"], member["PreferredAvailabilityZone"]


def rolling_restart(scene: EmulatedScene) -> None:
    """Restart every node, the replicas of a shard before its primary, as maintenance does."""
    for group in replicated(scene):
        with scene.cache_load(group) as load:
            if scene.stage.describe(group.name).get("ClusterEnabled"):
                load.event("maintenance begins")
                scene.control("rolling-restart", cache=group.name)  # RebootCacheCluster takes no node of such a group
                load.event("maintenance ends")
            else:
                _reboot_all(scene, group, load)
        scene.expect_right_answers(errors=True, losses=True, of=group.resource)
        _expect_roles(scene, group)


def _reboot_all(scene: EmulatedScene, group: Group, load: Load) -> None:
    for shard, roles in sorted(scene.shards(group).items()):
        before = primary_of(roles)
        for node in sorted(set(roles) - {before}):
            _restart(scene, group, load, node)
        load.event("TestFailover")
        _test_failover(scene, group, shard, before, load)
        _restart(scene, group, load, before)


def _restart(scene: EmulatedScene, group: Group, load: Load, node: str) -> None:
    load.event(f"{node[-3:]} restarts")
    scene.client("elasticache").reboot_cache_cluster(CacheClusterId=node, CacheNodeIdsToReboot=[NODE_ID])
    scene.until(lambda: scene.stage.member(node)["CacheClusterStatus"] == "available", f"{node} is available")
    scene.wait_until_whole(group)


def add_shard(scene: EmulatedScene) -> None:
    """Add a shard to each group with cluster mode, under load, and find every key afterwards."""
    groups = [group for group in scene.stage.groups if scene.stage.describe(group.name).get("ClusterEnabled")]
    if not groups:
        raise NotApplicableError("no replication group of the stage has cluster mode enabled")
    for group in scene.require_clients(groups):
        count = len(scene.stage.describe(group.name)["NodeGroups"]) + 1
        with scene.cache_load(group) as load:
            load.event(f"{count} shards")
            scene.client("elasticache").modify_replication_group_shard_configuration(
                ReplicationGroupId=group.name, NodeGroupCount=count, ApplyImmediately=True
            )
            scene.available(group.name)
            load.event("slots moved")
        scene.expect_right_answers(errors=True, of=group.resource)
        with_keys = len(scene.primaries(group))
        scene.expect("shards that have slots", count, with_keys, of=group.resource)
