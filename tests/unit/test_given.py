"""Keys and topics that are given: they admit what uses them, or it is said that they must."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match
from constructs import Construct

from application_constructs.database import Database, DatabaseUser
from application_constructs.http_api import FunctionApi
from elasticache_constructs import (
    AlarmTopic,
    CacheNetwork,
    ConfigurationError,
    EncryptionKey,
    ReplicationGroup,
    Rotation,
)
from elasticache_constructs.shared.logs import log_group
from tests.unit.builders import app_of, memcached_cluster, replication_group
from tests.unit.test_grants_that_land import OURS, known_bench, serverless
from tests.unit.test_workload_function import function

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Bench

ARN = f"arn:aws:kms:eu-west-1:{OURS}:key/1"
TOPIC = f"arn:aws:sns:eu-west-1:{OURS}:mine"
SUBNETS = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)


def _database(bench: Bench, key: kms.IKey) -> object:
    size = ec2.InstanceType("t4g.micro")
    return Database(
        bench.stack, "Made", vpc=bench.vpc, instance_type=size, users=[DatabaseUser("shop")], encryption_key=key
    )


# Everything that takes a key and makes log groups with it.
LOGGING: dict[str, Callable[[Bench, Any], object]] = {
    "a replication group": lambda bench, key: replication_group(bench, encryption_key=key),
    "a network": lambda bench, key: CacheNetwork(
        bench.stack, "Net", availability_zones=["eu-west-1a", "eu-west-1b"], encryption_key=key
    ),
    "a function": lambda bench, key: function(bench, encryption_key=key),
    "an API": lambda bench, key: FunctionApi(bench.stack, "Api", function=function(bench), encryption_key=key),
    "a log group": lambda bench, key: log_group(bench.stack, "Log", key=key),
}
# Everything that takes a key.
TAKING: dict[str, Callable[[Bench, Any], object]] = {
    **LOGGING,
    "a serverless cache": lambda bench, key: serverless(bench, encryption_key=key),
    "a database": _database,
    "an alarm topic": lambda bench, key: AlarmTopic(bench.stack, "Topic", key=key),
}


def _policy(bench: Bench, logical_id: str, stack: cdk.Stack | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bench.resources("KMS::Key", stack)[logical_id]["Properties"]["KeyPolicy"]["Statement"]
    return found


def _logical_id(bench: Bench, key: kms.IKey) -> str:
    resource = key.node.default_child
    assert isinstance(resource, kms.CfnKey)
    return str(bench.stack.get_logical_id(resource))


def _warnings(bench: Bench, about: str) -> int:
    return len(Annotations.from_stack(bench.stack).find_warning("*", Match.string_like_regexp(about)))


@pytest.mark.parametrize("what", LOGGING)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["in its stack", "in another stack"])
def test_key_of_the_app_admits_logs(what: str, *, elsewhere: bool) -> None:
    """CloudWatch Logs of the account and region may use it, or no log group could be made with it."""
    bench = known_bench()
    env = cdk.Environment(account=OURS, region="eu-west-1")
    stack = cdk.Stack(app_of(bench), "Other", env=env) if elsewhere else bench.stack
    key = kms.Key(stack, "Mine")
    LOGGING[what](bench, key)

    (statement,) = [each for each in _policy(bench, _logical_id(bench, key), stack) if "logs" in json.dumps(each)]
    assert "logs.eu-west-1." in json.dumps(statement["Principal"])
    assert f":logs:eu-west-1:{OURS}:*" in json.dumps(statement["Condition"]["ArnLike"])
    assert {"kms:Decrypt", "kms:GenerateDataKey"} <= set(statement["Action"])
    assert 0 == _warnings(bench, "imported key")


@pytest.mark.parametrize("what", LOGGING)
def test_imported_key_is_warned_of(what: str) -> None:
    """What its policy says is not known: one warning, at the key, that can be acknowledged."""
    bench = known_bench()
    LOGGING[what](bench, kms.Key.from_key_arn(bench.stack, "Mine", ARN))

    assert 1 == _warnings(bench, "must let CloudWatch Logs use the key")


@pytest.mark.parametrize("what", LOGGING)
def test_own_key_needs_no_word(what: str) -> None:
    """An EncryptionKey admits all that, and is not written to again."""
    bench = known_bench()
    key = EncryptionKey(bench.stack, "Mine", description="Mine")
    LOGGING[what](bench, key)

    assert 4 == len(_policy(bench, _logical_id(bench, key)))
    assert 0 == _warnings(bench, "imported")


@pytest.mark.parametrize("what", TAKING)
def test_alias_stands_for_its_key(what: str) -> None:
    """An alias of a known key is that key: no policy and no property names the alias."""
    bench = known_bench()
    TAKING[what](bench, kms.Key(bench.stack, "Mine").add_alias("alias/mine"))

    resources = bench.template()["Resources"].values()
    assert [] == [each for each in resources if each["Type"] != "AWS::KMS::Alias" and "alias/" in json.dumps(each)]


@pytest.mark.parametrize("what", TAKING)
def test_alias_of_an_unknown_key_is_refused(what: str) -> None:
    """An alias in a policy allows nothing; the key behind it can be looked up."""
    bench = known_bench()

    with pytest.raises(ConfigurationError, match=r"kms\.Key\.from_lookup\(self, 'Key', alias_name='alias/mine'\)"):
        TAKING[what](bench, kms.Alias.from_alias_name(bench.stack, "Mine", "alias/mine"))


def test_advice_about_an_alias_builds() -> None:
    """With the key that is looked up the cache is made."""
    bench = known_bench()
    key = kms.Key.from_lookup(bench.stack, "Key", alias_name="alias/mine", return_dummy_key_on_missing=True)
    replication_group(bench, encryption_key=key)

    assert ":key/" in json.dumps(bench.only("ElastiCache::ReplicationGroup")["Properties"]["KmsKeyId"])


# Topics


EVENTS: dict[str, Callable[..., object]] = {"a replication group": replication_group, "a cluster": memcached_cluster}


@pytest.mark.parametrize("what", EVENTS)
@pytest.mark.parametrize("enforce_ssl", [False, True])
def test_topic_of_the_app_admits_events(what: str, *, enforce_ssl: bool) -> None:
    """A separate topic policy, even one that only requires TLS, would refuse ElastiCache's events."""
    bench = known_bench()
    topic = sns.Topic(bench.stack, "Mine", enforce_ssl=enforce_ssl)
    EVENTS[what](bench, notification_topic=topic)

    statements = bench.only("SNS::TopicPolicy")["Properties"]["PolicyDocument"]["Statement"]
    (statement,) = [each for each in statements if "SourceOwner" in json.dumps(each)]
    assert ("Allow", "sns:Publish", OURS) == (
        statement["Effect"],
        statement["Action"],
        statement["Condition"]["StringEquals"]["AWS:SourceOwner"],
    )


