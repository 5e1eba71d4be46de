"""The infrastructure around the rotation function."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    ConfigurationError,
    DefaultUser,
    Engine,
    IamUser,
    NodeType,
    PasswordUser,
    Permissions,
    ReplicationGroup,
    Rotation,
)
from elasticache_constructs.rotation.runtime.rotate_secret import handler
from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Configuration, Kind
from tests.conftest import Bench, new_bench
from tests.rotation.needed_actions import actions_by_step
from tests.unit.builders import NO_ALARMS

READ = Permissions.read_only("app:*")
# What Lambda does with the role, in addition to what the function calls.
LAMBDAS_OWN = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sns:Publish",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def rotated(access: Access, **rotation: Any) -> Bench:
    """A bench with one rotated cache."""
    bench = new_bench()
    cache = ReplicationGroup(
        bench.stack,
        "Redis",
        vpc=bench.vpc,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.t4g.small"),
        access=access,
        alarms=NO_ALARMS,
    )
    subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    cache.rotate_secrets(Rotation(vpc_subnets=subnets, **rotation))
    return bench


@pytest.fixture(scope="module", name="user")
def _user() -> Bench:
    return rotated(Access.users(default=DefaultUser.with_token()))


@pytest.fixture(scope="module", name="token")
def _token() -> Bench:
    return rotated(Access.auth_token())


def statements(bench: Bench) -> list[dict[str, Any]]:
    """The function's policy."""
    found: list[dict[str, Any]] = bench.only("IAM::ManagedPolicy")["Properties"]["PolicyDocument"]["Statement"]
    return found


def actions(bench: Bench) -> set[str]:
    """Every action of the policy."""
    allowed = [each for each in statements(bench) if each["Effect"] == "Allow"]
    return {action for each in allowed for action in _as_list(each["Action"])}


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_role_of_a_users_function_has_what_its_steps_need(user: Bench) -> None:
    """The policy holds exactly the actions that the steps for a user call, and what Lambda needs."""
    needed = set().union(*actions_by_step(Kind.USER).values())

    assert needed | LAMBDAS_OWN == actions(user)


def test_role_of_a_tokens_function_has_what_its_steps_need(token: Bench) -> None:
    """The policy holds exactly the actions that the steps for an AuthToken call, and what Lambda needs."""
    needed = set().union(*actions_by_step(Kind.AUTH_TOKEN).values())

    assert needed | LAMBDAS_OWN == actions(token)


def test_only_what_takes_no_resource_is_open(user: Bench) -> None:
    """Nothing but describing interfaces and sending traces is allowed on everything."""
    allowed = [each for each in statements(user) if (each["Effect"], each["Resource"]) == ("Allow", "*")]
    everywhere = {action for each in allowed for action in _as_list(each["Action"])}

    assert {
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    } == everywhere


def test_key_is_used_by_way_of_services_alone(user: Bench) -> None:
    """The function cannot decrypt by itself what the key has encrypted, the cache's own data for one."""
    (used,) = [each for each in statements(user) if any(word.startswith("kms:") for word in _as_list(each["Action"]))]
    via = [f"{service}.<region>.amazonaws.com" for service in ("secretsmanager", "sns", "lambda")]
    said = [
        each["Fn::Join"][1] if isinstance(each, dict) else each
        for each in used["Condition"]["StringEquals"]["kms:ViaService"]
    ]
    assert via == ["".join(part if isinstance(part, str) else "<region>" for part in each) for each in said]


def test_secret_is_tagged_with_one_key_only(user: Bench) -> None:
    """The function may write its own record on the secret and no other tag."""
    (tagging,) = (each for each in statements(user) if "secretsmanager:TagResource" in _as_list(each["Action"]))

    assert {"ForAllValues:StringEquals": {"aws:TagKeys": ["elasticache-rotation"]}} == tagging["Condition"]


def test_secrets_manager_may_call_for_this_secret_alone(user: Bench) -> None:
    """The permission names the secret and the account."""
    permissions = [each["Properties"] for each in user.resources("Lambda::Permission").values()]
    (permission,) = (each for each in permissions if each["Principal"] == "secretsmanager.amazonaws.com")
    (secret,) = user.resources("SecretsManager::Secret")

    assert ({"Ref": secret}, {"Ref": "AWS::AccountId"}) == (permission["SourceArn"], permission["SourceAccount"])


