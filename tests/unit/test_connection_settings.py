"""What an application is told, and that the client understands it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from elasticache_client import ConnectionSettings
from elasticache_constructs import (
    Access,
    ConfigurationError,
    DefaultUser,
    Engine,
    IamUser,
    MemcachedCluster,
    NodeType,
    PasswordUser,
    Permissions,
    ReplicationGroup,
    ReplicationGroupBase,
    ServerlessCache,
    ServerlessCacheBase,
    ServerlessEngine,
    ServerlessLimits,
    Topology,
)
from tests.conftest import Bench, new_bench
from tests.unit.builders import NO_ALARMS

if TYPE_CHECKING:
    from collections.abc import Callable

READ = Permissions.read_only("app:*")
GROUP = "a replication group"
IAM, BATCH = IamUser("settings-app", READ), PasswordUser("batch", READ)


def cache(bench: Bench, **changes: Any) -> ReplicationGroup:
    """A cache with every kind of user."""
    arguments: dict[str, Any] = {
        "engine": Engine.VALKEY_8_2,
        "access": Access.users(default=DefaultUser.with_token(), users=[IAM, BATCH]),
        "alarms": NO_ALARMS,
        **changes,
    }
    return ReplicationGroup(bench.stack, "Cache", vpc=bench.vpc, node_type=NodeType("cache.t4g.small"), **arguments)


def deployed(variables: dict[str, str]) -> dict[str, str]:
    """The variables as they might be after deployment: references are names by then."""
    names = {
        "ELASTICACHE_HOST": "master.cache.abc123.euw1.cache.amazonaws.com",
        "ELASTICACHE_READER_HOST": "replica.cache.abc123.euw1.cache.amazonaws.com",
        "ELASTICACHE_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:Token-AbCdEf",
        "ELASTICACHE_CACHE_NAME": "cac1abcdefghijk",
    }
    return {name: names.get(name, value) for name, value in variables.items()}


def read(variables: dict[str, str]) -> ConnectionSettings:
    """What the client makes of them."""
    return ConnectionSettings.from_environment(deployed(variables))


@dataclass
class Seen(Bench):
    """A finished cache with every kind of user, which is only asked, and a user to grant to."""

    cache: Any
    somebody: iam.IUser

    def call(self, method: str, user: Any) -> Any:
        """Ask for the settings of a user, or for a grant to connect as one, which is refused."""
        return getattr(self.cache, method)(*[self.somebody] if method == "grant_connect" else [], user)


@functools.cache
def seen(kind: str) -> Seen:
    """A cache that is built once."""
    bench = new_bench()
    return Seen(bench.stack, bench.vpc, KINDS[kind](bench), iam.User(bench.stack, "Somebody"))


def test_client_reads_an_iam_user() -> None:
    """An IAM user's settings reach the client: who, by which kind of login, on which cache."""
    settings = read(seen(GROUP).cache.connection_settings(IAM))

    assert ("valkey", "iam", "settings-app", "cac1abcdefghijk", None) == (
        settings.engine,
        settings.auth,
        settings.user,
        settings.cache_name,
        settings.secret_arn,
    )


def test_client_reads_the_token() -> None:
    """Without a user the settings are those of the AUTH token."""
    settings = read(seen(GROUP).cache.connection_settings())

    assert ("secret", "default", True) == (settings.auth, settings.user, settings.secret_arn is not None)


def test_client_reads_a_password_user() -> None:
    """A password user's settings name its own secret."""
    made = seen(GROUP).cache
    mine, tokens = made.connection_settings(BATCH), made.connection_settings()

    assert "batch" == read(mine).user
    assert mine["ELASTICACHE_SECRET_ARN"] != tokens["ELASTICACHE_SECRET_ARN"]


@pytest.mark.parametrize(("shards", "mode", "reader"), [(1, "standalone", True), (2, "cluster", False)])
def test_client_reads_the_mode(bench: Bench, shards: int, mode: str, *, reader: bool) -> None:
    """The client learns whether it talks to a cluster, and of a reader endpoint where there is one."""
    settings = read(cache(bench, topology=Topology(shards=shards)).connection_settings(IAM))

    assert (mode, reader, True) == (settings.mode, settings.reader_host is not None, settings.tls)


def test_client_reads_memcached(bench: Bench) -> None:
    """Memcached's settings have no login."""
    made = MemcachedCluster(
        bench.stack, "Pages", vpc=bench.vpc, node_type=NodeType("cache.t4g.small"), alarms=NO_ALARMS
    )
    settings = read(made.connection_settings())

    assert ("memcached", "none", 11211) == (settings.engine, settings.auth, settings.port)


