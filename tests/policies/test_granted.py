"""What is granted can be done, by the templates alone: with any key, in any stack, by any identity with a policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from application_constructs.function import WorkloadFunction
from elasticache_constructs import (
    Access,
    AlarmTopic,
    CacheNetwork,
    DefaultUser,
    EncryptionKey,
    Engine,
    NodeType,
    ReplicationGroup,
    Rotation,
    ServerlessCache,
    ServerlessLimits,
)
from tests.conftest import FLAGS
from tests.policies.deployment import ACCOUNT, REGION, Deployment, Policies
from tests.policies.evaluator import Call, Caller, Target, is_allowed
from tests.policies.needs import key_of, needs, via
from tests.unit.builders import APP, LEGACY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.policies.evaluator import Statement

OTHER = "999988887777"
USERS = Access.users(default=DefaultUser.with_token(), users=[APP, LEGACY])
ENV = cdk.Environment(account=ACCOUNT, region=REGION)
EVERYTHING: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
# The policy that KMS gives a key where no other one is stated, and so what an imported one may be taken to have.
DEFAULT_POLICY: Statement = {**EVERYTHING, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
IMPORTED = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/imported"


def new_app() -> cdk.App:
    """An app whose templates are only to be read."""
    return cdk.App(context=FLAGS, analytics_reporting=False, builtin_cloud_formation_validation=False)


def deployed(app: cdk.App) -> Deployment:
    """All of its stacks."""
    assembly = app.synth()
    return Deployment({each.id: json.loads(Path(each.template_full_path).read_text()) for each in assembly.stacks})


def _cache(stack: cdk.Stack, kind: str, key: kms.IKey | None) -> Any:
    network = CacheNetwork(stack, "Network", availability_zones=[f"{REGION}a", f"{REGION}b"])
    arguments: dict[str, Any] = {"vpc": network.vpc, "access": USERS, "encryption_key": key}
    if kind == "serverless":
        return ServerlessCache(
            stack, "Cache", limits=ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000), **arguments
        )
    return ReplicationGroup(
        stack, "Cache", engine=Engine.VALKEY_8_2, node_type=NodeType("cache.t4g.small"), **arguments
    )


KEYS: dict[str, Callable[[cdk.Stack], kms.IKey | None]] = {
    "its own": lambda _: None,
    "of the app": lambda stack: kms.Key(stack, "Mine"),
    "an EncryptionKey": lambda stack: EncryptionKey(stack, "Mine", description="Mine"),
    "imported": lambda stack: kms.Key.from_key_arn(stack, "Mine", IMPORTED),
    "an alias": lambda stack: kms.Key(stack, "Mine").add_alias("alias/mine"),
}


def _role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))


def _policy_of_a_role(stack: cdk.Stack) -> iam.ManagedPolicy:
    return iam.ManagedPolicy(stack, "Policy", roles=[_role(stack)])


def _function(stack: cdk.Stack) -> WorkloadFunction:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=[f"{REGION}a"], private_subnet_ids=["subnet-1"]
    )
    return WorkloadFunction(
        stack,
        "Reader",
        code=lambda_.Code.from_inline("pass"),
        handler="index.handler",
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=vpc.private_subnets),
        security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Clients", "sg-1")],
        environment={},
        encryption_key=EncryptionKey(stack, "FunctionKey", description="Function"),
    )


READERS: dict[str, Callable[[cdk.Stack], Any]] = {
    "a role": _role,
    "a policy": _policy_of_a_role,
    "a function": _function,
    "the function inside": lambda stack: _function(stack).function,
}


def _granted(policies: Policies, name: str, calls: list[Call]) -> list[bool]:
    """Whether the role of a logical id may make the calls."""
    (role,) = (each for each in policies.attached if name in each)
    # Of an imported key the template says nothing.
    held = {**policies.held, IMPORTED: (DEFAULT_POLICY,)}
    policies = Policies(held, policies.attached)
    return [is_allowed(policies.caller(role), call, policies.target(call.resource)) for call in calls]


@pytest.mark.pairwise
@pytest.mark.parametrize("kind", ["group", "serverless"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["in its stack", "in another stack"])
def test_secret_that_was_granted_can_be_read(kind: str, key: str, reader: str, *, elsewhere: bool) -> None:
    """The secret, and its key by way of Secrets Manager; not the key itself, and no other secret."""
    app = new_app()
    stack = cdk.Stack(app, "Storage", env=ENV)
    cache = _cache(stack, kind, KEYS[key](stack))
    cache.secret("legacy").grant_read(READERS[reader](cdk.Stack(app, "There", env=ENV) if elsewhere else stack))

    deployment = deployed(app)
    mine, token = sorted(
        (each.arn for each in deployment.of("SecretsManager::Secret")), key=lambda arn: "default" in arn
    )
    encrypted_with = key_of(deployment, mine)
    read = Call(action="secretsmanager:GetSecretValue", resource=mine)
    decrypt = Call(action="kms:Decrypt", resource=encrypted_with, context=via("secretsmanager"))
    directly = Call(action="kms:Decrypt", resource=encrypted_with)
    another = Call(action="secretsmanager:GetSecretValue", resource=token)
    assert [True, True, False, False] == _granted(deployment.policies, "reader", [read, decrypt, directly, another])
    assert [False, False] == [
        all(_granted(deployment.policies.without(holder, number), "reader", [read, decrypt]))
        for holder, number in _halves(deployment.policies)
    ]


def _halves(policies: Policies) -> list[tuple[str, int]]:
    """The two statements that the grant is made of."""
    holders = {holder for role, holders in policies.attached.items() if "reader" in role for holder in holders}
    return [
        (holder, number)
        for holder in holders
        for number, each in enumerate(policies.held[holder])
        if "GetSecretValue" in str(each["Action"]) or "secretsmanager." in str(each.get("Condition"))
    ]


@pytest.mark.parametrize("kind", ["group", "serverless"])
def test_secret_that_was_granted_can_be_written(kind: str) -> None:
    """Another password may be put, with all that its key takes for that."""
    app = new_app()
    stack = cdk.Stack(app, "Storage", env=ENV)
    _cache(stack, kind, None).secret("legacy").grant_write(_role(stack))

    deployment = deployed(app)
    (secret,) = (each.arn for each in deployment.of("SecretsManager::Secret") if "legacy" in each.arn)
    calls = [
        Call(action="secretsmanager:PutSecretValue", resource=secret),
        *(
            Call(action=action, resource=key_of(deployment, secret), context=via("secretsmanager"))
            for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
        ),
    ]
    assert [True] * 4 == _granted(deployment.policies, "reader", calls)


@pytest.mark.each_value
@pytest.mark.parametrize("kind", ["group", "serverless"])
@pytest.mark.parametrize("key", sorted(KEYS.keys() - {"imported"}))
def test_secret_reaches_another_account(kind: str, key: str) -> None:
    """A role there, to which its own account allows it, reads the secret and uses the key."""
    app = new_app()
    stack = cdk.Stack(app, "Storage", env=ENV)
    arn = f"arn:aws:iam::{OTHER}:role/orders"
    cache = _cache(stack, kind, KEYS[key](stack))
    cache.secret().grant_read(iam.Role.from_role_arn(stack, "Other", arn))

    deployment = deployed(app)
    (secret,) = (each.arn for each in deployment.of("SecretsManager::Secret") if "default" in each.arn)
    calls = [
        Call(action="secretsmanager:GetSecretValue", resource=secret),
        Call(action="kms:Decrypt", resource=key_of(deployment, secret), context=via("secretsmanager")),
        Call(action="kms:Decrypt", resource=key_of(deployment, secret)),
    ]
    caller = Caller(account=OTHER, arn=arn, statements=(EVERYTHING,))
    policies = deployment.policies
    assert [True, True, False] == [is_allowed(caller, each, policies.target(each.resource)) for each in calls]


def test_containers_read_their_password() -> None:
    """The role that starts a container can read the secret that the container is given."""
    app = new_app()
    stack = cdk.Stack(app, "Storage", env=ENV)
    cache = _cache(stack, "group", None)
    there = cdk.Stack(app, "There", env=ENV)
    task = ecs.FargateTaskDefinition(there, "Task")
    password = ecs.Secret.from_secrets_manager(cache.secret(), "password")
    image = ecs.ContainerImage.from_registry("valkey")
    task.add_container("Application", image=image, secrets={"PASSWORD": password})

    deployment = deployed(app)
    (secret,) = (each.arn for each in deployment.of("SecretsManager::Secret") if "default" in each.arn)
    read = Call(action="secretsmanager:GetSecretValue", resource=secret)
    decrypt = Call(action="kms:Decrypt", resource=key_of(deployment, secret), context=via("secretsmanager"))
    assert [True, True] == _granted(deployment.policies, "taskexecutionrole", [read, decrypt])


@pytest.mark.each_value
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["in its stack", "in another stack"])
def test_given_keys_and_topics_admit_what_uses_them(key: str, *, elsewhere: bool) -> None:
    """With keys and topics of the caller's, of any stack, events, alarms, logs, rotation and functions work."""
    app = new_app()
    theirs = cdk.Stack(app, "Theirs", env=ENV)
    stack = cdk.Stack(app, "Storage", env=ENV) if elsewhere else theirs
    mine = KEYS[key](theirs)
    network = CacheNetwork(stack, "Network", availability_zones=[f"{REGION}a", f"{REGION}b"], encryption_key=mine)
    events = sns.Topic(theirs, "MyEvents", enforce_ssl=True)
    # CloudWatch is let into both keys of alarms: that of the topic here, and that of a topic of ours.
    alarms = sns.Topic(theirs, "MyAlarms", enforce_ssl=True, master_key=kms.Key(theirs, "AlarmKey"))
    if mine is not None:
        AlarmTopic(stack, "OurAlarms", key=mine)
    cache = ReplicationGroup(
        stack,
        "Cache",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.t4g.small"),
        access=USERS,
        encryption_key=mine,
        notification_topic=events,
    )
    cache.rotate_secrets(Rotation.in_network(network), alarm_topic=alarms)

    deployment = deployed(app)
    held = {IMPORTED: (DEFAULT_POLICY, *_services())} | dict(deployment.policies.held)
    policies = Policies(held, deployment.policies.attached)
    assert [] == [each for each in needs(deployment, {}) if not each.is_met(policies)]


