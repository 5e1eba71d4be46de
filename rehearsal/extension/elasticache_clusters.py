"""Cache clusters: Memcached clusters, and the nodes of replication groups.

The emulator ignores security groups, port, Availability Zones, the notification topic and AutoMinorVersionUpgrade. It
does not return the last two, nor the configuration endpoint from which Memcached clients learn the nodes.
"""

from __future__ import annotations

import itertools
from typing import Any

from rehearsal.extension.elasticache_groups import zones_of
from rehearsal.extension.seam import REFUSED, Action, Private, Query, Response, elasticache, is_true, param, params, sns
from verification.messages import refusal

TOUCHES = (
    Private("services.sns", "_topics"),
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_create_cache_cluster", ("p",)),
    Private("services.elasticache", "_modify_cache_cluster", ("p",)),
    Private("services.elasticache", "_cluster_xml_inner", ("c",)),
    Private("services.elasticache", "_xml_cluster_response", ("root_tag", "result_tag", "cluster")),
    Private("services.elasticache", "_error", ("code", "message", "status")),
)

Record = dict[str, Any]

DEFAULT_PORTS = {"memcached": 11211}
MULTIPLE = "Multiple"  # AWS's value for a cluster with nodes in several Availability Zones


def _zones(cluster: Record, query: Query) -> list[str]:
    asked = params(query, "PreferredAvailabilityZones", "PreferredAvailabilityZone")
    if asked:
        return asked
    reachable = zones_of(cluster["CacheSubnetGroupName"])
    if param(query, "AZMode") == "cross-az":
        return reachable
    return [param(query, "PreferredAvailabilityZone") or next(iter(reachable), cluster["PreferredAvailabilityZone"])]


def _place(cluster: Record, query: Query) -> None:
    cluster["_zones"] = _zones(cluster, query)
    _spread(cluster)


def _spread(cluster: Record) -> None:
    for node, zone in zip(cluster["CacheNodes"], itertools.cycle(cluster["_zones"]), strict=False):
        node["CustomerAvailabilityZone"] = zone
    used = {node["CustomerAvailabilityZone"] for node in cluster["CacheNodes"]}
    cluster["PreferredAvailabilityZone"] = MULTIPLE if len(used) > 1 else used.pop()


def _listen_on(cluster: Record, port: int) -> None:
    cluster["_endpoint"] = {**cluster["_endpoint"], "Port": port}
    for node in cluster["CacheNodes"]:
        node["Endpoint"] = cluster["_endpoint"]


def _apply(cluster: Record, query: Query) -> None:
    if security_groups := params(query, "SecurityGroupIds", "SecurityGroupId"):
        cluster["SecurityGroups"] = [{"SecurityGroupId": sg, "Status": "active"} for sg in security_groups]
    if topic := param(query, "NotificationTopicArn"):
        cluster["NotificationTopicArn"] = topic
    if upgrade := param(query, "AutoMinorVersionUpgrade"):
        cluster["AutoMinorVersionUpgrade"] = is_true(upgrade)


def _answer(action: str, cluster: Record) -> Response:
    response: Response = elasticache._xml_cluster_response(f"{action}Response", f"{action}Result", cluster)
    return response


def _cross_az_fault(query: Query) -> Response | None:
    nodes = int(param(query, "NumCacheNodes") or 1)
    if param(query, "AZMode") == "cross-az" and nodes == 1:
        message = refusal(
            got="AZMode=cross-az with NumCacheNodes=1",
            allowed="cross-az needs at least 2 nodes",
            fix="Set NumCacheNodes to 2 or more",
        )
        fault: Response = elasticache._error("InvalidParameterCombination", message, REFUSED)
        return fault
    return None


def _creating(stock: Action) -> Action:
    def create_cache_cluster(query: Query) -> Response:
        if fault := _cross_az_fault(query):
            return fault
        response = stock(query)
        if response[0] >= REFUSED:
            return response
        cluster = elasticache._clusters[param(query, "CacheClusterId")]
        _place(cluster, query)
        _listen_on(cluster, int(param(query, "Port") or DEFAULT_PORTS.get(cluster["Engine"], 6379)))
        _apply(cluster, query)
        return _answer("CreateCacheCluster", cluster)

    return create_cache_cluster


def _modifying(stock: Action) -> Action:
    def modify_cache_cluster(query: Query) -> Response:
        response = stock(query)
        if response[0] >= REFUSED:
            return response
        cluster = elasticache._clusters[param(query, "CacheClusterId")]
        if "_zones" in cluster:
            _spread(cluster)
        _apply(cluster, query)
        return _answer("ModifyCacheCluster", cluster)

    return modify_cache_cluster


def _endpoint_xml(cluster: Record) -> str:
    if cluster["Engine"] != "memcached":
        return ""
    endpoint = cluster["_endpoint"]
    return (
        f"<ConfigurationEndpoint><Address>{endpoint['Address']}</Address><Port>{endpoint['Port']}</Port>"
        "</ConfigurationEndpoint>"
    )


def _topic_xml(cluster: Record) -> str:
    arn = cluster.get("NotificationTopicArn")
    if not arn:
        return ""
    # ElastiCache cannot publish to an encrypted topic: the topic is inactive, and events are lost.
    attributes = (sns._topics.get(arn) or {}).get("attributes")
    status = "inactive" if attributes is None or attributes.get("KmsMasterKeyId") else "active"
    return (
        f"<NotificationConfiguration><TopicArn>{arn}</TopicArn><TopicStatus>{status}</TopicStatus>"
        "</NotificationConfiguration>"
    )


def install() -> None:
    """Replace CreateCacheCluster, ModifyCacheCluster and the XML of a cluster."""
    elasticache._create_cache_cluster = _creating(elasticache._create_cache_cluster)
    elasticache._modify_cache_cluster = _modifying(elasticache._modify_cache_cluster)
    stock = elasticache._cluster_xml_inner

    def cluster_xml(cluster: Record) -> str:
        upgrade = str(cluster["AutoMinorVersionUpgrade"]).lower()
        return (
            f"{stock(cluster)}<AutoMinorVersionUpgrade>{upgrade}</AutoMinorVersionUpgrade>"
            f"{_endpoint_xml(cluster)}{_topic_xml(cluster)}"
        )

    elasticache._cluster_xml_inner = cluster_xml
