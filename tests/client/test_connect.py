"""What connect() returns."""

from __future__ import annotations

import importlib
import socket
import threading
import tomllib
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio
import valkey
import valkey.asyncio
from redis.exceptions import RedisClusterException
from valkey.exceptions import ValkeyClusterException

import elasticache_client
from elasticache_client import ConnectionSettings, SettingsError, connect, connect_async
from local_servers.certificates import HOST
from local_servers.ports import free_port
from local_servers.waiting import wait_until
from tests.client import engines
from tests.client.conftest import KINDS, Caller, iam_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.engines import Engine

every_kind = pytest.mark.parametrize("kind", KINDS)
CLASSES = {
    "redis-py": redis.Redis,
    "redis-py asyncio": redis.asyncio.Redis,
    "valkey-py": valkey.Valkey,
    "valkey-py asyncio": valkey.asyncio.Valkey,
}


def _open_settings(port: int) -> ConnectionSettings:
    return ConnectionSettings(engine="redis", host=HOST, port=port, tls=False, mode="standalone", auth="none")


@every_kind
def test_the_client_is_the_librarys_own(kind: str, open_client: Callable[..., Caller]) -> None:
    """An application gets the library's class, whose documentation applies."""
    assert type(open_client(kind, _open_settings(6379)).client) is CLASSES[kind]


@every_kind
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("socket_timeout", 5.0),
        ("socket_connect_timeout", 2.0),
        ("socket_keepalive", True),
        ("health_check_interval", 30),
    ],
)
def test_every_wait_is_bounded(kind: str, name: str, value: float, open_client: Callable[..., Caller]) -> None:
    """The defaults of connections are those that connect() documents."""
    client = open_client(kind, _open_settings(6379))
    assert client.client.connection_pool.connection_kwargs[name] == value


@every_kind
def test_the_pool_is_bounded(kind: str, open_client: Callable[..., Caller]) -> None:
    """A hundred connections, and a wait of one second for one of them."""
    pool = open_client(kind, _open_settings(6379)).client.connection_pool
    assert (pool.max_connections, pool.timeout) == (100, 1.0)


@every_kind
def test_an_argument_is_the_last_word(kind: str, open_client: Callable[..., Caller]) -> None:
    """The caller's arguments override the defaults."""
    client = open_client(kind, _open_settings(6379), socket_timeout=0.5)
    assert client.client.connection_pool.connection_kwargs["socket_timeout"] == 0.5


@every_kind
def test_a_cache_that_is_down_is_given_up_soon(
    kind: str, open_client: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four attempts, with pauses of about a second between them in all, not eleven and ten."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    client = open_client(kind, _open_settings(free_port()))
    library = KINDS[kind].library
    retry = f"{library}.asyncio.retry" if KINDS[kind].asynchronous else f"{library}.retry"
    monkeypatch.setattr(f"{retry}.sleep", pause if KINDS[kind].asynchronous else pauses.append)
    with pytest.raises((redis.ConnectionError, valkey.ConnectionError)):
        client("ping")
    assert (len(pauses), sum(pauses) < 3) == (3, True)


@every_kind
def test_a_cut_connection_is_made_anew(kind: str, engine: Engine, open_client: Callable[..., Caller]) -> None:
    """The caller does not notice that its connection was closed."""
    engine.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    client = open_client(kind, _open_settings(engine.port))
    client("ping")
    engine.cut("default")
    assert client("ping") is True


@every_kind
def test_a_timeout_is_not_retried(kind: str, engine: Engine, open_client: Callable[..., Caller]) -> None:
    """The server may have executed a command that timed out, so it is not sent again on a new connection."""
    engine.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    client = open_client(kind, _open_settings(engine.port), socket_timeout=0.05)

    def is_connected() -> bool:
        with suppress(redis.TimeoutError, valkey.TimeoutError):
            return client("ping") is True
        return False

    wait_until(is_connected, "the client is connected", 60.0)
    before = engine.admin.info("stats")["total_connections_received"]
    with pytest.raises((redis.TimeoutError, valkey.TimeoutError)):
        client("blpop", "nothing-there", 60)
    assert engine.admin.info("stats")["total_connections_received"] == before


@every_kind
def test_a_demoted_primary_is_left(kind: str, engine: Engine, open_client: Callable[..., Caller]) -> None:
    """After a failover, a write is retried on a new connection and not on the former primary's."""
    engine.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    client = open_client(kind, _open_settings(engine.port))
    before = client("client_id")
    engine.admin.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises((redis.ReadOnlyError, valkey.ReadOnlyError)):
            client("set", "fruit", "pear")
    finally:
        engine.admin.replicaof("NO", "ONE")
    assert client("client_id") != before


@every_kind
@pytest.mark.parametrize("mode", ["standalone", "cluster"])
def test_a_server_that_hangs_up(kind: str, mode: Any, open_client: Callable[..., Caller]) -> None:
    """A server that is full closes connections. Four are tried, and not four for each retry of a retry."""
    opened: list[socket.socket] = []

    def hang_up() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                opened.append(connection)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=hang_up, daemon=True).start()
        settings = replace(_open_settings(server.getsockname()[1]), mode=mode)
        nobody = (redis.ConnectionError, valkey.ConnectionError, RedisClusterException, ValkeyClusterException)
        with pytest.raises(nobody):
            open_client(kind, settings)("get", "fruit")
        server.shutdown(socket.SHUT_RDWR)
    assert 1 <= len(opened) <= 4


