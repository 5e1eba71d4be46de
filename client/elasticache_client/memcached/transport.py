"""Sockets to Memcached: opened by host name, over TLS where asked for, with a deadline for each answer."""

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
"""The highest port there is."""

_USUAL_PORT = "11211"
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][A-Za-z0-9.-]*))(?::([0-9]{1,5}))?")


class Address(NamedTuple):
    """Where a node listens: a host name, because that is what its certificate is checked against, and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``host:port``, or ``host`` with the usual port, 11211; an IPv6 address stands in brackets.

        Raises:
            ValueError: it is neither.
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
    """A socket on which everything that comes back must come within one span of what was sent.

    A plain timeout begins again with every piece, so a peer that sends a byte now and then holds its caller for ever.
    """

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._seconds = seconds
        self._end = 0.0

    def sendall(self, data: bytes) -> None:
        """Send all of it, and set the deadline for what it is answered with."""
        self._end = time.monotonic() + self._seconds
        self._sock.settimeout(self._seconds)
        self._sock.sendall(data)

    def recv(self, size: int) -> bytes:
        """The next piece.

        Raises:
            TimeoutError: it did not come in time.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no whole answer within {self._seconds:g} s")
        self._sock.settimeout(left)
        return self._sock.recv(size)

    def is_quiet(self) -> bool:
        """Whether nothing waits to be read: neither the end of a closed connection nor bytes nobody asked for."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Close it."""
        self._sock.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialer:
    """How sockets are opened.

    Attributes:
        tls: the context of every socket. None: they are not encrypted.
        connect_seconds: how long a connection may take to open, and how long its TLS handshake; the resolver's time
            comes on top.
        answer_seconds: how long a whole answer may take.
    """

    tls: ssl.SSLContext | None
    connect_seconds: float
    answer_seconds: float

    def dial(self, address: Address) -> TimedSocket:
        """Connect, to each of the host's addresses until one takes it, and check the host's name under TLS.

        Raises:
            OSError: nobody answered, or not with a certificate for the host.
        """
        sock = socket.create_connection(address, self.connect_seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None:
            sock = self.tls.wrap_socket(sock, server_hostname=address.host)
        return TimedSocket(sock, self.answer_seconds)
