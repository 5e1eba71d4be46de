"""Grants end in a policy of the template, or are refused: nothing granted vanishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from application_constructs.database import Database, DatabaseUser
from application_constructs.http_api import FunctionApi
from elasticache_constructs import (
    Access,
    ConfigurationError,
    DefaultUser,
    EncryptionKey,
    ReplicationGroup,
    Rotation,
    ServerlessCache,
    ServerlessLimits,
)
from tests.conftest import FLAGS, Bench, new_bench
from tests.unit.builders import APP, NO_ALARMS, app_of, replication_group
from tests.unit.test_workload_function import function

if TYPE_CHECKING:
    from collections.abc import Callable

OURS, THEIRS = "111122223333", "999988887777"
SHOP = DatabaseUser("shop")
ARN = f"arn:aws:iam::{OURS}:role/orders"


def known_bench() -> Bench:
    """A bench whose stack has an explicit account and region."""
    app = cdk.App(context=FLAGS, analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Test", env=cdk.Environment(account=OURS, region="eu-west-1"))
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-12345",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        isolated_subnet_ids=["subnet-a", "subnet-b"],
        isolated_subnet_route_table_ids=["rtb-a", "rtb-b"],
    )
    return Bench(stack, vpc)


def serverless(bench: Bench, **changes: Any) -> ServerlessCache:
    """A serverless cache of Valkey with an IAM user."""
    access = Access.users(default=DefaultUser.with_token(), users=[APP])
    limits = ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000)
    arguments: dict[str, Any] = {"access": access, "limits": limits, "alarms": NO_ALARMS, **changes}
    return ServerlessCache(bench.stack, "Serverless", vpc=bench.vpc, **arguments)


def _imported_group(bench: Bench) -> Any:
    return ReplicationGroup.from_replication_group_attributes(
        bench.stack, "Imported", replication_group_id="shop", endpoint_address="shop.example", security_groups=[]
    )


def _imported_serverless(bench: Bench) -> Any:
    return ServerlessCache.from_serverless_cache_attributes(
        bench.stack, "Imported", serverless_cache_name="shop", endpoint_address="shop.example", security_groups=[]
    )


def _database(bench: Bench) -> Database:
    return Database(bench.stack, "Database", vpc=bench.vpc, instance_type=ec2.InstanceType("t4g.micro"), users=[SHOP])


def _api(bench: Bench) -> FunctionApi:
    key = EncryptionKey(bench.stack, "ApiKey", description="API")
    return FunctionApi(bench.stack, "Api", function=function(bench), encryption_key=key)


Grant = Any
# Grants that only an identity's own policy can hold.
BY_IDENTITY: dict[str, Callable[[Bench, Any], Grant]] = {
    "a group's grant_connect": lambda bench, to: replication_group(bench).grant_connect(to, APP),
    "a serverless cache's": lambda bench, to: serverless(bench).grant_connect(to, APP),
    "an imported group's": lambda bench, to: _imported_group(bench).grant_connect(to, APP),
    "an imported serverless cache's": lambda bench, to: _imported_serverless(bench).grant_connect(to, APP),
    "a database's": lambda bench, to: _database(bench).grant_connect(to, SHOP),
    "an API's grant_invoke": lambda bench, to: _api(bench).grant_invoke(to),
}
ATTACHED: dict[str, Callable[[Bench, Any], Grant]] = {
    "grant_audit": lambda bench, to: _imported_group(bench).grant_audit(to),
    "grant_operate": lambda bench, to: _imported_serverless(bench).grant_operate(to),
}
SECRETS: dict[str, Callable[[Bench, Any], Grant]] = {
    "a group's secret().grant_read": lambda bench, to: replication_group(bench).secret().grant_read(to),
    "a serverless cache's": lambda bench, to: serverless(bench).secret().grant_read(to),
    "a group's secret().grant_write": lambda bench, to: replication_group(bench).secret().grant_write(to),
}


def _role(bench: Bench) -> iam.Role:
    return iam.Role(bench.stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))


def _other_role(bench: Bench) -> iam.IRole:
    return iam.Role.from_role_arn(bench.stack, "Other", f"arn:aws:iam::{THEIRS}:role/orders")


def _role_of_another_stack(bench: Bench) -> iam.Role:
    stack = cdk.Stack(app_of(bench), "There", env=cdk.Environment(account=THEIRS, region="eu-west-1"))
    return iam.Role(stack, "Role", role_name="orders", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))


IMMUTABLE: dict[str, Callable[[Bench], Any]] = {
    "a role imported as immutable": lambda bench: iam.Role.from_role_arn(bench.stack, "Role", ARN, mutable=False),
    "a role without policy updates": lambda bench: _role(bench).without_policy_updates(),
}
NOWHERE: dict[str, Callable[[Bench], Any]] = {
    "a service": lambda _: iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
    "the account": lambda _: iam.AccountPrincipal(OURS),
    "an ARN": lambda _: iam.ArnPrincipal(ARN),
    "anybody": lambda _: iam.AnyPrincipal(),
    "several at once": lambda _: iam.CompositePrincipal(iam.AccountPrincipal(OURS), iam.ArnPrincipal(ARN)),
    "an organisation": lambda _: iam.OrganizationPrincipal("o-1234567890"),
}
FOREIGN: dict[str, Callable[[Bench], Any]] = {
    "another account": lambda _: iam.AccountPrincipal(THEIRS),
    "a role of another account": _other_role,
    "a role of another account's stack": _role_of_another_stack,
    "a user of another account": lambda bench: iam.User.from_user_arn(
        bench.stack, "Joe", f"arn:aws:iam::{THEIRS}:user/joe"
    ),
}
UNKNOWN: dict[str, Callable[[Bench], Any]] = {
    "a function imported without its role": lambda bench: lambda_.Function.from_function_arn(
        bench.stack, "Given", f"arn:aws:lambda:eu-west-1:{OURS}:function:orders"
    ),
}


@pytest.mark.each_value
@pytest.mark.parametrize("grant", BY_IDENTITY)
@pytest.mark.parametrize("grantee", [*NOWHERE, *FOREIGN, *IMMUTABLE, *UNKNOWN])
def test_what_ends_nowhere_is_refused(grant: str, grantee: str) -> None:
    """A grant that no template would contain is refused."""
    bench = known_bench()
    made = (NOWHERE | FOREIGN | IMMUTABLE | UNKNOWN)[grantee](bench)

    with pytest.raises(ConfigurationError, match=r"Grant it to "):
        BY_IDENTITY[grant](bench, made)


@pytest.mark.each_value
@pytest.mark.parametrize("grant", ATTACHED)
@pytest.mark.parametrize("grantee", [*list(FOREIGN)[1:], *IMMUTABLE])
def test_what_is_attached_to_nobody_is_refused(grant: str, grantee: str) -> None:
    """A policy that the grantee drops is not granted."""
    bench = known_bench()
    made = (FOREIGN | IMMUTABLE)[grantee](bench)

    with pytest.raises(ConfigurationError, match=r"Grant it to "):
        ATTACHED[grant](bench, made)


@pytest.mark.parametrize("grant", ATTACHED)
@pytest.mark.parametrize("grantee", ["a service", "the account", "a function imported without its role"])
def test_what_takes_no_policy_is_refused(grant: str, grantee: str) -> None:
    """What has no managed policies is named as such."""
    bench = known_bench()

    with pytest.raises(ConfigurationError, match="identity is of type IIdentity"):
        ATTACHED[grant](bench, (NOWHERE | UNKNOWN)[grantee](bench))


@pytest.mark.each_value
@pytest.mark.parametrize("grant", SECRETS)
@pytest.mark.parametrize("grantee", [*IMMUTABLE, *UNKNOWN])
def test_secret_that_nobody_could_read_is_refused(grant: str, grantee: str) -> None:
    """A role of the account that drops what it is granted is not granted a secret."""
    bench = known_bench()

    with pytest.raises(ConfigurationError, match=r"Grant it to "):
        SECRETS[grant](bench, (IMMUTABLE | UNKNOWN)[grantee](bench))


IDENTITIES: dict[str, Callable[[Bench], Any]] = {
    "a role": _role,
    "a lazy role": lambda bench: iam.LazyRole(bench.stack, "Lazy", assumed_by=iam.AccountRootPrincipal()),
    "an imported role": lambda bench: iam.Role.from_role_arn(bench.stack, "Given", ARN),
    "a role by name": lambda bench: iam.Role.from_role_name(bench.stack, "Given", "orders"),
    "a user": lambda bench: iam.User(bench.stack, "User"),
    "an imported user": lambda bench: iam.User.from_user_name(bench.stack, "Given", "joe"),
    "a group": lambda bench: iam.Group(bench.stack, "Group"),
    "an imported group": lambda bench: iam.Group.from_group_name(bench.stack, "Given", "operators"),
    "a role with session tags": lambda bench: iam.SessionTagsPrincipal(_role(bench)),
}


def _holders(bench: Bench, action: str) -> list[Any]:
    """Who holds an action in the template: names, references and roles with the policy's reference."""
    resources = bench.template()["Resources"]
    policies = {
        name: each["Properties"]
        for name, each in resources.items()
        if each["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        and action in str(each["Properties"]["PolicyDocument"])
    }
    by_policy = [each.get(kind) for each in policies.values() for kind in ("Roles", "Users", "Groups")]
    attached = [
        name
        for name, each in resources.items()
        if any({"Ref": policy} in each.get("Properties", {}).get("ManagedPolicyArns", []) for policy in policies)
    ]
    return [each for each in [*by_policy, *attached] if each]


@pytest.mark.each_value
@pytest.mark.parametrize(
    ("grant", "action"),
    [
        ("a group's grant_connect", "elasticache:Connect"),
        ("a serverless cache's", "elasticache:Connect"),
        ("a database's", "rds-db:connect"),
        ("an API's grant_invoke", "execute-api:Invoke"),
    ],
)
@pytest.mark.parametrize("grantee", IDENTITIES)
def test_identities_of_the_account_are_granted(grant: str, action: str, grantee: str) -> None:
    """An identity with a policy that the app writes has the statement in the template."""
    bench = known_bench()
    made = IDENTITIES[grantee](bench)
    BY_IDENTITY[grant](bench, made)
    if grantee == "a lazy role":
        assert made.role_arn

    assert 1 == len(_holders(bench, action))


@pytest.mark.each_value
@pytest.mark.parametrize("grant", ATTACHED)
@pytest.mark.parametrize("grantee", sorted(IDENTITIES.keys() - {"a lazy role", "a role with session tags"}))
def test_policies_are_attached(grant: str, grantee: str) -> None:
    """The policy of people and tools names imported principals, and those made here name it."""
    bench = known_bench()
    ATTACHED[grant](bench, IDENTITIES[grantee](bench))

    assert 1 == len(_holders(bench, "elasticache:"))


# Secrets: the grant covers the key.


def _statements(bench: Bench, stack: cdk.Stack | None = None) -> list[dict[str, Any]]:
    """Of all identity policies."""
    resources = bench.template(stack)["Resources"].values()
    documents = [each["Properties"].get("PolicyDocument") for each in resources if "IAM" in each["Type"]]
    return [each for document in documents if document for each in document["Statement"]]


def _actions(bench: Bench) -> set[str]:
    """All actions of all identity policies."""
    listed = [each["Action"] for each in _statements(bench)]
    return {action for each in listed for action in (each if isinstance(each, list) else [each])}


CACHES: dict[str, Callable[..., Any]] = {"a replication group": replication_group, "a serverless cache": serverless}
VIA = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}
GIVEN: dict[str, Callable[[Bench], Any]] = {
    "its own key": lambda _: None,
    "a key of the app": lambda bench: kms.Key(bench.stack, "Mine"),
    "an EncryptionKey": lambda bench: EncryptionKey(bench.stack, "Mine", description="Mine"),
    "an imported key": lambda bench: kms.Key.from_key_arn(bench.stack, "Mine", f"arn:aws:kms:eu-west-1:{OURS}:key/1"),
    "an alias": lambda bench: kms.Key(bench.stack, "Mine").add_alias("alias/mine"),
}


