"""Caches that exist: what is imported refers to nothing that is made, and states what it cannot change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    Backups,
    ConfigurationError,
    EncryptionAtRest,
    Engine,
    ExistingMemcachedCluster,
    ExistingReplicationGroup,
    ExistingServerlessCache,
    Log,
    LogDelivery,
    MemcachedCluster,
    NodeType,
    ReplicationGroup,
    Rotation,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    Snapshot,
    Topology,
    TransitEncryption,
)
from elasticache_rules.change_gate import Effect, compare
from tests.conftest import new_bench
from tests.unit.builders import NO_ALARMS, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Bench

WHY = "It is so since 2019, and ends in January."
TODO = "TODO: why, and until when"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/0123abcd-01ab-01ab-01ab-0123456789ab"
GROUP = "sg-0123456789abcdef0"
NO_LOG = Log.disabled(reason=WHY)
OFF = EncryptionAtRest.disabled(reason=WHY)
PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import.html"


def existing_group(**changes: Any) -> ExistingReplicationGroup:
    """A group without anything that the construct would make."""
    given: dict[str, Any] = {
        "replication_group_id": "orders-2019",
        "subnet_group_name": "old-subnets",
        "encryption_at_rest": OFF,
        "security_group_ids": [GROUP],
        "parameter_group_name": "default.redis7",
        "has_no_notification_topic": True,
        "no_backups_reason": WHY,
    }
    return ExistingReplicationGroup(**{**given, **changes})


def existing_cluster(**changes: Any) -> ExistingMemcachedCluster:
    """A cluster without anything that the construct would make."""
    given: dict[str, Any] = {
        "cluster_id": "pages-2018",
        "subnet_group_name": "old-subnets",
        "security_group_ids": [GROUP],
        "parameter_group_name": "default.memcached1.6",
        "has_no_notification_topic": True,
        "no_tls_reason": WHY,
    }
    return ExistingMemcachedCluster(**{**given, **changes})


def existing_serverless(**changes: Any) -> ExistingServerlessCache:
    """A serverless cache without anything that the construct would make."""
    given: dict[str, Any] = {
        "serverless_cache_name": "carts",
        "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "encryption_at_rest": EncryptionAtRest.service_key(reason=WHY),
        "security_group_ids": [GROUP],
    }
    return ExistingServerlessCache(**{**given, **changes})


def _group(bench: Bench, **changes: Any) -> ReplicationGroup:
    arguments: dict[str, Any] = {
        "vpc": bench.vpc,
        "engine": Engine.REDIS_7_0,
        "node_type": SMALL,
        "access": Access.without_login(reason=WHY),
        "transit_encryption": TransitEncryption.disabled(reason=WHY),
        "log_delivery": LogDelivery(slow_log=NO_LOG, engine_log=NO_LOG),
        "existing": existing_group(),
        "alarms": NO_ALARMS,
    }
    return ReplicationGroup(bench.stack, "Orders", **{**arguments, **changes})


def _cluster(bench: Bench, **changes: Any) -> MemcachedCluster:
    arguments: dict[str, Any] = {"existing": existing_cluster(), "nodes": 1, "alarms": NO_ALARMS}
    engine = Engine("memcached", "1.5.16", unlisted=True)
    return MemcachedCluster(
        bench.stack, "Pages", **{"vpc": bench.vpc, "node_type": SMALL, "engine": engine, **arguments, **changes}
    )


def _serverless(bench: Bench, **changes: Any) -> ServerlessCache:
    arguments: dict[str, Any] = {
        "vpc": bench.vpc,
        "engine": ServerlessEngine.VALKEY_8,
        "limits": ServerlessLimits(unlimited_reason=WHY),
        "access": Access.without_login(reason=WHY),
        "existing": existing_serverless(),
        "alarms": NO_ALARMS,
    }
    return ServerlessCache(bench.stack, "Carts", **{**arguments, **changes})


def _only(bench: Bench, kind: str) -> dict[str, Any]:
    (found,) = (each for each in bench.template()["Resources"].values() if each["Type"] == f"AWS::ElastiCache::{kind}")
    resource: dict[str, Any] = found
    return resource


@pytest.mark.parametrize(
    ("make", "kind", "stated"),
    [
        (
            _group,
            "ReplicationGroup",
            {
                "ReplicationGroupId": "orders-2019",
                "CacheSubnetGroupName": "old-subnets",
                "AtRestEncryptionEnabled": False,
                "SecurityGroupIds": [GROUP],
                "CacheParameterGroupName": "default.redis7",
                "SnapshotRetentionLimit": 0,
                "MultiAZEnabled": True,
            },
        ),
        (
            lambda bench: _group(
                bench,
                access=Access.auth_token(),
                transit_encryption=TransitEncryption.required(),
                existing=existing_group(
                    encryption_at_rest=EncryptionAtRest.customer_key(KEY),
                    auth_token_secret="orders/token",
                    no_multi_az_reason=WHY,
                    no_backups_reason=None,
                ),
                backups=Backups(retention_days=1, short_retention_reason=WHY),
            ),
            "ReplicationGroup",
            {
                "AtRestEncryptionEnabled": True,
                "KmsKeyId": KEY,
                "AuthToken": "{{resolve:secretsmanager:orders/token:SecretString:password::}}",
                "SnapshotRetentionLimit": 1,
                "AutomaticFailoverEnabled": True,
                "MultiAZEnabled": False,
            },
        ),
        (
            lambda bench: _cluster(
                bench,
                nodes=2,
                availability_zones=["eu-west-1c", "eu-west-1c"],
                existing=existing_cluster(no_multi_az_reason=WHY),
            ),
            "CacheCluster",
            {
                "ClusterName": "pages-2018",
                "CacheSubnetGroupName": "old-subnets",
                "TransitEncryptionEnabled": False,
                "VpcSecurityGroupIds": [GROUP],
                "AZMode": "single-az",
                "PreferredAvailabilityZones": ["eu-west-1c", "eu-west-1c"],
            },
        ),
        (
            lambda bench: _serverless(bench, existing=existing_serverless(no_backups_reason=WHY)),
            "ServerlessCache",
            {
                "ServerlessCacheName": "carts",
                "SubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
                "SecurityGroupIds": [GROUP],
                "SnapshotRetentionLimit": 0,
            },
        ),
    ],
)
def test_what_is_imported_refers_to_nothing_that_is_made(
    make: Callable[[Bench], object], kind: str, stated: dict[str, object]
) -> None:
    """CDK imports a resource alone: a reference to anything that its stack makes would fail. It outlives its stack."""
    bench = new_bench()
    make(bench)

    resource = _only(bench, kind)
    properties = resource["Properties"]
    properties.pop("FinalSnapshotName", None)  # of the stack's id, which an import knows
    assert stated == {name: properties.get(name) for name in stated}
    assert "Ref" not in json.dumps(properties)
    assert "Fn::" not in json.dumps(properties)
    assert "KmsKeyId" in stated or "KmsKeyId" not in properties
    assert ("Retain", "Retain") == (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])


def test_clients_are_admitted_by_the_first_security_group_that_is_there() -> None:
    """A client that joins the construct's group reaches the cache, and nothing about the cache changes for it."""
    bench = new_bench()
    cache = _group(bench, existing=existing_group(security_group_ids=[GROUP, "sg-0123456789abcdef1"]))

    rules = [each for each in bench.template()["Resources"].values() if each["Type"].endswith("GroupIngress")]
    assert [GROUP] == [each["Properties"]["GroupId"] for each in rules]
    assert [bench.stack.resolve(cache.client_security_group.security_group_id)] == [
        each["Properties"]["SourceSecurityGroupId"] for each in rules
    ]


