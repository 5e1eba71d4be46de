"""The function that creates a database's users, on a real PostgreSQL behind TLS."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import ssl
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from application_constructs.database.runtime.create_users.handler import connect, create_users
from local_servers.certificates import Certificate, make_certificate
from local_servers.postgresql import PostgreSql, postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD, TOKEN = "password-of-the-secret", "token-of-iam"
SECRET = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:rds!db-1"
ROLES = ("shop", "orders", "administrator", "rds_iam")


class Server:
    """A PostgreSQL with what RDS puts into a new database: an administrator who is no superuser, and rds_iam."""

    def __init__(self, server: PostgreSql) -> None:
        self.socket = str(server.socket_directory / f".s.PGSQL.{server.port}")
        self._folder = str(server.socket_directory)
        rules = "local all postgres trust\nlocal all all scram-sha-256\n"
        (server.directory / "pg_hba.conf").write_text(rules)
        self.run("SELECT pg_reload_conf()", database="postgres")

    def log_in(self, user: str, password: str, database: str = "application") -> psycopg.Connection:
        """A connection as one user."""
        return psycopg.connect(host=self._folder, user=user, password=password, dbname=database, sslmode="disable")

    def run(self, *statements: str, database: str = "application") -> list[tuple[Any, ...]]:
        """Carry out statements as the service itself; the rows of the last."""
        with self.log_in("postgres", "", database) as connection:
            connection.autocommit = True
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def renew(self) -> None:
        """Forget every database, user and table."""
        self.run(
            "DROP DATABASE IF EXISTS application",
            *(f"DROP ROLE IF EXISTS {each}" for each in ROLES),
            "CREATE ROLE rds_iam",
            f"CREATE ROLE administrator LOGIN CREATEROLE PASSWORD '{PASSWORD}'",
            "GRANT rds_iam TO administrator WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
            "CREATE DATABASE application OWNER administrator",
            database="postgres",
        )


class _Door(socketserver.BaseRequestHandler):
    """TLS in front of the server, which is built without: it grants the client's request for TLS, and passes on."""

    def handle(self) -> None:
        """One connection from its start to its end."""
        assert isinstance(self.server, Door)
        self.request.recv(8)
        self.request.sendall(b"S")
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as database:
            client = self.server.context.wrap_socket(self.request, server_side=True)
            database.connect(self.server.database)
            answers = threading.Thread(target=_pass_on, args=(database, client))
            answers.start()
            _pass_on(client, database)
            answers.join()
            client.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Door(socketserver.ThreadingTCPServer):
    """The database's address, and the certificate behind it."""

    # A test that fails leaves its connection open; the next does not wait for it.
    daemon_threads = True

    def __init__(self, server: Server, certificate: Certificate) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.database = server.socket
        self.authority = certificate.certificate
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.certificate, certificate.key)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[Server]:
    with postgresql() as server:
        yield Server(server)


@pytest.fixture(name="server")
def _server(running: Server) -> Server:
    running.renew()
    return running


@pytest.fixture(name="door")
def _door(server: Server, tmp_path: Path) -> Iterator[Door]:
    with Door(server, make_certificate(tmp_path)) as door:
        thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield door
        door.shutdown()
        thread.join()


class SecretsManager:
    """The secret that RDS keeps."""

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - as boto3 has it
        """Its value."""
        return {"SecretString": json.dumps({"username": "administrator", "password": PASSWORD})} if SecretId else {}