@pytest.mark.each_value
@pytest.mark.parametrize("kind", CACHES)
@pytest.mark.parametrize("key", GIVEN)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["in its stack", "in another stack"])
def test_reading_a_secret_covers_its_key(kind: str, key: str, *, elsewhere: bool) -> None:
    """Who may read the secret may decrypt it, through Secrets Manager alone, whatever key it has and whose stack."""
    bench = known_bench()
    cache = CACHES[kind](bench, encryption_key=GIVEN[key](bench))
    env = cdk.Environment(account=OURS, region="eu-west-1")
    stack = cdk.Stack(app_of(bench), "There", env=env) if elsewhere else bench.stack
    role = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    cache.secret().grant_read(role)

    ((kms_statement,), (secret_statement,)) = (
        [each for each in _statements(bench, stack) if action in each["Action"]]
        for action in ("kms:Decrypt", "secretsmanager:GetSecretValue")
    )
    secrets = bench.resources("SecretsManager::Secret").values()
    encrypted = {str(each["Properties"]["KmsKeyId"]) for each in secrets}
    assert VIA == kms_statement["Condition"]
    assert secret_statement["Effect"] == kms_statement["Effect"] == "Allow"
    if not elsewhere:
        assert {str(kms_statement["Resource"])} == encrypted
    assert "alias" not in str(encrypted)


