"""docs/properties.md: every property and attribute of every ElastiCache type, and how it is said here, or why not.

What a setting becomes is read from its declaration. The rest is told below, by type: a property that is neither read
nor told raises an error, so a new version of the CDK cannot bring one unseen.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import CfnResource
from aws_cdk import aws_elasticache as elasticache

from elasticache_rules.change_gate.schemas import Schema
from tests.cache_arguments import CACHES
from tests.conftest import ROOT
from tests.schemas import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOCUMENT = ROOT / "docs" / "properties.md"
BEGIN, END = "<!-- python -m tests.docs writes from here -->\n\n", "\n<!-- to here -->\n"

_TAGS = "`Tags.of(...)` of the CDK, or the tags of the stack"
_GENERATED = "CloudFormation generates it"
_OTHERWISE_GENERATED = f"{_GENERATED} otherwise, so that a replacement is possible"
_OTHERWISE_TRUE = "always `true` otherwise"
_NO_RULES_OF_CLASSIC = "EC2-Classic is retired: caches are in a VPC"
_CLASSIC = "Security groups of EC2-Classic, which is retired: caches are in a VPC"

SAID: dict[str, dict[str, str]] = {
    "GlobalReplicationGroup": {
        "CacheNodeType": "`GlobalDatastore(node_type=)`, once it differs from the primary's",
        "CacheParameterGroupName": "made of the primary's parameters if `GlobalDatastore(engine=)` has another family",
        "Engine": "`GlobalDatastore(engine=)`, once it differs from the primary's",
        "EngineVersion": "`GlobalDatastore(engine=)`, once it differs from the primary's",
        "GlobalNodeGroupCount": "`GlobalDatastore(shards=)`, once it differs from the primary's",
        "GlobalReplicationGroupDescription": "`GlobalDatastore(description=)`",
        "GlobalReplicationGroupIdSuffix": "`GlobalDatastore(suffix=)`",
        "Members": "`GlobalDatastore(primary=)`, and the secondaries of `GlobalDatastore.state_members`",
    },
    "ReplicationGroup": {
        "AtRestEncryptionEnabled": _OTHERWISE_TRUE,
        "GlobalReplicationGroupId": "`SecondaryReplicationGroup(global_datastore=)`",
        "ReplicationGroupId": f"{_OTHERWISE_GENERATED}; for a secondary it is made of the construct's path",
        "SecurityGroupIds": "the group's own security group in addition: `ReplicationGroup.connections`, "
        "`ReplicationGroup.client_security_group`",
        "Tags": _TAGS,
    },
    "CacheCluster": {
        "ClusterName": _OTHERWISE_GENERATED,
        "Tags": _TAGS,
        "TransitEncryptionEnabled": _OTHERWISE_TRUE,
        "VpcSecurityGroupIds": "the cluster's own security group in addition: `MemcachedCluster.connections`, "
        "`MemcachedCluster.client_security_group`",
    },
    "ServerlessCache": {
        "FinalSnapshotName": "always the cache's name and a part of the stack's id",
        "SecurityGroupIds": "the cache's own security group in addition: `ServerlessCache.connections`, "
        "`ServerlessCache.client_security_group`",
        "ServerlessCacheName": "generated otherwise, from the construct's path",
        "Tags": _TAGS,
    },
    "ParameterGroup": {
        "CacheParameterGroupFamily": "follows from `ReplicationGroup(engine=)` or `MemcachedCluster(engine=)`",
        "Description": "always tells the family",
        "Properties": "`ReplicationGroup(parameters=)`, `MemcachedCluster(parameters=)`, and `unlisted_parameters` of "
        "both; whether it is for cluster mode follows from `Topology`",
        "Tags": _TAGS,
    },
    "SubnetGroup": {
        "Description": "always tells the construct",
        "SubnetIds": "`ReplicationGroup(vpc_subnets=)`, `MemcachedCluster(vpc_subnets=)`",
        "Tags": _TAGS,
    },
    "User": {
        "AccessString": "`Permissions`, of `IamUser`, `PasswordUser` or `DefaultUser`",
        "AuthenticationMode": "follows from the kind of user: `IamUser`, `PasswordUser` or `DefaultUser`",
        "Engine": "always `redis`, whose users both engines take: a group goes from Redis to Valkey in place",
        "Tags": _TAGS,
        "UserId": "the name of an `IamUser`, as IAM needs it; generated otherwise, from the construct's path",
        "UserName": "the name of the user; `default` for `DefaultUser`",
    },
    "UserGroup": {
        "Engine": "`redis`, as of its users; `valkey` with `DefaultUser.absent`",
        "UserGroupId": "generated, from the construct's path",
        "UserIds": "the users of `Access.users`, and those of other groups by `UserGroup.member` or `ExistingUser`",
    },
}
"""How properties are said that no setting becomes, or not by itself."""

LATER = {"CacheNodeType", "CacheParameterGroupName", "Engine", "EngineVersion", "GlobalNodeGroupCount"}
"""Properties of a global datastore that are stated once they differ from the primary's: no new one has them."""

