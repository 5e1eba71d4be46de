"""Sockets to Memcached: connected by host name, optionally with TLS, and with a deadline for each reply."""

from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from elasticache_client.messages import refusal

if TYPE_CHECKING:
    import ssl

MAX_PORT = 65535
"""The highest TCP port."""

_USUAL_PORT = "11211"
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][A-Za-z0-9.-]*))(?::([0-9]{1,5}))?")


class Address(NamedTuple):
    """A node's host name, against which its certificate is verified, and its port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Parse ``host:port``, or ``host`` with the default port 11211. An IPv6 address must be in brackets.

        Raises:
            ValueError: If the text is neither.
        """
        found = _NODE.fullmatch(text)
        port = int(found[3] or _USUAL_PORT) if found else 0
        if found is None or not 1 <= port <= MAX_PORT:
            raise ValueError(
                refusal(
                    got=f"node {text!r}",
                    allowed=f"must be host:port with a port of 1 to {MAX_PORT}, or only a host",
                    fix="Leave out scheme and path, and put an IPv6 address in brackets",
                )
            )
        return cls(found[1] or found[2], port)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class TimedSocket:
    """A socket with one time limit for the whole reply to each request.

    The timeout of a plain socket starts again with every piece. A peer that sends a byte now and then could keep its
    caller waiting indefinitely.
    """

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._seconds = seconds
        self._end = 0.0

    def sendall(self, data: bytes) -> None:
        """Send all data, and set the deadline of the reply."""
        self._end = time.monotonic() + self._seconds
        self._sock.settimeout(self._seconds)
        self._sock.sendall(data)

    def recv(self, size: int) -> bytes:
        """Receive the next piece of the reply.

        Raises:
            TimeoutError: If it does not arrive before the deadline.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no whole answer within {self._seconds:g} s")
        self._sock.settimeout(left)
        return self._sock.recv(size)

    def is_quiet(self) -> bool:
        """Whether nothing waits to be read: the connection is open, and there are no unexpected bytes."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialer:
    """How to open sockets.

    Attributes:
        tls: The SSL context of every socket. None: connections are not encrypted.
        connect_seconds: The time limit for opening a connection, and again for its TLS handshake. Name resolution is
            not included.
        answer_seconds: The time limit for a complete reply.
    """

    tls: ssl.SSLContext | None
    connect_seconds: float
    answer_seconds: float

    def dial(self, address: Address) -> TimedSocket:
        """Connect to the first of the host's addresses that accepts. With TLS, verify the host name.

        Raises:
            OSError: If no address accepts, or the certificate is not valid for the host.
        """
        sock = socket.create_connection(address, self.connect_seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None:
            sock = self.tls.wrap_socket(sock, server_hostname=address.host)
        return TimedSocket(sock, self.answer_seconds)
