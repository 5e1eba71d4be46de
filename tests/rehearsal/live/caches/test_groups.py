"""Replication groups: names, logins, users, AUTH tokens, parameters, and what an engine refuses."""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import redis

from rehearsal.extension import seam

if TYPE_CHECKING:
    from tests.rehearsal.live.caches.conftest import Service

PASSWORD = "correct-horse-battery"
OTHER_PASSWORD = "another-long-secret"
TOKEN, NEXT_TOKEN = "a" * 16, "b" * 16


def _user_group(service: Service, *users: str) -> str:
    service("CreateUserGroup", UserGroupId="everybody", Engine="valkey", UserIds=list(users))
    return "everybody"


def test_names_roles_and_data(service: Service) -> None:
    """Names are as AWS makes them; the primary takes writes, the replica has them, and the certificate fits."""
    cache = service.group("orders")
    described = service("DescribeReplicationGroups", ReplicationGroupId="orders")
    mark = cache.names.mark
    tail = f"orders.{mark}.euw1.cache.amazonaws.com"
    assert re.fullmatch("[0-9a-f]{6}", mark)
    assert [f"master.{tail}", f"replica.{tail}", f"orders-001.{tail}", f"orders-002.{tail}"] == service.texts(
        described, "Address"
    )
    assert ["primary", "replica"] == service.texts(described, "CurrentRole")
    primary, reader = service.connect(f"master.{tail}"), service.connect(f"replica.{tail}")
    primary.set("key", "value")
    assert primary.wait(1, 5000) == 1
    assert reader.get("key") == "value"
    with pytest.raises(redis.ReadOnlyError):
        reader.set("key", "other")
    _verify(service, f"master.{tail}")
    for client in (primary, reader):
        client.close()


def _verify(service: Service, host: str) -> None:
    context = ssl.create_default_context(cafile=service.run.authority.ca_file)
    address = service.run.addresses.address_of(host)
    with socket.create_connection((address, 6379)) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
        assert secure.version() in {"TLSv1.2", "TLSv1.3"}


def test_a_deleted_group_leaves_nothing(service: Service) -> None:
    """Processes, endpoints and names of a deleted group are gone."""
    cache = service.group("short-lived")
    names = tuple(service.caches.names_of(cache))
    service.delete("short-lived")
    assert not any(node.is_running for node in cache.group.nodes)
    assert [service.run.addresses.address_of(name) for name in names] == [None] * 4
    assert not {"short-lived-001", "short-lived-002"} & set(service.run.edge.endpoints)


