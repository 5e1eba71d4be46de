"""A number that a target owns is held to the target's range, and every other number to the template."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from verification.assembly import Stack
from verification.posture import Knowledge, judge
from verification.resolve import Deployment

_STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1"
_GROUP = {"NumNodeGroups": 2, "ReplicasPerNodeGroup": 1}
_CLUSTER = {"NumCacheNodes": 2, "PreferredAvailabilityZones": ["eu-west-1a", "eu-west-1b"]}
_NIGHT = {"ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 3}}


def _target(dimension: str, **changes: Any) -> dict[str, Any]:
    kind = dimension.partition(":")[0]
    return {
        "ScalableDimension": f"elasticache:{dimension}",
        "ResourceId": {"Fn::Join": ["", [f"{kind}/", {"Ref": "Cache"}]]},
        "MinCapacity": 2,
        "MaxCapacity": 4,
        **changes,
    }


def _failed(asked: dict[str, Any], read: dict[str, Any], *targets: dict[str, Any]) -> list[tuple[str, str]]:
    """What a cache has otherwise than the template and its targets ask for."""
    cache = {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": asked}
    scaled = {
        f"Target{number}": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": each}
        for number, each in enumerate(targets)
    }
    stack = Stack("shop", "shop", None, None, {"Resources": {"Cache": cache, **scaled}})
    account = cast("Any", SimpleNamespace(key_arn=str, region="eu-west-1"))
    deployment = Deployment(stack, account, {"Cache": "Shop-Cache"}, {}, _STACK, {})
    reader = cast("Any", SimpleNamespace(read=lambda *_: read, asked=dict, silent={}, follows={}))
    knowledge = Knowledge(readers={"AWS::ElastiCache::ReplicationGroup": reader}, rules={})
    return [(each.property, each.asked) for each in judge(deployment, stack.resources[0], knowledge) if not each.ok]


@pytest.mark.parametrize(
    ("read", "targets", "failed"),
    [
        ({"NumNodeGroups": 4}, [_target("replication-group:NodeGroups")], []),
        (
            {"NumNodeGroups": 5},
            [_target("replication-group:NodeGroups")],
            [("NumNodeGroups", "2 to 4, scaled automatically")],
        ),
        (
            {"NumNodeGroups": 1},
            [_target("replication-group:NodeGroups")],
            [("NumNodeGroups", "2 to 4, scaled automatically")],
        ),
        ({"NumNodeGroups": 1}, [_target("replication-group:NodeGroups", ScheduledActions=[_NIGHT])], []),
        (
            {"NumNodeGroups": 4, "ReplicasPerNodeGroup": 2},
            [_target("replication-group:NodeGroups")],
            [("ReplicasPerNodeGroup", "1")],
        ),
        ({"ReplicasPerNodeGroup": [2, 3]}, [_target("replication-group:Replicas")], []),
        ({"NumNodeGroups": 4}, [], [("NumNodeGroups", "2")]),
        (
            {"NumNodeGroups": 4},
            [_target("replication-group:NodeGroups", ResourceId="replication-group/another")],
            [("NumNodeGroups", "2")],
        ),
        (
            {"NumNodeGroups": 4},
            [_target("replication-group:NodeGroups", ResourceId="replication-group/shop-cache")],
            [],
        ),
    ],
)
def test_numbers_of_a_group(read: dict[str, Any], targets: list[dict[str, Any]], failed: list[tuple[str, str]]) -> None:
    """Shards and replicas are what the template says, unless a target of the group owns them."""
    assert failed == _failed(_GROUP, {**_GROUP, **read}, *targets)


def test_nodes_of_memcached() -> None:
    """The Availability Zones of nodes that came later stand in no template."""
    read = {"NumCacheNodes": 3, "PreferredAvailabilityZones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]}

    assert [] == _failed(_CLUSTER, read, _target("cache-cluster:Nodes"))
    assert ["NumCacheNodes", "PreferredAvailabilityZones"] == [name for name, _ in _failed(_CLUSTER, read)]
