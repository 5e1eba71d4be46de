"""Who may log in, as CloudFormation sees it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from elasticache_constructs import (
    Access,
    ConfigurationError,
    DefaultUser,
    Engine,
    IamUser,
    PasswordUser,
    Permissions,
    ReplicationGroup,
)
from elasticache_constructs.checks.errors import reference
from tests.conftest import new_bench
from tests.unit.builders import APP, LEGACY, LOGS_ELSEWHERE, USERS, app_of, other_stack, replication_group, seen_group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.conftest import Bench

READ = Permissions.read_only("a:*")
OFF = Permissions("off ~a:* +@read")
ONLY_IAM = Access.users(default=DefaultUser.disabled(), users=[APP])
PASSWORDS = Access.users(default=DefaultUser.with_token(), users=[LEGACY])
REFERENCE = re.compile(r"\{\{resolve:secretsmanager:")


def _user(bench: Bench, name: str) -> dict[str, object]:
    (user,) = (
        each["Properties"]
        for each in bench.resources("ElastiCache::User").values()
        if each["Properties"]["UserName"] == name
    )
    properties: dict[str, object] = user
    return properties


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _resolved_password(secret: str) -> dict[str, object]:
    return {
        "Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": secret}, ":SecretString:password::}}"]],
    }


# Values


def test_99_named_users_are_accepted() -> None:
    """With the default user they are 100, which is as many as a group takes."""
    users = [IamUser(f"app{number}", READ) for number in range(99)]

    assert 99 == len(Access.users(default=DefaultUser.disabled(), users=users).named)


@pytest.mark.parametrize(
    ("default", "users"),
    [
        pytest.param(DefaultUser.disabled(), [], id="a disabled default user"),
        pytest.param(DefaultUser.with_token(OFF), [], id="a default user who is off"),
        pytest.param(DefaultUser.disabled(), [IamUser("app", OFF)], id="a named user who is off"),
        pytest.param(
            DefaultUser.with_token(OFF), [IamUser("app", OFF), PasswordUser("old", OFF)], id="every user is off"
        ),
    ],
)
def test_nobody_is_refused(default: DefaultUser, users: list[IamUser | PasswordUser]) -> None:
    """Users of whom none is on lock every client out: disabled is not on, and off is not either."""
    with pytest.raises(ConfigurationError) as refusal:
        Access.users(default=default, users=users)

    expected = (
        "Access.users with no enabled user: at least one user must be able to log in. "
        f"Enable one with 'on' in its access string, or use DefaultUser.with_token(). {reference('RBC-11')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    ("default", "users"),
    [
        pytest.param(DefaultUser.with_token(), [IamUser("app", OFF)], id="the default user"),
        pytest.param(DefaultUser.disabled(), [IamUser("app", READ)], id="a named user"),
        pytest.param(DefaultUser.with_token(OFF), [IamUser("app", OFF), PasswordUser("old", READ)], id="the last"),
        pytest.param(DefaultUser.disabled(), [IamUser("app", Permissions("ON ~a:* +@read"))], id="in capitals"),
    ],
)
def test_one_who_is_on_is_enough(default: DefaultUser, users: list[IamUser | PasswordUser]) -> None:
    """One user who can log in is enough, whatever the others are."""
    assert tuple(users) == Access.users(default=default, users=users).named


def test_engine_without_iam_is_refused_for_iam_users() -> None:
    """Redis 6 knows users, but not IAM."""
    with pytest.raises(ConfigurationError) as refusal:
        USERS.check_engine(Engine.REDIS_6_2)

    expected = (
        "IamUser('orders-app') on redis 6.2: IAM authentication needs at least Redis OSS 7.0 or Valkey 7.2. "
        f"Use a newer engine, or a PasswordUser. {reference('IAM-01')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    ("access", "engine"),
    [
        pytest.param(Access.auth_token(), Engine.REDIS_5_0_6, id="a token on any engine"),
        pytest.param(
            Access.users(default=DefaultUser.with_token(), users=[LEGACY]), Engine.REDIS_6_2, id="passwords on Redis 6"
        ),
        pytest.param(USERS, Engine.REDIS_7_0, id="IAM on Redis 7"),
        pytest.param(USERS, Engine.VALKEY_7_2, id="IAM on Valkey"),
    ],
)
def test_engine_that_knows_the_access_is_accepted(access: Access, engine: Engine) -> None:
    """Whatever the engine supports is accepted."""
    access.check_engine(engine)


def test_engine_is_checked_by_the_cache(bench: Bench) -> None:
    """The cache asks its access whether the engine will do."""
    with pytest.raises(ConfigurationError, match=r"^IamUser\('orders-app'\) on redis 6\.2: "):
        replication_group(bench, engine=Engine.REDIS_6_2)


# Users


@pytest.mark.parametrize("engine", [Engine.REDIS_7_1, Engine.VALKEY_8_2], ids=str)
@pytest.mark.parametrize("access", [USERS, ONLY_IAM], ids=["default user with token", "default user disabled"])
def test_users_of_the_template_are_those_of_the_group(access: Access, engine: Engine) -> None:
    """Every user is in the group, and the group holds no other."""
    bench = seen_group(access=access, engine=engine)

    expected = sorted(bench.resources("ElastiCache::User"))
    assert expected == sorted(each["Ref"] for each in bench.only("ElastiCache::UserGroup")["Properties"]["UserIds"])


def test_group_of_users_is_attached_to_the_cache() -> None:
    """The cache names the one user group, and so waits for it."""
    bench = seen_group()

    ((group, _),) = bench.resources("ElastiCache::UserGroup").items()
    assert [{"Ref": group}] == bench.only("ElastiCache::ReplicationGroup")["Properties"]["UserGroupIds"]


def test_users_exclude_the_groups_own_token() -> None:
    """A cache with users has no AuthToken: the service refuses both together."""
    bench = seen_group()

    assert "AuthToken" not in bench.only("ElastiCache::ReplicationGroup")["Properties"]


@pytest.mark.parametrize("engine", [Engine.REDIS_7_1, Engine.VALKEY_8_2], ids=str)
def test_users_stay_when_redis_becomes_valkey(engine: Engine) -> None:
    """Users and group are of engine redis, which both engines take: moving from one to the other changes no user."""
    bench = seen_group(engine=engine)

    made = [*bench.resources("ElastiCache::User").values(), bench.only("ElastiCache::UserGroup")]
    assert {"redis"} == {each["Properties"]["Engine"] for each in made}


def test_iam_user_has_its_name_as_its_id() -> None:
    """The service wants user id and user name equal for IAM, and no password."""
    bench = seen_group()

    user = _user(bench, "orders-app")
    assert ("orders-app", {"Type": "iam"}) == (user["UserId"], user["AuthenticationMode"])


def test_password_user_has_the_password_of_its_secret() -> None:
    """A password user's password is a reference to the secret generated for it."""
    bench = seen_group()

    secret = bench.stack.get_logical_id(_cfn(bench.cache.secret("legacy")))
    mode = {"Type": "password", "Passwords": [_resolved_password(secret)]}
    assert mode == _user(bench, "legacy")["AuthenticationMode"]


