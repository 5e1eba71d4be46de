"""The resources that a request is on, as AWS's service authorization reference has them."""

from __future__ import annotations

import importlib
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest

from rehearsal.live.identity.checks import Asked, Call
from rehearsal.live.identity.keys import Keys
from rehearsal.live.identity.resources import asked

serialize: Any = importlib.import_module("botocore.serialize")

ACCOUNT, REGION = "111122223333", "eu-west-1"
PREFIX = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:"

Document = dict[str, Any]

# The operation, its arguments, and the resources that AWS asks for.
CALLS: list[tuple[str, Document, list[str]]] = [
    ("DescribeUsers", {"UserId": "ann"}, ["user:ann"]),
    ("DescribeUsers", {}, ["user:*"]),
    ("DescribeUserGroups", {"UserGroupId": "crew"}, ["usergroup:crew"]),
    ("DescribeReplicationGroups", {"ReplicationGroupId": "orders"}, ["replicationgroup:orders"]),
    ("DescribeReplicationGroups", {}, ["replicationgroup:*"]),
    ("DescribeCacheClusters", {"CacheClusterId": "orders-001"}, ["cluster:orders-001"]),
    ("DescribeServerlessCaches", {"ServerlessCacheName": "carts"}, ["serverlesscache:carts"]),
    ("DescribeCacheParameterGroups", {"CacheParameterGroupName": "p"}, ["parametergroup:p"]),
    ("DescribeCacheParameters", {"CacheParameterGroupName": "p"}, ["parametergroup:p"]),
    ("DescribeCacheSubnetGroups", {"CacheSubnetGroupName": "s"}, ["subnetgroup:s"]),
    ("DescribeSnapshots", {"SnapshotName": "night"}, ["snapshot:night"]),
    ("DescribeSnapshots", {"ReplicationGroupId": "orders"}, ["snapshot:*"]),
    ("DescribeServerlessCacheSnapshots", {"ServerlessCacheName": "carts"}, ["serverlesscachesnapshot:*"]),
    ("ModifyUser", {"UserId": "ann", "AccessString": "off -@all"}, ["user:ann"]),
    ("DeleteUser", {"UserId": "ann"}, ["user:ann"]),
    (
        "ModifyUserGroup",
        {"UserGroupId": "crew", "UserIdsToAdd": ["ann", "bob"]},
        ["usergroup:crew", "user:ann", "user:bob"],
    ),
    ("CreateUserGroup", {"UserGroupId": "crew", "Engine": "redis", "UserIds": ["ann"]}, ["usergroup:crew", "user:ann"]),
    (
        "DeleteReplicationGroup",
        {"ReplicationGroupId": "orders", "FinalSnapshotIdentifier": "last"},
        ["replicationgroup:orders", "snapshot:last"],
    ),
    (
        "ModifyReplicationGroup",
        {"ReplicationGroupId": "orders", "CacheParameterGroupName": "p", "UserGroupIdsToAdd": ["crew"]},
        ["replicationgroup:orders", "parametergroup:p", "usergroup:crew"],
    ),
    (
        "CreateSnapshot",
        {"ReplicationGroupId": "orders", "SnapshotName": "night"},
        ["replicationgroup:orders", "snapshot:night"],
    ),
    ("TestFailover", {"ReplicationGroupId": "orders", "NodeGroupId": "0001"}, ["replicationgroup:orders"]),
    ("ListTagsForResource", {"ResourceName": f"{PREFIX}user:ann"}, ["user:ann"]),
    ("DeleteCacheSubnetGroup", {"CacheSubnetGroupName": "s"}, ["subnetgroup:s"]),
    (
        "DeleteServerlessCache",
        {"ServerlessCacheName": "carts", "FinalSnapshotName": "last"},
        ["serverlesscache:carts", "serverlesscachesnapshot:last"],
    ),
    ("DescribeEvents", {"SourceIdentifier": "orders", "SourceType": "replication-group"}, []),
    ("DescribeCacheEngineVersions", {"Engine": "valkey"}, []),
    (
        "CreateReplicationGroup",
        {
            "ReplicationGroupId": "orders",
            "ReplicationGroupDescription": "d",
            "PrimaryClusterId": "old",
            "CacheSubnetGroupName": "s",
            "SecurityGroupIds": ["sg-1"],
            "SnapshotName": "night",
            "UserGroupIds": ["crew"],
        },
        ["replicationgroup:orders", "usergroup:crew", "subnetgroup:s", "snapshot:night", "cluster:old"],
    ),
    ("CopySnapshot", {"SourceSnapshotName": "a", "TargetSnapshotName": "b"}, ["snapshot:a", "snapshot:b"]),
    (
        "BatchApplyUpdateAction",
        {"ServiceUpdateName": "u", "ReplicationGroupIds": ["a", "b"]},
        ["replicationgroup:a", "replicationgroup:b"],
    ),
]


