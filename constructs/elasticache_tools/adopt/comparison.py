"""Compares a template with what the service says: an import believes the template, and compares nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_rules import facts
from elasticache_tools.adopt.account import CLUSTER, GROUP, SERVERLESS
from elasticache_tools.adopt.synthesis import IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from elasticache_tools.adopt.inventory import Answer, Inventory
    from elasticache_tools.adopt.selection import Cache
    from elasticache_tools.adopt.synthesis import Template

Properties = dict[str, Any]

# What is the same as being left out.
_DEFAULTS: Mapping[str, object] = {
    "DataTieringEnabled": False,
    "Durability": "disabled",
    "NetworkType": "ipv4",
    "ConnectionType": "vpc",
    "IpDiscovery": "ipv4",
}
# What no answer has, or the order of which means nothing.
_NOT_TOLD = {"AuthToken", "FinalSnapshotName"}
# Texts that are stated although there is none at the service.
_STATED = {"Description", "ReplicationGroupDescription", "SnapshotWindow", "DailySnapshotTime"}
_SETS = {"SecurityGroupIds", "VpcSecurityGroupIds", "SubnetIds", "UserGroupIds", "Tags", "LogDeliveryConfigurations"}


@dataclass(frozen=True)
class Difference:
    """A property that the template and the service have different values of.

    Attributes:
        cache: The id or name of the cache.
        property: The property.
        written: Its value in the template; ``None`` if it is left out.
        real: Its value at the service; ``None`` if it has none.
    """

    cache: str
    property: str
    written: object
    real: object

    def __str__(self) -> str:
        """The line."""
        return f"{self.cache}: {self.property} is {json.dumps(self.real)}, and the code says {json.dumps(self.written)}"


def implied(cache: Cache, inventory: Inventory) -> Properties:
    """The properties that the resource of a cache has, if its template is true; without its defaults."""
    says = {GROUP: _group, CLUSTER: _cluster, SERVERLESS: _serverless}[cache.kind](cache.answer, inventory)
    tags = [
        {"Key": each["Key"], "Value": each.get("Value", "")}
        for each in inventory.tags.get(cache.answer.get("ARN", ""), ())
        if not each["Key"].lower().startswith("aws:")
    ]
    return {
        name: value
        for name, value in {**says, "Tags": tags}.items()
        if value not in (None, [], "") and value != _DEFAULTS.get(name)
    }


def differences(template: Template, caches: Sequence[Cache], inventory: Inventory) -> Iterator[Difference]:
    """What differs between the caches of a template and the service; a cache that is missing in one of them too."""
    bodies = {
        body["Properties"][IDENTIFIERS[body["Type"]]]: body["Properties"]
        for body in template["Resources"].values()
        if body["Type"] in IDENTIFIERS
    }
    for cache in caches:
        written = bodies.pop(cache.name, None)
        if written is None:
            yield Difference(cache.name, "(the cache)", None, "there")
            continue
        real = implied(cache, inventory)
        for name in sorted({*written, *real} - _NOT_TOLD):
            one, other = (_comparable(name, side.get(name)) for side in (written, real))
            if one != other and not (name in _STATED and name not in real):
                yield Difference(cache.name, name, written.get(name), real.get(name))
        if ("AuthToken" in written) != bool(cache.answer.get("AuthTokenEnabled")):
            yield Difference(
                cache.name,
                "AuthToken",
                "a token" if "AuthToken" in written else None,
                "a token" if cache.answer.get("AuthTokenEnabled") else None,
            )
    for name in sorted(bodies):
        yield Difference(name, "(the cache)", "there", None)


def _comparable(name: str, value: object) -> object:
    if value == _DEFAULTS.get(name):
        return None
    if name in _SETS and isinstance(value, list):
        return sorted(json.dumps(each, sort_keys=True) for each in value)
    return value


def _group(group: Answer, inventory: Inventory) -> Properties:
    node = inventory.members(group)[0]
    engine, version = node["Engine"], _short(node["Engine"], node["EngineVersion"])
    is_compatible = group.get("ClusterMode") == "compatible"
    is_cluster = bool(group.get("ClusterEnabled")) and not is_compatible
    has_modes = facts.supports("cluster_mode_migration", engine, version)
    has_tls_modes = facts.supports("transit_encryption_mode", engine, version)
    tls = bool(group.get("TransitEncryptionEnabled"))
    shard = group["NodeGroups"][0]
    endpoint = group.get("ConfigurationEndpoint") or shard.get("PrimaryEndpoint") or node["CacheNodes"][0]["Endpoint"]
    return {
        "ReplicationGroupId": group["ReplicationGroupId"],
        "ReplicationGroupDescription": group.get("Description"),
        "Engine": engine,
        "EngineVersion": version,
        "CacheNodeType": group.get("CacheNodeType") or node["CacheNodeType"],
        "NumCacheClusters": None if is_cluster else len(group["MemberClusters"]),
        "NumNodeGroups": len(group["NodeGroups"]) if is_cluster else None,
        "ReplicasPerNodeGroup": len(shard.get("NodeGroupMembers", ())) - 1 if is_cluster else None,
        "ClusterMode": "compatible" if is_compatible else "enabled" if is_cluster and has_modes else None,
        "AutomaticFailoverEnabled": group.get("AutomaticFailover") == "enabled",
        "MultiAZEnabled": group.get("MultiAZ") == "enabled",
        "Port": endpoint["Port"],
        "AtRestEncryptionEnabled": bool(group.get("AtRestEncryptionEnabled")),
        "KmsKeyId": group.get("KmsKeyId"),
        "TransitEncryptionEnabled": tls,
        "TransitEncryptionMode": group.get("TransitEncryptionMode", "required") if tls and has_tls_modes else None,
        "SnapshotRetentionLimit": group.get("SnapshotRetentionLimit") or 0,
        "SnapshotWindow": group.get("SnapshotWindow"),
        "UserGroupIds": list(group.get("UserGroupIds", ())),
        "DataTieringEnabled": group.get("DataTiering") == "enabled",
        "Durability": group.get("Durability"),
        "LogDeliveryConfigurations": [
            {name: each[name] for name in ("LogType", "LogFormat", "DestinationType", "DestinationDetails")}
            for each in group.get("LogDeliveryConfigurations", ())
        ],
        "AutoMinorVersionUpgrade": group.get("AutoMinorVersionUpgrade", node.get("AutoMinorVersionUpgrade", True)),
        "SecurityGroupIds": [each["SecurityGroupId"] for each in node["SecurityGroups"]],
        **_of_network(group),
        **_of_node(node),
    }


def _cluster(cluster: Answer, _: Inventory) -> Properties:
    nodes = sorted(cluster["CacheNodes"], key=lambda each: each["CacheNodeId"])
    zones = [each["CustomerAvailabilityZone"] for each in nodes]
    return {
        "ClusterName": cluster["CacheClusterId"],
        "Engine": cluster["Engine"],
        "EngineVersion": cluster["EngineVersion"],
        "CacheNodeType": cluster["CacheNodeType"],
        "NumCacheNodes": len(nodes),
        "AZMode": "cross-az" if len(set(zones)) > 1 else "single-az",
        "PreferredAvailabilityZones": zones,
        "Port": (cluster.get("ConfigurationEndpoint") or nodes[0]["Endpoint"])["Port"],
        "TransitEncryptionEnabled": bool(cluster.get("TransitEncryptionEnabled")),
        "AutoMinorVersionUpgrade": cluster.get("AutoMinorVersionUpgrade", True),
        "VpcSecurityGroupIds": [each["SecurityGroupId"] for each in cluster["SecurityGroups"]],
        **_of_network(cluster),
        **_of_node(cluster),
    }


def _serverless(cache: Answer, _: Inventory) -> Properties:
    limits = cache.get("CacheUsageLimits", {})
    return {
        "ServerlessCacheName": cache["ServerlessCacheName"],
        "Description": (cache.get("Description") or "").strip() or None,
        "Engine": cache["Engine"],
        "MajorEngineVersion": cache["MajorEngineVersion"],
        "CacheUsageLimits": {name: limits[name] for name in ("DataStorage", "ECPUPerSecond") if limits.get(name)}
        or None,
        "KmsKeyId": cache.get("KmsKeyId"),
        "ConnectionType": cache.get("ConnectionType"),
        "SecurityGroupIds": list(cache.get("SecurityGroupIds", ())),
        "SubnetIds": list(cache.get("SubnetIds", ())),
        "UserGroupId": cache.get("UserGroupId"),
        "SnapshotRetentionLimit": cache.get("SnapshotRetentionLimit") or 0,
        "DailySnapshotTime": cache.get("DailySnapshotTime"),
        **_of_network(cache),
    }


def _of_network(answer: Answer) -> Properties:
    kind = answer.get("NetworkType", "ipv4")
    return {"NetworkType": kind, "IpDiscovery": answer.get("IpDiscovery") if kind == "dual_stack" else None}


def _of_node(node: Answer) -> Properties:
    return {
        "CacheSubnetGroupName": node["CacheSubnetGroupName"],
        "CacheParameterGroupName": node["CacheParameterGroup"]["CacheParameterGroupName"],
        "PreferredMaintenanceWindow": node["PreferredMaintenanceWindow"],
        "NotificationTopicArn": node.get("NotificationConfiguration", {}).get("TopicArn"),
    }


def _short(engine: str, full: str) -> str:
    parts = full.split(".")
    return ".".join(parts[: len(facts.version_form(engine, int(parts[0])).split("."))])