def test_what_is_left_out_is_made_in_place() -> None:
    """Each argument that can be left out is, one after the other: the gate sees no replacement and no interruption."""
    before = new_bench()
    _group(before)
    after = new_bench()
    _group(
        after,
        existing=ExistingReplicationGroup(
            replication_group_id="orders-2019", subnet_group_name="old-subnets", encryption_at_rest=OFF
        ),
    )

    changes = compare(before.template(), after.template())
    # A name in the place of another is known at deployment only; its property is changed in place.
    assert {Effect.IN_PLACE, Effect.NOT_JUDGED} == {
        each.effect for each in changes if each.resource == "OrdersA9B65338"
    }
    assert [] == list(changes.blocking())


def test_nodes_are_watched_under_their_own_ids() -> None:
    """Nodes that were replaced by hand have other numbers than those of a new group."""
    nodes = ["orders-2019-002", "orders-2019-003"]
    assert nodes == list(_group(new_bench(), existing=existing_group(node_ids=nodes)).node_ids)
    assert ["orders-001", "orders-002"] != list(_group(new_bench()).node_ids)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda _: existing_group(replication_group_id="Orders_2019"),
            "ExistingReplicationGroup(replication_group_id='Orders_2019'): an existing cache is named as the service "
            "shows it: lower-case letters, digits and single hyphens. Write it as in 'orders-2019'. See " + PAGE,
        ),
        (
            lambda _: existing_group(security_group_ids=["redis"]),
            "ExistingReplicationGroup(security_group_ids=['redis']): what is imported names them by their ids, and is "
            "in at least one. Write them as in ['sg-0123456789abcdef0'], as the service shows them. See " + PAGE,
        ),
        (
            lambda _: existing_cluster(subnet_group_name=cdk.Fn.import_value("Subnets")),
            "ExistingMemcachedCluster(subnet_group_name=...) with a CDK token: what is imported refers to nothing that "
            "the same deployment would make. Write it out as the service shows it. See " + PAGE,
        ),
        (
            lambda _: EncryptionAtRest.customer_key("alias/orders"),
            "EncryptionAtRest.customer_key('alias/orders'): an existing cache names its key by the ARN that "
            f"DescribeReplicationGroups shows as KmsKeyId. Write it as in {KEY!r}. See " + PAGE,
        ),
        (
            lambda _: EncryptionAtRest.disabled(reason="old"),
            (
                "EncryptionAtRest.disabled with the reason 'old': a reason has 20 characters at least. Write why "
                "this is right here, so that it can be reviewed."
            ),
        ),
        (
            lambda _: existing_serverless(encryption_at_rest=OFF),
            (
                "ExistingServerlessCache(encryption_at_rest=EncryptionAtRest.disabled(...)): a serverless cache is "
                "always encrypted at rest. Use EncryptionAtRest.service_key(reason='...') where it has no KmsKeyId."
                " See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/at-rest-encryption.html"
            ),
        ),
        (
            lambda bench: _group(bench, vpc_subnets={}),
            "ReplicationGroup(existing=..., vpc_subnets=...): a cache that exists stays in the subnets that it has.",
        ),
        (
            lambda bench: _serverless(bench, max_azs=2),
            (
                "ServerlessCache(existing=..., max_azs=2): a cache that exists stays in the subnets that it has. "
                "Leave max_azs out."
            ),
        ),
        (
            lambda bench: _serverless(bench, existing=existing_serverless(subnet_ids=None)),
            (
                "ServerlessCache(existing=...) without subnet_ids: a cache in a VPC stays in the subnets that it has. "
                "Add subnet_ids=[...] to ExistingServerlessCache; if its ConnectionType is public, add "
                "public_endpoint_reason='...'"
            ),
        ),
        (
            lambda bench: _serverless(bench, public_endpoint_reason=WHY),
            (
                "ServerlessCache(public_endpoint_reason=...) with subnet_ids and security_group_ids of existing: a "
                "cache with a public endpoint is in no VPC. Leave subnet_ids and security_group_ids out, or leave "
                "public_endpoint_reason out"
            ),
        ),
        (
            lambda bench: _group(bench, restore_from=Snapshot.named("nightly")),
            "ReplicationGroup(existing=..., restore_from=...): a group that exists is not restored. Leave restore_from "
            "out. See " + PAGE,
        ),
        (
            lambda bench: _cluster(bench, parameters={"idle_timeout": "60"}),
            "MemcachedCluster(existing=..., parameters=...): the parameters are those of its parameter_group_name. "
            "Leave parameter_group_name out to have a parameter group with these parameters, or the parameters. See "
            + PAGE,
        ),
        (
            lambda bench: _group(bench, existing=existing_group(auth_token_secret="token")),
            "ReplicationGroup(existing=..., access=...): an auth_token_secret is of a group with an AUTH token. Use "
            "Access.auth_token(), or leave auth_token_secret out. See " + PAGE,
        ),
        (
            lambda bench: _group(
                bench, topology=Topology(replicas_per_shard=0), existing=existing_group(no_multi_az_reason=WHY)
            ),
            "ReplicationGroup(existing=..., topology=...): no_multi_az_reason is for a group with automatic failover. "
            "Leave no_multi_az_reason out: Topology(no_failover_reason='...') says it of both. See " + PAGE,
        ),
        (
            lambda bench: _group(bench).notification_topic,
            (
                "notification_topic of a ReplicationGroup with has_no_notification_topic=True: the events of this "
                "cache go to no topic. Leave has_no_notification_topic out: a topic is made, and set in place. See "
                "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ElastiCacheSNS.html"
            ),
        ),
        (
            lambda bench: _group(
                bench,
                access=Access.auth_token(),
                transit_encryption=TransitEncryption.required(),
                existing=existing_group(auth_token_secret="token"),
            ).rotate_secrets(Rotation(vpc_subnets=ec2.SubnetSelection())),
            (
                "rotate_secrets of a group with ExistingReplicationGroup(auth_token_secret=...): the secret is its "
                "owner's, and so is its rotation. Leave auth_token_secret out: a token is generated then, and the "
                "old one stays valid until the first rotation (docs/adopt.md)."
            ),
        ),
        (
            lambda bench: _group(bench, node_type=NodeType("cache.t2.micro", previous_generation=True), existing=None),
            (
                "NodeType('cache.t2.micro', previous_generation=True) for a new cache: a type of a previous "
                "generation is for a cache that exists and runs on it. Use cache.t4g.small, cache.m7g.large or "
                "cache.r7g.large; where the cache exists, add existing=..."
            ),
        ),
        (
            lambda _: NodeType("cache.r7g.large", previous_generation=True),
            (
                "NodeType('cache.r7g.large', previous_generation=True): the type is available for new caches. Leave"
                " previous_generation out."
            ),
        ),
    ],
)
def test_what_is_refused(make: Callable[[Bench], object], message: str) -> None:
    """Each mistake with what was got, what is allowed, and the fix."""
    with pytest.raises(ConfigurationError) as refused:
        make(new_bench())
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["cache.t2.micro", "cache.m3.medium", "cache.r3.8xlarge", "cache.t1.micro"])
def test_an_existing_cache_may_run_on_a_previous_generation(name: str) -> None:
    """Types that new caches cannot have are still run."""
    bench = new_bench()
    _group(bench, node_type=NodeType(name, previous_generation=True))
    assert name == _only(bench, "ReplicationGroup")["Properties"]["CacheNodeType"]