@pytest.mark.parametrize("kind", CACHES)
def test_secret_reaches_a_role_of_another_account(kind: str) -> None:
    """The policies of the secret and of its key both name it."""
    bench = known_bench()
    CACHES[kind](bench).secret().grant_read(_other_role(bench))

    named = {"AWS": f"arn:aws:iam::{THEIRS}:role/orders"}
    (statement,) = bench.only("SecretsManager::ResourcePolicy")["Properties"]["ResourcePolicy"]["Statement"]
    by_key = [each for each in bench.only("KMS::Key")["Properties"]["KeyPolicy"]["Statement"] if "Sid" not in each]
    assert named == statement["Principal"]
    assert [(named, "kms:Decrypt", VIA)] == [(each["Principal"], each["Action"], each["Condition"]) for each in by_key]


def test_secret_of_an_imported_key_is_not_granted_to_another_account() -> None:
    """The key's policy would have to name the role, and this app does not write it."""
    bench = known_bench()
    cache = replication_group(bench, encryption_key=GIVEN["an imported key"](bench))

    with pytest.raises(ConfigurationError, match="whose key was imported"):
        cache.secret().grant_read(_other_role(bench))


def test_stages_of_a_secret_can_be_named() -> None:
    """A grant may be about some versions alone."""
    bench = known_bench()
    replication_group(bench).secret().grant_read(_role(bench), version_stages=["AWSCURRENT"])

    (statement,) = [each for each in _statements(bench) if "secretsmanager:GetSecretValue" in each["Action"]]
    assert {"ForAnyValue:StringEquals": {"secretsmanager:VersionStage": ["AWSCURRENT"]}} == statement["Condition"]


