"""What an application is told, and that the client understands it."""

from __future__ import annotations

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
    ServerlessCache,
    ServerlessCacheBase,
    Topology,
)

if TYPE_CHECKING:
    from tests.conftest import Bench

READ = Permissions.read_only("app:*")
IAM, BATCH = IamUser("settings-app", READ), PasswordUser("batch", READ)


def cache(bench: Bench, **changes: Any) -> ReplicationGroup:
    """A cache with every kind of user."""
    arguments: dict[str, Any] = {
        "engine": Engine.VALKEY_8_2,
        "access": Access.users(default=DefaultUser.with_token(), users=[IAM, BATCH]),
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


def test_client_reads_an_iam_user(bench: Bench) -> None:
    """An IAM user's settings reach the client: who, by which kind of login, on which cache."""
    settings = read(cache(bench).connection_settings(IAM))

    assert ("valkey", "iam", "settings-app", "cac1abcdefghijk", None) == (
        settings.engine,
        settings.auth,
        settings.user,
        settings.cache_name,
        settings.secret_arn,
    )


def test_client_reads_the_token(bench: Bench) -> None:
    """Without a user the settings are those of the AUTH token."""
    settings = read(cache(bench).connection_settings())

    assert ("secret", "default", True) == (settings.auth, settings.user, settings.secret_arn is not None)


def test_client_reads_a_password_user(bench: Bench) -> None:
    """A password user's settings name its own secret."""
    made = cache(bench)
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
    made = MemcachedCluster(bench.stack, "Pages", vpc=bench.vpc, node_type=NodeType("cache.t4g.small"))
    settings = read(made.connection_settings())

    assert ("memcached", "none", 11211) == (settings.engine, settings.auth, settings.port)


def test_every_variable_is_of_the_contract(bench: Bench) -> None:
    """The client writes the same variables from what it read."""
    variables = deployed(cache(bench).connection_settings(IAM))

    assert variables == ConnectionSettings.from_environment(variables).to_environment()


def test_variables_carry_no_secret(bench: Bench) -> None:
    """A secret is named by its ARN, never resolved into a variable."""
    assert "{{resolve" not in str(bench.stack.resolve(cache(bench).connection_settings()))


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


def test_users_of_other_caches_are_refused(bench: Bench) -> None:
    """Settings are given for the cache's own users."""
    with pytest.raises(ConfigurationError, match="the IAM users of this group are 'settings-app'"):
        cache(bench).connection_settings(IamUser("somebody", READ))


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
    """Tokens for serverless caches say so, clients speak the cluster protocol, and readers have a port of their own."""
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