def test_the_environment_is_enough(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variables set, no argument is needed."""
    engine.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    for name, value in _open_settings(engine.port).to_environment().items():
        monkeypatch.setenv(name, value)
    client = connect()
    answer = client.ping()
    client.close()
    assert answer is True


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("password", "Pass credentials="),
        ("ssl_ca_certs", "Pass tls="),
        ("host", "Pass settings="),
        ("connection_pool", "Leave it out, because connect() makes it"),
    ],
)
def test_what_the_settings_say_is_not_overridden(name: str, fix: str) -> None:
    """An argument that connect() sets is refused, and the message says what to do."""
    options: dict[str, Any] = {name: "value"}
    with pytest.raises(SettingsError) as caught:
        connect(_open_settings(6379), **options)
    allowed = "connect() does not take this argument of the library's client"
    assert str(caught.value) == f"{name}=…: {allowed}. {fix}."


def test_memcached_is_not_spoken() -> None:
    """The settings of a Memcached cluster require the Memcached client, and the message says so."""
    settings = ConnectionSettings(engine="memcached", host=HOST, port=11211, tls=False, mode="standalone", auth="none")
    with pytest.raises(SettingsError, match="='memcached': must be redis or valkey for this function"):
        connect_async(settings)


def test_region_and_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """IAM authentication needs only the environment that a Lambda function or a container has."""
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDAPP")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = connect(iam_settings(6379))
    assert isinstance(client, redis.Redis)
    connection = client.connection_pool.make_connection()
    _, token = connection.wiring.credentials.get_credentials()  # type: ignore[attr-defined]
    assert "%2Feu-north-1%2Felasticache%2F" in token


@pytest.mark.parametrize(("value", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_engine_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, value: str, outcome: type[BaseException]
) -> None:
    """A missing engine skips a test on a developer's machine and fails it in CI."""
    monkeypatch.setenv("CI", value)
    monkeypatch.setenv("PATH", "nowhere")
    with pytest.raises(outcome, match="Install the system's package"):
        engines.redis_server()


def test_names_are_found_late() -> None:
    """A name that the package does not have raises AttributeError."""
    package = importlib.import_module("elasticache_client")
    with pytest.raises(AttributeError, match="no attribute 'connect_later'"):
        _ = package.connect_later


def test_valkey_py_has_no_asyncio_cluster_client_here() -> None:
    """The message says what to use, because the library's own client does not recover after an outage."""
    settings = iam_settings(6379, mode="cluster")
    with pytest.raises(
        SettingsError, match=r"library='redis'.*Leave library= out.* or use connect\(library='valkey'\)"
    ):
        connect_async(settings, library="valkey")


@pytest.mark.parametrize("library", ["redis", "valkey"])
def test_the_versions_that_are_allowed_are_those_that_are_tested(library: str) -> None:
    """Older versions have severe faults that are not tested here, and a new major version has new defaults."""
    project = tomllib.loads((Path(elasticache_client.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["valkey"]]
    (bounds,) = [requirement.removeprefix(library) for requirement in declared if requirement.startswith(f"{library}>")]
    major, minor, *_ = version(library).split(".")
    assert bounds == f">={major}.{minor},<{int(major) + 1}"