def test_users_log_in_with_their_permissions(service: Service) -> None:
    """Password and permissions of an access string hold, and no user has the commands that ElastiCache takes."""
    service.user("reader", access_string="on ~app:* -@all +get")
    service.user("everything", access_string="on ~* &* +@all (~x:* +@all)")
    cache = service.group("orders", UserGroupIds=[_user_group(service, "reader", "everything")])
    reader = service.connect(cache.names.primary, username="reader", password=PASSWORD)
    assert reader.get("app:1") is None
    for command in ("GET other", "SET app:1 1"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            reader.execute_command(*command.split())
    everything = service.connect(cache.names.primary, username="everything", password=PASSWORD)
    assert everything.set("x:1", "1")
    for command in ("CONFIG GET maxmemory", "SAVE", "ACL SETUSER x", "MODULE LIST", "REPLICAOF NO ONE"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            everything.execute_command(*command.split())
    unknown: list[tuple[str | None, str | None]] = [(None, None), ("reader", OTHER_PASSWORD), ("nobody", PASSWORD)]
    for name, password in unknown:
        stranger = service.connect(cache.names.primary, username=name, password=password)
        with pytest.raises(redis.AuthenticationError):
            stranger.get("app:1")
        stranger.close()
    for client in (reader, everything):
        client.close()


def test_users_without_a_password(service: Service) -> None:
    """A user of that mode logs in with any password, and the default user without login; a deleted user cannot."""
    service.user("open", AuthenticationMode={"Type": "no-password-required"})
    mode = {"Type": "no-password-required"}
    service(
        "CreateUser",
        UserId="all",
        UserName="default",
        Engine="valkey",
        AccessString="on ~* +ping",
        AuthenticationMode=mode,
    )
    cache = service.group("orders", UserGroupIds=[_user_group(service, "open", "all")])
    with closing(service.connect(cache.names.primary)) as client:
        assert client.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.get("key")
    login: dict[str, Any] = {"username": "open", "password": "whatever"}
    with closing(service.connect(cache.names.reader, **login)) as client:
        assert client.get("key") is None
    service("DeleteUser", UserId="open")
    with closing(service.connect(cache.names.reader, **login)) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_a_default_user_who_is_off(service: Service) -> None:
    """As the constructs disable it: clients that do not log in are told so, and other users log in on the connection.

    Switched on again, it is for clients without a login.
    """
    service.user("app")
    mode = {"Type": "no-password-required"}
    off = {"UserId": "disabled", "UserName": "default", "Engine": "valkey", "AccessString": "off -@all"}
    service("CreateUser", **off, AuthenticationMode=mode)
    cache = service.group("orders", UserGroupIds=[_user_group(service, "app", "disabled")])
    logins: tuple[dict[str, Any], ...] = ({}, {"username": "default", "password": "any"})
    for login in logins:
        with closing(service.connect(cache.names.primary, **login)) as client, pytest.raises(redis.AuthenticationError):
            client.ping()
    with closing(service.connect(cache.names.primary, username="app", password=PASSWORD)) as client:
        assert client.ping()
    service("ModifyUser", UserId="disabled", AccessString="on ~* +ping")
    with closing(service.connect(cache.names.primary)) as client:
        assert client.ping()


def test_a_password_for_a_group_without_users_is_refused(service: Service) -> None:
    """As in AWS, a client with a token fails on a group without one, and a client without it does not."""
    cache = service.group("orders")
    assert _logs_in(service, cache.names.primary, None)
    assert not _logs_in(service, cache.names.primary, TOKEN)


def test_a_modified_user_is_modified_on_all_nodes(service: Service) -> None:
    """A new password and new permissions hold on primary and replica at once, and held connections stay."""
    service.user("app", access_string="on ~* +@all")
    cache = service.group("orders", UserGroupIds=[_user_group(service, "app")])
    hosts = (cache.names.primary, cache.names.reader)
    held = [service.connect(host, username="app", password=PASSWORD) for host in hosts]
    assert [client.ping() for client in held] == [True, True]
    identities = [client.client_id() for client in held]
    mode = {"Type": "password", "Passwords": [OTHER_PASSWORD]}
    service("ModifyUser", UserId="app", AccessString="on ~* -@all +ping +client", AuthenticationMode=mode)
    assert [client.client_id() for client in held] == identities
    for host in hosts:
        renewed = service.connect(host, username="app", password=OTHER_PASSWORD)
        assert renewed.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            renewed.get("key")
        old = service.connect(host, username="app", password=PASSWORD)
        with pytest.raises(redis.AuthenticationError):
            old.ping()
        for client in (renewed, old):
            client.close()
    for client in held:
        client.close()


def test_users_come_and_go_with_their_group(service: Service) -> None:
    """A user added to the user group of a cache can log in; one removed cannot, nor its open connection continue."""
    service.user("first")
    service.user("second")
    cache = service.group("orders", UserGroupIds=[_user_group(service, "first")])
    late = service.connect(cache.names.primary, username="second", password=PASSWORD)
    with pytest.raises(redis.AuthenticationError):
        late.ping()
    service("ModifyUserGroup", UserGroupId="everybody", UserIdsToAdd=["second"])
    assert late.ping()
    service("ModifyUserGroup", UserGroupId="everybody", UserIdsToRemove=["second"])
    with pytest.raises((redis.AuthenticationError, redis.ConnectionError)):
        late.ping()
    late.close()


def test_a_user_of_type_iam_has_a_password_that_no_client_knows(service: Service) -> None:
    """What decides about logins gets the engine's password of the user, and the same after a change."""
    service.user("app", AuthenticationMode={"Type": "iam"})
    cache = service.group("orders", UserGroupIds=[_user_group(service, "app")])
    assert cache.access.resource == "replicationgroup:orders"
    password = cache.access.iam_users["app"]
    service("ModifyUser", UserId="app", AccessString="on ~* +@read")
    assert cache.access.iam_users == {"app": password}
    login = service.run.edge.endpoints["orders-001"].login
    assert login is cache.access
    assert password not in repr(login)


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ([], [TOKEN]),
        ([(NEXT_TOKEN, "ROTATE")], [TOKEN, NEXT_TOKEN]),
        ([(NEXT_TOKEN, "ROTATE"), (NEXT_TOKEN, "SET")], [NEXT_TOKEN]),
        ([("", "DELETE")], [None]),
        ([("", "DELETE"), (NEXT_TOKEN, "ROTATE")], [None, NEXT_TOKEN]),
    ],
    ids=["token", "rotate", "set", "delete", "optional"],
)
def test_auth_tokens(service: Service, changes: list[tuple[str, str]], accepted: list[str | None]) -> None:
    """A group accepts its tokens, on all nodes, and a held connection survives each change."""
    cache = service.group("orders", AuthToken=TOKEN)
    held = service.connect(cache.names.primary, password=TOKEN)
    identity = held.client_id()
    for token, strategy in changes:
        service(
            "ModifyReplicationGroup", ReplicationGroupId="orders", AuthToken=token, AuthTokenUpdateStrategy=strategy
        )
    for host in (cache.names.primary, cache.names.reader):
        for tried in (None, TOKEN, NEXT_TOKEN):
            assert _logs_in(service, host, tried) == (tried in accepted), (host, tried)
    assert held.client_id() == identity
    held.close()


