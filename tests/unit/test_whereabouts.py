"""Two literals that contradict each other are refused where they meet; what is known at deployment only is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from application_constructs.function import WorkloadFunction
from application_constructs.http_api import FunctionApi
from elasticache_constructs import (
    Access,
    CacheNetwork,
    ConfigurationError,
    DefaultUser,
    Egress,
    Engine,
    MemcachedCluster,
    NodeType,
    ReplicationGroup,
    Rotation,
    ServerlessCache,
    ServerlessLimits,
    Snapshot,
)
from tests.conftest import FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = "123456789012"
ZONES = ("us-east-1a", "us-east-1b")
NODE = NodeType("cache.r7g.large")
USERS = Access.users(default=DefaultUser.with_token())


def _stack(region: str | None = "us-east-1", name: str = "Stack", app: cdk.App | None = None) -> cdk.Stack:
    environment = None if region is None else cdk.Environment(account=ACCOUNT, region=region)
    return cdk.Stack(app or cdk.App(context=FLAGS, analytics_reporting=False), name, env=environment)


def _vpc(stack: cdk.Stack, zones: Any = ZONES, **more: Any) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=[*zones], isolated_subnet_ids=["s-1", "s-2"], **more
    )


def _group(stack: cdk.Stack, **changes: Any) -> ReplicationGroup:
    arguments = {"vpc": changes.pop("vpc", None) or _vpc(stack), "engine": Engine.VALKEY_8_2, "node_type": NODE}
    return ReplicationGroup(stack, "Cache", **{**arguments, "access": USERS, **changes})


def _refused(build: Callable[[], object]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as refusal:
        build()
    return refusal.value


@pytest.mark.parametrize(
    ("region", "zones", "wrong", "right"),
    [
        ("us-east-1", ("eu-west-1a", "eu-west-1b"), "'eu-west-1a', 'eu-west-1b'", "['us-east-1a', 'us-east-1b']"),
        ("us-east-1", ("us-east-1a", "us-east-2c"), "'us-east-2c'", "['us-east-1a', 'us-east-1c']"),
        ("eu-west-1", ("euw1-az1", "euw1-az2"), "'euw1-az1', 'euw1-az2'", "['eu-west-1a', 'eu-west-1b']"),
        ("eu-west-1", ("EU-WEST-1A", "eu-west-1b"), "'EU-WEST-1A'", "['eu-west-1a', 'eu-west-1b']"),
        ("eu-west-1", ("eu-west-1a", "eu-west-1A"), "'eu-west-1A'", "['eu-west-1a', 'eu-west-1b']"),
        ("eu-west-1", ("a", "b"), "'a', 'b'", "['eu-west-1a', 'eu-west-1b']"),
        ("eu-west-1", ("eu-west-1", "eu-west-1b"), "'eu-west-1'", "['eu-west-1a', 'eu-west-1b']"),
        ("us-west-2", ("us-west-2a", "us-east-1-bos-1a"), "'us-east-1-bos-1a'", "['us-west-2a', 'us-west-2b']"),
        ("us-gov-west-1", ("us-west-1a", "us-gov-west-1b"), "'us-west-1a'", "['us-gov-west-1a', 'us-gov-west-1b']"),
        (None, ("eu-west-1a", "us-east-1b"), "'us-east-1b'", "['eu-west-1a', 'eu-west-1b']"),
        (None, ("euw1-az1", "euw1-az2"), "'euw1-az1', 'euw1-az2'", "['eu-west-1a', 'eu-west-1b']"),
    ],
)
def test_zones_of_a_network_are_of_its_region(
    region: str | None, zones: tuple[str, ...], wrong: str, right: str
) -> None:
    """Availability Zones have the names of the stack's region; the fix names them, and builds."""
    error = _refused(lambda: CacheNetwork(_stack(region), "Net", availability_zones=zones))

    assert f"availability_zones with {wrong}" + (f" in {region}" if region else "") == error.got
    assert f"Use availability_zones={right}" == error.fix
    # A list of literals.
    CacheNetwork(_stack(region), "Net", availability_zones=eval(right))  # noqa: S307


@pytest.mark.parametrize(
    "zones",
    [
        pytest.param(("us-west-2a", "us-west-2d"), id="zones of the region"),
        pytest.param(("us-west-2-lax-1a", "us-west-2-lax-1b"), id="Local Zones"),
    ],
)
def test_zones_of_the_region_are_right(zones: tuple[str, ...]) -> None:
    """Zones, Local Zones too, of the region are taken."""
    CacheNetwork(_stack("us-west-2"), "Net", availability_zones=zones)


def test_described_vpc_has_zones_of_the_region() -> None:
    """A VPC that is described by hand, here and to the CDK, is judged as one that is made."""
    wrong = ["eu-west-1a", "eu-west-1b"]
    error = _refused(
        lambda: CacheNetwork.from_attributes(
            _stack(), "Net", vpc_id="vpc-1", availability_zones=wrong, cache_subnet_ids=["s-1", "s-2"]
        )
    )
    assert "Use availability_zones=['us-east-1a', 'us-east-1b']" == error.fix


@pytest.mark.parametrize("kind", [ReplicationGroup, ServerlessCache, MemcachedCluster])
@pytest.mark.parametrize("wrong", [("eu-west-1a", "eu-west-1b"), ("use1-az1", "use1-az2")], ids=["region", "ids"])
def test_zones_of_a_given_vpc_are_of_the_region(kind: Any, wrong: tuple[str, ...]) -> None:
    """Every kind of cache looks at the zones of the VPC that it is given."""
    of_each: dict[Any, dict[str, Any]] = {
        ReplicationGroup: {"engine": Engine.VALKEY_8_2, "node_type": NODE, "access": USERS},
        ServerlessCache: {
            "limits": ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=1000),
            "access": USERS,
        },
        MemcachedCluster: {"node_type": NODE},
    }
    stack = _stack()

    assert f"'{wrong[0]}'" in _refused(lambda: kind(stack, "Cache", vpc=_vpc(stack, wrong), **of_each[kind])).got