@pytest.mark.parametrize("what", EVENTS)
def test_imported_topic_is_warned_of(what: str) -> None:
    """What its policy says is not known."""
    bench = known_bench()
    EVENTS[what](bench, notification_topic=sns.Topic.from_topic_arn(bench.stack, "Mine", TOPIC))

    assert 1 == _warnings(bench, "must let ElastiCache publish")


@pytest.mark.parametrize("what", EVENTS)
@pytest.mark.parametrize("imported", [False, True], ids=["of the app", "imported"])
def test_encrypted_topic_for_events_is_refused(what: str, *, imported: bool) -> None:
    """ElastiCache cannot publish to one."""
    bench = known_bench()
    topic: sns.ITopic = (
        sns.Topic.from_topic_attributes(bench.stack, "Mine", topic_arn=TOPIC, key_arn=ARN)
        if imported
        else sns.Topic(bench.stack, "Mine", master_key=kms.Key(bench.stack, "Key"))
    )

    with pytest.raises(ConfigurationError, match="notification_topic that is encrypted"):
        EVENTS[what](bench, notification_topic=topic)


def _rotated(bench: Bench, topic: sns.ITopic) -> None:
    replication_group(bench).rotate_secrets(Rotation(vpc_subnets=SUBNETS), alarm_topic=topic)


