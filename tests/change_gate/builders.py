"""Small templates to compare."""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]

GROUP = {
    "ReplicationGroupDescription": "a cache",
    "Engine": "redis",
    "EngineVersion": "7.1",
    "CacheNodeType": "cache.r7g.large",
    "NumCacheClusters": 2,
    "AutomaticFailoverEnabled": True,
    "MultiAZEnabled": True,
    "TransitEncryptionEnabled": False,
    "SnapshotRetentionLimit": 7,
}
CLUSTERED = {
    **GROUP,
    "ClusterMode": "enabled",
    "NumCacheClusters": None,
    "NumNodeGroups": 2,
    "ReplicasPerNodeGroup": 1,
}
CLUSTER = {
    "Engine": "memcached",
    "EngineVersion": "1.6.17",
    "CacheNodeType": "cache.r7g.large",
    "NumCacheNodes": 2,
    "AZMode": "cross-az",
    "PreferredAvailabilityZones": ["eu-west-1a", "eu-west-1b"],
}
SERVERLESS = {"ServerlessCacheName": "orders", "Engine": "redis", "MajorEngineVersion": "7", "SubnetIds": ["subnet-a"]}
USER = {"UserId": "app", "UserName": "app", "Engine": "redis", "AccessString": "on ~* +@all"}
RESHARDING = {"UpdatePolicy": {"UseOnlineResharding": True}}
TOKEN = "{{resolve:secretsmanager:token:SecretString:password::}}"


def template(**resources: dict[str, Any]) -> Template:
    """A template of resources by logical id."""
    return {"Resources": resources}


def resource(kind: str, properties: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """A resource of ElastiCache, or of any service when the type has colons; properties that are None are left out."""
    return {
        "Type": kind if "::" in kind else f"AWS::ElastiCache::{kind}",
        "Properties": {name: value for name, value in properties.items() if value is not None},
        **attributes,
    }


def group(**changes: Any) -> Template:
    """A replication group ``Cache`` without cluster mode."""
    return template(Cache=resource("ReplicationGroup", GROUP | changes))


def clustered(attributes: dict[str, Any] | None = None, **changes: Any) -> Template:
    """A replication group ``Cache`` in cluster mode, that is resharded online unless told otherwise."""
    attributes = RESHARDING if attributes is None else attributes
    return template(Cache=resource("ReplicationGroup", CLUSTERED | changes, **attributes))


def cluster(**changes: Any) -> Template:
    """A Memcached cluster ``Cache``."""
    return template(Cache=resource("CacheCluster", CLUSTER | changes))


def serverless(**changes: Any) -> Template:
    """A serverless cache ``Cache``."""
    return template(Cache=resource("ServerlessCache", SERVERLESS | changes))


def user(**changes: Any) -> Template:
    """A user ``User``."""
    return template(User=resource("User", USER | changes))


def beside(base: Template, **resources: dict[str, Any]) -> Template:
    """A template with more resources."""
    return {"Resources": base["Resources"] | resources}


def parameters(family: str = "redis7", **values: str) -> dict[str, Any]:
    """A parameter group; underscores stand for hyphens, which only Memcached has none of."""
    of_memcached = family.startswith("memcached")
    named = {name if of_memcached else name.replace("_", "-"): value for name, value in values.items()}
    return resource("ParameterGroup", {"CacheParameterGroupFamily": family, "Description": "a", "Properties": named})


def user_group(engine: str = "redis", *users: str) -> dict[str, Any]:
    """A user group with users by logical id."""
    members = [{"Ref": name} for name in users]
    return resource("UserGroup", {"UserGroupId": "users", "Engine": engine, "UserIds": members})


def scaled(dimension: str, resource_id: object, **changes: Any) -> dict[str, Any]:
    """A target of Application Auto Scaling, for 1 to 10 unless told otherwise."""
    properties = {
        "ServiceNamespace": "elasticache",
        "ScalableDimension": f"elasticache:{dimension}",
        "ResourceId": resource_id,
        "MinCapacity": 1,
        "MaxCapacity": 10,
        **changes,
    }
    return resource("AWS::ApplicationAutoScaling::ScalableTarget", properties)
