"""Engines, caches and clients for the client's tests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import Credentials as AwsCredentials  # type: ignore[import-untyped]

from elasticache_client import (
    ConnectionSettings,
    IamCredentials,
    SecretCredentials,
    clients,
    connect,
    connect_async,
    connections,
    tls_context,
)
from elasticache_client.connections import Wiring
from local_servers.certificates import HOST, make_certificate
from tests.client.engines import Engine, Front, redis_server, stopping, valkey_server
from tests.client.secrets_manager import ARN, SecretsManagerStub
from tests.client.verifier import Key, Verifier
from tests.combinations import deselect, names_client_or_server, of_clients

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from local_servers.certificates import Certificate

_FOLDER = Path(__file__).parent
REGION = "eu-west-1"
CACHE = "orders"
APP = "orders-app"
APP_PASSWORD = "internal-between-front-and-engine"
KEY = Key("secret-of-the-app")
UNGRANTED = Key("secret-without-grant", may_connect=False)
KEYS = {"AKIDAPP": KEY, "AKIDUNGRANTED": UNGRANTED}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of this folder whose combination of engine and client tells nothing new."""
    deselect(config, items, _goals)


def _goals(item: pytest.Item) -> set[Hashable] | None:
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    if _FOLDER not in item.path.parents or not names_client_or_server(parameters):
        return None
    if is_refused(parameters):
        return set()
    # For connections and logins, the libraries' code differs between the kinds of client.
    return of_clients(parameters, each_kind=item.path.parent == _FOLDER)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """The current time."""
        return self.now


@dataclass(frozen=True)
class Kind:
    """One of the four kinds of client."""

    library: str
    asynchronous: bool


KINDS = {
    "redis-py": Kind("redis", asynchronous=False),
    "redis-py asyncio": Kind("redis", asynchronous=True),
    "valkey-py": Kind("valkey", asynchronous=False),
    "valkey-py asyncio": Kind("valkey", asynchronous=True),
}


def skip_what_is_refused(kind: Kind) -> None:
    """Skip the one kind of client that is not supported for clusters. A separate test checks that it is refused."""
    if kind == KINDS["valkey-py asyncio"]:
        pytest.skip("connect_async() refuses valkey-py for clusters")


def is_refused(parameters: dict[str, Any]) -> bool:
    """Whether this kind of client is the one that is not supported for clusters, as another test checks."""
    is_cluster = "cluster" in parameters or str(parameters.get("place")).endswith("cluster")
    return is_cluster and parameters.get("kind") == "valkey-py asyncio"


class Caller:
    """A client of any kind, called in the same way."""

    def __init__(self, kind: Kind, settings: ConnectionSettings, **options: Any) -> None:
        self.asynchronous = kind.asynchronous
        self._runner = asyncio.Runner() if kind.asynchronous else None
        if settings.mode == "cluster":
            skip_what_is_refused(kind)
        opener: Any = connect_async if kind.asynchronous else connect
        self.client = (
            self.wait(self._open(opener, settings, kind, options))
            if self._runner
            else opener(settings, library=kind.library, **options)
        )

    def wait(self, result: Any) -> Any:
        """The result, awaited if it is a coroutine."""
        return self._runner.run(result) if self._runner is not None else result

    def __call__(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of the client."""
        return self.wait(getattr(self.client, method)(*arguments, **named))

    def close(self) -> None:
        """Close the client and its event loop."""
        if self._runner is None:
            self.client.close()
            return
        self._runner.run(self.client.aclose())
        if nodes := getattr(self.client, "nodes_manager", None):
            # A cluster client that will read the slot map again leaves connections open.
            self._runner.run(nodes.aclose())
            self._runner.run(nodes.aclose("startup_nodes"))
        self._runner.run(asyncio.sleep(0.01))  # transports close in the loop's next turns
        self._runner.close()

    async def _open(self, opener: Any, settings: ConnectionSettings, kind: Kind, options: dict[str, Any]) -> Any:
        return opener(settings, library=kind.library, **options)


class Interrupted(Exception):  # noqa: N818
    """The exception that a signal handler raises."""


@pytest.fixture(name="interrupt")
def _interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes a later read raise an exception before it starts, after a number of other reads."""
    left: list[int] = []

    def is_now() -> bool:
        if left:
            left[0] -= 1
        return bool(left) and left[0] < 0 and bool(left.pop() < 0)

    read: Any = connections._SyncConnection.read_response
    read_async: Any = connections._AsyncConnection.read_response

    def read_response(self: Any, *args: Any, **named: Any) -> Any:
        if is_now():
            raise Interrupted
        return read(self, *args, **named)

    async def read_response_async(self: Any, *args: Any, **named: Any) -> Any:
        if is_now():
            raise Interrupted
        return await read_async(self, *args, **named)

    monkeypatch.setattr(connections._SyncConnection, "read_response", read_response)
    monkeypatch.setattr(connections._AsyncConnection, "read_response", read_response_async)
    return left.append


@pytest.fixture(scope="session", name="certificate")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session", name="redis_tls")
def _redis_tls(certificate: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from stopping(Engine(redis_server(), tmp_path_factory.mktemp("redis-tls"), certificate))


@pytest.fixture(scope="session", params=["redis", "valkey"], name="engine")
def _engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    program = redis_server() if request.param == "redis" else valkey_server()
    yield from stopping(Engine(program, tmp_path_factory.mktemp(request.param), None))


@pytest.fixture(name="front")
def _front(engine: Engine, certificate: Certificate) -> Iterator[Front]:
    engine.set_passwords(APP, APP_PASSWORD)
    yield from stopping(Front(engine, certificate, {APP: APP_PASSWORD}, Verifier(CACHE, REGION, KEYS)))


@pytest.fixture(name="ages")
def _ages(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that decides the age of connections that are opened from now on."""
    clock = Clock()
    monkeypatch.setattr(clients, "Wiring", partial(Wiring, clock=clock))
    return clock


@pytest.fixture(name="open_client")
def _open_client(certificate: Certificate) -> Iterator[Callable[..., Caller]]:
    opened: list[Caller] = []

    def open_client(kind: str, settings: ConnectionSettings, **options: Any) -> Caller:
        options.setdefault("tls", tls_context(certificate.certificate))
        options.setdefault("decode_responses", True)
        opened.append(Caller(KINDS[kind], settings, **options))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


def iam_settings(port: int, **changes: Any) -> ConnectionSettings:
    """A cache with IAM authentication on this machine."""
    settings = ConnectionSettings(
        engine="valkey",
        host=HOST,
        port=port,
        tls=True,
        mode="standalone",
        auth="iam",
        user=APP,
        cache_name=CACHE,
    )
    return replace(settings, **changes)


def secret_settings(port: int, user: str = "default", **changes: Any) -> ConnectionSettings:
    """A cache with a password on this machine."""
    settings = ConnectionSettings(
        engine="redis", host=HOST, port=port, tls=True, mode="standalone", auth="secret", user=user, secret_arn=ARN
    )
    return replace(settings, **changes)


def iam_credentials(key_id: str = "AKIDAPP", **changes: Any) -> IamCredentials:
    """Credentials that sign with one of the keys of the fronts."""
    options: dict[str, Any] = {"user": APP, "cache_name": CACHE, "region": REGION, **changes}
    return IamCredentials(credentials=AwsCredentials(key_id, KEYS[key_id].secret), **options)


def secret_credentials(stub: SecretsManagerStub, **changes: Any) -> SecretCredentials:
    """Credentials that read the secret from the stub."""
    return SecretCredentials(secret_arn=ARN, user=stub.user, client=stub, **changes)