def test_default_user_has_the_token_as_its_password() -> None:
    """A client that sends AUTH with the token alone is the default user."""
    bench = seen_group()

    secret = bench.stack.get_logical_id(_cfn(bench.cache.secret()))
    mode = {"Type": "password", "Passwords": [_resolved_password(secret)]}
    assert mode == _user(bench, "default")["AuthenticationMode"]


def _cfn(construct: object) -> cdk.CfnElement:
    resource = construct.node.default_child  # type: ignore[attr-defined]
    assert isinstance(resource, cdk.CfnElement)
    return resource


def test_access_string_is_that_of_the_permissions() -> None:
    """What a user may do is what its permissions say."""
    bench = seen_group()

    assert APP.permissions.access_string == _user(bench, "orders-app")["AccessString"]


def test_disabled_default_user_of_redis_is_switched_off() -> None:
    """Redis wants a user named default: it is one that is off and may do nothing."""
    bench = seen_group(access=ONLY_IAM)

    user = _user(bench, "default")
    words = str(user["AccessString"]).split()
    assert {"off", "-@all"} <= set(words) <= {"off", "-@all", "resetkeys", "resetchannels"}
    assert {"Type": "no-password-required"} == user["AuthenticationMode"]


def test_replaced_default_user_has_an_id_of_its_own() -> None:
    """The id default belongs to the account's built-in user, which cannot be changed."""
    bench = seen_group()

    assert "default" != _user(bench, "default")["UserId"]