@pytest.mark.parametrize(
    "make",
    [
        lambda bench: _group(bench, access=Access.without_login(reason=TODO)),
        lambda bench: _group(bench, log_delivery=LogDelivery(slow_log=Log.disabled(reason=TODO), engine_log=NO_LOG)),
        lambda bench: _cluster(bench, auto_minor_version_upgrade=False, manual_upgrades_reason=TODO),
        lambda bench: _serverless(bench, limits=ServerlessLimits(unlimited_reason=TODO)),
        lambda bench: _group(bench).apply_removal_policy(cdk.RemovalPolicy.DESTROY, reason=TODO),
    ],
)
def test_an_open_reason_fails_a_protected_stack(make: Callable[[Bench], object]) -> None:
    """A reason that begins with TODO is a warning; with termination protection, also turned on later, an error."""
    bench = new_bench()
    make(bench)
    messages = cdk.assertions.Annotations.from_stack(bench.stack)
    (warning,) = messages.find_warning("*", cdk.assertions.Match.string_like_regexp(TODO))
    assert "a reason is written out before a stack with termination protection is deployed" in str(warning.entry.data)

    bench.stack.termination_protection = True
    with pytest.raises(RuntimeError, match=TODO):
        bench.stack.node.root.synth(force=True)  # type: ignore[attr-defined]