def test_containers_get_the_password() -> None:
    """A secret of a container is granted to the task's role, key and all."""
    from aws_cdk import aws_ecs as ecs  # noqa: PLC0415 - a second of import, for this test alone

    bench = known_bench()
    cache = replication_group(bench)
    task = ecs.FargateTaskDefinition(bench.stack, "Task")
    password = ecs.Secret.from_secrets_manager(cache.secret(), "password")
    image = ecs.ContainerImage.from_registry("valkey")
    task.add_container("Application", image=image, secrets={"PASSWORD": password})

    assert {"kms:Decrypt", "secretsmanager:GetSecretValue"} <= _actions(bench)


# What constructs hand out takes the CDK's own grants.


def _policies(bench: Bench, kind: str) -> str:
    return str([each["Properties"] for each in bench.resources(kind).values()])


@pytest.mark.parametrize(
    "give",
    [
        pytest.param(lambda topic, who: topic.grant_subscribe(who), id="grant_subscribe"),
        pytest.param(lambda topic, who: topic.grant_publish(who), id="grant_publish"),
        pytest.param(
            lambda topic, who: topic.add_to_resource_policy(
                iam.PolicyStatement(actions=["sns:Subscribe"], resources=[topic.topic_arn], principals=[who])
            ),
            id="add_to_resource_policy",
        ),
    ],
)
def test_topics_take_statements(give: Callable[[Any, Any], Any]) -> None:
    """Another account may be let into topics of events and of alarms, as the advice about topics of others says."""
    bench = known_bench()
    cache = replication_group(bench)
    subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    cache.rotate_secrets(Rotation(vpc_subnets=subnets))
    topics: list[Any] = [cache.notification_topic, cache.node.find_child("Alarms")]
    for topic in topics:
        give(topic, iam.AccountPrincipal(THEIRS))

    by_topic = {
        str(each["Properties"]["Topics"]): each["Properties"]["PolicyDocument"]["Statement"]
        for each in bench.resources("SNS::TopicPolicy").values()
        if THEIRS in str(each)
    }
    assert {str([bench.stack.resolve(each.topic_arn)]): 3 for each in topics} == {
        topic: len(statements) for topic, statements in by_topic.items()
    }