def test_reason_of_broad_permissions_is_in_the_template(bench: Bench) -> None:
    """Why a user may do everything stands next to it, where reviewers and policies look."""
    reason = "The migration job copies every key of the old cache."
    admin = IamUser("admin", Permissions("on ~* +@all", reason=reason))
    replication_group(bench, access=Access.users(default=DefaultUser.disabled(), users=[admin]))

    reasons = [
        each.get("Metadata", {}).get("BroadAccessReason") for each in bench.resources("ElastiCache::User").values()
    ]
    assert [None, reason] == sorted(reasons, key=str)


# Names


def _named(bench: Bench, construct_id: str = "Redis", **changes: Any) -> ReplicationGroup:
    """A group that is only looked at for the names of its users."""
    return replication_group(bench, construct_id, log_delivery=LOGS_ELSEWHERE, **changes)


def _generated_ids(bench: Bench, stack: cdk.Stack | None = None) -> set[str]:
    users = {
        each["Properties"]["UserId"]
        for each in bench.resources("ElastiCache::User", stack).values()
        if each["Properties"]["AuthenticationMode"]["Type"] != "iam"
    }
    groups = {each["Properties"]["UserGroupId"] for each in bench.resources("ElastiCache::UserGroup", stack).values()}
    return users | groups


@pytest.mark.parametrize("construct_id", ["Redis", "R", "Orders.Cache_1", "X" * 120, "1st", "A-B--C-"])
def test_generated_ids_have_the_services_form(bench: Bench, construct_id: str) -> None:
    """Generated ids are lower case, of the service's alphabet, whatever the cache is called."""
    _named(bench, construct_id)

    ids = _generated_ids(bench)
    assert 3 == len(ids)
    assert [] == [each for each in ids if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", each)]


def test_two_caches_of_a_stack_share_no_id(bench: Bench) -> None:
    """Two caches in one stack generate different ids, although their password users share a name."""
    _named(bench, "First", access=PASSWORDS)
    _named(bench, "Second", access=PASSWORDS)

    assert 6 == len(_generated_ids(bench))


def test_caches_of_two_stacks_share_no_id(bench: Bench) -> None:
    """Two caches of one construct id in two stacks generate different ids."""
    other = other_stack(bench)
    _named(bench, access=PASSWORDS)
    _named(bench, access=PASSWORDS, scope=other)

    assert set() == _generated_ids(bench) & _generated_ids(bench, other)


def test_caches_of_two_nested_stacks_share_no_id(bench: Bench) -> None:
    """Two caches of one construct id in two nested stacks of one id generate different ids."""
    nested = [cdk.NestedStack(parent, "Nested") for parent in (bench.stack, other_stack(bench))]
    for stack in nested:
        _named(bench, access=PASSWORDS, scope=stack)

    first, second = (_generated_ids(bench, stack) for stack in nested)
    assert set() == first & second


@pytest.mark.parametrize("name", ["x" * 19, "x" * 20, "x" * 120])
def test_generated_ids_have_40_characters_at_most(bench: Bench, name: str) -> None:
    """That of a password user with a long name, in a cache whose path is long, is cut where it has to be."""
    longest = PasswordUser(name, READ)
    _named(bench, "X" * 120, access=Access.users(default=DefaultUser.with_token(), users=[longest]))

    ids = sorted(_generated_ids(bench), key=len)
    assert 40 == len(ids[-1])
    # The cache's part has 20 characters: another length would replace the users of running caches.
    assert {f"{ids[0][:20]}-default"} == {each for each in ids if each.endswith("-default")}
    assert len({each[:20] for each in ids}) == 1


# One user id in one account and region


@pytest.mark.parametrize(
    ("make", "path"),
    [
        pytest.param(lambda bench: Construct(bench.stack, "Orders"), "Test/Orders/Redis", id="the same stack"),
        pytest.param(other_stack, "Other/Redis", id="another stack"),
        pytest.param(lambda bench: cdk.NestedStack(bench.stack, "Nested"), "Test/Nested/Redis", id="a nested stack"),
    ],
)
def test_iam_user_of_another_cache_is_refused(bench: Bench, make: Callable[[Bench], Construct], path: str) -> None:
    """Two caches of one stage cannot both have an IAM user of one name: its id is unique in account and region."""
    _named(bench, access=ONLY_IAM)

    with pytest.raises(ConfigurationError) as refusal:
        _named(bench, access=USERS, scope=make(bench))

    expected = (
        f"IamUser('orders-app') for {path}: Test/Redis has a user of that name, and user ids are unique in an account "
        f"and region. Give each cache's user a unique name, or share a UserGroup. {reference('NAM-05')}"
    )
    assert expected == str(refusal.value)


def test_iam_user_of_another_cache_is_refused_in_a_stage_of_its_own(bench: Bench) -> None:
    """The stacks of a stage share an account and region as well as those of an app do."""
    stage = cdk.Stage(app_of(bench), "Prod")
    _named(bench, access=ONLY_IAM, scope=cdk.Stack(stage, "First"))

    with pytest.raises(ConfigurationError, match=r"^IamUser\('orders-app'\) for Prod/Second/Redis: Prod/First/Redis "):
        _named(bench, access=ONLY_IAM, scope=cdk.Stack(stage, "Second"))


def test_iam_users_of_other_names_live_side_by_side(bench: Bench) -> None:
    """What is unique is the name: another name makes another user."""
    second = IamUser("orders-app-2", APP.permissions)
    _named(bench, "First", access=ONLY_IAM)
    _named(bench, "Second", access=Access.users(default=DefaultUser.disabled(), users=[second]))

    ids = {each["Properties"]["UserId"] for each in bench.resources("ElastiCache::User").values()}
    assert ids >= {"orders-app", "orders-app-2"}


def test_stages_may_share_a_name(bench: Bench) -> None:
    """Stages are deployed to separate accounts: each has its caches with the same users."""
    stacks = [cdk.Stack(cdk.Stage(app_of(bench), name), "Cache") for name in ("Dev", "Prod")]

    assert ["Dev/Cache/Redis", "Prod/Cache/Redis"] == [
        _named(bench, access=ONLY_IAM, scope=stack).node.path for stack in stacks
    ]


@pytest.mark.parametrize(
    ("account", "region"),
    [
        pytest.param("123456789012", "eu-central-1", id="another region"),
        pytest.param("210987654321", "eu-west-1", id="another account"),
    ],
)
def test_environments_may_share_a_name(bench: Bench, account: str, region: str) -> None:
    """In another account or region the same id is another user."""
    app = app_of(bench)
    here = cdk.Stack(app, "Here", env=cdk.Environment(account="123456789012", region="eu-west-1"))
    there = cdk.Stack(app, "There", env=cdk.Environment(account=account, region=region))

    paths = []
    for stack in (here, there):
        zones = [f"{stack.region}{letter}" for letter in "ab"]
        vpc = ec2.Vpc.from_vpc_attributes(
            stack, "Vpc", vpc_id="vpc-12345", availability_zones=zones, isolated_subnet_ids=["subnet-a", "subnet-b"]
        )
        paths.append(_named(bench, access=ONLY_IAM, scope=stack, vpc=vpc).node.path)

    assert ["Here/Redis", "There/Redis"] == paths


def test_cache_keeps_its_names_when_it_is_tried_again(bench: Bench) -> None:
    """A cache that was refused for something else, and taken away, does not stand in its own way."""
    with pytest.raises(ConfigurationError, match=r"^a description of 256 characters: "):
        _named(bench, access=ONLY_IAM, description="x" * 256)
    bench.stack.node.try_remove_child("Redis")

    assert "Test/Redis" == _named(bench, access=ONLY_IAM).node.path


# Tokens


def test_token_is_the_groups_own() -> None:
    """The group's AuthToken is a reference to a generated secret."""
    bench = seen_group(access=Access.auth_token())

    secret = bench.stack.get_logical_id(_cfn(bench.cache.secret()))
    expected = _resolved_password(secret)
    assert expected == bench.only("ElastiCache::ReplicationGroup")["Properties"]["AuthToken"]


def test_token_excludes_users() -> None:
    """A cache with a token has no user group, and the stack no users."""
    bench = seen_group(access=Access.auth_token())

    assert "UserGroupIds" not in bench.only("ElastiCache::ReplicationGroup")["Properties"]
    assert {} == {**bench.resources("ElastiCache::User"), **bench.resources("ElastiCache::UserGroup")}


# Secrets

BOTH = pytest.mark.parametrize("access", [USERS, Access.auth_token()], ids=["users", "token"])


@BOTH
def test_passwords_have_an_alphabet_that_the_service_accepts(access: Access) -> None:
    """64 letters and digits, which both tokens and users' passwords may be."""
    bench = seen_group(access=access)

    generated = [
        each["Properties"]["GenerateSecretString"] for each in bench.resources("SecretsManager::Secret").values()
    ]
    assert {(True, 64, None)} == {
        (each["ExcludePunctuation"], each["PasswordLength"], each.get("IncludeSpace")) for each in generated
    }


@BOTH
def test_secrets_are_encrypted_with_the_key_of_the_cache(access: Access) -> None:
    """The customer's key encrypts every secret."""
    bench = seen_group(access=access)

    key = bench.only("ElastiCache::ReplicationGroup")["Properties"]["KmsKeyId"]
    secrets = bench.resources("SecretsManager::Secret").values()
    assert [key] * len(secrets) == [each["Properties"]["KmsKeyId"] for each in secrets]


@pytest.mark.parametrize(
    ("access", "names"),
    [
        pytest.param(USERS, ["default", "legacy"], id="users"),
        pytest.param(Access.auth_token(), ["default"], id="token"),
        pytest.param(ONLY_IAM, [], id="IAM alone"),
    ],
)
def test_secrets_have_one_shape(bench: Bench, access: Access, names: list[str]) -> None:
    """There is a secret for each password, and each is a user name with its password."""
    replication_group(bench, access=access)

    generated = [
        each["Properties"]["GenerateSecretString"] for each in bench.resources("SecretsManager::Secret").values()
    ]
    assert [{"username": name} for name in names] == sorted(
        (json.loads(each["SecretStringTemplate"]) for each in generated), key=str
    )
    assert {"password"} >= {each["GenerateStringKey"] for each in generated}


@BOTH
def test_template_holds_no_password(access: Access) -> None:
    """Nowhere in the template is a password: not in secrets, users or the group, nor in an output."""
    bench = seen_group(access=access)

    template = bench.template()
    literal = [
        each for each in bench.resources("SecretsManager::Secret").values() if "SecretString" in each["Properties"]
    ]
    tokens = [bench.only("ElastiCache::ReplicationGroup")["Properties"].get("AuthToken")]
    passwords = [
        password
        for user in bench.resources("ElastiCache::User").values()
        for password in user["Properties"]["AuthenticationMode"].get("Passwords", [])
    ]
    held = [each for each in [*tokens, *passwords] if each is not None]
    assert [] == literal
    assert [] == [each for each in held if not REFERENCE.search("".join(_strings(each)))]
    assert [] == list(template.get("Outputs", {}))
    assert len(bench.resources("SecretsManager::Secret")) == len(held)


# Tags


def test_user_group_has_no_tags(bench: Bench) -> None:
    """A changed tag on a user group fails the whole stack, so it has none, even in an app with tags (aws-cdk#15378)."""
    replication_group(bench)
    cdk.Tags.of(bench.stack.node.root).add("team", "orders")

    assert "Tags" not in bench.only("ElastiCache::UserGroup")["Properties"]
    assert [{"Key": "team", "Value": "orders"}] == bench.only("ElastiCache::ReplicationGroup")["Properties"]["Tags"]


# Changes


def test_renamed_password_user_gets_another_id() -> None:
    """With the id of the old name a renamed user could not be replaced (terraform-provider-aws#36848)."""
    bench = seen_group()

    assert str(_user(bench, "legacy")["UserId"]).endswith("-legacy")


def test_leaving_user_is_made_and_in_no_group(bench: Bench) -> None:
    """A user that leaves keeps its resource and is out of the group, so that it can be deleted next."""
    leaving = PasswordUser("batch", APP.permissions)
    access = Access.users(default=DefaultUser.with_token(), users=[APP], removing=[leaving])
    replication_group(bench, access=access)
    members = {each["Ref"] for each in bench.only("ElastiCache::UserGroup")["Properties"]["UserIds"]}
    names = {
        each["Properties"]["UserName"]: name in members for name, each in bench.resources("ElastiCache::User").items()
    }

    assert {"default": True, APP.name: True, "batch": False} == names


def test_leaving_changes_no_logical_id(bench: Bench) -> None:
    """Moving a user to the leaving ones deletes nothing yet."""
    other = new_bench()
    user = PasswordUser("batch", APP.permissions)
    replication_group(bench, access=Access.users(default=DefaultUser.with_token(), users=[user]))
    replication_group(other, access=Access.users(default=DefaultUser.with_token(), removing=[user]))

    assert set(bench.template()["Resources"]) == set(other.template()["Resources"])


def test_leaving_password_has_no_secret_to_hand_out(bench: Bench) -> None:
    """No client is granted a login as a user that is being removed."""
    leaving = PasswordUser("batch", APP.permissions)
    cache = replication_group(bench, access=Access.users(default=DefaultUser.with_token(), removing=[leaving]))

    with pytest.raises(ConfigurationError, match="the users with a secret are 'default'"):
        cache.secret("batch")


@pytest.mark.parametrize(
    ("changes", "older"),
    [
        ({"engine": Engine.VALKEY_8_2, "upgraded_from": Engine.REDIS_6_2}, True),
        ({"engine": Engine.VALKEY_8_2, "upgraded_from": Engine.REDIS_7_1}, False),
        ({"engine": Engine.VALKEY_8_2}, False),
    ],
    ids=["from 6.2", "from 7.1", "afterwards"],
)
def test_users_change_before_the_engine(bench: Bench, changes: dict[str, Any], *, older: bool) -> None:
    """While an upgrade is under way, access strings are those that the running engine reads."""
    user = PasswordUser("app", READ)
    access = Access.users(default=DefaultUser.disabled(), users=[user])
    replication_group(bench, access=access, **changes)

    (written,) = (
        each["Properties"]["AccessString"]
        for each in bench.resources("ElastiCache::User").values()
        if each["Properties"]["UserName"] == "app"
    )
    expected = READ.written_for(Engine.REDIS_6_2 if older else Engine.VALKEY_8_2)
    assert expected == written
    assert ("-client|tracking" in written.split()) != older
