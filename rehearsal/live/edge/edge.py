"""Serve the endpoints of caches and databases, as the network and the front of AWS's services do.

The edge accepts a connection, asks whether the process may connect and log in, ends TLS, and relays to an engine on a
unix socket. It asks, and never decides: modules of the live layer set the attributes of `Decisions`.

A connection that the network does not admit gets no answer for `SILENT_SECONDS`, and is closed then. AWS's packet
filter drops the first packet, so that a client waits until its own timeout. Here the operating system has completed the
TCP handshake already. A client that starts TLS or sends a command waits in the same way.

It runs an event loop in a thread. No input of a client ends the loop or leaves a task behind: a task for each
connection owns all that the connection opens.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import re
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from rehearsal.live import peer as peers
from rehearsal.live.edge import memcached, postgresql, resp
from rehearsal.live.edge.connection import TLS_HANDSHAKE, Connection, Refusal, first_byte
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from rehearsal.live.journal import Journal
    from rehearsal.live.peer import Peer, TcpAddress

Protocol = Literal["resp", "memcached", "postgresql"]
Result = TypeVar("Result")

SILENT_SECONDS = 5.0  # before a connection that is not admitted is closed
HANDSHAKE_SECONDS = 10.0
CALL_SECONDS = 10.0
PAUSE_SECONDS = 0.05  # after a connection that could not be accepted
BACKLOG = 512
BUFFER = 256 * 1024  # bytes; of each direction of a connection
THREADS = 16  # that decide

SERVERS: dict[Protocol, Callable[[Connection], Coroutine[None, None, None]]] = {
    "resp": resp.serve,
    "memcached": memcached.serve,
    "postgresql": postgresql.serve,
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """The place of an endpoint in the network.

    Attributes:
        vpc: Id of the VPC.
        subnets: Ids of the subnets that its node may be in.
        security_groups: Returns the ids of its security groups, which may change.
        what: What it is, for messages, for example `replication group orders`.
    """

    vpc: str
    subnets: tuple[str, ...]
    security_groups: Callable[[], Sequence[str]]
    what: str


@dataclass(eq=False)
class Endpoint:
    """What listens on one address and port.

    Attributes:
        name: Unique name, for example that of the node.
        address: Address within 127/8.
        port: Port.
        protocol: What clients speak.
        upstream: Path of the engine's unix socket.
        certificate: File with the key and certificate for TLS; None if there is no TLS.
        target: Its place in the network.
        login: What decides about logins, for example the replication group; the edge passes it on.
        also_plaintext: Whether connections without TLS are accepted too, as with transit encryption `preferred`, or a
            database without `rds.force_ssl`.
    """

    name: str
    address: str
    port: int
    protocol: Protocol
    upstream: str
    certificate: Path | None
    target: Target
    login: object = None
    also_plaintext: bool = False


@dataclass(frozen=True)
class CacheLogin:
    """The decision on a login to a cache.

    Attributes:
        password: What the engine gets in place of the client's password or token; None if the login is refused.
        reason: Why it is refused, or who logged in.
        until: When the connection is closed, in seconds since 1970; None if it may stay. A login by IAM ends after 12
            hours, unless the client authenticates again.
    """

    password: str | None
    reason: str = ""
    until: float | None = None


def _every_peer(_peer: Peer, _endpoint: Endpoint) -> str | None:
    return None


def _engine_decides(_endpoint: Endpoint, _user: str, password: str) -> CacheLogin:
    return CacheLogin(password, "the engine decides")


def _no_password(_endpoint: Endpoint) -> str | None:
    return None


def _no_database(_endpoint: Endpoint, _user: str, _password: str) -> str | None:
    return "no module of the rehearsal decides about logins to databases"


def _no_nodes(_endpoint: Endpoint) -> bytes:
    return b"0\n\n"


@dataclass
class Decisions:
    """What the edge asks; each is called in a thread.

    Attributes:
        admits: Why a process may not connect, or None.
        cache_login: Decides on a user and a password or token. `AUTH` with a password only is of the user `default`.
        default_password: The password in the engine of the user `default` of a cache whose clients need no login, or
            None. The edge logs in with it.
        database_login: Why a user with a password or token may not log in, or None.
        cluster_nodes: What follows the first line of Memcached's answer to `config get cluster`: the version of the
            list, and `name|address|port` of each node.
    """

    admits: Callable[[Peer, Endpoint], str | None] = _every_peer
    cache_login: Callable[[Endpoint, str, str], CacheLogin] = _engine_decides
    default_password: Callable[[Endpoint], str | None] = _no_password
    database_login: Callable[[Endpoint, str, str], str | None] = _no_database
    cluster_nodes: Callable[[Endpoint], bytes] = _no_nodes


class Edge:
    """All endpoints of a run.

    Args:
        journal: Records refused connections, and accepted ones once for each client and endpoint.

    Attributes:
        endpoints: The open endpoints by name.
        decisions: What it asks.
    """

    def __init__(self, journal: Journal) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.decisions = Decisions()
        self.journal = journal
        self._listeners: dict[str, _Listener] = {}
        self._known: set[tuple[str | None, str]] = set()
        self._threads = ThreadPoolExecutor(THREADS, "edge-decision")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="edge", daemon=True)
        self._thread.start()

    def open(self, endpoint: Endpoint) -> None:
        """Listen for an endpoint; one of the same name is closed first.

        Raises:
            ValueError: If its address is not one of this machine's loopback.
            OSError: If another program listens on its address and port.
        """
        if not re.fullmatch(r"127(\.\d{1,3}){3}", endpoint.address):
            raise ValueError(
                refusal(
                    got=f"address {endpoint.address} of {endpoint.name}",
                    allowed="must be within 127.0.0.0/8",
                    fix="Take one of `Addresses.new()`",
                )
            )
        self.close(endpoint.name)
        listener = _Listener(self, endpoint)
        self._call(listener.start())
        self._listeners[endpoint.name] = listener
        self.endpoints[endpoint.name] = endpoint

    def close(self, name: str) -> None:
        """Stop listening for an endpoint, and close its connections; nothing if it is not open."""
        self.endpoints.pop(name, None)
        if listener := self._listeners.pop(name, None):
            self._call(listener.stop())

    def disconnect(self, name: str) -> None:
        """Close the connections of an endpoint, which stays open."""
        if listener := self._listeners.get(name):
            self._call(listener.disconnect())

    def connections(self, name: str) -> int:
        """The number of connections of an endpoint, also of those that are not admitted."""
        listener = self._listeners.get(name)
        return len(listener.tasks) if listener else 0

    def close_all(self) -> None:
        """Close every endpoint, and end the thread."""
        for name in tuple(self._listeners):
            self.close(name)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._loop.close()

    async def decide(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Ask in a thread; an answer may take a while, and other connections go on."""
        context = contextvars.copy_context()  # it has the function that connects, for the journal
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, function, *arguments)

    def record(self, peer: Peer, endpoint: Endpoint, refused: str | None) -> None:
        """Record a connection."""
        client = (peer.function, endpoint.name)
        if refused is None and client in self._known:
            return
        if refused is None:
            self._known.add(client)
        self.journal.write(
            "connection",
            client=peer.function,
            endpoint=endpoint.name,
            what=endpoint.target.what,
            port=endpoint.port,
            allowed=refused is None,
            reason=refused,
        )

    def _call(self, coroutine: Coroutine[None, None, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CALL_SECONDS)


class _Listener:
    """One endpoint's socket and its connections. All methods run in the edge's loop."""

    def __init__(self, edge: Edge, endpoint: Endpoint) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self._edge = edge
        self._endpoint = endpoint
        self._context = _context(endpoint)
        self._socket: socket.socket | None = None
        self._retry: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        try:
            listening.bind((self._endpoint.address, self._endpoint.port))
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
        self._socket = listening
        self._listen(listening)

    async def stop(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        await self.disconnect()

    async def disconnect(self) -> None:
        tasks = tuple(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _listen(self, listening: socket.socket) -> None:
        # Not `loop.sock_accept`: cancelled at the wrong moment, it loses the connection that it has just accepted.
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        try:
            client, address = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # the client has gone
        except OSError:  # for example too many open files
            loop = asyncio.get_running_loop()
            loop.remove_reader(listening)
            self._retry = loop.call_later(PAUSE_SECONDS, self._listen, listening)
            return
        task = asyncio.create_task(self._connection(client, address))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        task.add_done_callback(lambda _: client.close())  # also of a task that is cancelled before it begins

    async def _connection(self, client: socket.socket, address: TcpAddress) -> None:
        try:
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = await self._admitted(client, address)
            if peer is not None:
                await self._serve(client, address[0], peer)
        except (OSError, EOFError, ValueError, Refusal, TimeoutError):
            pass  # the client or the engine has ended the connection, or the client does not speak the protocol
        except Exception:
            logger.exception("a connection to %s failed", self._endpoint.name)

    async def _admitted(self, client: socket.socket, address: TcpAddress) -> Peer | None:
        edge, endpoint = self._edge, self._endpoint
        peer = await edge.decide(peers.identify, address, (endpoint.address, endpoint.port))
        peers.connecting.set(peer.function)
        refused = await edge.decide(edge.decisions.admits, peer, endpoint)
        edge.record(peer, endpoint, refused)
        if refused is None:
            return peer
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SILENT_SECONDS):
                while await asyncio.get_running_loop().sock_recv(client, BUFFER):
                    pass  # until the client closes
        return None

    async def _serve(self, client: socket.socket, address: str, peer: Peer) -> None:
        reader = asyncio.StreamReader(limit=BUFFER)
        if self._endpoint.protocol == "postgresql":
            encrypted, head = await postgresql.negotiate(client, offered=self._context is not None)
            reader.feed_data(head)
        else:
            encrypted = self._context is not None and await self._starts_with_tls(client)
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol,
            client,
            ssl=self._context if encrypted else None,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if encrypted else None,
        )
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        connection = Connection(
            edge=self._edge,
            endpoint=self._endpoint,
            peer=peer,
            client=address,
            reader=reader,
            writer=writer,
            encrypted=encrypted,
        )
        try:
            await SERVERS[self._endpoint.protocol](connection)
        except asyncio.CancelledError:  # the endpoint is closed
            connection.abort()
            raise
        finally:
            await connection.close()

    async def _starts_with_tls(self, client: socket.socket) -> bool:
        """Whether to expect TLS; the first byte says so if both are accepted."""
        if not self._endpoint.also_plaintext:
            return True
        return await first_byte(client) == TLS_HANDSHAKE


def _context(endpoint: Endpoint) -> ssl.SSLContext | None:
    if endpoint.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(endpoint.certificate)
    if endpoint.protocol == "postgresql":
        context.set_alpn_protocols(["postgresql"])  # libpq requires it with sslnegotiation=direct
    return context
