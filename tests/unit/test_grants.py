"""Access of people to the ElastiCache API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import aws_iam as iam

from elasticache_constructs import MemcachedCluster, ReplicationGroup, ServerlessCache
from tests.policies.deployment import ACCOUNT, REGION, Deployment
from tests.policies.evaluator import Call, is_allowed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.conftest import Bench

OPERATIONS = set(botocore.session.get_session().get_service_model("elasticache").operation_names)
ARN = f"arn:aws:elasticache:{REGION}:{ACCOUNT}"


def _group(bench: Bench) -> Any:
    return ReplicationGroup.from_replication_group_attributes(
        bench.stack, "Cache", replication_group_id="shop", endpoint_address="shop.example", security_groups=[]
    )


def _memcached(bench: Bench) -> Any:
    return MemcachedCluster.from_memcached_cluster_attributes(
        bench.stack,
        "Cache",
        cluster_id="shop",
        discovery_endpoint_address="shop.example",
        security_groups=[],
        nodes=2,
    )


def _serverless(bench: Bench) -> Any:
    return ServerlessCache.from_serverless_cache_attributes(
        bench.stack, "Cache", serverless_cache_name="shop", endpoint_address="shop.example", security_groups=[]
    )


CACHES: Mapping[str, Callable[[Bench], Any]] = {
    "group": _group,
    "memcached": _memcached,
    "serverless": _serverless,
}
# What is read by name, and what is done: its action, and the resources that the action takes at once.
READS = {
    "group": {"DescribeReplicationGroups": "replicationgroup:shop", "DescribeCacheClusters": "cluster:shop-0001-002"},
    "memcached": {"DescribeCacheClusters": "cluster:shop", "DescribeUpdateActions": "cluster:shop"},
    "serverless": {"DescribeServerlessCaches": "serverlesscache:shop", "DescribeServerlessCacheSnapshots": "*"},
}
OPERATES = {
    "group": {
        "BatchApplyUpdateAction": ["replicationgroup:{}"],
        "CreateSnapshot": ["replicationgroup:{}", "snapshot:nightly"],
        "RebootCacheCluster": ["cluster:{}-0001-002"],
        "TestFailover": ["replicationgroup:{}"],
    },
    "memcached": {"BatchApplyUpdateAction": ["cluster:{}"], "RebootCacheCluster": ["cluster:{}"]},
    "serverless": {"CreateServerlessCacheSnapshot": ["serverlesscache:{}", "serverlesscachesnapshot:nightly"]},
}


def _role(bench: Bench, name: str = "Role") -> iam.Role:
    return iam.Role(bench.stack, name, assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))


def _may(bench: Bench, action: str, resource: str) -> bool:
    """Whether the role may make a call, by the template."""
    policies = Deployment({"Stack": bench.template()}).policies
    (role,) = policies.attached
    call = Call(
        action=f"elasticache:{action}", resource=resource if resource == "*" else f"{ARN}:{resource.format('shop')}"
    )
    return is_allowed(policies.caller(role), call, policies.target(call.resource))


def _actions(bench: Bench) -> set[str]:
    statements = bench.only("IAM::ManagedPolicy")["Properties"]["PolicyDocument"]["Statement"]
    listed = [[each["Action"]] if isinstance(each["Action"], str) else each["Action"] for each in statements]
    return {action.removeprefix("elasticache:") for each in listed for action in each}


@pytest.mark.parametrize("kind", CACHES)
def test_audit_reads_and_changes_nothing(bench: Bench, kind: str) -> None:
    """An auditor may describe and list this cache and what it uses, by the service's own names of actions."""
    CACHES[kind](bench).grant_audit(_role(bench))

    assert set() == {each for each in _actions(bench) if not each.startswith(("Describe", "List"))}
    assert set() == _actions(bench) - OPERATIONS
    assert [] == [action for action, resource in READS[kind].items() if not _may(bench, action, resource)]


@pytest.mark.parametrize("kind", CACHES)
def test_operate_does_what_the_cache_has_and_neither_changes_nor_deletes(bench: Bench, kind: str) -> None:
    """An operator on call may do what loses no more than a restart does, and nothing to another cache."""
    CACHES[kind](bench).grant_operate(_role(bench))

    wanted = OPERATES[kind]
    assert set(wanted) == _actions(bench)
    assert [] == [(do, on) for do, all_of in wanted.items() for on in all_of if not _may(bench, do, on)]
    others = [(do, on.replace("{}", "other")) for do, all_of in wanted.items() for on in all_of if "{}" in on]
    assert [] == [each for each in others if _may(bench, *each)]


def test_two_people_share_a_policy(bench: Bench) -> None:
    """A second grant attaches the same policy."""
    cache = _group(bench)
    cache.grant_audit(_role(bench))
    cache.grant_audit(_role(bench, "Other"))

    attached = [each["Properties"]["ManagedPolicyArns"] for each in bench.resources("IAM::Role").values()]
    assert 1 == len(bench.resources("IAM::ManagedPolicy"))
    assert attached[0] == attached[1]