NOT_SAID: dict[str, dict[str, str]] = {
    "GlobalReplicationGroup": {
        "AutomaticFailoverEnabled": "the members have the failover of the primary: `Topology`",
        "RegionalConfigurations": "the service chooses the Availability Zones of new shards",
        "Tags": "of the CDK: `Tags.of(...)`, or the tags of the stack",
    },
    "ReplicationGroup": {
        "CacheSecurityGroupNames": _NO_RULES_OF_CLASSIC,
        "PrimaryClusterId": "makes a group of a single Redis node; a new group takes `ReplicationGroup(restore_from=)`",
        "SnapshottingClusterId": "the service chooses the node that snapshots are taken of, a replica where there is "
        "one",
    },
    "CacheCluster": {
        "CacheSecurityGroupNames": _NO_RULES_OF_CLASSIC,
        "LogDeliveryConfigurations": "Memcached has no logs",
        "PreferredAvailabilityZone": "of one node; the list for all nodes is `MemcachedCluster(availability_zones=)`",
        "SnapshotArns": "Memcached has no snapshots",
        "SnapshotName": "Memcached has no snapshots",
        "SnapshotRetentionLimit": "Memcached has no snapshots",
        "SnapshotWindow": "Memcached has no snapshots",
    },
    "ServerlessCache": {
        "Endpoint": "the service sets it: `ServerlessCache.endpoint`",
        "ReaderEndpoint": "the service sets it: `ServerlessCache.reader_endpoint`",
    },
    "SubnetGroup": {"CacheSubnetGroupName": f"{_GENERATED}, so that a replacement is possible"},
    "User": {
        "NoPasswordRequired": "`AuthenticationMode` says it, and CloudFormation takes one of the two",
        "Passwords": "`AuthenticationMode` has the generated password. A rotation keeps the previous one valid for a "
        "time, outside the template: `ReplicationGroup.rotate_secrets`, `ServerlessCache.rotate_secrets`, "
        "`UserGroupRotation`",
    },
    "UserGroup": {"Tags": "a changed tag of a user group fails the deployment: aws-cdk issue 15378"},
}
"""Why properties are not said."""

NOT_MADE: dict[str, str] = {
    "SecurityGroup": f"{_CLASSIC}.",
    "SecurityGroupIngress": f"{_CLASSIC}.",
    "ServerlessCacheSnapshot": "Snapshots are taken daily and at the end: `Backups`.",
    "Snapshot": "Snapshots are taken daily and at the end: `Backups`.",
}
"""Why no construct makes a type. Its properties are listed without more words."""