TO_KEYS: dict[str, Callable[[Any, Any], Any]] = {
    "111111111111": lambda key, who: key.grant_decrypt(who),
    "222222222222": lambda key, who: key.grant_encrypt_decrypt(who),
    "333333333333": lambda key, who: key.add_to_resource_policy(
        iam.PolicyStatement(actions=["kms:Decrypt"], resources=["*"], principals=[who])
    ),
}
"""Ways to admit an account to the policy of a key, each by the account."""


@pytest.mark.parametrize("of", ["a replication group", "a serverless cache", "a database"])
def test_keys_take_statements(of: str) -> None:
    """A service, and another account, may be let into the policy of a key that was made here."""
    bench = known_bench()
    made = (CACHES | {"a database": _database})[of](bench)
    for account, give in TO_KEYS.items():
        give(made.encryption_key, iam.ServicePrincipal(f"to-{account}.amazonaws.com"))
        give(made.encryption_key, iam.AccountPrincipal(account))

    policy = _policies(bench, "KMS::Key")
    let_in = [name for account in TO_KEYS for name in (f"to-{account}.amazonaws.com", f":iam::{account}:root")]
    assert [] == [name for name in let_in if name not in policy]


def test_secret_hands_out_its_real_key() -> None:
    """The key of a secret is the cache's, and takes statements."""
    bench = known_bench()
    cache = replication_group(bench)
    key = cache.secret().encryption_key

    assert key is cache.encryption_key


def test_functions_own_function_takes_grants() -> None:
    """What is granted to the function inside, or added to its role, is in its policy, and in no inline one."""
    bench = new_bench()
    made = function(bench)
    replication_group(bench).grant_connect(made.function, APP)
    made.function.add_to_role_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]))

    assert {} == bench.resources("IAM::Policy")
    assert {"elasticache:Connect", "s3:GetObject"} <= _actions(bench)


def test_functions_log_group_is_readable() -> None:
    """A grant on the log group of a function names the group as IAM does, and its policy takes statements."""
    bench = new_bench()
    group = function(bench).function.log_group
    group.grant_read(_role(bench))
    group.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["logs:PutLogEvents"], resources=["*"], principals=[iam.ServicePrincipal("events.amazonaws.com")]
        )
    )

    ((name, _),) = bench.resources("Logs::LogGroup").items()
    (statement,) = [each for each in _statements(bench) if "logs:FilterLogEvents" in each["Action"]]
    assert {"Fn::GetAtt": [name, "Arn"]} == statement["Resource"]
    assert "events.amazonaws.com" in _policies(bench, "Logs::ResourcePolicy")


def test_rotation_function_takes_grants() -> None:
    """So does the function that rotates."""
    bench = known_bench()
    cache = replication_group(bench)
    subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    rotation, *_ = cache.rotate_secrets(Rotation(vpc_subnets=subnets))
    rotation.function.add_to_role_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]))

    assert "s3:GetObject" in _actions(bench)
    assert {} == bench.resources("IAM::Policy")
