"""Deployments over caches that were scaled in the meantime: none of them takes capacity away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_constructs import AutoScaling, Backups, NodeType, Topology
from rehearsal import workspace
from tests.conftest import new_bench
from tests.rehearsal.conftest import accounts
from tests.unit.builders import memcached_cluster, replication_group
from verification import posture
from verification.account import Account
from verification.assembly import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal import emulator

_NAME = "scaled"
_AT_ONCE = {"Delay": 0.05, "MaxAttempts": 400}
_TYPE = NodeType("cache.m7g.large")
_RANGE, _WIDER = AutoScaling(minimum=2, maximum=4), AutoScaling(minimum=1, maximum=5)


class _Place:
    """An account with a network, and the stack in it."""

    def __init__(self) -> None:
        self.account = Account("eu-west-1")
        ec2 = self.account.client("ec2")
        self._ids = {"vpc-12345": ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]}
        for number, name in enumerate("ab"):
            answer = ec2.create_subnet(
                VpcId=self._ids["vpc-12345"], CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-west-1{name}"
            )
            self._ids[f"subnet-{name}"] = answer["Subnet"]["SubnetId"]

    def deploy(self, template: Mapping[str, Any], operation: str) -> None:
        """Create or update the stack."""
        client, body = self.account.client("cloudformation"), json.dumps(self.placed(template))
        getattr(client, f"{operation}_stack")(StackName=_NAME, TemplateBody=body)
        client.get_waiter(f"stack_{operation}_complete").wait(StackName=_NAME, WaiterConfig=_AT_ONCE)

    def placed(self, template: Mapping[str, Any]) -> dict[str, Any]:
        """The template with the ids of the network."""
        text = json.dumps(template)
        for named, real in self._ids.items():
            text = text.replace(f'"{named}"', f'"{real}"')
        placed: dict[str, Any] = json.loads(text)
        return placed

    def numbers(self) -> tuple[int, int, int]:
        """Shards, replicas of each, and nodes of Memcached."""
        client = self.account.client("elasticache")
        (group,) = client.describe_replication_groups()["ReplicationGroups"]
        clusters = client.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
        (memcached,) = [each for each in clusters if each["Engine"] == "memcached"]
        (size,) = {len(shard["NodeGroupMembers"]) for shard in group["NodeGroups"]}
        return len(group["NodeGroups"]), size - 1, memcached["NumCacheNodes"]

    def scale_out(self) -> None:
        """Call what Application Auto Scaling calls: two replicas for each shard, four nodes of Memcached.

        Shards are changed by API in a live rehearsal only.
        """
        client = self.account.client("elasticache")
        (group,) = client.describe_replication_groups()["ReplicationGroups"]
        name = group["ReplicationGroupId"]
        client.increase_replica_count(ReplicationGroupId=name, NewReplicaCount=2, ApplyImmediately=True)
        clusters = client.describe_cache_clusters()["CacheClusters"]
        (memcached,) = [each["CacheClusterId"] for each in clusters if each["Engine"] == "memcached"]
        client.modify_cache_cluster(CacheClusterId=memcached, NumCacheNodes=4, ApplyImmediately=True)


def _template(scaling: AutoScaling | None, *, retention_days: int = 35) -> dict[str, Any]:
    bench = new_bench()
    topology = Topology(shards=2, replicas_per_shard=1, shard_scaling=scaling, replica_scaling=scaling)
    replication_group(bench, node_type=_TYPE, topology=topology, backups=Backups(retention_days=retention_days))
    memcached_cluster(bench, node_type=_TYPE, nodes=2, node_scaling=scaling)
    # What the CDK adds for its bootstrap needs a parameter that such an account has not.
    return {"Resources": bench.template()["Resources"]}


@pytest.fixture(scope="module", name="place")
def _place(running: emulator.Emulator) -> Iterator[_Place]:
    with workspace.only(running.client_environment({}, str(next(accounts)), "eu-west-1")):
        yield _Place()


def test_deployments_take_no_capacity_away(place: _Place) -> None:
    """Not another property, nor another range, nor the end of scaling; and what was scaled is no difference."""
    place.deploy(_template(_RANGE), "create")
    made = place.numbers()
    place.scale_out()
    found = [place.numbers()]
    for scaling, days in ((_RANGE, 20), (_WIDER, 20), (None, 20)):
        template = _template(scaling, retention_days=days)
        place.deploy(template, "update")
        found.append(place.numbers())
        if scaling is not None:
            stack = Stack(_NAME, "Test", None, None, place.placed(template))
            owned = ("NumNodeGroups", "ReplicasPerNodeGroup", "NumCacheNodes", "PreferredAvailabilityZones")
            assert [] == [each for each in posture.verify([stack], place.account).failed if each.property in owned]

    assert (2, 1, 2) == made
    assert [(2, 2, 4)] * 4 == found
