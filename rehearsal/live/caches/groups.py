"""Replication groups: creation starts engines, modification changes them, and deletion ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import REFUSED, Action, Private, Query, Response, elasticache, param, params
from rehearsal.live.caches import answers, background, events, registry, snapshots
from rehearsal.live.caches.access import CacheAccess
from rehearsal.live.caches.names import HostNames
from rehearsal.live.caches.registry import Cache
from rehearsal.live.engines.group import Group, Shard
from rehearsal.live.engines.valkey import Administrator, EngineRefusalError
from verification.messages import refusal

if TYPE_CHECKING:
    from rehearsal.live.caches.registry import Caches
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_replication_groups"),
    Private("services.elasticache", "_create_replication_group", ("p",)),
    Private("services.elasticache", "_modify_replication_group", ("p",)),
    Private("services.elasticache", "_delete_replication_group", ("p",)),
    Private("services.elasticache", "_create_snapshot", ("p",)),
)

Record = dict[str, Any]
REPLACING = ("CacheNodeType", "EngineVersion")  # a change of one replaces all nodes, one after another
SNAPSHOTS_IN_S3 = "SnapshotArns"


def new_cache(caches: Caches, record: Record) -> Cache:
    """The cache of a replication group; its engines have not started."""
    name, port = record["ReplicationGroupId"], int(record["NodeGroups"][0]["PrimaryEndpoint"]["Port"])
    record["_port"] = port
    names = HostNames(name, caches.run.region, bool(record["TransitEncryptionEnabled"]))
    administrator = Administrator()
    shards = [new_shard(caches, described, port, administrator) for described in record["NodeGroups"]]
    group = Group(
        name,
        shards,
        cluster_mode=bool(record["ClusterEnabled"]),
        options=caches.options(name, record["CacheParameterGroupName"], record["CacheNodeType"]),
        host_of=lambda node: names.node(node.name),
        observer=caches,
        fails_over=lambda: record["AutomaticFailover"] == "enabled",
    )
    certificate = caches.run.authority.certificate(names.of_the_group) if names.encrypted else None
    access = CacheAccess(name, f"replicationgroup:{name}")
    return Cache(record, group, names, access, certificate, events.GROUP, administrator)


def new_shard(caches: Caches, described: Record, port: int, administrator: Administrator) -> Shard:
    """A shard as the API describes it; its first node is the primary."""
    nodes = [
        caches.node(member["CacheClusterId"], member["PreferredAvailabilityZone"], port, administrator)
        for member in described["NodeGroupMembers"]
    ]
    return Shard(described["NodeGroupId"], nodes, nodes[0])


def _creating(caches: Caches, stock: Action, delete: Action) -> Action:
    def create_replication_group(query: Query) -> Response:
        snapshot = param(query, "SnapshotName")
        if snapshot and (fault := snapshots.fault(snapshot)):
            return fault
        response = stock(query)
        if response[0] >= REFUSED:
            return response
        name = param(query, "ReplicationGroupId")
        record = elasticache._replication_groups[name]
        try:
            cache = new_cache(caches, record)
            if params(query, SNAPSHOTS_IN_S3, "SnapshotArn"):  # the rehearsal has no data in S3, and says so
                caches.without_counterpart[name] = (*caches.without_counterpart[name], SNAPSHOTS_IN_S3)
            caches.start(cache, snapshots.dump_for(cache, snapshot))
            snapshots.copy_into(caches, cache, snapshot)
        except EngineRefusalError as fault:
            delete({"ReplicationGroupId": name})
            return answers.engine_error(
                f"Replication group {name} with parameter group {record['CacheParameterGroupName']}",
                fault,
                "Change the parameter group, or the access string of the user that the engine names",
            )
        except TimeoutError as fault:
            delete({"ReplicationGroupId": name})
            return answers.late(f"Replication group {name}", fault)
        events.publish(caches.run, record, "CreateReplicationGroupComplete", name)
        return answers.group("CreateReplicationGroup", record)

    return create_replication_group


def _modifying(caches: Caches, stock: Action) -> Action:
    def modify_replication_group(query: Query) -> Response:
        cache = caches.groups.get(param(query, "ReplicationGroupId"))
        before = dict(cache.record) if cache else {}
        response = stock(query)
        if response[0] >= REFUSED or cache is None:
            return response
        try:
            _apply(caches, cache, query, before)
        except EngineRefusalError as fault:
            cache.record["CacheParameterGroupName"] = before["CacheParameterGroupName"]
            return answers.engine_error(f"Replication group {cache.id}", fault, "Change the request's parameter group")
        return answers.group("ModifyReplicationGroup", cache.record)

    return modify_replication_group


def _apply(caches: Caches, cache: Cache, query: Query, before: Record) -> None:
    """Let the engines follow the record."""
    record = cache.record
    if cache.record["CacheParameterGroupName"] != before["CacheParameterGroupName"] or param(query, "CacheNodeType"):
        caches.apply_options(cache, record["CacheParameterGroupName"])
    if param(query, "AuthToken") or param(query, "AuthTokenUpdateStrategy") or _changes_user_groups(query):
        cache.group.set_users(caches.users_of(cache))
    if param(query, "TransitEncryptionMode"):
        for node in cache.group.nodes:
            caches.run.edge.endpoints[node.name].also_plaintext = record["TransitEncryptionMode"] == registry.PREFERRED
    caches.point_names(cache)
    if any(record[name] != before[name] for name in REPLACING):
        background.run(caches, cache, lambda: _replace_nodes(caches, cache))


def _replace_nodes(caches: Caches, cache: Cache) -> None:
    """As for another engine version or node type: the replicas of a shard before its primary."""
    cache.group.restart_all()
    events.record(events.GROUP, cache.id, f"Replaced the nodes for {cache.record['CacheNodeType']}")
    events.publish(caches.run, cache.record, "CacheClusterScalingComplete", cache.id)


def _changes_user_groups(query: Query) -> bool:
    return bool(params(query, "UserGroupIdsToAdd") or params(query, "UserGroupIdsToRemove"))


def _deleting(caches: Caches, stock: Action) -> Action:
    def delete_replication_group(query: Query) -> Response:
        name, final = param(query, "ReplicationGroupId"), param(query, "FinalSnapshotIdentifier")
        cache = caches.groups.get(name)
        if cache is not None and final:
            snapshot: Response = elasticache._create_snapshot({"SnapshotName": final, "ReplicationGroupId": name})
            if snapshot[0] >= REFUSED:
                return snapshot
        response = stock(query)
        if response[0] < REFUSED and cache is not None:
            caches.end(cache)
            events.publish(caches.run, cache.record, "DeleteCacheClusterComplete", name)
        return response

    return delete_replication_group


def test_failover(caches: Caches, query: Query) -> Response:
    """TestFailover: its refusals, or the failover in a thread while the group is `modifying`."""
    name, shard_id = param(query, "ReplicationGroupId"), param(query, "NodeGroupId")
    record = elasticache._replication_groups.get(name)
    cache = caches.groups.get(name)
    if record is None or cache is None:
        return answers.error("ReplicationGroupNotFoundFault", f"Replication group {name} not found", answers.NOT_FOUND)
    shard = next((shard for shard in cache.group.shards if shard.id == shard_id), None)
    if shard is None:
        return answers.error("NodeGroupNotFoundFault", f"Node group {shard_id} not found", answers.NOT_FOUND)
    if record["AutomaticFailover"] != "enabled":
        return answers.error(
            "InvalidReplicationGroupState",
            refusal(
                got=f"TestFailover of {name} with AutomaticFailover disabled",
                allowed="it must be enabled",
                fix="Set AutomaticFailoverEnabled, with at least one replica",
            ),
        )
    if record["Status"] != "available":
        return answers.error("InvalidReplicationGroupState", f"Replication group {name} has status {record['Status']}")
    events.record(events.GROUP, name, f"Test Failover API called for node group {shard_id}")
    background.run(caches, cache, lambda: cache.group.fail_over(shard))
    return answers.group("TestFailover", record)


def install(run: Run) -> None:
    """Replace creation, modification and deletion of replication groups."""
    caches, delete = registry.of(run), elasticache._delete_replication_group
    elasticache._create_replication_group = _creating(caches, elasticache._create_replication_group, delete)
    elasticache._modify_replication_group = _modifying(caches, elasticache._modify_replication_group)
    elasticache._delete_replication_group = _deleting(caches, delete)
