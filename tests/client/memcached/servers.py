"""Memcached servers for the tests, and an endpoint that answers questions about them as it is told to."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

from pymemcache.client.base import Client  # type: ignore[import-untyped]

from elasticache_client import tls_context
from tests.client.engines import HOST, Certificate, free_port, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_WAIT_SECONDS = 10.0
_DRIP_SECONDS = 0.05


def dns_only_certificate(directory: Path) -> Certificate:
    """A certificate for the name localhost and for no address, as ElastiCache's are; its own authority."""
    if shutil.which("openssl") is None:
        missing("openssl", "Install the system's package openssl.")
    made = Certificate(directory / "dns-only.crt", directory / "dns-only.key")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    return made


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that another process or thread brings about."""
    end = time.monotonic() + _WAIT_SECONDS
    while not holds():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.01)


def memcached() -> str:
    """The program; the system has it or not."""
    program = shutil.which("memcached")
    if program is None:
        missing("memcached", "Install the system's package memcached.")
    return str(program)


class Server:
    """A running Memcached, with TLS if there is a certificate."""

    def __init__(
        self, certificate: Certificate | None = None, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.name = f"{HOST}:{self.port}"
        self._tls = tls_context(certificate.certificate) if certificate else None
        files = f"ssl_chain_cert={certificate.certificate},ssl_key={certificate.key}" if certificate else ""
        tls = ["--enable-ssl", "--extended", files] if certificate else []
        place = ["--user", getpass.getuser(), "--listen", "127.0.0.1", "--port", str(self.port), "--udp-port", "0"]
        self._command = [memcached(), *place, "--threads", "2", *tls, *arguments]
        self._environment = {**os.environ, **(environment or {})}
        self.start()

    def start(self) -> None:
        """Start it, again too: empty, and on the same port."""
        self._process = subprocess.Popen(self._command, env=self._environment, stderr=subprocess.DEVNULL)
        try:
            wait_until(self._listens, "memcached listens")
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """Let it take connections and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # until its last thread has stopped

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def admin(self) -> Any:
        """A connection of pymemcache's own, which encodes nothing."""
        return Client((HOST, self.port), tls_context=self._tls, timeout=5, connect_timeout=5)

    def connections(self) -> tuple[int, int]:
        """How many connections are open, and how many there have been, without the one that asks."""
        with contextlib.closing(self.admin()) as admin:
            found = admin.stats()
        return int(found[b"curr_connections"]) - 1, int(found[b"total_connections"]) - 1

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port)):
            return True
        return False


def says(reply: bytes) -> Callable[[ssl.SSLSocket, threading.Event], None]:
    """Answer, and close."""
    return lambda sock, _: sock.sendall(reply)


def says_and_waits(reply: bytes) -> Callable[[ssl.SSLSocket, threading.Event], None]:
    """Answer, and keep the connection open without another word."""

    def answer(sock: ssl.SSLSocket, closing: threading.Event) -> None:
        sock.sendall(reply)
        closing.wait()

    return answer


def drips(reply: bytes) -> Callable[[ssl.SSLSocket, threading.Event], None]:
    """Answer a byte now and then, so that no single wait is long."""

    def answer(sock: ssl.SSLSocket, closing: threading.Event) -> None:
        for each in reply:
            sock.sendall(bytes([each]))
            if closing.wait(_DRIP_SECONDS):
                return

    return answer


def reply(version: int, *names: str) -> bytes:
    """What ElastiCache answers; the address between the bars is never to be connected to."""
    nodes = " ".join("{}|192.0.2.1|{}".format(*name.split(":")) for name in names)
    text = f"{version}\n{nodes}\n"
    return f"CONFIG cluster 0 {len(text)}\r\n{text}\r\nEND\r\n".encode()


class Endpoint:
    """A configuration endpoint with TLS; ``answer`` is what it does when it is asked."""

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
        """Take one question, and do as told."""
        with self._tls.wrap_socket(request, server_side=True) as sock:
            self.questions.append(sock.recv(1024))
            self.answer(sock, self._closing)

    def stop(self) -> None:
        """Close the door, and end what is under way."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