def test_deployment_rotates_nothing(user: Bench) -> None:
    """Creating or changing the schedule leaves the password alone."""
    schedule = user.only("SecretsManager::RotationSchedule")["Properties"]

    assert ({"AutomaticallyAfterDays": 30}, False) == (
        schedule["RotationRules"],
        schedule["RotateImmediatelyOnUpdate"],
    )


def test_sweep_is_an_event_that_the_function_knows(user: Bench) -> None:
    """Every hour the function is told to look for a password to retire."""
    rule = user.only("Events::Rule")["Properties"]

    assert ("rate(1 hour)", '{"Step":"retire"}') == (rule["ScheduleExpression"], rule["Targets"][0]["Input"])


@pytest.mark.parametrize(
    ("access", "kind"),
    [
        (Access.users(default=DefaultUser.with_token()), Kind.USER),
        (Access.auth_token(), Kind.AUTH_TOKEN),
    ],
)
def test_environment_is_what_the_function_reads(access: Access, kind: Kind) -> None:
    """The function's own check accepts the environment that it is given."""
    variables = rotated(access).only("Lambda::Function")["Properties"]["Environment"]["Variables"]
    plain = {name: value if isinstance(value, str) else "reference" for name, value in variables.items()}

    assert kind == Configuration.from_environment(plain).kind


def test_handler_is_a_function_of_the_bundle(user: Bench) -> None:
    """The handler's name leads to a function."""
    module, _, function = user.only("Lambda::Function")["Properties"]["Handler"].rpartition(".")

    assert ("rotate_secret.handler", True) == (module, callable(getattr(handler, function)))


def test_one_execution_is_reserved(user: Bench) -> None:
    """No two steps ever run side by side."""
    assert 1 == user.only("Lambda::Function")["Properties"]["ReservedConcurrentExecutions"]


def test_reservation_can_be_given_up_with_a_reason() -> None:
    """An account without concurrency to spare says so in one line."""
    reason = "This account has the starting quota of ten executions."
    bench = rotated(Access.auth_token(), no_reserved_concurrency_reason=reason)

    assert "ReservedConcurrentExecutions" not in bench.only("Lambda::Function")["Properties"]


def test_every_password_rotates_by_a_function_of_its_own() -> None:
    """The AUTH token and each password user have a schedule each; IAM users have nothing to rotate."""
    users: list[IamUser | PasswordUser] = [PasswordUser("batch", READ), IamUser("rotation-app", READ)]
    bench = rotated(Access.users(default=DefaultUser.with_token(), users=users))
    secrets = {
        each["Properties"]["SecretId"]["Ref"] for each in bench.resources("SecretsManager::RotationSchedule").values()
    }

    assert set(bench.resources("SecretsManager::Secret")) == secrets
    assert 2 == len(bench.resources("Lambda::Function"))


def test_alarms_reach_an_encrypted_topic(user: Bench) -> None:
    """A failed rotation, a crashed function and a password not retired raise an alarm."""
    alarms = [each["Properties"] for each in user.resources("CloudWatch::Alarm").values()]
    topics = {each["AlarmActions"][0]["Ref"] for each in alarms}
    (topic,) = (each for name, each in user.resources("SNS::Topic").items() if name in topics)

    assert {"RotationFailed", "RotationOverdue", "RetireOverdue", "Errors"} == {each["MetricName"] for each in alarms}
    assert "KmsMasterKeyId" in topic["Properties"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"every_days": 0},
            "Rotation(every_days=0): Secrets Manager rotates every 1 to 1000 days. Use every_days=30.",
            id="no day",
        ),
        pytest.param(
            {"every_days": 1001},
            "Rotation(every_days=1001): Secrets Manager rotates every 1 to 1000 days. Use every_days=30.",
            id="a day too many",
        ),
        pytest.param(
            {"every_days": 1, "grace_minutes": 721},
            "Rotation(grace_minutes=721, every_days=1): the previous password stays valid for 1 minute to half the "
            "time between rotations, 720. Use grace_minutes=65.",
            id="grace that outlasts the rotation",
        ),
    ],
)
def test_limits(arguments: dict[str, Any], message: str) -> None:
    """What Secrets Manager would refuse is refused before."""
    with pytest.raises(ConfigurationError) as refusal:
        Rotation(vpc_subnets=ec2.SubnetSelection(), **arguments)

    assert message == str(refusal.value).split(" See ")[0]
