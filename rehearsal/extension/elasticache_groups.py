"""Replication groups as ElastiCache creates them.

The emulator ignores the KMS key, the port, the notification topic, the Availability Zones of the subnet group and most
of a modification. It accepts any AUTH token, refuses two shards, and names the nodes of a group without cluster mode as
if it had cluster mode. No engine listens behind the endpoints; their host name says so.
"""

from __future__ import annotations

import itertools
import re
from typing import Any
from xml.sax.saxutils import escape

from rehearsal.extension.seam import (
    HANDLERS,
    REFUSED,
    Action,
    Private,
    Properties,
    Query,
    Response,
    elasticache,
    handlers,
    is_true,
    param,
    params,
    provisioners,
)
from verification.messages import refusal

TOUCHES = (
    HANDLERS,
    Private("services.cloudformation.provisioners", "_snapshot_id", ("physical_id",)),
    Private("services.elasticache", "_replication_groups"),
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_subnet_groups"),
    Private("services.elasticache", "_param_group_params"),
    Private("services.elasticache", "_tags"),
    Private("services.elasticache", "_arn_cluster", ("cluster_id",)),
    Private("services.elasticache", "_create_replication_group", ("p",)),
    Private("services.elasticache", "_modify_replication_group", ("p",)),
    Private("services.elasticache", "_create_snapshot", ("p",)),
    Private("services.elasticache", "_extract_log_delivery_configs", ("p",)),
    Private("services.elasticache", "_rg_xml", ("rg",)),
    Private("services.elasticache", "_xml", ("status", "root_tag", "inner")),
    Private("services.elasticache", "_error", ("code", "message", "status")),
)

Record = dict[str, Any]

TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")
DEFAULT_PORT = 6379


def _refuse(code: str, message: str) -> Response:
    refusal: Response = elasticache._error(code, escape(message), REFUSED)
    return refusal


def access_fault(query: Query) -> Response | None:
    """The error of ElastiCache for the AUTH token and the user groups of a request, or None."""
    token, groups = param(query, "AuthToken"), params(query, "UserGroupIds", "UserGroupId")
    if token and not TOKEN.fullmatch(token):
        return _refuse(
            "InvalidParameterValue",
            refusal(
                got=f"Invalid AuthToken provided: {len(token)} characters",
                allowed="must be 16 to 128 letters, digits and any of ! & # $ ^ < > -",
                fix="Let Secrets Manager generate it with ExcludePunctuation",
            ),
        )
    if token and groups:
        return _refuse(
            "InvalidParameterCombination",
            refusal(
                got="AuthToken and UserGroupIds",
                allowed="a replication group has an AUTH token or a user group",
                fix="Remove one of them",
            ),
        )
    if len(groups) > 1:
        return _refuse(
            "InvalidParameterCombination",
            refusal(
                got=f"{len(groups)} user groups",
                allowed="a replication group has at most 1",
                fix="Put all users into one group",
            ),
        )
    if groups and not is_true(param(query, "TransitEncryptionEnabled")):
        return _refuse(
            "InvalidParameterCombination",
            refusal(
                got="UserGroupIds without encryption in transit",
                allowed="a user group requires it",
                fix="Set TransitEncryptionEnabled to true",
            ),
        )
    return None


def _cluster_mode(query: Query) -> bool:
    group = param(query, "CacheParameterGroupName")
    if not group or group.startswith("default."):
        return group.endswith(".cluster.on") or int(param(query, "NumNodeGroups") or 1) > 1
    enabled = (elasticache._param_group_params.get(group) or {}).get("cluster-enabled", {})
    return bool(enabled.get("Value") == "yes")


def topology_fault(query: Query) -> Response | None:
    """The error of ElastiCache for the shards and the failover of a request, or None."""
    shards = int(param(query, "NumNodeGroups") or 1)
    if shards > 1 and not _cluster_mode(query):
        return _refuse(
            "InvalidParameterCombination",
            refusal(
                got=f"NumNodeGroups={shards} with a parameter group that has cluster-enabled no",
                allowed="several shards need cluster mode",
                fix="Set cluster-enabled to yes",
            ),
        )
    if is_true(param(query, "MultiAZEnabled")) and not is_true(param(query, "AutomaticFailoverEnabled")):
        return _refuse(
            "InvalidParameterCombination",
            refusal(
                got="MultiAZEnabled without AutomaticFailoverEnabled",
                allowed="Multi-AZ requires automatic failover",
                fix="Set AutomaticFailoverEnabled to true",
            ),
        )
    return None


