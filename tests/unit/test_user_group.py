"""User groups that several caches have in common, users in several groups, and what exists outside the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

from elasticache_constructs import (
    Access,
    ConfigurationError,
    DefaultUser,
    Engine,
    ExistingUser,
    ExistingUserGroup,
    IamUser,
    LogDelivery,
    PasswordUser,
    Permissions,
    ReplicationGroup,
    Rotation,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    UserGroup,
    UserGroupRotation,
)
from elasticache_rules.change_gate import Effect, compare
from tests.conftest import Bench, new_bench
from tests.unit.builders import APP, LEGACY, LOGS_ELSEWHERE, NO_ALARMS, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000)
USERS = Access.users(default=DefaultUser.disabled(), users=[APP, LEGACY])
ROTATION = Rotation(vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED))
GROUP, SERVERLESS = "ElastiCache::ReplicationGroup", "ElastiCache::ServerlessCache"


def _redis(bench: Bench, stack: cdk.Stack | None = None, name: str = "Redis", **changes: Any) -> ReplicationGroup:
    less = {"alarms": NO_ALARMS, "log_delivery": LOGS_ELSEWHERE}
    arguments = {"vpc": bench.vpc, "engine": Engine.VALKEY_8_2, "node_type": SMALL, **less, **changes}
    return ReplicationGroup(stack or bench.stack, name, **arguments)


def _serverless(bench: Bench, stack: cdk.Stack | None = None, **changes: Any) -> ServerlessCache:
    arguments = {"vpc": bench.vpc, "limits": LIMITS, "alarms": NO_ALARMS, **changes}
    return ServerlessCache(stack or bench.stack, "Sessions", **arguments)


def _stack(bench: Bench, name: str) -> cdk.Stack:
    app = bench.stack.node.root
    assert isinstance(app, cdk.App)
    return cdk.Stack(app, name, env=cdk.Environment(account=bench.stack.account, region="eu-west-1"))


class Shared:
    """One group on two caches, each in a separate stack, and the rotation in a fourth.

    Args:
        users: Those of the group.
        caches: Whether there are the caches.
    """

    def __init__(self, users: Access = USERS, *, caches: bool = True) -> None:
        self.bench = new_bench()
        self.of_users, self.of_redis, self.of_sessions, self.of_rotation = (
            _stack(self.bench, name) for name in ("Users", "Redis", "Sessions", "Rotation")
        )
        self.group = UserGroup(self.of_users, "Users", access=users)
        if not caches:
            return
        access = Access.user_group(self.group)
        self.redis = _redis(self.bench, self.of_redis, access=access)
        self.sessions = _serverless(self.bench, self.of_sessions, access=access)

    def one(self, stack: cdk.Stack, kind: str) -> dict[str, Any]:
        """The properties of the only resource of a kind in a stack."""
        (found,) = self.bench.resources(kind, stack).values()
        return dict(found["Properties"])


def test_one_group_is_on_two_caches_of_two_stacks() -> None:
    """Both caches import the id; the users and their only secret are in the group's own stack."""
    shared = Shared()
    group_of_redis = shared.one(shared.of_redis, GROUP)["UserGroupIds"]
    group_of_sessions = shared.one(shared.of_sessions, SERVERLESS)["UserGroupId"]

    assert [group_of_sessions] == group_of_redis
    assert {"Fn::ImportValue"} == set(group_of_sessions)
    assert 3 == len(shared.bench.resources("ElastiCache::User", shared.of_users))
    assert 1 == len(shared.bench.resources("SecretsManager::Secret", shared.of_users))
    assert {} == shared.bench.resources("SecretsManager::Secret", shared.of_redis)


