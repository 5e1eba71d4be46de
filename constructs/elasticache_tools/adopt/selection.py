"""Which caches can be adopted now, and why the others cannot, in one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from elasticache_tools.adopt.account import CLUSTER, GROUP, SERVERLESS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_tools.adopt.inventory import Answer, Inventory

_PRESENT_PARTICIPLES = {"enabling", "disabling"}


@dataclass(frozen=True)
class Cache:
    """A cache that can be adopted.

    Attributes:
        kind: Its CloudFormation type.
        name: Its id or name.
        answer: What the service says of it.
    """

    kind: str
    name: str
    answer: Answer


@dataclass(frozen=True)
class Refusal:
    """A cache that cannot be adopted as it is.

    Attributes:
        name: Its id or name.
        because: Why not, and what would change that, as a clause and a sentence.
    """

    name: str
    because: str

    def __str__(self) -> str:
        """The line."""
        return f"{self.name}: {self.because}"


def select(inventory: Inventory) -> tuple[list[Cache], list[Refusal]]:
    """The caches that can be adopted, by name, and those that cannot, each with the first reason against it."""
    caches: list[Cache] = []
    refusals: list[Refusal] = []
    for cache in sorted(_caches(inventory), key=lambda each: (each.name, each.kind)):
        because = next(_reasons(cache, inventory), None)
        if because is None:
            caches.append(cache)
        else:
            refusals.append(Refusal(cache.name, because))
    return caches, refusals


def _caches(inventory: Inventory) -> Iterator[Cache]:
    for each in inventory.replication_groups:
        yield Cache(GROUP, each["ReplicationGroupId"], each)
    for each in inventory.clusters:
        if not each.get("ReplicationGroupId"):
            yield Cache(CLUSTER, each["CacheClusterId"], each)
    for each in inventory.serverless_caches:
        yield Cache(SERVERLESS, each["ServerlessCacheName"], each)


def _reasons(cache: Cache, inventory: Inventory) -> Iterator[str]:
    stack = inventory.stacks.get(cache.name)
    if stack is not None:
        yield f"it is in the stack {stack}. Retain and remove it there first: docs/runbooks/adopt.md"
    if inventory.importable is not None and cache.kind not in inventory.importable:
        yield f"CloudFormation imports no {cache.kind} in {inventory.region}. Ask AWS Support, or another Region"
    status = cache.answer.get("CacheClusterStatus") or cache.answer.get("Status")
    if str(status).lower() != "available":
        yield f"its status is {status}. Adopt it once it is available"
    yield from {GROUP: _against_group, CLUSTER: _against_cluster, SERVERLESS: _against_serverless}[cache.kind](
        cache.answer, inventory
    )


def _against_group(group: Answer, inventory: Inventory) -> Iterator[str]:
    if group.get("GlobalReplicationGroupInfo", {}).get("GlobalReplicationGroupId"):
        yield "it is a member of a global datastore, which decides its settings. Disassociate it first"
    if any(group.get("MemberClustersOutpostArns", ())):
        yield "it is on an Outpost, which these constructs do not know"
    members = inventory.members(group)
    if len(members) < len(group["MemberClusters"]) or not members:
        yield "its nodes are not all described. Read the account again"
        return
    pending = _pending(group) or next(filter(None, map(_pending, members)), "")
    if pending:
        yield f"it has pending changes: {pending}. Apply them, or wait for its maintenance window"
    yield from _against_place(members[0], inventory)
    replicas = {len(each.get("NodeGroupMembers", ())) - 1 for each in group["NodeGroups"]}
    if len(replicas) > 1:
        yield (
            "its shards have different numbers of replicas, and the template has one number. Make them equal: "
            "aws elasticache increase-replica-count"
        )
    elif replicas == {0} and _is_cluster(group):
        yield (
            "it has cluster mode and no replica, and the service fails each later update of such a group. Add one: "
            "aws elasticache increase-replica-count"
        )


def _against_cluster(cluster: Answer, inventory: Inventory) -> Iterator[str]:
    if cluster["Engine"] != "memcached":
        yield (
            f"it is a single {cluster['Engine']} node without a replication group. Make one of it: aws elasticache "
            f"create-replication-group --primary-cluster-id {cluster['CacheClusterId']}"
        )
    if cluster.get("PreferredOutpostArn"):
        yield "it is on an Outpost, which these constructs do not know"
    pending = _pending(cluster)
    if pending:
        yield f"it has pending changes: {pending}. Apply them, or wait for its maintenance window"
    yield from _against_place(cluster, inventory)


def _against_serverless(cache: Answer, inventory: Inventory) -> Iterator[str]:
    if not is_public(cache) and not any(
        inventory.named("SecurityGroups", each) for each in cache.get("SecurityGroupIds", ())
    ):
        yield "its security groups are not described. Read the account again"


def _against_place(node: Answer, inventory: Inventory) -> Iterator[str]:
    if node.get("CacheSecurityGroups"):
        yield "it is in EC2-Classic, which is retired. Restore a snapshot into a VPC"
    elif not inventory.named("CacheSubnetGroups", node.get("CacheSubnetGroupName")):
        yield "its subnet group is not described. Read the account again"
    elif not node.get("SecurityGroups"):
        yield "it has no security group. Give it one: aws elasticache modify-replication-group --security-group-ids"


def is_public(cache: Answer) -> bool:
    """Whether a serverless cache has a public endpoint, and is in no VPC."""
    return bool(cache.get("ConnectionType") == "public")


def _pending(answer: Answer) -> str:
    """What is about to change, by the names that the API has for it."""
    changes = {
        name for name, value in answer.get("PendingModifiedValues", {}).items() if value not in (None, {}, [], "")
    }
    changes |= {name for name in ("AutomaticFailover", "MultiAZ") if answer.get(name) in _PRESENT_PARTICIPLES}
    return ", ".join(sorted(changes))


def _is_cluster(group: Answer) -> bool:
    return bool(group.get("ClusterEnabled")) or group.get("ClusterMode") == "enabled"
