"""The minimum policy that an operation needs, with the resources of the stage.

See https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticache.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from operations.scene import SITE
from rehearsal.drills import regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from operations.target import Target

Statement = dict[str, Any]

READ_CACHES = ("DescribeCacheClusters", "DescribeReplicationGroups", "DescribeUpdateActions")


def document(operation: str, target: Target) -> str:
    """The policy for an operation on a stage, as JSON.

    Args:
        operation: `failover`, `promote`, `rotate`, `restore` or `updates`.
        target: The stage.
    """
    statements = [*_reading(operation, target), *STATEMENTS[operation](target)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def _reading(operation: str, target: Target) -> list[Statement]:
    """What every operation reads before it begins. The actions on `*` name no single resource, or list them all."""
    stacks = [_arn(target, "cloudformation")(f"stack/{name}/*") for name in target.described]
    return [
        _allow("cloudformation", ("DescribeStacks", "GetTemplate", "ListStackResources"), stacks),
        _allow("cloudformation", ("ListExports",), "*"),
        _allow("elasticache", READ_CACHES if operation == "updates" else (*READ_CACHES, "DescribeSnapshots"), "*"),
        _allow("cloudwatch", ("DescribeAlarms",), "*"),
    ]


def _failover(target: Target) -> list[Statement]:
    return [
        _allow("elasticache", ("TestFailover",), _groups(target)),
        _allow("elasticache", ("DescribeEvents",), "*"),
        _allow("cloudwatch", ("GetMetricStatistics",), "*"),
        *_sites(target),
    ]


def _promote(target: Target) -> list[Statement]:
    partition = target.caller.split(":")[1]
    stores = list(regions.datastores(target.deployed))
    # A global datastore has no Region in its ARN, and its members have theirs.
    named = [f"arn:{partition}:elasticache::{target.account}:globalreplicationgroup:{store.name}" for store in stores]
    named += [
        f"arn:{partition}:elasticache:{member.region}:{target.account}:replicationgroup:{member.name}"
        for store in stores
        for member in store.members
    ]
    return [
        *([_allow("elasticache", ("FailoverGlobalReplicationGroup",), named)] if named else []),
        _allow("elasticache", ("DescribeGlobalReplicationGroups",), "*"),
    ]


def _rotate(target: Target) -> list[Statement]:
    rotated = target.deployed.rotated
    arn = _arn(target, "lambda")
    if not rotated:
        return []
    return [
        _allow("secretsmanager", ("DescribeSecret", "RotateSecret"), [secret.secret for secret in rotated]),
        # Secrets Manager wants it of the caller: see the API reference of RotateSecret.
        _allow("lambda", ("InvokeFunction",), sorted({arn(f"function:{item.function.name}") for item in rotated})),
        _functions(target, (item.function.name for item in rotated)),
        _allow("elasticache", ("DescribeUserGroups", "DescribeUsers"), "*"),
        *_sites(target),
    ]


def _restore(target: Target) -> list[Statement]:
    arn, deployed = _arn(target, "elasticache"), target.deployed
    described = [deployed.describe(group.name) for group in deployed.groups]
    members = [deployed.member(group["MemberClusters"][0]) for group in described]
    made = [arn("replicationgroup:drill-*"), arn("snapshot:drill-*")]
    used = [
        *(arn(f"parametergroup:{member['CacheParameterGroup']['CacheParameterGroupName']}") for member in members),
        *(arn(f"subnetgroup:{member['CacheSubnetGroupName']}") for member in members),
        *(arn(f"usergroup:{name}") for group in described for name in group.get("UserGroupIds", [])),
        *(arn(f"snapshot:automatic.{group.name}-*") for group in deployed.groups),
    ]
    keys = sorted({group["KmsKeyId"] for group in described if group.get("KmsKeyId")})
    statements = [
        _allow("elasticache", ("CreateReplicationGroup",), [*made, *dict.fromkeys(used)]),
        _allow("elasticache", ("CreateSnapshot",), [*_groups(target), made[1]]),
        _allow("elasticache", ("DeleteReplicationGroup",), made),
        _allow("elasticache", ("DeleteSnapshot",), made[1:]),
        _allow("cloudwatch", ("GetMetricStatistics",), "*"),
    ]
    if keys:
        service = {"StringEquals": {"kms:ViaService": f"elasticache.{target.region}.amazonaws.com"}}
        statements.append({**_allow("kms", ("CreateGrant", "DescribeKey"), keys), "Condition": service})
    return statements


def _updates(target: Target) -> list[Statement]:
    arn = _arn(target, "elasticache")
    clusters = [
        arn(f"cluster:{deployment.physical_id(resource)}")
        for deployment, resource, _asked in target.deployed.all_of("AWS::ElastiCache::CacheCluster")
    ]
    return [
        _allow("elasticache", ("BatchApplyUpdateAction",), [*_groups(target), *clusters]),
        _allow("elasticache", ("DescribeServiceUpdates",), "*"),
    ]


STATEMENTS: Mapping[str, Callable[[Target], list[Statement]]] = {
    "failover": _failover,
    "promote": _promote,
    "restore": _restore,
    "rotate": _rotate,
    "updates": _updates,
}


def _sites(target: Target) -> list[Statement]:
    """What signed requests to the site take, and finding it."""
    site = target.deployed.site(SITE)
    if site is None:
        return []
    apis = _arn(target, "apigateway", account="")
    invoked = _arn(target, "execute-api")(f"{site.name}/$default/*/*")
    # Which of the APIs it is, is read from all of them.
    every = [apis(f"/apis/{each.name}") for each in target.deployed.sites]
    every += [apis(f"/apis/{each.name}/integrations") for each in target.deployed.sites]
    return [
        _allow("execute-api", ("Invoke",), [invoked]),
        _allow("apigateway", ("GET",), every),
        _functions(target, (each.function.name for each in target.deployed.sites)),
    ]


def _functions(target: Target, names: Iterable[str]) -> Statement:
    arn = _arn(target, "lambda")
    return _allow("lambda", ("GetFunctionConfiguration",), [arn(f"function:{name}") for name in names])


def _groups(target: Target) -> list[str]:
    return [str(target.deployed.describe(group.name)["ARN"]) for group in target.deployed.groups]


def _arn(target: Target, service: str, account: str | None = None) -> Callable[[str], str]:
    partition = target.caller.split(":")[1]
    number = target.account if account is None else account
    return lambda name: f"arn:{partition}:{service}:{target.region}:{number}:{name}"


def _allow(service: str, actions: Sequence[str], resources: Sequence[str] | str) -> Statement:
    named = [f"{service}:{action}" for action in actions]
    return {"Effect": "Allow", "Action": named, "Resource": resources if isinstance(resources, str) else [*resources]}
