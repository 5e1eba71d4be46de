"""Security groups besides a cache's own, a separate key for secrets, and names, of every kind of cache."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms

from elasticache_constructs import (
    Access,
    ConfigurationError,
    Name,
    Rotation,
    ServerlessCache,
    ServerlessLimits,
)
from elasticache_rules.change_gate import Effect, compare
from tests.conftest import Bench, new_bench
from tests.unit.builders import NO_ALARMS, USERS, memcached_cluster, replication_group

if TYPE_CHECKING:
    from collections.abc import Callable

REASON = "The runbooks of the team on duty name it."
PRIVATE = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
LIMITS = ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000)


def serverless_cache(bench: Bench, construct_id: str = "Serverless", **changes: Any) -> ServerlessCache:
    """A serverless cache with a password user, and with changes."""
    arguments: dict[str, Any] = {"vpc": bench.vpc, "limits": LIMITS, "access": USERS, "alarms": NO_ALARMS, **changes}
    return ServerlessCache(bench.stack, construct_id, **arguments)


MAKERS: dict[str, Callable[..., Any]] = {
    "ElastiCache::ReplicationGroup": replication_group,
    "ElastiCache::CacheCluster": memcached_cluster,
    "ElastiCache::ServerlessCache": serverless_cache,
}
every_kind = pytest.mark.parametrize(("kind", "make"), MAKERS.items(), ids=MAKERS)
NAMES = {
    "ElastiCache::ReplicationGroup": "ReplicationGroupId",
    "ElastiCache::CacheCluster": "ClusterName",
    "ElastiCache::ServerlessCache": "ServerlessCacheName",
}


def _properties(bench: Bench, kind: str) -> dict[str, Any]:
    (resource,) = bench.resources(kind).values()
    properties: dict[str, Any] = resource["Properties"]
    return properties


@functools.cache
def _template(make: Callable[..., Any], choice: str) -> dict[str, Any]:
    bench = new_bench()
    scanner = ec2.SecurityGroup.from_security_group_id(bench.stack, "Scanner", "sg-scanner")
    key = kms.Key.from_key_arn(bench.stack, "Secrets", "arn:aws:kms:us-east-1:111111111111:key/secrets")
    choices: dict[str, dict[str, Any]] = {
        "nothing": {},
        "groups": {"security_groups": [scanner]},
        "key": {"secrets_key": key},
        "name": {"name": Name("orders", REASON)},
    }
    make(bench, "Cache", **choices[choice])
    return bench.template()


@every_kind
def test_additional_group_stands_after_the_caches_own(kind: str, make: Callable[..., Any]) -> None:
    """The cache has both groups, and the other one gets no rule of ours."""
    template = _template(make, "groups")

    (cache,) = (each for each in template["Resources"].values() if each["Type"] == f"AWS::{kind}")
    groups = cache["Properties"].get("SecurityGroupIds") or cache["Properties"]["VpcSecurityGroupIds"]
    rules = [each for each in template["Resources"].values() if "SecurityGroupIngress" in each["Type"]]
    assert ["sg-scanner"] == groups[1:]
    assert isinstance(groups[0], dict)
    assert "sg-scanner" not in str(rules)


@every_kind
@pytest.mark.parametrize("choice", ["groups", "name"])
def test_gate_says_what_a_choice_does(kind: str, make: Callable[..., Any], choice: str) -> None:
    """Another security group is added in place; a name makes another cache, and stops the deployment."""
    found = compare(_template(make, "nothing"), _template(make, choice))

    of_cache = {
        each.effect for each in found if each.property in (NAMES[kind], "SecurityGroupIds", "VpcSecurityGroupIds")
    }
    if choice == "groups":
        assert {Effect.IN_PLACE} == of_cache
        assert [] == list(found.blocking())
    else:
        assert Effect.REPLACEMENT in of_cache
        assert NAMES[kind] in {each.property for each in found.blocking()}


@pytest.mark.parametrize("make", [replication_group, serverless_cache])
def test_key_of_secrets_changes_nothing_of_the_cache(make: Callable[..., Any]) -> None:
    """Only the secrets are encrypted with it, in place, and no password is generated again."""
    found = compare(_template(make, "nothing"), _template(make, "key"))

    assert {("KmsKeyId", Effect.IN_PLACE)} == {(each.property, each.effect) for each in found}
    secrets = [each for each in _template(make, "key")["Resources"].values() if "Secret" in each["Type"]]
    assert {"arn:aws:kms:us-east-1:111111111111:key/secrets"} == {each["Properties"]["KmsKeyId"] for each in secrets}
    assert {each.resource for each in found} == {
        name for name, each in _template(make, "key")["Resources"].items() if "SecretsManager" in each["Type"]
    }


def test_rotation_may_use_the_key_of_secrets() -> None:
    """The function decrypts and writes secrets with their key, through Secrets Manager alone."""
    bench = new_bench()
    key = kms.Key.from_key_arn(bench.stack, "Secrets", "arn:aws:kms:us-east-1:111111111111:key/secrets")
    group = replication_group(bench, access=Access.auth_token(), secrets_key=key)
    group.rotate_secrets(Rotation(vpc_subnets=PRIVATE))

    policies = bench.resources("IAM::ManagedPolicy").values()
    statements = [each for policy in policies for each in policy["Properties"]["PolicyDocument"]["Statement"]]
    (statement,) = (each for each in statements if each["Resource"] == key.key_arn)
    assert ["kms:Decrypt", "kms:GenerateDataKey"] == statement["Action"]
    assert "secretsmanager." in str(statement["Condition"]["StringEquals"]["kms:ViaService"])


@every_kind
def test_two_caches_have_two_names(kind: str, make: Callable[..., Any]) -> None:
    """A name is unique among the caches of its kind, and the id that alarms and grants are about is the name."""
    bench = new_bench()
    make(bench, "One", name=Name("orders", REASON))

    with pytest.raises(ConfigurationError) as refusal:
        make(bench, "Two", name=Name("orders", REASON))
    assert "Give one of the two another name" in refusal.value.fix
    assert "orders" == _properties(bench, kind)[NAMES[kind]]


def test_group_of_another_type_is_refused() -> None:
    """An id alone is no security group."""
    bench = new_bench()

    with pytest.raises(ConfigurationError, match="security_groups is of type ISecurityGroup"):
        memcached_cluster(bench, security_groups=["sg-1"])
    with pytest.raises(ConfigurationError, match=r"Name\(value=<a token"):
        Name(Aws.REGION, REASON)
