"""What the client's set-up costs beside the bare libraries: opening a TLS connection, an IAM token, a GET."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import shutil
import socket
import statistics
import subprocess
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
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from elasticache_client import ConnectionSettings, IamCredentials, SecretCredentials, connect, tls_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_HOST = "localhost"
_PASSWORD = "token-of-the-benchmark"  # noqa: S105  # of a server that lives for seconds
_ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:benchmark"
_CONNECTIONS = 40
_GETS = 2000
_LOOKUPS = 20_000
_ROUNDS = 7
_START_SECONDS = 10


def run() -> dict[str, Any]:
    """Each in turns with its peers, in one run; only the ratios mean anything elsewhere."""
    with tempfile.TemporaryDirectory() as directory:
        certificate, key = _certificate(Path(directory))
        port = _free_port()
        process = subprocess.Popen(_server(port, certificate, key, directory), stdout=subprocess.DEVNULL)
        try:
            _wait(port, certificate)
            return {
                "new_tls_connection": _connections(port, certificate),
                "get": _gets(port, certificate),
                "iam_token": _tokens(),
            }
        finally:
            process.terminate()
            process.wait()


class _Memory:
    """Secrets Manager without a network, so that connections are measured and not where a password comes from."""

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803
        """The one password."""
        del SecretId, VersionStage
        return {"VersionId": "1", "SecretString": json.dumps({"username": "default", "password": _PASSWORD})}


def _connections(port: int, certificate: Path) -> dict[str, Any]:
    clients = {
        "ours": _ours(port, certificate),
        "shared_context": _bare(port, certificate),
        "redis_py": redis.Redis(host=_HOST, port=port, password=_PASSWORD, ssl=True, ssl_ca_certs=str(certificate)),
    }

    def reopen(client: redis.Redis) -> None:
        client.connection_pool.disconnect()
        client.ping()

    figures = _in_turns({name: partial(reopen, each) for name, each in clients.items()}, _CONNECTIONS)
    for each in clients.values():
        each.close()
    return {
        "milliseconds": {name: round(seconds * 1e3, 3) for name, seconds in figures.items()},
        "ours_to_shared_context": round(figures["ours"] / figures["shared_context"], 2),
        "redis_py_to_shared_context": round(figures["redis_py"] / figures["shared_context"], 2),
    }


def _gets(port: int, certificate: Path) -> dict[str, Any]:
    clients = {"ours": _ours(port, certificate), "bare": _bare(port, certificate)}
    for each in clients.values():
        each.set("key", "x" * 100)
    figures = _in_turns({name: partial(each.get, "key") for name, each in clients.items()}, _GETS)
    for each in clients.values():
        each.close()
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
    signed = _in_turns({"ours": ours._fetch, "documented": documented.sign}, 100)  # noqa: SLF001  # what a miss costs
    return {
        "cached_microseconds": {name: round(seconds * 1e6, 2) for name, seconds in cached.items()},
        "signing_microseconds": {name: round(seconds * 1e6, 1) for name, seconds in signed.items()},
    }


class _Documented:
    """The provider that redis-py's documentation shows, which serves a token to its last second."""

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
    """The seconds of one call, of each: the median of rounds in which they take turns."""
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(number):
                call()
            rounds[name].append((time.perf_counter() - start) / number)
    return {name: statistics.median(each) for name, each in rounds.items()}


def _ours(port: int, certificate: Path) -> redis.Redis:
    settings = ConnectionSettings(
        engine="redis",
        host=_HOST,
        port=port,
        tls=True,
        mode="standalone",
        auth="secret",
        user="default",
        secret_arn=_ARN,
    )
    client = connect(
        settings,
        credentials=SecretCredentials(secret_arn=_ARN, user="default", client=_Memory()),
        tls=tls_context(certificate),
    )
    assert isinstance(client, redis.Redis)  # noqa: S101  # standalone
    return client


def _bare(port: int, certificate: Path) -> redis.Redis:
    context = tls_context(certificate)

    class Shared(redis.SSLConnection):
        def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
            return context.wrap_socket(sock, server_hostname=self.host)

    pool = redis.ConnectionPool(connection_class=Shared, host=_HOST, port=port, username="default", password=_PASSWORD)
    return redis.Redis.from_pool(pool)


def _server(port: int, certificate: Path, key: Path, directory: str) -> list[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit(
            "redis-server is not installed, and its TLS is what is measured. Install the system's package."
        )
    tls = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    trust = ["--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no"]
    rest = ["--port", "0", "--bind", "127.0.0.1", "--save", "", "--dir", directory, "--requirepass", _PASSWORD]
    return [program, *tls, *trust, *rest]


def _wait(port: int, certificate: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    client = _bare(port, certificate)
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            client.close()
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _certificate(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    names = [x509.DNSName(_HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(minutes=5)).not_valid_after(now + dt.timedelta(days=1))
    certificate = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256())
    files = directory / "localhost.crt", directory / "localhost.key"
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    files[0].write_bytes(certificate.public_bytes(encoding))
    files[1].write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    return files