def request(service: str, operation: str, arguments: Document) -> Document:
    """The parameters of a request as botocore sends them."""
    model = botocore.session.get_session().get_service_model(service)
    sent: Document = serialize.create_serializer("query").serialize_to_request(
        arguments, model.operation_model(operation)
    )
    return dict(sent["body"])


def ask(service: str, operation: str, query: Document, stock: str = "*", body: bytes = b"") -> Asked:
    """What is asked for a request."""
    return asked(Call.of(service, f"{service}:{operation}", query, body, region=REGION, account=ACCOUNT), stock, Keys())


@pytest.mark.parametrize(("operation", "arguments", "resources"), CALLS, ids=lambda value: str(value)[:60])
def test_resources_of_elasticache(operation: str, arguments: Document, resources: list[str]) -> None:
    """A request is on every resource that it names, and a list of a kind on `<kind>:*`."""
    found = ask("elasticache", operation, request("elasticache", operation, arguments))
    named = [str(found), *(check.resource for check in found.further)]
    assert sorted(named) == sorted(PREFIX + name for name in resources) or (named, resources) == (["*"], [])
    assert {check.action for check in found.further} <= {f"elasticache:{operation}"}


def test_a_global_datastore_has_no_region() -> None:
    """As its ARN in the reference."""
    found = ask("elasticache", "DeleteGlobalReplicationGroup", {"GlobalReplicationGroupId": "g"})
    assert found == f"arn:aws:elasticache::{ACCOUNT}:globalreplicationgroup:g"


def test_a_snapshot_in_s3_must_be_readable() -> None:
    """The caller needs s3:GetObject on each file that a cache is restored from."""
    query = {"ReplicationGroupId": "orders", "SnapshotArns.SnapshotArn.1": "arn:aws:s3:::b/1.rdb"}
    found = ask("elasticache", "CreateReplicationGroup", query)
    assert [(check.action, check.resource) for check in found.further] == [("s3:GetObject", "arn:aws:s3:::b/1.rdb")]


def test_other_services() -> None:
    """Where the emulator's ARN is not AWS's."""
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    assert ask("lambda", "InvokeFunction", {"Qualifier": "2"}, function) == f"{function}:2"
    assert ask("lambda", "InvokeFunction", {}, function) == function
    assert ask("ec2", "DescribeSubnets", {"VpcId": "vpc-1"}, f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1") == "*"
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:app"
    assert ask("logs", "PutLogEvents", {}, group, b'{"logStreamName": "s"}') == f"{group}:log-stream:s"
    assert ask("logs", "TagResource", {}, group) == group


@pytest.mark.parametrize(
    ("service", "operation", "query", "body", "to"),
    [
        ("cloudformation", "CreateChangeSet", {"RoleARN": "ROLE"}, b"", "cloudformation"),
        ("lambda", "CreateFunction", {}, b'{"Role": "ROLE"}', "lambda"),
        ("rds", "CreateDBInstance", {"MonitoringRoleArn": "ROLE"}, b"", "monitoring.rds"),
        ("ec2", "CreateFlowLogs", {"DeliverLogsPermissionArn": "ROLE"}, b"", "vpc-flow-logs"),
        ("events", "PutTargets", {}, b'{"Targets": [{"RoleArn": "ROLE"}]}', "events"),
        ("lambda", "GetFunction", {}, b'{"Role": "ROLE"}', None),
        ("sts", "AssumeRole", {"RoleArn": "ROLE"}, b"", None),
    ],
)
def test_roles_that_are_passed(service: str, operation: str, query: Document, body: bytes, to: str | None) -> None:
    """Who names a role for a service must be allowed to pass it to that service."""
    role = f"arn:aws:iam::{ACCOUNT}:role/app"
    named = {key: value.replace("ROLE", role) for key, value in query.items()}
    found = ask(service, operation, named, body=body.replace(b"ROLE", role.encode()))
    passed = [(check.resource, check.context) for check in found.further if check.action == "iam:PassRole"]
    assert passed == ([(role, {"iam:passedtoservice": f"{to}.amazonaws.com"})] if to else [])
