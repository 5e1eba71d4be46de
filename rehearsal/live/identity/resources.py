"""The ARNs that a request is on, where the emulator does not know them or gives others than AWS.

See https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticache.html: a request must be
allowed on every resource that it names, and one that lists a kind without a name on `<kind>:*`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live.identity.checks import Asked, Call, Check
from rehearsal.live.identity.emulator import iam, iam_actions

if TYPE_CHECKING:
    from rehearsal.live.identity.keys import Keys

TOUCHES = (
    Private(
        "core.iam_actions",
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
    ),
    Private("core.iam_actions", "extract_iam_action", ("service", "method", "path", "headers", "body", "query_params")),
    Private("services.iam", "_roles"),
    Private("services.iam", "_users"),
)

NAMED = {
    "replicationgroup": ("ReplicationGroupId", "ReplicationGroupIds", "PrimaryReplicationGroupId"),
    "cluster": ("CacheClusterId", "CacheClusterIds"),
    "serverlesscache": ("ServerlessCacheName",),
    "usergroup": ("UserGroupId", "UserGroupIds", "UserGroupIdsToAdd", "UserGroupIdsToRemove"),
    "user": ("UserId", "UserIds", "UserIdsToAdd", "UserIdsToRemove"),
    "parametergroup": ("CacheParameterGroupName",),
    "subnetgroup": ("CacheSubnetGroupName",),
    "securitygroup": ("CacheSecurityGroupName", "CacheSecurityGroupNames"),
    "snapshot": ("SnapshotName", "SourceSnapshotName", "TargetSnapshotName", "FinalSnapshotIdentifier"),
    "serverlesscachesnapshot": (
        "ServerlessCacheSnapshotName",
        "SourceServerlessCacheSnapshotName",
        "TargetServerlessCacheSnapshotName",
        "FinalSnapshotName",
    ),
    "globalreplicationgroup": ("GlobalReplicationGroupId",),
    "reserved-instance": ("ReservedCacheNodeId",),
}
"""The kinds of ElastiCache's resources, and the parameters that name them."""

LISTED = {
    "DescribeCacheClusters": ("cluster", "CacheClusterId"),
    "DescribeCacheParameterGroups": ("parametergroup", "CacheParameterGroupName"),
    "DescribeCacheParameters": ("parametergroup", "CacheParameterGroupName"),
    "DescribeCacheSecurityGroups": ("securitygroup", "CacheSecurityGroupName"),
    "DescribeCacheSubnetGroups": ("subnetgroup", "CacheSubnetGroupName"),
    "DescribeGlobalReplicationGroups": ("globalreplicationgroup", "GlobalReplicationGroupId"),
    "DescribeReplicationGroups": ("replicationgroup", "ReplicationGroupId"),
    "DescribeReservedCacheNodes": ("reserved-instance", "ReservedCacheNodeId"),
    "DescribeServerlessCacheSnapshots": ("serverlesscachesnapshot", "ServerlessCacheSnapshotName"),
    "DescribeServerlessCaches": ("serverlesscache", "ServerlessCacheName"),
    "DescribeSnapshots": ("snapshot", "SnapshotName"),
    "DescribeUserGroups": ("usergroup", "UserGroupId"),
    "DescribeUsers": ("user", "UserId"),
}
"""What an action lists, and the parameter that names one; other parameters only filter."""

ON_NONE = frozenset(
    {
        "DescribeCacheEngineVersions",
        "DescribeEngineDefaultParameters",
        "DescribeEvents",
        "DescribeReservedCacheNodesOfferings",
        "DescribeServiceUpdates",
    }
)
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
ROLE_PARAMETERS = ("RoleARN", "RoleArn", "roleArn", "Role", "MonitoringRoleArn", "DeliverLogsPermissionArn")
PASSED_TO = {"ec2": "vpc-flow-logs", "rds": "monitoring.rds", "application-autoscaling": "application-autoscaling"}
UNKNOWN = "UnknownOperation"  # an action that only a policy for everything grants
READS = ("Describe", "Get", "List")