def _logs_in(service: Service, host: str, token: str | None) -> bool:
    client = service.connect(host, password=token)
    try:
        return bool(client.ping())
    except redis.AuthenticationError:
        return False
    finally:
        client.close()


@pytest.mark.parametrize("access_string", ["on ~* +nosuchcommand", "on ~* +@nosuchcategory", "on nonsense"])
def test_access_string_that_the_engine_refuses(service: Service, access_string: str) -> None:
    """CreateUser and ModifyUser fail with the engine's words, and nothing changes."""
    with pytest.raises(
        Exception, match=r"InvalidParameterValue.*the engine refused it, and says: Error in ACL SETUSER"
    ):
        service.user("app", access_string=access_string)
    assert "app" not in seam.elasticache._users
    service.user("app")
    with pytest.raises(Exception, match=r"InvalidParameterValue.*the engine refused it"):
        service("ModifyUser", UserId="app", AccessString=access_string)
    assert seam.elasticache._users["app"]["AccessString"] == "on ~* &* +@all"


def _parameter_group(service: Service, family: str, **values: str) -> str:
    seam.elasticache._param_groups.pop("own", None)
    service(
        "CreateCacheParameterGroup", CacheParameterGroupName="own", CacheParameterGroupFamily=family, Description="x"
    )
    _set(service, **values)
    return "own"


def _set(service: Service, **values: str) -> None:
    items = {
        f"ParameterNameValues.ParameterNameValue.{n}.{part}": text
        for n, (name, value) in enumerate(values.items(), 1)
        for part, text in (("ParameterName", name.replace("_", "-")), ("ParameterValue", value))
    }
    service("ModifyCacheParameterGroup", CacheParameterGroupName="own", **items)


