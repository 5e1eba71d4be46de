"""The CloudFormation resources that a configuration becomes, without a synth.

Only what the settings decide is here; what the constructs put around a cache is a parameter of the template. That the
constructs make the same resources of the same settings is a separate test.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from elasticache_constructs import ExistingUser, IamUser, Permissions
from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.serverless_cache.settings import ServerlessCacheSettings
from elasticache_constructs.shared.names import SHORT_STACK_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elasticache_constructs import Access, Engine, PasswordUser, ServerlessEngine, Snapshot
    from elasticache_constructs.replication_group.settings import ReplicationGroupSettings

Resource = dict[str, Any]
Resources = dict[str, Resource]

SURROUNDINGS = {
    "Key": "AWS::KMS::Key",
    "Log": "AWS::Logs::LogGroup",
    "NodesGroup": "AWS::EC2::SecurityGroup",
    "Secret": "AWS::SecretsManager::Secret",
    "SubnetA": "AWS::EC2::Subnet",
    "SubnetB": "AWS::EC2::Subnet",
    "Subnets": "AWS::ElastiCache::SubnetGroup",
    "Topic": "AWS::SNS::Topic",
}
"""What a cache refers to and its settings say nothing about: by parameter of the template, what it stands for."""

_PASSWORD = {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:password::}}"]]}
_ENGINE_OF_USERS = "redis"  # Valkey takes them as well, and Redis no others
_ENGINE_WITHOUT_DEFAULT = "valkey"
_ID_LENGTH = 40
_SPELLED = {"az_mode": "AZMode", "ecpuPerSecond": "ECPUPerSecond", "multi_az_enabled": "MultiAZEnabled"}


def resources(settings: Any, name: str = "Cache", *, groups: Sequence[str] = ()) -> Resources:
    """The resources of one cache by logical id; the cache's own id is the name that is given.

    Args:
        settings: Accepted settings of any kind of cache.
        name: What every logical id, and every generated user id, begins with. Unique in a template.
        groups: The ids of security groups that it has besides its own.
    """
    if isinstance(settings, MemcachedClusterSettings):
        made = _memcached_cluster(settings, name)
    elif isinstance(settings, ServerlessCacheSettings):
        made = _serverless_cache(settings, name)
    else:
        made = _replication_group(settings, name)
    for property_ in ("SecurityGroupIds", "VpcSecurityGroupIds"):
        if property_ in made[name]["Properties"]:
            made[name]["Properties"][property_] += groups
    return made


def targets(settings: Any) -> tuple[dict[str, Any], ...]:
    """The targets of Application Auto Scaling that the settings ask for, each with the metric that it tracks."""
    if isinstance(settings, MemcachedClusterSettings):
        owned: tuple[tuple[str, Any, str], ...] = (("Nodes", settings.node_scaling, "NODE_CPU"),)
    elif isinstance(settings, ServerlessCacheSettings):
        owned = ()
    else:
        of_group = settings.topology
        owned = (
            ("NodeGroups", of_group.shard_scaling, "PRIMARY_CPU"),
            ("Replicas", of_group.replica_scaling, "REPLICA_CPU"),
        )
    return tuple(
        {
            "Dimension": dimension,
            "MinCapacity": scaling.minimum,
            "MaxCapacity": scaling.maximum,
            "Metric": scaling.metric.name if scaling.metric else default,
            "TargetValue": scaling.target_percent,
        }
        for dimension, scaling, default in owned
        if scaling is not None
    )


def template(*caches: Resources) -> dict[str, Any]:
    """A template of several caches."""
    return {
        "Parameters": {name: {"Type": "String"} for name in SURROUNDINGS},
        "Resources": {name: resource for cache in caches for name, resource in cache.items()},
    }


def _replication_group(settings: ReplicationGroupSettings, name: str) -> Resources:
    group = _resource("ReplicationGroup", _spelled(settings.properties()))
    properties = group["Properties"]
    properties |= {
        **_surroundings("SecurityGroupIds"),
        "KmsKeyId": {"Ref": "Key"},
        "CacheParameterGroupName": {"Ref": f"{name}Parameters"},
    }
    if delivery := list(_log_delivery(settings)):
        properties["LogDeliveryConfigurations"] = delivery
    # As every group of the constructs: the final snapshot is kept.
    group |= {"DeletionPolicy": "Snapshot", "UpdateReplacePolicy": "Snapshot"}
    made = {
        name: group,
        f"{name}Parameters": _parameter_group(settings, cluster=settings.topology.has_cluster_parameters),
    }
    if settings.access.is_auth_token:
        properties["AuthToken"] = _PASSWORD
    if settings.access.group is not None:
        properties["UserGroupIds"] = [settings.access.group.user_group_id]
    elif settings.access.has_users:
        properties["UserGroupIds"] = [{"Ref": f"{name}Users"}]
        made |= _users(settings.access, settings.engine_of_users, name)
    return made


def _memcached_cluster(settings: MemcachedClusterSettings, name: str) -> Resources:
    cluster = _resource("CacheCluster", _spelled(settings.properties()))
    cluster["Properties"] |= {
        **_surroundings("VpcSecurityGroupIds"),
        "CacheParameterGroupName": {"Ref": f"{name}Parameters"},
    }
    return {name: cluster, f"{name}Parameters": _parameter_group(settings, cluster=False)}


def _serverless_cache(settings: ServerlessCacheSettings, name: str) -> Resources:
    cache = _resource("ServerlessCache", _spelled(settings.properties()))
    chosen = settings.name.value if settings.name else name.lower()
    cache["Properties"] |= {
        "ServerlessCacheName": chosen,
        "FinalSnapshotName": {"Fn::Sub": [f"{chosen}-${{Stack}}{_mark(settings)}", {"Stack": SHORT_STACK_ID}]},
        "KmsKeyId": {"Ref": "Key"},
    }
    if settings.public_endpoint_reason is None:
        cache["Properties"] |= {
            "SecurityGroupIds": [{"Ref": "NodesGroup"}],
            "SubnetIds": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}],
        }
    cache |= {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    if settings.restore_from is not None:
        cache["Properties"]["SnapshotArnsToRestore"] = [_snapshot_arn(settings.restore_from)]
    if settings.access is None or not settings.access.has_users:
        return {name: cache}
    if settings.access.group is not None:
        cache["Properties"]["UserGroupId"] = settings.access.group.user_group_id
        return {name: cache}
    cache["Properties"]["UserGroupId"] = {"Ref": f"{name}Users"}
    return {name: cache, **_users(settings.access, settings.engine, name)}


def _snapshot_arn(snapshot: Snapshot) -> dict[str, Any]:
    kind = "serverlesscachesnapshot" if snapshot.is_serverless else "snapshot"
    account = [{"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {
        "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":elasticache:", *account, f":{kind}:{snapshot.name}"]]
    }


def _mark(settings: ServerlessCacheSettings) -> str:
    """Whose final snapshot must not have the name of the one that it was restored from."""
    name = settings.restore_from.name if settings.restore_from else None
    return "" if name is None else f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _surroundings(security_groups: str) -> dict[str, Any]:
    return {
        security_groups: [{"Ref": "NodesGroup"}],
        "CacheSubnetGroupName": {"Ref": "Subnets"},
        "NotificationTopicArn": {"Ref": "Topic"},
    }


def _parameter_group(settings: ReplicationGroupSettings | MemcachedClusterSettings, *, cluster: bool) -> Resource:
    parameters = settings.all_parameters() | ({"cluster-enabled": "yes"} if cluster else {})
    return _resource(
        "ParameterGroup",
        {
            "CacheParameterGroupFamily": settings.engine.family,
            "Description": f"Parameters of the cache, {settings.engine.family}",
            **({"Properties": parameters} if parameters else {}),
        },
    )


def _log_delivery(settings: ReplicationGroupSettings) -> Iterator[dict[str, Any]]:
    for kind in settings.logs():
        log = settings.log_delivery.log(kind)
        group = log.log_group.log_group_name if log.log_group else {"Ref": "Log"}
        yield {
            "LogType": kind,
            "LogFormat": log.log_format,
            "DestinationType": "kinesis-firehose" if log.firehose_stream else "cloudwatch-logs",
            "DestinationDetails": {"KinesisFirehoseDetails": {"DeliveryStream": log.firehose_stream}}
            if log.firehose_stream
            else {"CloudWatchLogsDetails": {"LogGroup": group}},
        }


def _users(access: Access, engine: Engine | ServerlessEngine, name: str) -> Resources:
    own = [each for each in access.named if not isinstance(each, ExistingUser)]
    existing = [each.user_id for each in access.named if isinstance(each, ExistingUser)]
    members = {f"{name}User{number}": _user(each, engine, name) for number, each in enumerate(own)}
    if not access.is_valkey:
        members = {f"{name}User": _default_user(access, engine, name)} | members
    leaving = {f"{name}Leaving{number}": _user(each, engine, name) for number, each in enumerate(access.removing)}
    group = {
        "Engine": _ENGINE_WITHOUT_DEFAULT if access.is_valkey else _ENGINE_OF_USERS,
        "UserGroupId": _user_id(name, "users"),
        "UserIds": [*({"Ref": each} for each in members), *existing],
    }
    return {**members, **leaving, f"{name}Users": _resource("UserGroup", group)}


def _default_user(access: Access, engine: Engine | ServerlessEngine, name: str) -> Resource:
    default = access.default.permissions if access.default else None
    if default is None:
        nobody = Permissions("off -@all")
        return _login(_user_id(name, "default"), "default", nobody, engine, {"Type": "no-password-required"})
    return _password_login("default", default, engine, name)


def _user(user: IamUser | PasswordUser, engine: Engine | ServerlessEngine, name: str) -> Resource:
    if isinstance(user, IamUser):
        return _login(user.name, user.name, user.permissions, engine, {"Type": "iam"})
    return _password_login(user.name, user.permissions, engine, name)


def _password_login(user_name: str, permissions: Permissions, engine: Engine | ServerlessEngine, name: str) -> Resource:
    mode = {"Type": "password", "Passwords": [_PASSWORD]}
    return _login(_user_id(name, user_name), user_name, permissions, engine, mode)


def _login(
    user_id: str, user_name: str, permissions: Permissions, engine: Engine | ServerlessEngine, mode: dict[str, Any]
) -> Resource:
    properties = {
        "Engine": _ENGINE_OF_USERS,
        "UserId": user_id,
        "UserName": user_name,
        "AccessString": permissions.written_for(engine),
        "AuthenticationMode": mode,
    }
    reason = {"Metadata": {"BroadAccessReason": permissions.reason}} if permissions.reason else {}
    return _resource("User", properties) | reason


def _user_id(name: str, user_name: str) -> str:
    whole = f"{name.lower()}-{user_name}"
    if len(whole) <= _ID_LENGTH:
        return whole
    mark = hashlib.sha256(user_name.encode()).hexdigest()[:8]
    return f"{whole[: _ID_LENGTH - 9].rstrip('-')}-{mark}"


def _resource(kind: str, properties: dict[str, Any]) -> Resource:
    return {"Type": f"AWS::ElastiCache::{kind}", "Properties": properties}


def spelled(name: str) -> str:
    """A keyword of the CDK as CloudFormation spells it."""
    return _SPELLED.get(name, "".join(word[:1].upper() + word[1:] for word in name.split("_")))


def _spelled(arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        spelled(name): _spelled(value)
        if isinstance(value, dict)
        else [_spelled(each) if isinstance(each, dict) else each for each in value]
        if isinstance(value, list)
        else value
        for name, value in arguments.items()
    }