def _elasticache(call: Call) -> Asked:
    def arn(kind: str, name: str) -> str:
        whole = call.arn(f"{kind}:{name}")
        return whole.replace(f":{call.region}:", "::", 1) if kind == "globalreplicationgroup" else whole

    if call.action in ON_NONE:
        return Asked.about("*")
    if listed := LISTED.get(call.action):
        kind, parameter = listed
        return Asked.about(arn(kind, call.text(parameter) or "*"))
    if tagged := call.text("ResourceName"):
        return Asked.about(tagged)
    resources = [
        arn(kind, name)
        for kind, parameters in NAMED.items()
        for parameter in parameters
        for name in call.texts(parameter)
    ]
    if call.action == "CreateReplicationGroup" and (primary := call.text("PrimaryClusterId")):
        resources.append(arn("cluster", primary))
    if not resources:
        return Asked.about("*")
    first, *others = dict.fromkeys(resources)
    further = [Check(f"elasticache:{call.action}", resource) for resource in others]
    further += [Check("s3:GetObject", file) for file in call.texts("SnapshotArns")]
    return Asked.about(first, tuple(further))


def _logs(call: Call, stock: str) -> Asked:
    """The ARN of a log group has its log stream, which is empty for the group itself; that of its tags has none."""
    if call.action in ("TagResource", "UntagResource", "ListTagsForResource") or ":log-group:" not in stock:
        return Asked.about(stock)
    return Asked.about(f"{stock}:log-stream:{call.text('logStreamName')}")


def _role_passed(call: Call) -> list[Check]:
    """A request that names a role for a service to use must be allowed to pass it."""
    if call.service in ("sts", "iam") or call.action.startswith(READS):
        return []
    roles = [call.text(parameter) for parameter in ROLE_PARAMETERS]
    targets = call.body.get("Targets")
    roles += [
        str(target.get("RoleArn", ""))
        for target in (targets if isinstance(targets, list) else [])
        if isinstance(target, dict)
    ]
    service = f"{PASSED_TO.get(call.service, call.service)}.amazonaws.com"
    return [
        Check("iam:PassRole", role, {"iam:passedtoservice": service})
        for role in dict.fromkeys(roles)
        if ROLE.fullmatch(role)
    ]


def _assumed(call: Call, role: str) -> Asked:
    given = {"sts:externalid": call.text("ExternalId"), "sts:rolesessionname": call.text("RoleSessionName")}
    context = {key: value for key, value in given.items() if value}
    tagged = call.text("Tags.member.1.Key") or call.body.get("Tags")
    return Asked.about(role, (Check("sts:TagSession", role, context),) if tagged else (), context)


def _with_path(call: Call, stock: str) -> str:
    """The ARN of a role or user with its path, which the request does not have."""
    stores = {"RoleName": iam._roles, "UserName": iam._users}
    for parameter, store in stores.items():
        if name := call.text(parameter):
            return str((store.get(name) or {}).get("Arn") or stock)
    return stock


def asked(call: Call, stock: str, keys: Keys) -> Asked:
    """What a request asks for.

    Args:
        call: The request.
        stock: The ARN that the emulator gives.
        keys: Knows the keys that services use for the caller.
    """
    found = Asked.about(stock)
    if call.service == "elasticache":
        found = _elasticache(call)
    elif call.service == "logs":
        found = _logs(call, stock)
    elif call.service == "ec2" and call.action.startswith("Describe"):
        found = Asked.about("*")  # none of them is on a resource
    elif call.service == "lambda" and call.action == "InvokeFunction" and (version := call.text("Qualifier")):
        found = Asked.about(stock if stock.endswith(f":{version}") else f"{stock}:{version}")
    elif call.service == "sts" and ":role/" in stock:
        found = _assumed(call, stock)
    elif call.service == "iam":
        found = Asked.about(_with_path(call, stock))
    elif call.service == "kms":
        found = keys.direct(call, stock)
    further = (*found.further, *_role_passed(call), *keys.used(call, str(found)))
    return Asked.about(str(found), further, found.context)


def install(keys: Keys) -> None:
    """Let the emulator ask for these resources, and for each request: one that it does not know it would not judge.

    Args:
        keys: Knows the keys that services use for the caller.
    """
    stock, stock_action = iam_actions.extract_resource_arn, iam_actions.extract_iam_action

    def extract(  # noqa: PLR0917 - the emulator's signature
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, object],
        region: str,
        account_id: str,
    ) -> Asked:
        arn = stock(service, method, path, headers, body, query_params, region, account_id)
        action = stock_action(service, method, path, headers, body, query_params)
        call = Call.of(service, action, query_params, body or b"", region=region, account=account_id)
        return asked(call, arn, keys)

    def extract_action(service: str, *arguments: Any) -> str:
        return stock_action(service, *arguments) or f"{service}:{UNKNOWN}"

    iam_actions.extract_resource_arn, iam_actions.extract_iam_action = extract, extract_action