class Signer:
    """What makes IAM tokens, and remembers for whom."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, str]] = []

    def generate_db_auth_token(self, *, DBHostname: str, Port: int, DBUsername: str) -> str:  # noqa: N803
        """A token."""
        self.asked.append((DBHostname, Port, DBUsername))
        return TOKEN


def environment(door: Door) -> dict[str, str]:
    """What the construct tells the function."""
    return {
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": str(door.port),
        "DATABASE_NAME": "application",
        "DATABASE_CA_FILE": str(door.authority),
        "DATABASE_SECRET_ARN": SECRET,
    }


def create(server: Server, *users: str) -> None:
    """Create users as the administrator."""
    with server.log_in("administrator", PASSWORD) as connection:
        create_users(connection, users)


# Logging in


def test_password_of_the_secret_is_tried_first(door: Door) -> None:
    """In a new database the administrator has the password that RDS made, and no token is asked for."""
    signer = Signer()
    with connect(environment(door), secretsmanager=SecretsManager(), rds=signer) as connection:
        row = connection.execute("SELECT current_user").fetchone()

    assert (("administrator",), []) == (row, signer.asked)


def test_administrator_becomes_a_member_of_every_user(server: Server) -> None:
    """Why a token may be needed: PostgreSQL makes who creates a role a member of it, and so of rds_iam."""
    server.run("REVOKE rds_iam FROM administrator")
    server.run("CREATE ROLE shop LOGIN", "GRANT rds_iam TO shop")
    before = server.run("SELECT pg_has_role('administrator', 'rds_iam', 'MEMBER')")
    server.run("DROP ROLE shop")
    with server.log_in("administrator", PASSWORD) as connection:
        connection.execute("CREATE ROLE shop LOGIN")
    server.run("GRANT rds_iam TO shop")

    assert ([(False,)], [(True,)]) == (before, server.run("SELECT pg_has_role('administrator', 'rds_iam', 'MEMBER')"))


def test_token_is_next(server: Server, door: Door) -> None:
    """Where the service wants a token in place of the password, one for this user at this address is brought."""
    server.run(f"ALTER ROLE administrator PASSWORD '{TOKEN}'")
    signer = Signer()
    with connect(environment(door), secretsmanager=SecretsManager(), rds=signer) as connection:
        row = connection.execute("SELECT current_user").fetchone()

    assert (("administrator",), [("127.0.0.1", door.port, "administrator")]) == (row, signer.asked)


def test_refusal_of_both_is_an_error_without_either(server: Server, door: Door) -> None:
    """Deployment fails when no login of the administrator is accepted; the message names neither password nor token."""
    server.run("ALTER ROLE administrator PASSWORD 'another'")

    with pytest.raises(psycopg.OperationalError) as failure:
        connect(environment(door), secretsmanager=SecretsManager(), rds=Signer())

    assert PASSWORD not in str(failure.value)
    assert TOKEN not in str(failure.value)


def test_another_authority_is_told_nothing(door: Door, tmp_path: Path) -> None:
    """Neither password nor token goes to a server whose certificate no trusted authority has signed."""
    (tmp_path / "other").mkdir()
    stranger = make_certificate(tmp_path / "other")

    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect(
            {**environment(door), "DATABASE_CA_FILE": str(stranger.certificate)},
            secretsmanager=SecretsManager(),
            rds=Signer(),
        )


def test_another_host_is_told_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor to one whose certificate is for another host."""
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")

    with pytest.raises(psycopg.OperationalError, match=r'does not match host name "db\.example"'):
        connect({**environment(door), "DATABASE_HOST": "db.example"}, secretsmanager=SecretsManager(), rds=Signer())


# Creating


def test_users_log_in_by_iam(server: Server) -> None:
    """Each user may log in, is an IAM user, and has no password."""
    create(server, "shop", "orders")

    rows = server.run(
        "SELECT rolname, rolcanlogin, rolpassword, pg_has_role(rolname, 'rds_iam', 'MEMBER') FROM pg_authid "
        "WHERE rolname IN ('shop', 'orders') ORDER BY rolname"
    )
    assert [("orders", True, None, True), ("shop", True, None, True)] == rows


@pytest.mark.parametrize("power", ["rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls"])
def test_users_have_no_power(server: Server, power: str) -> None:
    """An application's user administers nothing."""
    create(server, "shop")

    ((powers,),) = server.run("SELECT to_jsonb(pg_roles) FROM pg_roles WHERE rolname = 'shop'")
    assert powers[power] is False


def test_tables_go_into_the_user_s_own_schema(server: Server) -> None:
    """What an application creates without a word about schemas is in its own, and belongs to it."""
    create(server, "shop")
    server.run("SET ROLE shop", "CREATE TABLE products (id integer)")

    assert [("shop", "shop")] == server.run("SELECT schemaname, tableowner FROM pg_tables WHERE tablename = 'products'")


@pytest.mark.parametrize(
    "trespass",
    [
        "CREATE TABLE orders.products (id integer)",
        "SELECT * FROM orders.sold",
        "CREATE TABLE public.products (id integer)",
    ],
)
def test_users_keep_to_their_own(server: Server, trespass: str) -> None:
    """One application neither reads nor fills the schema of another, nor the one that all see."""
    create(server, "shop", "orders")
    server.run("SET ROLE orders", "CREATE TABLE sold (id integer)")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        server.run("SET ROLE shop", trespass)


def test_again_changes_nothing(server: Server) -> None:
    """A second run leaves users and tables as they are, and adds who is new."""
    create(server, "shop")
    server.run("SET ROLE shop", "CREATE TABLE products AS SELECT 1 AS id")
    before = server.run("SELECT oid FROM pg_roles WHERE rolname = 'shop'")
    create(server, "shop", "orders")

    assert before == server.run("SELECT oid FROM pg_roles WHERE rolname = 'shop'")
    assert [(1,)] == server.run("SELECT id FROM shop.products")
    assert [(1,)] == server.run("SELECT count(*) FROM pg_roles WHERE rolname = 'orders'")


def test_all_or_nothing(server: Server) -> None:
    """A run that fails half-way leaves nothing behind, so the next starts from the beginning."""
    server.run("CREATE SCHEMA orders")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        create(server, "shop", "orders")

    assert [] == server.run("SELECT rolname FROM pg_roles WHERE rolname IN ('shop', 'orders')")
