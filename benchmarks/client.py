"""Cost of the client, compared with the bare libraries: a new TLS connection, an IAM token, a GET."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import redis
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.model import ServiceId  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]
from botocore.signers import RequestSigner  # type: ignore[import-untyped]

from elasticache_client import ConnectionSettings, IamCredentials, SecretCredentials, connect, tls_context
from local_servers.certificates import HOST, make_certificate
from local_servers.nodes import ADMINISTRATOR, Node, redis_server

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

_ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:benchmark"
_CONNECTIONS = 40
_GETS = 2000
_LOOKUPS = 20_000
_ROUNDS = 7


def run() -> dict[str, Any]:
    """Measure each case in turns with its peers.

    Returns:
        The findings; only their ratios apply to other machines.
    """
    with tempfile.TemporaryDirectory() as directory:
        node = Node(redis_server(), Path(directory), certificate=make_certificate(Path(directory)))
        try:
            return {"new_tls_connection": _connections(node), "get": _gets(node), "iam_token": _tokens()}
        finally:
            node.stop()


class _Memory:
    """Secrets Manager without a network, so that only connections are measured."""

    def __init__(self, node: Node) -> None:
        self._login = json.dumps({"username": ADMINISTRATOR, "password": node.password})

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Return the login."""
        del SecretId, VersionStage
        return {"VersionId": "1", "SecretString": self._login}


def _connections(node: Node) -> dict[str, Any]:
    clients = {
        "ours": _ours(node),
        "shared_context": _bare(node),
        "redis_py": redis.Redis(**_login(node), ssl=True, ssl_ca_certs=str(_authority(node))),
    }

    def reopen(client: redis.Redis) -> None:
        client.connection_pool.disconnect()
        client.ping()

    figures = _in_turns({name: partial(reopen, client) for name, client in clients.items()}, _CONNECTIONS)
    for client in clients.values():
        client.close()
    return {
        "milliseconds": {name: round(seconds * 1e3, 3) for name, seconds in figures.items()},
        "ours_to_shared_context": round(figures["ours"] / figures["shared_context"], 2),
        "redis_py_to_shared_context": round(figures["redis_py"] / figures["shared_context"], 2),
    }


def _gets(node: Node) -> dict[str, Any]:
    clients = {"ours": _ours(node), "bare": _bare(node)}
    for client in clients.values():
        client.set("key", "x" * 100)
    figures = _in_turns({name: partial(client.get, "key") for name, client in clients.items()}, _GETS)
    for client in clients.values():
        client.close()
    return {
        "per_second": {name: round(1 / seconds) for name, seconds in figures.items()},
        "ours_to_bare": round(figures["bare"] / figures["ours"], 2),
    }


def _tokens() -> dict[str, Any]:
    credentials = Credentials("AKIDBENCHMARK", "secret")
    ours = IamCredentials(user="app", cache_name="orders", region="eu-west-1", credentials=credentials)
    documented = _Documented(credentials)
    calls: dict[str, Callable[[], object]] = {"ours": ours.get_credentials, "documented": documented.get_credentials}
    cached = _in_turns(calls, _LOOKUPS)
    signed = _in_turns({"ours": ours._fetch, "documented": documented.sign}, 100)  # noqa: SLF001 - what a miss costs
    return {
        "cached_microseconds": {name: round(seconds * 1e6, 2) for name, seconds in cached.items()},
        "signing_microseconds": {name: round(seconds * 1e6, 1) for name, seconds in signed.items()},
    }


class _Documented:
    """The provider of redis-py's documentation, which uses a token until it expires."""

    def __init__(self, credentials: Credentials) -> None:
        events = Session().get_component("event_emitter")
        self._signer = RequestSigner(ServiceId("elasticache"), "eu-west-1", "elasticache", "v4", credentials, events)
        self._token = ""
        self._until = 0.0

    def get_credentials(self) -> tuple[str, str]:
        if time.monotonic() >= self._until:
            self._token, self._until = self.sign(), time.monotonic() + 900
        return "app", self._token

    def sign(self) -> str:
        url = "https://orders/?" + urlencode({"Action": "connect", "User": "app"})
        request = {"method": "GET", "url": url, "body": {}, "headers": {}, "context": {}}
        signed = self._signer.generate_presigned_url(request, "connect", expires_in=900, region_name="eu-west-1")
        return str(signed).removeprefix("https://")


def _in_turns(calls: dict[str, Callable[[], object]], number: int) -> dict[str, float]:
    """The seconds of one call of each kind: medians of rounds in which the kinds take turns."""
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(number):
                call()
            rounds[name].append((time.perf_counter() - start) / number)
    return {name: statistics.median(seconds) for name, seconds in rounds.items()}


def _ours(node: Node) -> redis.Redis:
    settings = ConnectionSettings(
        engine="redis",
        host=HOST,
        port=node.port,
        tls=True,
        mode="standalone",
        auth="secret",
        user=ADMINISTRATOR,
        secret_arn=_ARN,
    )
    client = connect(
        settings,
        credentials=SecretCredentials(secret_arn=_ARN, user=ADMINISTRATOR, client=_Memory(node)),
        tls=tls_context(_authority(node)),
    )
    assert isinstance(client, redis.Redis)  # noqa: S101 - standalone
    return client


def _bare(node: Node) -> redis.Redis:
    context = tls_context(_authority(node))

    class Shared(redis.SSLConnection):
        def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
            return context.wrap_socket(sock, server_hostname=self.host)

    pool = redis.ConnectionPool(connection_class=Shared, **_login(node))
    return redis.Redis.from_pool(pool)


def _login(node: Node) -> dict[str, Any]:
    return {"host": HOST, "port": node.port, "username": ADMINISTRATOR, "password": node.password}


def _authority(node: Node) -> Path:
    assert node.certificate is not None  # noqa: S101 - it is started with one
    return node.certificate.certificate