def _services() -> list[Statement]:
    """What the warning about an imported key says that its policy must say."""
    return [
        {
            "Effect": "Allow",
            "Action": "kms:*",
            "Resource": "*",
            "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
        },
        {**EVERYTHING, "Principal": {"Service": "cloudwatch.amazonaws.com"}},
    ]


def test_policy_of_a_key_decides() -> None:
    """The check sees it: without the statement that leaves it to IAM, the key of a granted secret is closed."""
    app = new_app()
    stack = cdk.Stack(app, "Storage", env=ENV)
    _cache(stack, "group", None).secret().grant_read(_role(stack))

    deployment = deployed(app)
    (key,) = {key_of(deployment, each.arn) for each in deployment.of("SecretsManager::Secret")}
    decrypt = Call(action="kms:Decrypt", resource=key, context=via("secretsmanager"))
    (role,) = (each.arn for each in deployment.of("IAM::Role") if "reader" in each.arn)
    statements = deployment.policies.held[key]
    closed = Target(account=ACCOUNT, is_key=True, statements=tuple(e for e in statements if "Through" not in str(e)))
    caller = deployment.policies.caller(role)
    assert (True, False) == (
        is_allowed(caller, decrypt, deployment.policies.target(key)),
        is_allowed(caller, decrypt, closed),
    )
