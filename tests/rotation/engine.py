"""Real redis-server processes with TLS, and a certificate that the runtime verifies."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from local_servers.nodes import ADMINISTRATOR, Node, redis_server, tls_options
from local_servers.ports import free_port
from local_servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PASSWORD = "administrator-of-the-twin"
_GROUP = 3
# Ends a test that hangs. A server that is slow has not refused a login.
_TIMEOUT_SECONDS = 60.0


def needs(program: str) -> None:
    """Skip, or fail where CI relies on it, when a program is not installed."""
    if shutil.which(program):
        return
    reason = f"{program} IS NOT INSTALLED: THE ROTATION IS NOT PROVEN ON THIS MACHINE"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Certificates:
    """An authority, and what it issued for localhost."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(directory: Path) -> Certificates:
    """An authority for this run, and a server's certificate of it."""
    needs("openssl")
    made = Certificates(directory / "ca.crt", directory / "server.crt", directory / "server.key")
    authority_key = directory / "ca.key"
    new = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-noenc",
        "-days",
        "2",
    ]
    issued = ["-CA", str(made.authority), "-CAkey", str(authority_key)]
    authority = ["-subj", "/CN=Twin authority", "-addext", "keyUsage=critical,keyCertSign"]
    server = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    server += ["-addext", "basicConstraints=critical,CA:FALSE", *issued]
    for subject, key, certificate in ((authority, authority_key, made.authority), (server, made.key, made.certificate)):
        subprocess.run([*new, *subject, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return made


class Server(Node):
    """One redis-server: a TLS port for the runtime, a plain one for the many logins of the clients."""

    def __init__(self, certificates: Certificates, *, is_shard: bool = False) -> None:
        self.tls_port = free_port()
        options = tls_options(certificates.certificate, certificates.key, certificates.authority, self.tls_port)
        options += ["--repl-diskless-sync-delay", "0", "--masteruser", ADMINISTRATOR, "--masterauth", _PASSWORD]
        directory = certificates.key.parent
        super().__init__(redis_server(), directory, *options, password=_PASSWORD, is_shard=is_shard)
        self._client: socket.socket | None = None
        # Some tests run the function in several threads, and look at logins in each.
        self._one_login = threading.Lock()

    def accept(self, user: str, passwords: list[str], rules: str) -> None:
        """Have the server accept exactly these passwords of a user."""
        words = ["ACL", "SETUSER", user, "reset", *rules.split(), *(f">{password}" for password in passwords)]
        self.admin.execute_command(*words)

    def replicate(self, primary: Server | None) -> None:
        """Follow another server, and have its data; or follow none."""
        if primary is None:
            self.admin.replicaof("NO", "ONE")
            return
        self.admin.replicaof("127.0.0.1", str(primary.port))
        wait_until(self._follows, "the replica follows its primary", _TIMEOUT_SECONDS)

    def _follows(self) -> bool:
        return bool(self.admin.info("replication")["master_link_status"] == "up")

    def logs_in(self, user: str, password: str) -> bool:
        """A client's login, without retries. RESET makes the connection that of a client that has not logged in."""
        with self._one_login:
            if self._client is None:
                self._client = socket.create_connection(("127.0.0.1", self.port), _TIMEOUT_SECONDS)
            self._client.sendall(f"RESET\r\nAUTH {user} {password}\r\nPING\r\n".encode())
            reply = b""
            while reply.count(b"\r\n") < 3 and (more := self._client.recv(512)):
                reply += more
        return reply == b"+RESET\r\n+OK\r\n+PONG\r\n"

    def stop(self) -> None:
        """End the server."""
        if self._client is not None:
            self._client.close()
        super().stop()

    def refused_logins(self) -> int:
        """How many logins the server refused so far."""
        return sum(int(str(entry["count"])) for entry in self.admin.acl_log() if entry["reason"] == "auth")


class Engines:
    """Groups of servers, started when first needed and lent to one test or scenario at a time."""

    def __init__(self, certificates: Certificates) -> None:
        self.certificates = certificates
        self._idle: list[list[Server]] = []
        self._all: list[Server] = []

    @contextlib.contextmanager
    def group(self) -> Iterator[list[Server]]:
        """A primary, a replica of it, and a spare server."""
        servers = self._group()
        servers[0].replicate(None)
        servers[1].replicate(servers[0])
        yield servers
        self._idle.append(servers)

    @contextlib.contextmanager
    def cluster(self) -> Iterator[list[Server]]:
        """Two shards in cluster mode."""
        yield [self._start(is_shard=True) for _ in range(2)]

    def stop(self) -> None:
        """End all servers."""
        for server in self._all:
            server.stop()

    def _group(self) -> list[Server]:
        return self._idle.pop() if self._idle else [self._start() for _ in range(_GROUP)]

    def _start(self, *, is_shard: bool = False) -> Server:
        server = Server(self.certificates, is_shard=is_shard)
        self._all.append(server)
        return server