@functools.cache
def _never_rotated() -> ReplicationGroup:
    """A group that is built once for all topics that are refused."""
    return replication_group(known_bench())


@pytest.mark.parametrize("key", [kms.Key, EncryptionKey])
def test_topic_of_the_app_admits_alarms(key: Any) -> None:
    """CloudWatch may publish, and use the key; so may the functions, whose dead letters go there."""
    bench = known_bench()
    made = key(bench.stack, "Mine", description="Mine")
    _rotated(bench, sns.Topic(bench.stack, "Topic", master_key=made, enforce_ssl=True))

    policies = bench.resources("SNS::TopicPolicy").values()
    statements = [each for policy in policies for each in policy["Properties"]["PolicyDocument"]["Statement"]]
    service = {"Service": "cloudwatch.amazonaws.com"}
    assert ["sns:Publish"] == [each["Action"] for each in statements if each["Principal"] == service]
    by_key = [each for each in _policy(bench, _logical_id(bench, made)) if each["Principal"] == service]
    assert [["kms:Decrypt", "kms:GenerateDataKey"]] == [each["Action"] for each in by_key]
    through_sns = {"StringEquals": {"kms:ViaService": "sns.eu-west-1.amazonaws.com"}}
    for policy in bench.resources("IAM::ManagedPolicy").values():
        by_function = policy["Properties"]["PolicyDocument"]["Statement"]
        assert [{"Fn::GetAtt": [_logical_id(bench, made), "Arn"]}] == [
            each["Resource"] for each in by_function if each.get("Condition") == through_sns
        ]


def test_imported_alarm_topic_is_warned_of() -> None:
    """What its policy says is not known, and neither what its key's does."""
    bench = known_bench()
    _rotated(bench, sns.Topic.from_topic_attributes(bench.stack, "Mine", topic_arn=TOPIC, key_arn=ARN))

    assert 1 == _warnings(bench, "must let CloudWatch publish")
    assert 1 == _warnings(bench, "must let CloudWatch use the key")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda scope: sns.Topic.from_topic_arn(scope, "Mine", f"arn:aws:sns:us-east-1:{OURS}:mine"),
            "alarm_topic of the region us-east-1 in eu-west-1",
            id="another region",
        ),
        pytest.param(
            lambda scope: sns.Topic.from_topic_arn(scope, "Mine", "arn:aws:sns:eu-west-1:999988887777:mine"),
            "alarm_topic of the account 999988887777 in 111122223333",
            id="another account",
        ),
        pytest.param(lambda scope: sns.Topic(scope, "Mine", fifo=True), "alarm_topic that is a FIFO topic", id="FIFO"),
        pytest.param(
            lambda scope: sns.Topic(scope, "Mine", master_key=kms.Alias.from_alias_name(scope, "Aws", "alias/aws/sns")),
            "alarm_topic encrypted with alias/aws/sns",
            id="AWS's key",
        ),
        pytest.param(
            lambda scope: sns.Topic(scope, "Mine", master_key=kms.Alias.from_alias_name(scope, "Alias", "alias/mine")),
            "alarm_topic's master_key that is the alias alias/mine",
            id="an alias of an unknown key",
        ),
        pytest.param(lambda _: iam.AccountRootPrincipal(), "alarm_topic is of type ITopic", id="what is no topic"),
    ],
)
def test_topic_that_no_alarm_reaches_is_refused(make: Callable[[Construct], Any], message: str) -> None:
    """Alarms are dropped without a word by topics that CloudWatch, or the function, cannot publish to."""
    group = _never_rotated()
    topic = make(Construct(group.stack, message.replace("/", "")))

    with pytest.raises(ConfigurationError, match=message):
        group.rotate_secrets(Rotation(vpc_subnets=SUBNETS), alarm_topic=topic)
