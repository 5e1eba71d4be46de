"""PostgreSQL's protocol up to the login: TLS on request, a password or a token, and then the server.

The server has no TLS and trusts its socket, which only the rehearsal's user can open. So the edge asks for the
password, as RDS asks for a token: in clear text, under TLS.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rehearsal.live.edge.connection import TLS_HANDSHAKE, Connection, Refusal, first_byte, pump, relay

if TYPE_CHECKING:
    import socket

SSL_REQUEST = 80_877_103
GSS_REQUEST = 80_877_104
CANCEL_REQUEST = 80_877_102
MAJOR_VERSION = 3
STARTUP_BYTES = range(8, 10_001)  # with the length itself, as in the server
PASSWORD_BYTES = range(5, 65_536)
LOGIN_SECONDS = 60.0  # as authentication_timeout of the server
REQUEST_BYTES = 8  # of a request for encryption
MAX_REQUESTS = 3  # for encryption, before the startup message
CLEARTEXT_PASSWORD = b"R" + struct.pack("!II", 8, 3)
NO_ENCRYPTION = ("28000", 'no pg_hba.conf entry for host "{host}", user "{user}", database "{database}", no encryption')
WRONG_PASSWORD = ("28P01", 'password authentication failed for user "{user}"')
BAD_STARTUP = ("08P01", "invalid startup packet")
BAD_PASSWORD = ("08P01", "invalid password packet")


@dataclass(frozen=True)
class _Startup:
    packet: bytes  # as the client sent it
    parameters: dict[str, str]

    @property
    def user(self) -> str:
        return self.parameters.get("user", "")


async def serve(connection: Connection) -> None:
    """Serve one client."""
    async with asyncio.timeout(LOGIN_SECONDS):
        startup = await _startup(connection)
        if startup is None:
            return
        await _log_in(connection, startup)
        answers, server = await connection.dial()
        server.write(startup.packet)
        await server.drain()
    requests = asyncio.create_task(_requests(connection, server))
    await relay(requests, asyncio.create_task(pump(answers, connection.writer)))


async def _requests(connection: Connection, server: asyncio.StreamWriter) -> None:
    await pump(connection.reader, server)
    server.write_eof()


async def negotiate(client: socket.socket, *, offered: bool) -> tuple[bool, bytes]:
    """Answer requests for encryption, before anything else is read of the connection.

    A client that requests TLS sends nothing more before the answer. Only its request is read here, so that what an
    attacker puts behind it is never taken for encrypted (CVE-2021-23222).

    Args:
        client: The connection.
        offered: Whether the database has TLS.

    Returns:
        Whether TLS follows, and what has been read of the next message.

    Raises:
        EOFError: If the client has gone.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LOGIN_SECONDS):
        for _ in range(MAX_REQUESTS):
            if offered and await first_byte(client) == TLS_HANDSHAKE:  # libpq's sslnegotiation=direct
                return True, b""
            head = await _received(client, REQUEST_BYTES)
            length, code = struct.unpack("!II", head)
            if length != REQUEST_BYTES or code not in (SSL_REQUEST, GSS_REQUEST):
                break
            accepted = code == SSL_REQUEST and offered
            await loop.sock_sendall(client, b"S" if accepted else b"N")
            if accepted:
                return True, b""
    return False, head


async def _received(client: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        data = await asyncio.get_running_loop().sock_recv(client, length - len(received))
        if not data:
            raise EOFError
        received += data
    return received


async def _startup(connection: Connection) -> _Startup | None:
    """The startup message; None if the client only wanted to cancel a query of another connection."""
    packet = await _packet(connection)
    (code,) = struct.unpack_from("!I", packet, 4)
    if code == CANCEL_REQUEST:
        await _cancel(connection, packet)
        return None
    if code >> 16 != MAJOR_VERSION:
        raise await _error(connection, *BAD_STARTUP)
    return _Startup(packet, _parameters(packet[8:]))


async def _packet(connection: Connection) -> bytes:
    head = await connection.reader.readexactly(4)
    (length,) = struct.unpack("!I", head)
    if length not in STARTUP_BYTES:
        raise await _error(connection, *BAD_STARTUP)
    return head + await connection.reader.readexactly(length - 4)


def _parameters(text: bytes) -> dict[str, str]:
    words = [word.decode("utf-8", "surrogateescape") for word in text.split(b"\0")]
    return dict(zip(words[::2], words[1::2], strict=False))


async def _cancel(connection: Connection, packet: bytes) -> None:
    answers, server = await connection.dial()
    server.write(packet)
    await server.drain()
    await answers.read()  # until the server has taken it


async def _log_in(connection: Connection, startup: _Startup) -> None:
    """Ask for the password and for the decision on it.

    Raises:
        Refusal: If the login is refused; the client has been told.
    """
    edge, endpoint = connection.edge, connection.endpoint
    texts = {
        "host": connection.client,
        "user": startup.user,
        "database": startup.parameters.get("database", startup.user),
    }
    if not connection.encrypted and endpoint.certificate is not None and not endpoint.also_plaintext:
        facts = {"endpoint": endpoint.name, "user": startup.user, "allowed": False, "reason": "the client uses no TLS"}
        edge.journal.write("database-login", **facts)
        raise await _error(connection, NO_ENCRYPTION[0], NO_ENCRYPTION[1].format(**texts))
    await connection.answer(CLEARTEXT_PASSWORD)
    head = await connection.reader.readexactly(5)
    kind, length = struct.unpack("!cI", head)
    if kind != b"p" or length not in PASSWORD_BYTES:
        raise await _error(connection, *BAD_PASSWORD)
    password = (await connection.reader.readexactly(length - 4))[:-1].decode("utf-8", "surrogateescape")
    refused = await edge.decide(edge.decisions.database_login, endpoint, startup.user, password)
    if refused is not None:
        raise await _error(connection, WRONG_PASSWORD[0], WRONG_PASSWORD[1].format(**texts))


async def _error(connection: Connection, code: str, text: str) -> Refusal:
    """Tell the client why the connection ends."""
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", text))
    body = b"".join(f"{key}{value}\0".encode("utf-8", "surrogateescape") for key, value in fields) + b"\0"
    await connection.answer(b"E" + struct.pack("!I", len(body) + 4) + body)
    return Refusal(text)