_ADDRESS = "`ReplicationGroup.endpoint`"
_IN_PARTS = "the address by itself is read; the port is the one that is given"
ATTRIBUTES: dict[str, dict[str, str]] = {
    "GlobalReplicationGroup": {
        "Arn": "nothing needs it",
        "GlobalReplicationGroupId": "`GlobalDatastore.global_datastore_id`, which is known before the deployment",
        "Status": "nothing needs it: CloudFormation waits until it is available",
    },
    "ReplicationGroup": {
        "ConfigurationEndPoint": _IN_PARTS,
        "ConfigurationEndPoint.Address": f"{_ADDRESS}, in cluster mode",
        "ConfigurationEndPoint.Port": "`ReplicationGroup(port=)`",
        "EffectiveDurability": "`python -m verification` reads back what was asked for",
        "PrimaryEndPoint": _IN_PARTS,
        "PrimaryEndPoint.Address": f"{_ADDRESS}, without cluster mode",
        "PrimaryEndPoint.Port": "`ReplicationGroup(port=)`",
        "ReadEndPoint": "the nodes, which change: `ReplicationGroup.reader_endpoint` is the one name for all",
        "ReadEndPoint.Addresses": "as `ReadEndPoint`",
        "ReadEndPoint.AddressesList": "as `ReadEndPoint`",
        "ReadEndPoint.Ports": "as `ReadEndPoint`",
        "ReadEndPoint.PortsList": "as `ReadEndPoint`",
        "ReaderEndPoint": _IN_PARTS,
        "ReaderEndPoint.Address": "`ReplicationGroup.reader_endpoint`, without cluster mode",
        "ReaderEndPoint.Port": "`ReplicationGroup(port=)`",
    },
    "CacheCluster": {
        "ConfigurationEndpoint": _IN_PARTS,
        "ConfigurationEndpoint.Address": "`MemcachedCluster.configuration_endpoint`",
        "ConfigurationEndpoint.Port": "`MemcachedCluster(port=)`",
        "RedisEndpoint": "Redis runs in replication groups here",
        "RedisEndpoint.Address": "Redis runs in replication groups here",
        "RedisEndpoint.Port": "Redis runs in replication groups here",
    },
    "ServerlessCache": {
        "ARN": "`ServerlessCache.serverless_cache_arn`, which is written of the name, so that policies do not wait",
        "CreateTime": "nothing needs it",
        "Endpoint.Address": "`ServerlessCache.endpoint`",
        "Endpoint.Port": "the ports are always the same: 6379, or 11211 for Memcached",
        "FullEngineVersion": "the service upgrades it by itself; `python -m verification` reads it",
        "ReaderEndpoint.Address": "`ServerlessCache.reader_endpoint`",
        "ReaderEndpoint.Port": "the ports are always the same: 6380, or 11212 for Memcached",
        "Status": "nothing needs it: CloudFormation waits until the cache is available",
    },
    "ParameterGroup": {"CacheParameterGroupName": "what `Ref` gives as well, which the cache refers to"},
    "User": {
        "Arn": "`IamUser` is granted by `ReplicationGroup.grant_connect`, which writes it of the id",
        "Status": "nothing needs it",
    },
    "UserGroup": {"Arn": "written of the id where a policy needs it", "Status": "nothing needs it"},
}
"""Attributes of types that are made, as ``Fn::GetAtt`` takes them, and what hands them out."""

_POLICIES = """\
| attribute | how it is said |
| --- | --- |
| `DeletionPolicy`, `UpdateReplacePolicy` of a replication group | always `Snapshot`; \
`ReplicationGroup.apply_removal_policy` |
| `DeletionPolicy`, `UpdateReplacePolicy` of other caches | `MemcachedCluster.apply_removal_policy`, \
`ServerlessCache.apply_removal_policy` |
| `UpdatePolicy.UseOnlineResharding` of a replication group | always `true` in cluster mode |
"""


@dataclass(frozen=True)
class Kind:
    """A resource type, as the installed CDK has it."""

    name: str
    """Without ``AWS::ElastiCache::``."""
    properties: tuple[str, ...]
    attributes: tuple[str, ...]
    schema: Schema

    @property
    def type_name(self) -> str:
        """The whole name."""
        return f"AWS::ElastiCache::{self.name}"


def kinds() -> list[Kind]:
    """Every ElastiCache type of the installed CDK."""
    return [_kind(name, each) for name, each in sorted(vars(elasticache).items()) if _is_resource(name, each)]


def _is_resource(name: str, each: object) -> bool:
    return name.startswith("Cfn") and inspect.isclass(each) and issubclass(each, CfnResource)