def _members(group: Record) -> list[Record]:
    return [elasticache._clusters[cluster_id] for cluster_id in group["MemberClusters"]]


def _forget(member: Record) -> Record:
    cluster: Record = elasticache._clusters.pop(member["CacheClusterId"])
    elasticache._tags.pop(cluster["CacheClusterArn"], None)
    return cluster


def _drop_last_shard(group: Record) -> None:
    """Remove the third shard: the emulator refuses to create two, so it was asked for three."""
    for member in group["NodeGroups"].pop()["NodeGroupMembers"]:
        _forget(member)
    group["_num_node_groups"] = len(group["NodeGroups"])
    _list_members(group)


def _list_members(group: Record) -> None:
    group["MemberClusters"] = [
        member["CacheClusterId"] for shard in group["NodeGroups"] for member in shard["NodeGroupMembers"]
    ]


def _rename_members(group: Record) -> None:
    """Without cluster mode, ElastiCache calls the nodes `name-001` and so on, which alarms have as a dimension."""
    for number, member in enumerate(group["NodeGroups"][0]["NodeGroupMembers"], 1):
        cluster_id = f"{group['ReplicationGroupId']}-{number:03d}"
        cluster, arn = _forget(member), elasticache._arn_cluster(cluster_id)
        cluster.update(CacheClusterId=cluster_id, CacheClusterArn=arn)
        elasticache._clusters[cluster_id] = cluster
        elasticache._tags[arn] = list(elasticache._tags.get(group["ARN"]) or [])
        member["CacheClusterId"] = cluster_id
    _list_members(group)


def zones_of(subnet_group: str) -> list[str]:
    """The distinct Availability Zones of a subnet group, in the order of its subnets."""
    subnets = (elasticache._subnet_groups.get(subnet_group) or {}).get("Subnets", [])
    return list(dict.fromkeys(subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets))


def _place(group: Record, query: Query) -> None:
    zones = params(query, "PreferredCacheClusterAZs", "AvailabilityZone") or zones_of(group["CacheSubnetGroupName"])
    for shard in group["NodeGroups"]:
        for member, zone in zip(shard["NodeGroupMembers"], itertools.cycle(zones), strict=False):
            member["PreferredAvailabilityZone"] = zone
            elasticache._clusters[member["CacheClusterId"]]["PreferredAvailabilityZone"] = zone


def _listen_on(group: Record, port: int) -> None:
    for shard in group["NodeGroups"]:
        shard["PrimaryEndpoint"] = {**shard["PrimaryEndpoint"], "Port": port}
        shard["ReaderEndpoint"] = {**shard["ReaderEndpoint"], "Port": port}
        for member in shard["NodeGroupMembers"]:
            endpoint = member["ReadEndpoint"] = {**member["ReadEndpoint"], "Port": port}
            cluster = elasticache._clusters[member["CacheClusterId"]]
            cluster["_endpoint"] = endpoint
            for node in cluster["CacheNodes"]:
                node["Endpoint"] = endpoint
    group["ConfigurationEndpoint"] = (
        dict(group["NodeGroups"][0]["PrimaryEndpoint"]) if group["ClusterEnabled"] else None
    )


def _complete(group: Record, query: Query) -> None:
    """Set what only creation sets and the emulator omits."""
    group["ClusterEnabled"] = _cluster_mode(query)
    group["ClusterMode"] = "enabled" if group["ClusterEnabled"] else "disabled"
    if not group["ClusterEnabled"]:
        _rename_members(group)
    _place(group, query)
    _listen_on(group, int(param(query, "Port") or DEFAULT_PORT))
    if key := param(query, "KmsKeyId"):
        group["KmsKeyId"] = key
    _apply(group, query)