def test_logins_are_those_of_each_cache() -> None:
    """A role is granted a cache by name; settings name the one secret, and the client's group is each cache's own."""
    shared = Shared()
    role = iam.Role(shared.of_rotation, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    shared.redis.grant_connect(role, APP)
    shared.sessions.grant_connect(role, shared.group.member(APP))
    (policy,) = shared.bench.resources("IAM::Policy", shared.of_rotation).values()
    granted = str(policy["Properties"]["PolicyDocument"]["Statement"])

    assert ["serverlesscache:", ":user:orders-app", "replicationgroup:"] == [
        each for each in ("serverlesscache:", ":user:orders-app", "replicationgroup:") if each in granted
    ]
    settings = [cache.connection_settings(LEGACY) for cache in (shared.redis, shared.sessions)]
    assert {shared.group.secret("legacy").secret_arn} == {each["ELASTICACHE_SECRET_ARN"] for each in settings}
    assert shared.redis.client_security_group is not shared.sessions.client_security_group


def test_secret_of_a_user_without_a_password_is_refused() -> None:
    """The message names the users that have one, and how the others log in."""
    with pytest.raises(ConfigurationError) as refusal:
        Shared().group.secret("orders")

    assert str(refusal.value) == (
        "secret('orders'): the users with a secret are 'legacy'. IAM users need none: use grant_connect. For the AUTH "
        "token use DefaultUser.with_token()."
    )


def test_passwords_of_a_group_are_rotated_once_and_proven_on_every_cache() -> None:
    """One schedule for the one secret; the function names both caches, may ask both, and joins both client groups."""
    shared = Shared()
    UserGroupRotation(shared.of_rotation, "Rotation", user_group=shared.group, rotation=ROTATION)
    shared.one(shared.of_rotation, "SecretsManager::RotationSchedule")
    function = shared.one(shared.of_rotation, "Lambda::Function")
    variables = function["Environment"]["Variables"]
    policy = str(shared.one(shared.of_rotation, "IAM::ManagedPolicy"))

    assert shared.sessions.serverless_cache_name == variables["SERVERLESS_CACHE_NAME"]
    assert {"Fn::ImportValue"} == set(variables["REPLICATION_GROUP_ID"])
    assert 2 == len(function["VpcConfig"]["SecurityGroupIds"])
    for action in ("DescribeServerlessCaches", "DescribeReplicationGroups", "DescribeCacheClusters", "ModifyUser"):
        assert f"elasticache:{action}" in policy
    assert "elasticache:ModifyReplicationGroup" not in policy


def test_user_of_another_stack_is_a_member_and_is_proven_there_too() -> None:
    """A cache's own group has a user of another one, by reference; its rotation asks that cache, too."""
    shared = Shared()
    there = _stack(shared.bench, "There")
    member = shared.group.member(LEGACY)
    other = Access.users(default=DefaultUser.disabled(), users=[IamUser("reports", LEGACY.permissions), member])
    cache = _redis(shared.bench, there, "Reports", access=other)
    UserGroupRotation(shared.of_rotation, "Rotation", user_group=shared.group, rotation=ROTATION)
    ids = shared.one(there, "ElastiCache::UserGroup")["UserIds"]
    (secret,) = (each["ELASTICACHE_SECRET_ARN"] for each in (cache.connection_settings(LEGACY),))

    assert [{"Ref"}, {"Ref"}, {"Fn::ImportValue"}] == [set(each) for each in ids]
    assert shared.group.secret("legacy").secret_arn == secret
    policy = str(shared.one(shared.of_rotation, "IAM::ManagedPolicy"))
    assert (2, 2) == (policy.count(":usergroup:"), policy.count(":replicationgroup:"))


def test_group_learns_of_caches_that_have_its_user_by_another_group() -> None:
    """A user group with a member of another one passes on where it is attached."""
    shared = Shared()
    member = shared.group.member(LEGACY)
    other = UserGroup(shared.of_redis, "Others", access=Access.users(default=DefaultUser.with_token(), users=[member]))
    _redis(shared.bench, shared.of_redis, "Reports", access=Access.user_group(other))

    assert ["Redis/Redis", "Sessions/Sessions", "Redis/Reports"] == [each.path for each in shared.group.caches]
    assert ["Redis/Reports"] == [each.path for each in other.caches]


def test_rotation_may_ask_for_a_group_that_no_cache_has() -> None:
    """ElastiCache names every group of a user, also the one that makes it, if only another group is on a cache."""
    shared = Shared()
    night = PasswordUser("night", LEGACY.permissions)
    users = Access.users(default=DefaultUser.disabled(), users=[night])
    group = UserGroup(shared.of_users, "Night", access=users)
    other = Access.users(default=DefaultUser.disabled(), users=[group.member(night)])
    _redis(shared.bench, shared.of_redis, "Night", access=other)
    UserGroupRotation(shared.of_rotation, "Rotation", user_group=group, rotation=ROTATION)

    assert f":usergroup:{group.user_group_id}" in str(shared.one(shared.of_rotation, "IAM::ManagedPolicy"))


def test_users_with_iam_alone_need_no_key() -> None:
    """A group without passwords costs nothing: neither a key nor a secret is made."""
    bench = new_bench()
    group = UserGroup(bench.stack, "Users", access=Access.users(default=DefaultUser.absent(), users=[APP]))

    assert group.encryption_key is None
    assert ["redis", "valkey"] == [
        each["Properties"]["Engine"]
        for kind in ("User", "UserGroup")
        for each in bench.resources(f"ElastiCache::{kind}").values()
    ]
    assert {} == bench.resources("KMS::Key")


def test_existing_group_is_named_by_its_id() -> None:
    """What exists outside the app is attached, granted and read, and nothing of it is made."""
    bench = new_bench()
    secret = secretsmanager.Secret.from_secret_name_v2(bench.stack, "Given", "batch")
    group = ExistingUserGroup(
        "shop-users",
        [ExistingUser.iam("orders"), ExistingUser.with_password("shop-batch", name="batch", secret=secret)],
    )
    cache = _redis(bench, access=Access.user_group(group))
    role = iam.Role(bench.stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    cache.grant_connect(role, ExistingUser.iam("orders"))

    assert ["shop-users"] == bench.only(GROUP)["Properties"]["UserGroupIds"]
    assert {} == bench.resources("ElastiCache::User")
    assert secret.secret_arn == cache.connection_settings(group.users[1])["ELASTICACHE_SECRET_ARN"]  # type: ignore[index]
    with pytest.raises(ConfigurationError, match="the IAM users of this group are 'orders'"):
        cache.grant_connect(role, ExistingUser.iam("other"))


def test_public_endpoint_is_in_no_vpc() -> None:
    """It has neither subnets nor security groups nor a reader endpoint, and says why it is public."""
    bench = new_bench()
    cache = _serverless(
        bench,
        vpc=None,
        engine=ServerlessEngine.VALKEY_9,
        access=Access.user_group(ExistingUserGroup("default.iam-user-group", is_valkey=True)),
        public_endpoint_reason="A kiosk at a fair has no way into the VPC.",
    )
    properties = bench.only(SERVERLESS)["Properties"]

    assert ("public", "default.iam-user-group") == (properties["ConnectionType"], properties["UserGroupId"])
    assert set() == {"SubnetIds", "SecurityGroupIds"} & set(properties)
    assert (None, None) == (cache.reader_endpoint, cache.client_security_group)
    assert "ELASTICACHE_READER_HOST" not in cache.connection_settings(ExistingUser.iam("default.iam-user"))
    with pytest.raises(ConfigurationError, match="connections of a serverless cache with a public endpoint"):
        _ = cache.connections


def _of_group(default: DefaultUser) -> dict[str, Any]:
    bench = new_bench()
    UserGroup(bench.stack, "Users", access=Access.users(default=default, users=[APP]))
    return bench.template()


def _of_serverless(**changes: Any) -> dict[str, Any]:
    bench = new_bench()
    access = Access.user_group(ExistingUserGroup("default.iam-user-group", is_valkey=True))
    _serverless(bench, engine=ServerlessEngine.VALKEY_9, access=access, **changes)
    return bench.template()


def _of_redis(access: Access) -> dict[str, Any]:
    bench = new_bench()
    _redis(bench, access=access, log_delivery=LogDelivery())
    return bench.template()


def test_gate_knows_what_a_change_does() -> None:
    """Without its default user a group changes in place; a public endpoint is another cache; old secrets are named."""
    absent = compare(_of_group(DefaultUser.disabled()), _of_group(DefaultUser.absent()))
    public = compare(_of_serverless(), _of_serverless(vpc=None, public_endpoint_reason="A kiosk has no other way in."))
    shared = compare(_of_redis(USERS), _of_redis(Access.user_group(ExistingUserGroup("shop-users"))))

    assert ([], {("Engine", Effect.IN_PLACE), ("UserIds", Effect.IN_PLACE)}) == (
        list(absent.blocking()),
        {(each.property, each.effect) for each in absent if each.effect is not Effect.REMOVAL},
    )
    assert ("ConnectionType", Effect.REPLACEMENT) in {(each.property, each.effect) for each in public.blocking()}
    assert [("(resource)", Effect.DATA_LOSS), ("UserGroupIds/0", Effect.SEVERAL_DEPLOYMENTS)] == [
        (each.property, each.effect) for each in shared.blocking()
    ], "the password of the old user, and the users that clients log in as"


def _second_rotation(shared: Shared) -> None:
    for name in ("Rotation", "Again"):
        UserGroupRotation(shared.of_rotation, name, user_group=shared.group, rotation=ROTATION)


def _cache_after_rotation(shared: Shared) -> None:
    UserGroupRotation(shared.of_rotation, "Rotation", user_group=shared.group, rotation=ROTATION)
    _redis(shared.bench, shared.of_redis, "Late", access=Access.user_group(shared.group))


def _two_vpcs(shared: Shared) -> None:
    vpc = ec2.Vpc.from_vpc_attributes(
        shared.of_redis,
        "Vpc",
        vpc_id="vpc-of-others",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        isolated_subnet_ids=["subnet-a", "subnet-b"],
    )
    _redis(shared.bench, shared.of_redis, "There", vpc=vpc, access=Access.user_group(shared.group))
    UserGroupRotation(shared.of_rotation, "Rotation", user_group=shared.group, rotation=ROTATION)


def _many_caches(shared: Shared) -> None:
    for number in range(4):
        _redis(shared.bench, shared.of_redis, f"Redis{number}", access=Access.user_group(shared.group))
    UserGroupRotation(shared.of_rotation, "Rotation", user_group=shared.group, rotation=ROTATION)


def _no_caches(shared: Shared) -> None:
    group = UserGroup(shared.of_users, "Lonely", access=Access.users(default=DefaultUser.with_token()))
    UserGroupRotation(shared.of_rotation, "Rotation", user_group=group, rotation=ROTATION)


def _no_passwords(shared: Shared) -> None:
    users = [IamUser("lonely", LEGACY.permissions)]
    group = UserGroup(shared.of_users, "Iam", access=Access.users(default=DefaultUser.disabled(), users=users))
    UserGroupRotation(shared.of_rotation, "Rotation", user_group=group, rotation=ROTATION)


def _elsewhere(**place: str) -> Callable[[Shared], object]:
    def make(shared: Shared) -> object:
        home = {"account": "111122223333", "region": "eu-west-1"}
        env = cdk.Environment(**{**home, **place})
        app = shared.of_users.node.root
        assert isinstance(app, cdk.App)
        group = UserGroup(
            cdk.Stack(app, "Home", env=cdk.Environment(**home)),
            "Users",
            access=Access.users(default=DefaultUser.with_token()),
        )
        stack = cdk.Stack(app, "Elsewhere", env=env)
        vpc = ec2.Vpc.from_vpc_attributes(
            stack,
            "Vpc",
            vpc_id="vpc-0123456789abcdef0",
            availability_zones=[f"{env.region}a", f"{env.region}b"],
            isolated_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        )
        return _serverless(shared.bench, stack, vpc=vpc, access=Access.user_group(group))

    return make


REFUSED_OF_CACHES: dict[str, tuple[Callable[[Shared], object], str]] = {
    "a second rotation": (_second_rotation, "the passwords of a group are rotated once, however many caches it has"),
    "a cache after the rotation": (_cache_after_rotation, "Make the UserGroupRotation after the last cache"),
    "caches of two VPCs": (_two_vpcs, "a group on Redis/Redis and, in another VPC, Redis/There"),
    "more caches than security groups": (_many_caches, "a function joins 5 security groups at most"),
    "a rotation of a cache's": (
        lambda shared: shared.redis.rotate_secrets(ROTATION),
        (
            "rotate_secrets of a group with Access.user_group(...): the passwords of a user group are rotated once for "
            "all of its caches. Use UserGroupRotation(stack, 'Rotation', user_group=..., rotation=...)."
        ),
    ),
}
"""Of a group that is on two caches."""
REFUSED: dict[str, tuple[Callable[[Shared], object], str]] = {
    **REFUSED_OF_CACHES,
    "a rotation without caches": (_no_caches, "a group without caches"),
    "a rotation without passwords": (_no_passwords, "a group whose users have no generated password"),
    "a cache of another region": (
        _elsewhere(region="eu-central-1"),
        (
            "Access.user_group with a UserGroup of the region eu-west-1 for a cache in eu-central-1: a user group is "
            "in the region of the caches that have it. Make a UserGroup in the stack of the cache"
        ),
    ),
    "a cache of another account": (
        _elsewhere(account="444455556666"),
        "for a cache in 444455556666: a user group is in the account of the caches that have it",
    ),
    "a member that it does not have": (
        lambda shared: shared.group.member(PasswordUser("app", LEGACY.permissions)),
        (
            "UserGroup.member(PasswordUser('app')) of Users/Users: the users that this group makes are 'orders-app', "
            "'legacy'. Pass one of them, or add the user to its Access.users(users=[...])."
        ),
    ),
    "an engine that reads otherwise": (
        lambda shared: _redis(
            shared.bench, shared.of_redis, "Old", engine=Engine.REDIS_6_2, access=Access.user_group(shared.group)
        ),
        "its access strings are written for redis 7.1, and this engine needs others",
    ),
    "a group of a token": (
        lambda shared: UserGroup(shared.of_users, "Token", access=Access.auth_token()),
        "UserGroup(access=...) without users: a user group is made of users. Use Access.users(...).",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case: str) -> None:
    """What would fail at deployment, or rotate without proof, is refused at synth."""
    make, message = REFUSED[case]
    with pytest.raises(ConfigurationError) as refusal:
        make(Shared(caches=case in REFUSED_OF_CACHES))

    assert message in str(refusal.value)


@pytest.mark.parametrize("engine", [Engine.REDIS_7_1, Engine.VALKEY_7_2, Engine.VALKEY_8_2, ServerlessEngine.VALKEY_9])
def test_strings_of_the_default_engine_are_read_alike(engine: Engine) -> None:
    """What the methods of Permissions write for the default is what every engine since Redis 7 and Valkey gets."""
    strings = [Permissions.read_only("a:*"), Permissions.read_write("a:*", channels=["a:*"]), Permissions.publish("a")]
    assert [each.written_for(Engine.REDIS_7_1) for each in strings] == [each.written_for(engine) for each in strings]