def test_every_variable_is_of_the_contract() -> None:
    """The client writes the same variables from what it read."""
    variables = deployed(seen(GROUP).cache.connection_settings(IAM))

    assert variables == ConnectionSettings.from_environment(variables).to_environment()


def test_variables_carry_no_secret() -> None:
    """A secret is named by its ARN, never resolved into a variable."""
    assert "{{resolve" not in str(seen(GROUP).stack.resolve(seen(GROUP).cache.connection_settings()))


def test_imported_group_knows_iam_users_alone(bench: Bench) -> None:
    """An imported group's secrets are not known."""
    imported = ReplicationGroup.from_replication_group_attributes(
        bench.stack,
        "Imported",
        replication_group_id="shop",
        endpoint_address="master.shop.example",
        security_groups=[ec2.SecurityGroup.from_security_group_id(bench.stack, "Group", "sg-1")],
    )

    assert "shop" == imported.connection_settings(IAM)["ELASTICACHE_CACHE_NAME"]
    with pytest.raises(ConfigurationError, match="the secrets of an imported group are not known"):
        imported.connection_settings()


def serverless(bench: Bench, **changes: Any) -> ServerlessCacheBase:
    """A serverless cache made elsewhere."""
    arguments: dict[str, Any] = {
        "serverless_cache_name": "Shop",
        "endpoint_address": "shop.serverless.euw1.cache.amazonaws.com",
        "security_groups": [ec2.SecurityGroup.from_security_group_id(bench.stack, "Nodes", "sg-1")],
        **changes,
    }
    return ServerlessCache.from_serverless_cache_attributes(bench.stack, "Serverless", **arguments)


def test_client_reads_a_serverless_cache(bench: Bench) -> None:
    """Tokens for serverless caches say so, clients speak the cluster protocol, and readers have a separate port."""
    cache = serverless(bench, reader_endpoint_address="shop.reader.example")
    settings = ConnectionSettings.from_environment(cache.connection_settings(IAM))

    assert (True, "cluster", "shop", 6380) == (
        settings.serverless,
        settings.mode,
        settings.cache_name,
        settings.reader_port,
    )


def test_grant_on_a_serverless_cache_names_it_and_the_user(bench: Bench) -> None:
    """Connecting is allowed on the cache's and the user's ARN, in the form with colons and in lower case."""
    role = iam.Role(bench.stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    serverless(bench).grant_connect(role, IAM)
    (statement,) = bench.only("IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
    ends = [each["Fn::Join"][1][-1] for each in statement["Resource"]]

    assert ("elasticache:Connect", [":serverlesscache:shop", ":user:settings-app"]) == (statement["Action"], ends)


def test_serverless_cache_admits_clients(bench: Bench) -> None:
    """Rules for clients of a serverless cache open both of its ports."""
    client = ec2.SecurityGroup(bench.stack, "Client", vpc=bench.vpc)
    serverless(bench).connections.allow_default_port_from(client)

    rule = bench.only("EC2::SecurityGroupIngress")["Properties"]
    assert (6379, 6380) == (rule["FromPort"], rule["ToPort"])


# Both kinds of cache answer alike.


def serverless_cache(bench: Bench, **changes: Any) -> ServerlessCache:
    """A serverless cache with every kind of user."""
    arguments: dict[str, Any] = {
        "access": Access.users(default=DefaultUser.with_token(), users=[IAM, BATCH]),
        "alarms": NO_ALARMS,
        **changes,
    }
    limits = ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000)
    return ServerlessCache(bench.stack, "Cache", vpc=bench.vpc, limits=limits, **arguments)


KINDS: dict[str, Callable[..., Any]] = {GROUP: cache, "a serverless cache": serverless_cache}
NO_TOKEN = Access.users(default=DefaultUser.disabled(), users=[IAM])


def imported_group(bench: Bench) -> ReplicationGroupBase:
    """A replication group made elsewhere."""
    return ReplicationGroup.from_replication_group_attributes(
        bench.stack, "Imported", replication_group_id="shop", endpoint_address="shop.example", security_groups=[]
    )


IMPORTED: dict[str, Callable[..., Any]] = {GROUP: imported_group, "a serverless cache": serverless}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("user", "auth", "name"),
    [
        pytest.param(IAM, "iam", "settings-app", id="an IAM user"),
        pytest.param(BATCH, "secret", "batch", id="a user with a password"),
        pytest.param(None, "secret", "default", id="no user: the token"),
    ],
)
def test_every_login_is_told(kind: str, user: Any, auth: str, name: str) -> None:
    """Each user has its login, and one with a password the secret that is its own."""
    made = seen(kind).cache
    variables = made.connection_settings(user)

    assert (auth, name) == (variables["ELASTICACHE_AUTH"], variables["ELASTICACHE_USER"])
    secret = made.secret(name).secret_arn if auth == "secret" else None
    assert secret == variables.get("ELASTICACHE_SECRET_ARN")