def test_vpc_is_of_the_region() -> None:
    """A VPC that is said to be of another region is refused."""
    stack = _stack()
    error = _refused(lambda: _group(stack, vpc=_vpc(stack, region="eu-west-1")))

    assert "vpc of the region eu-west-1 in us-east-1" == error.got


def test_key_is_of_the_partition() -> None:
    """An ARN that contradicts itself is no key."""
    stack = _stack()
    arn, got = "arn:aws-cn:kms:us-east-1:123456789012:key/a", "an ARN of the partition aws-cn in us-east-1"
    assert got in _refused(lambda: _group(stack, encryption_key=kms.Key.from_key_arn(stack, "K", arn))).got


@pytest.mark.parametrize(
    ("arn", "got"),
    [
        ("arn:aws-us-gov:sns:us-east-1:123456789012:a", "an ARN of the partition aws-us-gov in us-east-1"),
        ("arn:aws:sqs:us-east-1:123456789012:a", "an ARN of sqs"),
    ],
)
def test_topic_is_of_the_partition_and_of_sns(arn: str, got: str) -> None:
    """The same of a topic."""
    stack = _stack()
    assert got in _refused(lambda: _group(stack, notification_topic=sns.Topic.from_topic_arn(stack, "T", arn))).got


@pytest.mark.parametrize(("region", "partition"), [("us-east-1", "aws-cn"), ("cn-north-1", "aws")])
def test_files_are_of_the_partition(region: str, partition: str) -> None:
    """Buckets of another partition are not reached."""
    stack, file = _stack(region), f"arn:{partition}:s3:::bucket/dump.rdb"
    vpc = _vpc(stack, [f"{region}a", f"{region}b"])
    error = _refused(lambda: _group(stack, vpc=vpc, restore_from=Snapshot.rdb_files([file])))

    assert f"the partition {partition} in {region}" in error.got


@pytest.mark.parametrize(
    ("arn", "got"),
    [
        ("arn:aws:sns:eu-west-1:123456789012:a", "alarm_topic of the region eu-west-1 in us-east-1"),
        ("arn:aws:sns:us-east-1:123456789012:a.fifo", "alarm_topic that is a FIFO topic"),
    ],
)
def test_alarm_topic_hears_alarms(arn: str, got: str) -> None:
    """Alarms and dead letters go to standard topics of the same region."""
    stack = _stack()
    group, topic = _group(stack), sns.Topic.from_topic_arn(stack, "T", arn)
    rotation = Rotation(vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED))

    assert got == _refused(lambda: group.rotate_secrets(rotation, alarm_topic=topic)).got


def test_rotation_is_beside_the_cache() -> None:
    """The function joins groups of the cache's VPC, not those of another network."""
    stack = _stack()
    group = _group(stack, vpc=CacheNetwork(stack, "Ours", availability_zones=ZONES).vpc)
    other = CacheNetwork(stack, "Other", availability_zones=ZONES)

    error = _refused(lambda: group.rotate_secrets(Rotation.in_network(other)))
    assert "a security group of another VPC" in error.got


@pytest.mark.parametrize("what", ["network", "function", "api"])
def test_every_key_is_of_the_region(what: str) -> None:
    """Whatever takes a key looks at its region."""
    stack = _stack()
    ours, theirs = (
        kms.Key.from_key_arn(stack, region, f"arn:aws:kms:{region}:{ACCOUNT}:key/a")
        for region in ("us-east-1", "eu-west-1")
    )

    def function(key: kms.IKey) -> WorkloadFunction:
        return WorkloadFunction(
            stack,
            "Function",
            code=lambda_.Code.from_inline("pass"),
            handler="index.handler",
            vpc=_vpc(stack),
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[],
            environment={},
            encryption_key=key,
        )

    build: dict[str, Callable[[], object]] = {
        "network": lambda: CacheNetwork(stack, "Net", availability_zones=ZONES, encryption_key=theirs),
        "function": lambda: function(theirs),
        "api": lambda: FunctionApi(stack, "Api", function=function(ours), encryption_key=theirs),
    }
    assert "encryption_key of the region eu-west-1 in us-east-1" == _refused(build[what]).got


def test_what_is_known_at_deployment_only_is_not_judged() -> None:
    """A stack without account and region takes every zone, key and topic, since it may be the right one."""
    stack = _stack(None)
    key = kms.Key.from_key_arn(stack, "K", cdk.CfnParameter(stack, "Key").value_as_string)
    arn = f"arn:{cdk.Aws.PARTITION}:sns:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:events"
    topic = sns.Topic.from_topic_arn(stack, "T", arn)

    _group(stack, vpc=_vpc(stack, ["eu-west-1a", "eu-west-1b"]), encryption_key=key, notification_topic=topic)


def test_network_without_a_way_out_is_no_place_for_a_rotation() -> None:
    """Refused where it is written; with an endpoint of one's own it is not known to be wrong."""
    network = CacheNetwork(_stack(), "Net", availability_zones=ZONES, egress=Egress.NONE)

    error = _refused(lambda: Rotation.in_network(network))
    assert "Rotation.in_network(network) with CacheNetwork(egress=Egress.NONE)" == error.got
    assert "Use CacheNetwork(egress=Egress.ENDPOINTS), or Egress.NAT" == error.fix

    network.vpc.add_interface_endpoint("Secrets", service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER)
    Rotation.in_network(network)