def _apply(group: Record, query: Query) -> None:
    """Set what creation and modification set, on the group and on its nodes."""
    shared: Record = {}
    for name in ("PreferredMaintenanceWindow", "SnapshotWindow", "TransitEncryptionMode", "CacheNodeType"):
        if value := param(query, name):
            shared[name] = value
    for name in ("AutoMinorVersionUpgrade", "TransitEncryptionEnabled"):
        if value := param(query, name):
            shared[name] = is_true(value)
    if limit := param(query, "SnapshotRetentionLimit"):
        shared["SnapshotRetentionLimit"] = int(limit)
    if security_groups := params(query, "SecurityGroupIds", "SecurityGroupId"):
        shared["SecurityGroups"] = [{"SecurityGroupId": sg, "Status": "active"} for sg in security_groups]
    shared["LogDeliveryConfigurations"] = _log_delivery(group["LogDeliveryConfigurations"], query)
    if topic := param(query, "NotificationTopicArn"):
        shared["NotificationTopicArn"] = topic
    group.update(shared)
    for member in _members(group):
        member.update(shared)


def _log_delivery(current: list[Record], query: Query) -> list[Record]:
    """The log deliveries after a request, which starts, changes or ends the delivery of the logs it names."""
    wanted: list[Record] = elasticache._extract_log_delivery_configs(query)
    ended = {
        param(query, key.replace(".Enabled", ".LogType"))
        for key in query
        if key.startswith("LogDeliveryConfigurations.") and key.endswith(".Enabled") and not is_true(param(query, key))
    }
    changed = ended | {log["LogType"] for log in wanted}
    return [log for log in current if log["LogType"] not in changed] + wanted


def _answer(action: str, group: Record) -> Response:
    inner = f"<{action}Result><ReplicationGroup>{elasticache._rg_xml(group)}</ReplicationGroup></{action}Result>"
    response: Response = elasticache._xml(200, f"{action}Response", inner)
    return response


def _creating(stock: Action) -> Action:
    def create_replication_group(query: Query) -> Response:
        if fault := access_fault(query) or topology_fault(query):
            return fault
        two_shards = param(query, "NumNodeGroups") == "2"
        response = stock({**query, "NumNodeGroups": "3"} if two_shards else query)
        if response[0] >= REFUSED:
            return response
        group = elasticache._replication_groups[param(query, "ReplicationGroupId")]
        if two_shards:
            _drop_last_shard(group)
        _complete(group, query)
        return _answer("CreateReplicationGroup", group)

    return create_replication_group


def _modifying(stock: Action) -> Action:
    def modify_replication_group(query: Query) -> Response:
        token = param(query, "AuthToken")
        if token and (fault := access_fault({"AuthToken": token})):
            return fault
        response = stock(query)
        if response[0] >= REFUSED:
            return response
        group = elasticache._replication_groups[param(query, "ReplicationGroupId")]
        _apply(group, query)
        return _answer("ModifyReplicationGroup", group)

    return modify_replication_group


def _final_snapshot(group_id: str, _props: Properties) -> None:
    """Take the final snapshot for `DeletionPolicy: Snapshot`, which the emulator ignores for this type."""
    name = provisioners._snapshot_id(group_id)
    elasticache._create_snapshot({"SnapshotName": name, "ReplicationGroupId": group_id})


def install() -> None:
    """Replace CreateReplicationGroup, ModifyReplicationGroup and the XML of a group, and take the final snapshot."""
    elasticache._create_replication_group = _creating(elasticache._create_replication_group)
    elasticache._modify_replication_group = _modifying(elasticache._modify_replication_group)
    stock = elasticache._rg_xml

    def group_xml(group: Record) -> str:
        key = f"<KmsKeyId>{group['KmsKeyId']}</KmsKeyId>" if group.get("KmsKeyId") else ""
        return f"{stock({**group, 'Description': escape(group['Description'])})}{key}"

    elasticache._rg_xml = group_xml
    handlers()["AWS::ElastiCache::ReplicationGroup"]["snapshot"] = _final_snapshot
