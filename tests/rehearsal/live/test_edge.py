"""The edge with real engines: who is admitted, TLS, logins, order of answers, and input that no client sends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import socketserver
import ssl
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis

from local_servers.waiting import wait_until
from rehearsal.live import journal, peer
from rehearsal.live.edge import edge as edge_module
from rehearsal.live.edge import postgresql
from rehearsal.live.edge.edge import CacheLogin, Endpoint, Protocol, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.live.run import Run
    from tests.rehearsal.live.conftest import Engine

NAME = "master.orders.a1b2c3.euw1.cache.amazonaws.com"
TARGET = Target("vpc-1", ("subnet-1",), lambda: ("sg-1",), "replication group orders")
PORTS: dict[Protocol, int] = {"resp": 6379, "memcached": 11211, "postgresql": 5432}


def serve(
    run: Run,
    protocol: Protocol,
    engine: str,
    *,
    tls: bool = True,
    also_plaintext: bool = False,
    name: str = "orders-001",
) -> Endpoint:
    """Open an endpoint at a new address."""
    certificate = run.authority.certificate(NAME) if tls else None
    address = run.addresses.new()
    endpoint = Endpoint(
        name, address, PORTS[protocol], protocol, engine, certificate, TARGET, also_plaintext=also_plaintext
    )
    run.edge.open(endpoint)
    return endpoint


def plain(endpoint: Endpoint, timeout: float = 10) -> socket.socket:
    """A TCP connection."""
    return socket.create_connection((endpoint.address, endpoint.port), timeout=timeout)


def encrypted(run: Run, endpoint: Endpoint, timeout: float = 10) -> ssl.SSLSocket:
    """A verified TLS connection."""
    context = ssl.create_default_context(cafile=run.authority.ca_file)
    return context.wrap_socket(plain(endpoint, timeout), server_hostname=NAME)


def everything(connection: socket.socket) -> bytes:
    """What arrives until the end of the connection."""
    received = bytearray()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := connection.recv(65_536):
            received += data
    return bytes(received)


def exchange(connection: socket.socket, request: bytes, length: int) -> bytes:
    """Send a request and receive a number of bytes."""
    connection.sendall(request)
    received = b""
    while len(received) < length and (data := connection.recv(65_536)):
        received += data
    return received


def nothing_left(run: Run, endpoint: Endpoint) -> bool:
    """Whether no connection and no task is left."""
    return run.edge.connections(endpoint.name) == 0 and not asyncio.all_tasks(run.edge._loop)


def token_login(endpoint: Endpoint, user: str, password: str) -> CacheLogin:
    """What the identity module decides, in short: a token of the user `app` becomes the engine's password."""
    time.sleep(0.05)
    if user != "app":
        return CacheLogin(password, "the engine decides")
    if password == "token":
        return CacheLogin("engine-password", f"{endpoint.target.what}: role")
    return CacheLogin(None, "the token has expired")


def test_answers_are_in_the_order_of_pipelined_commands_with_logins(run: Run, valkey: Engine) -> None:
    """A login in the middle is decided while the commands after it wait, and nothing is lost or changes places."""
    run.edge.decisions.cache_login = token_login
    endpoint = serve(run, "resp", valkey.path)
    value = b"v" * 300_000
    request = (
        b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n%s\r\n" % (len(value), value)
        + b"*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$5\r\ntoken\r\n"
        + b"ACL WHOAMI\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
        + b"AUTH app expired\r\nPING\r\n"
    )
    expected = b"+OK\r\n+OK\r\n$3\r\napp\r\n$%d\r\n%s\r\n" % (len(value), value)
    refused = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n+PONG\r\n"
    with encrypted(run, endpoint) as connection:
        assert exchange(connection, request, len(expected + refused)) == expected + refused
    assert "token" not in run.journal.path.read_text()


def test_clients_log_in_by_hello(run: Run, valkey: Engine) -> None:
    """redis-py with RESP3 and a token works through TLS that it verifies."""
    run.edge.decisions.cache_login = token_login
    endpoint = serve(run, "resp", valkey.path)
    client = redis.Redis(
        host=endpoint.address, ssl=True, ssl_ca_certs=str(run.authority.ca_file), ssl_check_hostname=False,
        username="app", password="token", protocol=3,
    )  # fmt: skip
    assert client.acl_whoami() == b"app"
    client.close()