@pytest.mark.parametrize("kind", KINDS)
def test_open_cache_tells_of_no_login(bench: Bench, kind: str) -> None:
    """Where no login is needed, there is no user to log in as."""
    made = KINDS[kind](bench, access=Access.without_login(reason="until its clients log in, in spring"))

    assert "none" == made.connection_settings()["ELASTICACHE_AUTH"]


FOREIGN = [
    pytest.param(IamUser("stranger", READ), "'stranger'", id="an IAM user"),
    pytest.param(IamUser("settings-app", Permissions.read_only("all:*")), "'settings-app'", id="one with other rights"),
    pytest.param(PasswordUser("stranger", READ), "'stranger'", id="a user with a password"),
    pytest.param(IamUser("batch", READ), "'batch'", id="an IAM user with another's name"),
    pytest.param(PasswordUser("settings-app", READ), "'settings-app'", id="a password for an IAM user"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", ["grant_connect", "connection_settings"])
@pytest.mark.parametrize(("user", "name"), FOREIGN)
def test_users_of_other_caches_are_refused(kind: str, call: str, user: Any, name: str) -> None:
    """Settings and grants are for the cache's own users."""
    with pytest.raises(ConfigurationError, match=rf"User\({name}\) of another cache"):
        seen(kind).call(call, user)


@pytest.mark.parametrize("kind", KINDS)
def test_iam_lets_nobody_in_by_password(kind: str) -> None:
    """A grant to connect as a user with a password would open nothing."""
    with pytest.raises(ConfigurationError, match=r"Use secret\('batch'\)\.grant_read\(role\)"):
        seen(kind).call("grant_connect", BATCH)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("access", [NO_TOKEN, Access.users(default=DefaultUser.disabled(), users=[BATCH])])
def test_disabled_default_user_has_no_settings(bench: Bench, kind: str, access: Access) -> None:
    """Without a token a user must be named."""
    with pytest.raises(ConfigurationError, match=r"secret\('default'\): the users with a secret are "):
        KINDS[kind](bench, access=access).connection_settings()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", ["grant_connect", "connection_settings"])
@pytest.mark.parametrize("user", ["settings-app", DefaultUser.with_token()], ids=["a text", "the default user"])
def test_what_is_no_user_is_refused(kind: str, call: str, user: Any) -> None:
    """Users are named by the values that the cache was given."""
    with pytest.raises(ConfigurationError, match="user is of type IamUser or PasswordUser"):
        seen(kind).call(call, user)


@pytest.mark.parametrize("kind", IMPORTED)
def test_imported_cache_knows_iam_users_alone(bench: Bench, kind: str) -> None:
    """Any IAM user of an imported cache is told and granted; its secrets are not known."""
    made = IMPORTED[kind](bench)
    made.grant_connect(iam.User(bench.stack, "Somebody"), IAM)

    assert "iam" == made.connection_settings(IAM)["ELASTICACHE_AUTH"]
    for user in (None, BATCH):
        with pytest.raises(ConfigurationError, match=r"the secrets of an imported (group|cache) are not known"):
            made.connection_settings(user)
    with pytest.raises(ConfigurationError, match="grant_connect for PasswordUser"):
        made.grant_connect(iam.User(bench.stack, "Else"), BATCH)


@pytest.mark.parametrize("made", [True, False], ids=["made here", "imported"])
def test_serverless_memcached_has_no_logins(bench: Bench, *, made: bool) -> None:
    """Its settings name no user, and no user can be granted or told."""
    engine = ServerlessEngine.MEMCACHED_1_6
    memcached = serverless_cache(bench, engine=engine, access=None) if made else serverless(bench, engine=engine)

    assert "none" == memcached.connection_settings()["ELASTICACHE_AUTH"]
    with pytest.raises(ConfigurationError, match="Memcached has no logins"):
        memcached.connection_settings(IAM)
    with pytest.raises(ConfigurationError, match="Memcached has no logins"):
        memcached.grant_connect(iam.User(bench.stack, "Somebody"), IAM)