def test_parameters_reach_the_engine(service: Service) -> None:
    """Values are the engine's, memory is the node type's, what has no counterpart is named, and changes apply."""
    limit = {"client_output_buffer_limit_pubsub_hard_limit": "1048576"}
    name = _parameter_group(
        service, "valkey8", maxmemory_policy="allkeys-lfu", timeout="300", close_on_replica_write="no", **limit
    )
    cache = service.group("orders", CacheParameterGroupName=name)
    engine = cache.group.nodes[1].client
    assert engine.config_get("maxmemory-policy", "timeout", "maxmemory") == {
        "maxmemory-policy": "allkeys-lfu",
        "timeout": "300",
        "maxmemory": str(int(1.37 * 1024**3 * 0.75)),
    }
    assert "pubsub 1048576 8388608 60" in engine.config_get("client-output-buffer-limit")["client-output-buffer-limit"]
    assert service.control("engine-versions")["parameters_without_counterpart"] == {
        "orders": ["close-on-replica-write"]
    }
    reset = {"ParameterNameValues.ParameterNameValue.1.ParameterName": "maxmemory-policy"}
    service("ResetCacheParameterGroup", CacheParameterGroupName=name, **reset)
    assert engine.config_get("maxmemory-policy")["maxmemory-policy"] == "volatile-lru"
    _set(service, timeout="200", databases="32")
    assert [node.client.config_get("timeout")["timeout"] for node in cache.group.nodes] == ["200", "200"]
    assert service.journal("engine")[-1]["parameters_after_restart"] == ["databases"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"maxmemory_policy": "sometimes"}, 'maxmemory-policy "sometimes": argument'),
        ({"databases": "many"}, "databases"),
        ({"client_output_buffer_limit_normal_hard_limit": "much"}, "client-output-buffer-limit"),
        ({"no_such_parameter": "1"}, "Could not find parameter with name: no-such-parameter"),
    ],
)
def test_parameter_that_the_engine_refuses(service: Service, values: dict[str, str], message: str) -> None:
    """The parameter group fails with the engine's words, and keeps what it had."""
    _parameter_group(service, "valkey8", timeout="300")
    with pytest.raises(Exception, match=f"InvalidParameterValue.*{message}"):
        _set(service, **values)
    known = seam.elasticache._param_group_params["own"]
    assert {name for name, value in known.items() if value["Source"] == "user"} == {"timeout"}


@pytest.mark.usefixtures("service")
def test_cloudformation_gets_the_refusal() -> None:
    """A stack whose parameter group the engine refuses fails, and names the engine's words."""
    create = seam.handlers()["AWS::ElastiCache::ParameterGroup"]["create"]
    wrong: dict[str, Any] = {"CacheParameterGroupFamily": "valkey8", "Properties": {"maxmemory-policy": "sometimes"}}
    with pytest.raises(ValueError, match=r"InvalidParameterValue.*argument.s. must be one of the following"):
        create("Logical", wrong, "stack")


def test_a_group_that_an_engine_refuses_is_not_created(service: Service) -> None:
    """A value that reaches the engine by another way than the parameter group's check fails the creation."""
    name = _parameter_group(service, "valkey8", timeout="300")
    seam.elasticache._param_group_params[name]["timeout"]["Value"] = "soon"
    with pytest.raises(Exception, match=r"InvalidParameterValue.*timeout"):
        service.group("orders", CacheParameterGroupName=name)
    assert "orders" not in seam.elasticache._replication_groups
    assert "orders" not in service.caches.groups
    assert "orders-001" not in service.run.edge.endpoints


def test_without_encryption_names_and_clients_are_plain(service: Service) -> None:
    """A group without encryption in transit has AWS's other names, and clients without TLS."""
    cache = service.group("plain", TransitEncryptionEnabled="false", Port="7000")
    assert cache.names.primary == f"plain.{cache.names.mark}.ng.0001.euw1.cache.amazonaws.com"
    client = service.connect(cache.names.primary, 7000, tls=False)
    assert client.ping()
    client.close()
