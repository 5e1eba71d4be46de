"""Memcached servers for the tests, and a configuration endpoint with configurable replies."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from typing import TYPE_CHECKING, Any

from pymemcache.client.base import Client  # type: ignore[import-untyped]

import local_servers.memcached
from elasticache_client import tls_context
from local_servers.certificates import HOST
from local_servers.memcached import Memcached
from tests.client.engines import installed

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from local_servers.certificates import Certificate

_DRIP_SECONDS = 0.05


def memcached() -> str:
    """The path of memcached, which the system may or may not have."""
    return installed(local_servers.memcached.memcached)


class Server(Memcached):
    """A running Memcached, with TLS if there is a certificate."""

    def __init__(
        self, certificate: Certificate | None = None, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        memcached()
        self._tls = tls_context(certificate.certificate) if certificate else None
        super().__init__(certificate, *options, environment=environment)
        self.name = f"{HOST}:{self.port}"

    def admin(self) -> Any:
        """A plain pymemcache connection, which encodes no values."""
        return Client((HOST, self.port), tls_context=self._tls, timeout=5, connect_timeout=5)

    def connections(self) -> tuple[int, int]:
        """The number of open connections and of all connections so far, without the one that asks."""
        with contextlib.closing(self.admin()) as admin:
            found = admin.stats()
        return int(found[b"curr_connections"]) - 1, int(found[b"total_connections"]) - 1


def says(reply: bytes) -> Callable[[ssl.SSLSocket, threading.Event], None]:
    """Reply and close."""
    return lambda sock, _: sock.sendall(reply)


def says_and_waits(reply: bytes) -> Callable[[ssl.SSLSocket, threading.Event], None]:
    """Reply and keep the connection open."""

    def answer(sock: ssl.SSLSocket, closing: threading.Event) -> None:
        sock.sendall(reply)
        closing.wait()

    return answer


def drips(reply: bytes) -> Callable[[ssl.SSLSocket, threading.Event], None]:
    """Reply with one byte at a time, so that no single wait is long."""

    def answer(sock: ssl.SSLSocket, closing: threading.Event) -> None:
        for byte in reply:
            sock.sendall(bytes([byte]))
            if closing.wait(_DRIP_SECONDS):
                return

    return answer


def reply(version: int, *names: str) -> bytes:
    """The reply of ElastiCache. The address between the bars must never be used."""
    nodes = " ".join("{}|192.0.2.1|{}".format(*name.split(":")) for name in names)
    text = f"{version}\n{nodes}\n"
    return f"CONFIG cluster 0 {len(text)}\r\n{text}\r\nEND\r\n".encode()


class Endpoint:
    """A configuration endpoint with TLS. ``answer`` is called for each request."""

    def __init__(self, certificate: Certificate) -> None:
        self.answer = says(b"")
        self.questions: list[bytes] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.certificate, certificate.key)
        self._closing = threading.Event()
        endpoint = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    endpoint.serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.name = f"{HOST}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def serve(self, request: socket.socket) -> None:
        """Receive one request and answer it."""
        with self._tls.wrap_socket(request, server_side=True) as sock:
            self.questions.append(sock.recv(1024))
            self.answer(sock, self._closing)

    def stop(self) -> None:
        """Stop listening, and end running requests."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