def _kind(name: str, construct: Any) -> Kind:
    document = _document(construct)
    known = {property_.casefold(): property_ for property_ in document.document["properties"]}
    read_only = {"".join(path).casefold(): ".".join(path) for path in document.read_only}
    arguments = inspect.signature(getattr(elasticache, f"{name}Props").__init__).parameters
    return Kind(
        name=construct.CFN_RESOURCE_TYPE_NAME.rpartition("::")[2],
        properties=tuple(sorted(_spelled(each, known) for each in arguments if each != "self")),
        attributes=tuple(
            sorted(
                _spelled(each.removeprefix("attr_"), read_only) for each in dir(construct) if each.startswith("attr_")
            )
        ),
        schema=document,
    )


def _spelled(argument: str, known: Mapping[str, str]) -> str:
    """What the CDK calls an argument, as CloudFormation spells it; in capitals where its schema is older."""
    return known.get(argument.replace("_", ""), argument.title().replace("_", ""))


def arguments() -> dict[str, dict[str, list[str]]]:
    """By type and property, what sets it: arguments of a construct, or the value that it always has."""
    found: dict[str, dict[str, list[str]]] = {}
    for cache in CACHES:
        kind = cache.l1.CFN_RESOURCE_TYPE_NAME.rpartition("::")[2]
        names = {each.casefold(): each for each in (*_document(cache.l1).document["properties"],)}
        of_kind = found.setdefault(kind, {})
        for name in (each for each in cache.signature if each in {*cache.declared, *cache.resources}):
            for l1 in cache.arguments_of(name):
                of_kind.setdefault(_spelled(l1, names), []).append(f"`{cache.construct.__name__}({name}=)`")
        for l1, value in cache.settings.ALWAYS.items():
            of_kind.setdefault(_spelled(l1, names), []).append(f"always `{str(value).lower()}`")
    return found


def _document(l1: Any) -> Schema:
    # Of the files, and not by the gate, which imports cfn-lint: each worker would, while it collects tests.
    return Schema(schema(l1.CFN_RESOURCE_TYPE_NAME))


class UnknownPropertyError(KeyError):
    """A property or an attribute that nothing here tells about, or that two tables tell about."""


def told(kind: Kind, name: str, read: Mapping[str, Mapping[str, list[str]]]) -> str:
    """How a property is said, or why not.

    Raises:
        UnknownPropertyError: If that is told in no place, or in two that contradict each other.
    """
    by_arguments = read.get(kind.name, {}).get(name, [])
    said, not_said = SAID.get(kind.name, {}).get(name), NOT_SAID.get(kind.name, {}).get(name)
    if not_said is not None and not (said or by_arguments):
        return f"not: {not_said}"
    if not_said is None and (said or by_arguments):
        return "; ".join([*by_arguments, *([said] if said else [])])
    raise UnknownPropertyError(f"{kind.type_name}.{name}: tell in {__name__} how it is said, or why not")


def _change(kind: Kind, name: str) -> str:
    if (name,) in kind.schema.create_only:
        return "replaces"
    return "some replace" if any(path[0] == name for path in kind.schema.conditional) else "in place"


def _sections(kind: Kind, read: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
    yield f"## {kind.type_name}\n"
    if kind.name in NOT_MADE:
        yield f"{NOT_MADE[kind.name]} Its properties: {', '.join(f'`{each}`' for each in kind.properties)}.\n"
        return
    yield "| property | how it is said | a change |\n| --- | --- | --- |"
    for name in kind.properties:
        yield f"| `{name}` | {told(kind, name, read)} | {_change(kind, name)} |"
    if kind.attributes:
        yield "\n| attribute | what hands it out |\n| --- | --- |"
        for name in kind.attributes:
            if name not in ATTRIBUTES.get(kind.name, {}):
                raise UnknownPropertyError(f"{kind.type_name}, attribute {name}: tell in {__name__} what hands it out")
            yield f"| `{name}` | {ATTRIBUTES[kind.name][name]} |"
    yield ""


def written() -> str:
    """The document as it should be."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    read = arguments()
    lines = [line for kind in kinds() for line in _sections(kind, read)]
    body = "\n".join(lines) + f"\n## What is not a property\n\n{_POLICIES}"
    return before + BEGIN + body + END + rest.partition(END)[2]