def test_a_login_ends_in_time_unless_it_is_renewed(run: Run, valkey: Engine) -> None:
    """A connection is closed when its login by IAM ends; another login moves the end."""
    until: list[float | None] = [time.time() + 0.5, None]
    run.edge.decisions.cache_login = lambda *_: CacheLogin("engine-password", "role", until.pop(0))
    endpoint = serve(run, "resp", valkey.path)
    with encrypted(run, endpoint) as connection:
        assert exchange(connection, b"AUTH app t\r\n", 5) == b"+OK\r\n"
        assert exchange(connection, b"AUTH app t\r\n", 5) == b"+OK\r\n"
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    until[:] = [time.time() + 0.2]
    with encrypted(run, endpoint) as connection:
        assert exchange(connection, b"AUTH app t\r\n", 5) == b"+OK\r\n"
        assert everything(connection) == b""


def test_a_connection_that_is_not_admitted_gets_no_answer(
    run: Run, valkey: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No TLS handshake begins; the connection ends later, and the reason is in the journal."""
    monkeypatch.setattr(edge_module, "SILENT_SECONDS", 1.0)
    run.edge.decisions.admits = lambda _peer, _endpoint: "no inbound rule allows tcp 6379"
    endpoint = serve(run, "resp", valkey.path)
    context = ssl.create_default_context(cafile=run.authority.ca_file)
    with plain(endpoint, timeout=0.4) as connection, pytest.raises(TimeoutError):
        context.wrap_socket(connection, server_hostname=NAME)
    with plain(endpoint) as connection:
        assert everything(connection) == b""
    reasons = [entry["reason"] for entry in journal.read(run.journal.path, "connection")]
    assert reasons == ["no inbound rule allows tcp 6379"] * 2


def test_what_is_decided_is_recorded_with_the_function_that_connects(
    run: Run, valkey: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by modules that know nothing of the connection; processes that are no workers have no name."""

    def decide(_endpoint: Endpoint, _user: str, password: str) -> CacheLogin:
        run.journal.write("cache-login")
        return CacheLogin(password)

    run.edge.decisions.cache_login = decide
    endpoint = serve(run, "resp", valkey.path)
    for workers in ({os.getpid(): "sweep"}, {}):
        monkeypatch.setattr(peer, "workers", lambda workers=workers: workers)
        with encrypted(run, endpoint) as connection:
            exchange(connection, b"AUTH x\r\n", 1)
    assert [entry.get("client") for entry in journal.read(run.journal.path, "cache-login")] == ["sweep", None]


def test_accepted_connections_are_recorded_once(run: Run, valkey: Engine) -> None:
    """Clients that reconnect for each command do not fill the journal."""
    endpoint = serve(run, "resp", valkey.path)
    for _ in range(3):
        with encrypted(run, endpoint) as connection:
            assert exchange(connection, b"PING\r\n", 7) == b"+PONG\r\n"
    [entry] = journal.read(run.journal.path, "connection")
    assert (entry["client"], entry["endpoint"], entry["allowed"]) == (None, "orders-001", True)


@pytest.mark.parametrize(
    ("tls", "also_plaintext", "accepted"),
    [(True, False, {"tls"}), (True, True, {"tls", "plaintext"}), (False, False, {"plaintext"})],
    ids=["required", "preferred", "none"],
)
def test_transit_encryption(run: Run, valkey: Engine, tls: bool, also_plaintext: bool, accepted: set[str]) -> None:  # noqa: FBT001 - parameters
    """Required, preferred or none: which connections are served."""
    endpoint = serve(run, "resp", valkey.path, tls=tls, also_plaintext=also_plaintext)
    served = set()
    with contextlib.suppress(OSError), plain(endpoint, 2) as connection:
        if exchange(connection, b"PING\r\n", 7) == b"+PONG\r\n":
            served.add("plaintext")
    with contextlib.suppress(OSError), encrypted(run, endpoint, 2) as connection:
        if exchange(connection, b"PING\r\n", 7) == b"+PONG\r\n":
            served.add("tls")
    assert served == accepted


def test_a_client_that_sends_no_more_gets_its_answers(run: Run, valkey: Engine) -> None:
    """As `printf ... | nc` does."""
    endpoint = serve(run, "resp", valkey.path, tls=False)
    with plain(endpoint) as connection:
        connection.sendall(b"PING\r\n" * 1000)
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == b"+PONG\r\n" * 1000


def test_a_protocol_error_is_answered_as_the_engine_does(run: Run, valkey: Engine) -> None:
    """After the answers to what came before it, and the connection ends."""
    endpoint = serve(run, "resp", valkey.path, tls=False)
    with plain(endpoint) as connection:
        connection.sendall(b"PING\r\n*1\r\n$-5\r\nPING\r\n")
        assert everything(connection) == b"+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"


def test_a_memcached_node_names_the_cluster_in_order(run: Run, memcached_node: Engine) -> None:
    """The answers to commands before and after the request are the node's, in order."""
    run.edge.decisions.cluster_nodes = lambda _: b"12\nmc.0001.example|10.0.0.1|11211\n"
    endpoint = serve(run, "memcached", memcached_node.path)
    request = b"set k 0 0 20\r\nconfig get cluster\r\n\r\nget k\r\nconfig get cluster\r\nget k\r\nmn\r\n"
    value = b"VALUE k 0 20\r\nconfig get cluster\r\n\r\nEND\r\n"
    nodes = b"CONFIG cluster 0 34\r\n12\nmc.0001.example|10.0.0.1|11211\n\r\nEND\r\n"
    expected = b"STORED\r\n" + value + nodes + value + b"MN\r\n"
    with encrypted(run, endpoint) as connection:
        assert exchange(connection, request, len(expected)) == expected


GREETING = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"


class Database(socketserver.ThreadingUnixStreamServer):
    """A database server's part after the login: accepts every client, and echoes what it gets."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        super().__init__(path, Session)
        self.path = path
        self.startups: list[bytes] = []


class Session(socketserver.StreamRequestHandler):
    """One connection to it."""

    server: Database

    def handle(self) -> None:
        """Take the startup message, and echo the rest."""
        (length,) = struct.unpack("!I", self.rfile.read(4))
        self.server.startups.append(self.rfile.read(length - 4))
        if struct.unpack_from("!I", self.server.startups[-1])[0] != postgresql.CANCEL_REQUEST:
            self.wfile.write(GREETING)
            while data := self.request.recv(1000):
                self.wfile.write(data)


@pytest.fixture
def database(run: Run) -> Iterator[Database]:
    """A running one."""
    with Database(str(run.engine_directory("database") / "socket")) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def packet(code: int, rest: bytes = b"") -> bytes:
    """A message without a type, as before the login."""
    return struct.pack("!II", 8 + len(rest), code) + rest


STARTUP = packet(196_608, b"user\0app\0database\0shop\0\0")
SSL = packet(postgresql.SSL_REQUEST)


def password(text: bytes) -> bytes:
    """A password message."""
    return b"p" + struct.pack("!I", 5 + len(text)) + text + b"\0"


def upgraded(run: Run, connection: socket.socket) -> ssl.SSLSocket:
    """The connection with TLS on request."""
    assert exchange(connection, SSL, 1) == b"S"
    context = ssl.create_default_context(cafile=run.authority.ca_file)
    return context.wrap_socket(connection, server_hostname=NAME)


def test_a_database_login_is_decided_under_tls(run: Run, database: Database) -> None:
    """The server gets the startup message of a client whose password was accepted, and then all that it sends."""
    seen = []
    run.edge.decisions.database_login = lambda _, user, secret: seen.append((user, secret))
    endpoint = serve(run, "postgresql", database.path)
    with plain(endpoint) as bare:
        assert exchange(bare, packet(postgresql.GSS_REQUEST), 1) == b"N"
        with upgraded(run, bare) as connection:
            assert exchange(connection, STARTUP, 9) == postgresql.CLEARTEXT_PASSWORD
            assert exchange(connection, password(b"token"), len(GREETING)) == GREETING
            assert exchange(connection, b"hello", 5) == b"hello"
    assert seen == [("app", "token")]
    assert database.startups == [STARTUP[4:]]


@pytest.mark.parametrize("negotiation", ["postgres", "direct"])
def test_libpq_verifies_the_name(run: Run, database: Database, negotiation: str) -> None:
    """With `verify-full`, the address from `PGHOSTADDR`, and both ways to begin TLS."""
    run.edge.decisions.database_login = lambda *_: None
    endpoint = serve(run, "postgresql", database.path)
    settings: dict[str, Any] = {
        "sslmode": "verify-full",
        "sslrootcert": str(run.authority.ca_file),
        "sslnegotiation": negotiation,
    }
    settings |= {"user": "app", "password": "token", "dbname": "shop"}
    with psycopg.connect(host=NAME, hostaddr=endpoint.address, **settings) as connection:
        assert connection.pgconn.ssl_in_use
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        psycopg.connect(host="master.other.example", hostaddr=endpoint.address, **settings)


def test_a_refused_database_login_reaches_no_server(run: Run, database: Database) -> None:
    """The client gets PostgreSQL's own error, and not the reason."""
    run.edge.decisions.database_login = lambda *_: "no rds-db:connect"
    endpoint = serve(run, "postgresql", database.path)
    with plain(endpoint) as bare, upgraded(run, bare) as connection:
        exchange(connection, STARTUP, 9)
        connection.sendall(password(b"token"))
        answer = everything(connection)
    assert b"C28P01\0" in answer
    assert b'password authentication failed for user "app"' in answer
    assert b"rds-db" not in answer
    assert database.startups == []


@pytest.mark.parametrize("also_plaintext", [False, True], ids=["rds.force_ssl", "optional"])
def test_a_database_without_tls(run: Run, database: Database, also_plaintext: bool) -> None:  # noqa: FBT001 - a parameter
    """It is refused if the database requires TLS, before a password is asked for."""
    run.edge.decisions.database_login = lambda *_: None
    endpoint = serve(run, "postgresql", database.path, also_plaintext=also_plaintext)
    with plain(endpoint) as connection:
        answer = exchange(connection, STARTUP, 9)
        if also_plaintext:
            assert answer == postgresql.CLEARTEXT_PASSWORD
        else:
            assert b"C28000\0" in answer + everything(connection)
            [entry] = journal.read(run.journal.path, "database-login")
            assert (entry["user"], entry["reason"]) == ("app", "the client uses no TLS")


def test_direct_tls_is_negotiated_by_alpn(run: Run, database: Database) -> None:
    """As libpq's `sslnegotiation=direct` does it."""
    run.edge.decisions.database_login = lambda *_: None
    endpoint = serve(run, "postgresql", database.path)
    context = ssl.create_default_context(cafile=run.authority.ca_file)
    context.set_alpn_protocols(["postgresql"])
    with context.wrap_socket(plain(endpoint), server_hostname=NAME) as connection:
        assert connection.selected_alpn_protocol() == "postgresql"
        assert exchange(connection, STARTUP, 9) == postgresql.CLEARTEXT_PASSWORD


def test_text_behind_the_request_for_tls_is_not_taken_for_encrypted(run: Run, database: Database) -> None:
    """What an attacker put between (CVE-2021-23222) ends the connection."""
    endpoint = serve(run, "postgresql", database.path)
    with plain(endpoint) as connection:
        connection.sendall(SSL + STARTUP)
        assert everything(connection) == b"S"
    assert database.startups == []


def test_a_query_is_cancelled(run: Run, database: Database) -> None:
    """The request reaches the server without a login, as PostgreSQL has it."""
    endpoint = serve(run, "postgresql", database.path)
    request = packet(postgresql.CANCEL_REQUEST, struct.pack("!II", 7, 8))
    with plain(endpoint) as connection:
        connection.sendall(request)
        assert everything(connection) == b""
    assert database.startups == [request[4:]]


GARBAGE = {
    "nothing": b"",
    "zeros": bytes(64),
    "high bytes": bytes(range(255, 127, -1)) * 8,
    "TLS without a sense": b"\x16\x03\x01\xff\xff" + bytes(1000),
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a count": b"*1000000\r\n$",
    "a long line": b"a" * 200_000,
    "a long value": b"set k 0 0 99999999999999999999\r\n" + b"x" * 1000,
    "a huge startup": struct.pack("!II", 0xFFFFFFFF, 196_608),
    "a short startup": struct.pack("!II", 8, 196_608),
    "requests for TLS": packet(postgresql.GSS_REQUEST) * 50,
    "half a login": b"*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$5\r\nto",
    "random": os.urandom(5000),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("protocol", ["resp", "memcached", "postgresql"])
def test_no_input_leaves_anything_behind(
    run: Run, valkey: Engine, protocol: Protocol, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Without TLS, under TLS, and cut off: no task remains, nothing is logged, and the next client is served."""
    run.edge.decisions.database_login = lambda *_: None
    endpoint = serve(run, protocol, valkey.path, also_plaintext=True)
    for connect in (plain, lambda endpoint: encrypted(run, endpoint)):
        for finish in (lambda c: c.shutdown(socket.SHUT_WR), reset):
            with contextlib.suppress(OSError), connect(endpoint) as connection:
                connection.settimeout(3)
                connection.sendall(garbage)
                finish(connection)
                everything(connection)
    wait_until(lambda: nothing_left(run, endpoint), "everything is closed")
    other = serve(run, "resp", valkey.path, name="other")
    with encrypted(run, other) as connection:
        assert exchange(connection, b"PING\r\n", 7) == b"+PONG\r\n"
    assert [] == [record.getMessage() for record in caplog.records]


def reset(connection: socket.socket) -> None:
    """Close with a reset, as a process that is killed with data unread."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_client_that_reads_nothing_holds_back_its_engine_only(run: Run, valkey: Engine) -> None:
    """Answers are not collected without a limit, other clients are served, and nothing is left."""
    endpoint = serve(run, "resp", valkey.path, tls=False)
    client = redis.Redis(unix_socket_path=valkey.path)
    client.set("big", b"x" * 1_000_000)
    with plain(endpoint) as slow:
        slow.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            for _ in range(100_000):
                sent += slow.send(b"GET big\r\n")
        with plain(endpoint) as other:
            assert exchange(other, b"PING\r\n", 7) == b"+PONG\r\n"
    client.close()
    wait_until(lambda: nothing_left(run, endpoint), "everything is closed")


def test_closing_an_endpoint_closes_its_connections(run: Run, valkey: Engine) -> None:
    """A node that fails: connections end, new ones are refused, and its name may be opened again."""
    endpoint = serve(run, "resp", valkey.path)
    with encrypted(run, endpoint) as connection:
        exchange(connection, b"PING\r\n", 7)
        run.edge.close(endpoint.name)
        assert everything(connection) == b""
    with pytest.raises(ConnectionRefusedError):
        plain(endpoint)
    run.edge.open(endpoint)
    with encrypted(run, endpoint) as connection:
        assert exchange(connection, b"PING\r\n", 7) == b"+PONG\r\n"
        run.edge.disconnect(endpoint.name)
        assert everything(connection) == b""
    with encrypted(run, endpoint) as connection:
        assert exchange(connection, b"PING\r\n", 7) == b"+PONG\r\n"


@contextlib.contextmanager
def slow_turns(run: Run) -> Iterator[None]:
    """Let each turn of the edge's loop take a millisecond, so that several things happen in one."""
    turning = True

    def turn() -> None:
        time.sleep(0.001)
        if turning:
            run.edge._loop.call_soon(turn)

    run.edge._loop.call_soon_threadsafe(turn)
    yield
    turning = False


def test_an_endpoint_may_close_at_any_moment(run: Run, valkey: Engine) -> None:
    """While a connection is accepted, decided on, in TLS's handshake: it ends, and others go on."""
    arriving, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(arriving, sent, server_hostname=NAME).do_handshake()
    hello = sent.read()
    other = serve(run, "resp", valkey.path, name="orders-002")
    with slow_turns(run):
        for moment in range(50):
            endpoint = serve(run, "resp", valkey.path)
            with plain(endpoint, 60) as first, plain(endpoint, 60) as second:
                for connection in (first, second):
                    connection.sendall(hello)
                time.sleep(moment / 2_500)
                run.edge.close(endpoint.name)
                for connection in (first, second):
                    everything(connection)
            with encrypted(run, other, 60) as connection:
                assert exchange(connection, b"PING\r\n", 7) == b"+PONG\r\n"


def test_a_connection_that_cannot_be_accepted_is_accepted_later(
    run: Run, valkey: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With too many open files, the client waits; an endpoint that is closed meanwhile listens no more."""
    accept, fails = socket.socket.accept, [True]

    def accept_or_fail(listening: socket.socket) -> Any:
        if fails and fails.pop():
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", accept_or_fail)
    endpoint = serve(run, "resp", valkey.path)
    with encrypted(run, endpoint, 60) as connection:
        assert exchange(connection, b"PING\r\n", 7) == b"+PONG\r\n"
    monkeypatch.setattr(edge_module, "PAUSE_SECONDS", 0.2)
    fails.append(True)
    with plain(endpoint, 60) as waiting:
        wait_until(lambda: not fails, "the connection could not be accepted")
        run.edge.close(endpoint.name)
        again = serve(run, "resp", valkey.path, name="orders-002")
        time.sleep(0.4)
        assert everything(waiting) == b""
    with encrypted(run, again, 60) as connection:
        assert exchange(connection, b"PING\r\n", 7) == b"+PONG\r\n"
    assert [] == caplog.records


def test_an_engine_that_does_not_run_ends_the_connection(run: Run) -> None:
    """As a node that accepts no connections."""
    endpoint = serve(run, "resp", str(run.engine_directory("none") / "socket"))
    with encrypted(run, endpoint) as connection:
        assert everything(connection) == b""


@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.1", "::1"])  # noqa: S104 - refused
def test_an_endpoint_outside_loopback_is_refused(run: Run, valkey: Engine, address: str) -> None:
    """Nothing is ever served to another machine."""
    endpoint = Endpoint("x", address, 6379, "resp", valkey.path, None, TARGET)
    with pytest.raises(ValueError, match="must be within 127"):
        run.edge.open(endpoint)
