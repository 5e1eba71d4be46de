"""Servers listen on the loopback address alone, refuse clients without a login, and end with their caller."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_servers.certificates import make_certificate
from local_servers.memcached import Memcached
from local_servers.nodes import CLIENTS_WITHOUT_LOGIN, Node, form_cluster, is_healthy, valkey_server
from local_servers.ports import LOOPBACK, free_port
from local_servers.postgresql import postgresql
from local_servers.waiting import wait_until
from tests.client.engines import redis_server
from tests.client.memcached.servers import memcached
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HOLD_POSTGRESQL = """
import time
from local_servers.postgresql import postgresql
with postgresql() as server:
    print(server.directory, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module", params=[redis_server, valkey_server], ids=["redis", "valkey"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A server of either engine."""
    started = Node(request.param(), tmp_path_factory.mktemp("node"))
    yield started
    started.stop()


def client(node: Node, **login: Any) -> redis.Redis:
    """A client of a node."""
    return redis.Redis(host=LOOPBACK, port=node.port, retry=Retry(NoBackoff(), 0), **login)


def test_a_client_without_a_login_is_refused(node: Node) -> None:
    """The administrator's password is random, and other users of the machine cannot read it in the command line."""
    with pytest.raises(redis.AuthenticationError), client(node) as without:
        without.ping()
    with pytest.raises(redis.AuthenticationError), client(node, username="admin", password="admin") as guess:
        guess.ping()
    assert node.admin.ping()
    assert node.password not in " ".join(psutil.Process(node._process.pid).cmdline())


def test_it_listens_on_the_loopback_address_alone(node: Node) -> None:
    """Its port, and no other."""
    connections = psutil.Process(node._process.pid).net_connections(kind="inet")
    assert {(LOOPBACK, node.port)} == {
        (item.laddr.ip, item.laddr.port) for item in connections if item.status == psutil.CONN_LISTEN
    }


def test_clients_without_a_login_use_data_alone(tmp_path: Path) -> None:
    """Where a server admits them, they cannot configure it."""
    node = Node(valkey_server(), tmp_path, default_user=CLIENTS_WITHOUT_LOGIN)
    try:
        with client(node) as without:
            without.set("key", "value")
            assert b"value" == without.get("key")
            for command in ("CONFIG GET dir", "SHUTDOWN", "ACL LIST", "REPLICAOF 127.0.0.1 1"):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    without.execute_command(*command.split())
    finally:
        node.stop()


def test_a_node_that_is_killed_comes_back_empty(node: Node) -> None:
    """On the same port."""
    port = node.port
    node.admin.set("key", "value")
    node.kill()
    with pytest.raises(redis.ConnectionError):
        node.admin.ping()
    node.start()
    assert (port, None) == (node.port, node.admin.get("key"))


def test_a_node_that_is_suspended_answers_later(node: Node) -> None:
    """It accepts connections meanwhile."""
    node.suspend()
    try:
        with pytest.raises(redis.TimeoutError), client(node, socket_timeout=0.2) as waiting:
            waiting.ping()
    finally:
        node.resume()
    assert node.admin.ping()


def test_shards_form_a_cluster(tmp_path: Path) -> None:
    """Each shard has its share of the slots, and the replica follows the first."""
    nodes = []
    try:
        for number in range(4):
            home = tmp_path / str(number)
            home.mkdir()
            login = ["--masteruser", "admin", "--masterauth", "shared"]
            nodes.append(Node(valkey_server(), home, *login, password="shared", is_shard=True))
        form_cluster(nodes[:3], nodes[3:])
        wait_until(lambda: nodes[3].admin.info("replication").get("master_link_status") == "up", "the replica follows")
        assert all(is_healthy(node, 4) for node in nodes)
        assert not is_healthy(nodes[0], 5)
    finally:
        for node in nodes:
            node.stop()


def test_memcached_answers(tmp_path: Path) -> None:
    """With TLS and without."""
    memcached()
    for server in (Memcached(), Memcached(make_certificate(tmp_path))):
        assert server.answers()
        server.stop()
        assert not server.answers()


def test_postgresql_ends_with_its_block() -> None:
    """Its superuser logs in on a socket; no process and no file is left."""
    with postgresql() as server:
        with psycopg.connect(
            host=str(server.socket_directory), port=server.port, dbname=server.database, user=server.user
        ) as connection:
            assert (1,) == connection.execute("SELECT 1").fetchone()
        assert running(server.directory)
    assert not running(server.directory)
    assert not server.directory.exists()


def test_postgresql_ends_with_a_caller_that_is_killed() -> None:
    """A caller that cannot clean up takes the server and its data with it."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD_POSTGRESQL], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as caller:
        assert caller.stdout is not None
        directory = caller.stdout.readline().strip()
        caller.kill()
    wait_until(lambda: not running(directory), "the server has ended")
    wait_until(lambda: not (ROOT / directory).exists(), "its data is deleted")


def running(directory: Path | str) -> list[int]:
    """The processes that name a directory in their command line."""
    return [
        process.pid for process in psutil.process_iter(["cmdline"]) if str(directory) in str(process.info["cmdline"])
    ]


def test_a_port_in_use_is_not_free() -> None:
    """Another one is found; no port is given out twice."""
    with socket.create_server((LOOPBACK, 0)) as server:
        taken = server.getsockname()[1]
        assert taken != free_port(taken)
    assert taken == free_port(taken)
    assert free_port() != free_port()


@pytest.mark.skipif(sys.platform != "linux", reason="ports are reserved on Linux")
def test_two_processes_get_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although no server listens yet on the port that the other process got."""
    ask = "from local_servers.ports import free_port; print(free_port(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", ask], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        taken = int(other.stdout.readline())
        monkeypatch.setattr("random.SystemRandom.randint", lambda *_: taken)
        mine = free_port()
        other.communicate("\n")
    assert taken != mine
    assert 0 == other.returncode
