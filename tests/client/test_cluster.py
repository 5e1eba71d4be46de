"""Cluster mode: three nodes of a real engine, each behind a front that checks IAM tokens."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import redis.exceptions
import valkey.exceptions
from redis.crc import key_slot

from elasticache_client import ConnectionSettings
from elasticache_client.clients import LOGIN_SECONDS
from elasticache_client.failures import Failure, kind_of
from local_servers.certificates import HOST
from local_servers.nodes import ADMINISTRATOR, form_cluster
from local_servers.ports import free_port
from local_servers.waiting import wait_until
from tests.client.conftest import (
    APP,
    APP_PASSWORD,
    CACHE,
    KEYS,
    KINDS,
    REGION,
    Caller,
    Clock,
    Interrupted,
    iam_credentials,
    iam_settings,
    secret_credentials,
    secret_settings,
)
from tests.client.engines import ADMIN_PASSWORD, Engine, Front, redis_server, valkey_server
from tests.client.held_locks import child_ends_well
from tests.client.secrets_manager import SecretsManagerStub
from tests.client.verifier import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from local_servers.certificates import Certificate

every_kind = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "valkey-py asyncio"])
_SLOTS = 16384
_START_SECONDS = 60.0


class Cluster:
    """Three nodes. Either fronts whose ports they announce, or a fourth node that is a replica of the first."""

    def __init__(self, program: str, directory: Any, certificate: Certificate | None) -> None:
        verifier = Verifier(CACHE, REGION, KEYS, serverless=True)
        self.nodes: list[Engine] = []
        self.fronts: list[Front] = []
        for number in range(3 if certificate else 4):
            home = directory / str(number)
            home.mkdir()
            options = ["--cluster-announce-ip", "127.0.0.1", "--repl-diskless-sync-delay", "0"]
            if certificate:
                front_port = free_port()
                options += ["--cluster-announce-port", str(front_port)]
                node = Engine(program, home, None, *options, is_shard=True)
                self.fronts.append(Front(node, certificate, {APP: APP_PASSWORD}, verifier, port=front_port))
            else:
                options += ["--masteruser", ADMINISTRATOR, "--masterauth", ADMIN_PASSWORD]
                node = Engine(program, home, None, *options, is_shard=True)
            self.nodes.append(node)
            node.set_passwords(APP, APP_PASSWORD)
        form_cluster(self.nodes[:3], self.nodes[3:])
        for node in self.nodes[3:]:
            self._wait(partial(self._follows, node))
            self._wait(lambda: all(map(self._tells_of_replicas, self.nodes)))

    def primaries(self) -> set[int]:
        """The ports of the current primaries."""
        return {node.port for node in self.nodes if node.admin.role()[0] == "master"}

    def fail_over(self) -> None:
        """Make the first node and its replica change roles."""
        replica = next(node for node in self.nodes if node.admin.role()[0] == "slave")
        primary = next(node for node in (self.nodes[0], self.nodes[3]) if node is not replica)
        replica.admin.execute_command("CLUSTER FAILOVER")
        self._wait(partial(self._follows, primary))
        self._wait(lambda: all(map(self._tells_of_replicas, self.nodes)))

    def logins(self) -> int:
        """How many logins the nodes have received."""
        return sum(node.logins() for node in self.nodes)

    def redirections(self) -> int:
        """How many commands reached a node that does not have their slot."""
        return sum(node.admin.info("errorstats").get("errorstat_MOVED", {}).get("count", 0) for node in self.nodes)

    def move(self, slots: Iterable[int], origin: int, target: int) -> None:
        """Move slots without keys to another node."""
        names = [node.admin.execute_command("CLUSTER MYID") for node in self.nodes]
        for slot in slots:
            self.nodes[target].admin.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", names[origin])
            for node in (self.nodes[target], *self.nodes):
                node.admin.execute_command("CLUSTER SETSLOT", slot, "NODE", names[target])

    def stop(self) -> None:
        """Stop all processes."""
        for front in self.fronts:
            front.stop()
        for node in self.nodes:
            node.stop()

    def _wait(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + _START_SECONDS
        while not ready():
            if time.monotonic() > end:
                self.stop()
                raise RuntimeError("the cluster did not form")
            time.sleep(0.05)

    def _tells_of_replicas(self, node: Engine) -> bool:
        told = {port for shard in node.admin.execute_command("CLUSTER SLOTS") for _, port, *_ in shard[2:]}
        return told == {node.port for node in self.nodes}

    @staticmethod
    def _follows(node: Engine) -> bool:
        return bool(node.admin.info("replication").get("master_link_status") == "up")


@pytest.fixture(scope="module", params=["redis", "valkey"], name="cluster")
def _cluster(
    request: pytest.FixtureRequest, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    program = redis_server() if request.param == "redis" else valkey_server()
    cluster = Cluster(program, tmp_path_factory.mktemp("cluster"), certificate)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module", name="replicated")
def _replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(valkey_server(), tmp_path_factory.mktemp("replicated"), None)
    yield cluster
    cluster.stop()


@pytest.fixture(name="open_cluster")
def _open_cluster(cluster: Cluster, open_client: Callable[..., Caller]) -> Callable[..., Caller]:
    def open_cluster(kind: str, **options: Any) -> Caller:
        settings = iam_settings(cluster.fronts[0].port, mode="cluster", serverless=True)
        return open_client(kind, settings, credentials=iam_credentials(serverless=True), **options)

    return open_cluster


@every_kind
def test_every_node_lets_in(kind: str, open_cluster: Callable[..., Caller]) -> None:
    """With serverless IAM tokens, keys of all three nodes are written and read."""
    client = open_cluster(kind)
    keys = [f"fruit-{number}" for number in range(30)]
    for key in keys:
        client("set", key, key)
    assert [client("get", key) for key in keys] == keys


@every_kind
def test_a_crowd_is_not_redirected(kind: str, cluster: Cluster, open_cluster: Callable[..., Caller]) -> None:
    """A client reads the slot map before it sends the first of many commands."""
    client, before = open_cluster(kind), cluster.redirections()
    assert _together(client, ["get", "fruit-of-a-crowd"], 50) == [None] * 50
    assert cluster.redirections() == before


@every_kind
def test_slots_that_move_cost_a_redirection_each(
    kind: str, cluster: Cluster, open_cluster: Callable[..., Caller]
) -> None:
    """Connections, and the commands that wait on them, continue."""
    client = open_cluster(kind)
    there = key_slot(b"there") * 3 // _SLOTS
    keys = [key for key in map(str, range(1000)) if key_slot(key.encode()) * 3 // _SLOTS not in (there, 2)][:12]
    for key in (*keys, "there"):
        client("get", key)
    before = (cluster.logins(), cluster.redirections() + len(keys))
    cluster.move([key_slot(key.encode()) for key in keys], 1 - there, there)
    try:
        assert [client("get", key) for key in keys * 2] == [None] * 2 * len(keys)
        assert (cluster.logins(), cluster.redirections()) == before
    finally:
        cluster.move([key_slot(key.encode()) for key in keys], there, 1 - there)


@every_kind
def test_a_crowd_may_be_redirected(kind: str, cluster: Cluster, open_cluster: Callable[..., Caller]) -> None:
    """After many redirections at once, commands to all shards still reach every shard."""
    client = open_cluster(kind)
    client("get", "fruit-that-moves")
    slot = key_slot(b"fruit-that-moves")
    here = slot * 3 // _SLOTS
    there = (here + 1) % 3
    cluster.move([slot], here, there)
    try:
        assert _together(client, ["get", "fruit-that-moves"], 20) == [None] * 20
        assert len({node.port for node in client.client.get_primaries()}) == 3
    finally:
        cluster.move([slot], there, here)


@every_kind
def test_a_failover_is_followed(kind: str, replicated: Cluster, open_client: Callable[..., Caller]) -> None:
    """Many simultaneous commands find the new primary, and later commands use it."""
    for node in replicated.nodes:
        node.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    settings = ConnectionSettings(
        engine="valkey", host=HOST, port=replicated.nodes[1].port, tls=False, mode="cluster", auth="none"
    )
    client = open_client(kind, settings)
    keys = [key for key in map(str, range(100)) if key_slot(key.encode()) < _SLOTS // 3][:20]
    for key in keys:
        client("set", key, key)
    replicated.fail_over()
    assert [_together(client, ["get", key], 5) for key in keys] == [[key] * 5 for key in keys]
    assert {node.port for node in client.client.get_primaries()} == replicated.primaries()


@every_kind
def test_a_timeout_is_not_retried(
    kind: str, cluster: Cluster, open_cluster: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may have executed a command that timed out, so it is not sent again."""
    client = open_cluster(kind, socket_timeout=0.1)
    timeouts = (redis.exceptions.TimeoutError, valkey.exceptions.TimeoutError)

    def is_connected() -> bool:
        with suppress(*timeouts):
            return client("get", "count") is None
        return False

    wait_until(is_connected, "the client is connected", 60.0)
    send, sent = client.client._execute_command, []

    def send_and_note(node: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(arguments[0])
        return send(node, *arguments, **options)

    monkeypatch.setattr(client.client, "_execute_command", send_and_note)
    for node in cluster.nodes:
        node.admin.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
    try:
        with pytest.raises(timeouts):
            client("incr", "count")
    finally:
        for node in cluster.nodes:
            node.admin.execute_command("CLIENT", "UNPAUSE")
    assert sent == ["INCRBY"]


@every_kind
def test_a_refused_login_is_tried_once_per_node(
    kind: str, cluster: Cluster, open_client: Callable[..., Caller]
) -> None:
    """No cluster client repeats a rejected login."""
    settings = iam_settings(cluster.fronts[0].port, mode="cluster", serverless=True)
    before = cluster.logins()
    with pytest.raises((redis.exceptions.RedisClusterException, valkey.exceptions.ValkeyClusterException)) as raised:
        open_client(kind, settings, credentials=iam_credentials("AKIDUNGRANTED", serverless=True))("ping")
    assert kind_of(raised.value) is Failure.LOGIN
    assert cluster.logins() - before <= 3


@every_kind
def test_one_login_at_the_limit(kind: str, cluster: Cluster, ages: Clock, open_cluster: Callable[..., Caller]) -> None:
    """A connection to a node that has reached the limit logs in once, on its next use."""
    client = open_cluster(kind)
    client("get", "fruit")
    ages.now += LOGIN_SECONDS
    before = cluster.logins()
    for _ in range(3):
        client("get", "fruit")
    assert cluster.logins() - before == 1


@every_kind
def test_no_login_inside_the_limit(kind: str, cluster: Cluster, open_cluster: Callable[..., Caller]) -> None:
    """Commands on young connections cost no login."""
    client = open_cluster(kind)
    client("get", "fruit")
    before = cluster.logins()
    for _ in range(50):
        client("get", "fruit")
    assert cluster.logins() - before == 0


@every_kind
def test_a_rotation_with_cut_connections_costs_one_refresh(
    kind: str, cluster: Cluster, open_client: Callable[..., Caller]
) -> None:
    """After the password in the secret has changed on all nodes, the next command succeeds."""
    user = "legacy"
    stub = SecretsManagerStub(user, "first")
    for node in cluster.nodes:
        node.set_passwords(user, "first")
    settings = secret_settings(cluster.fronts[0].port, user, mode="cluster")
    client = open_client(kind, settings, credentials=secret_credentials(stub))
    client("set", "fruit", "pear")
    stub.rotate("second")
    for node in cluster.nodes:
        node.set_passwords(user, "second")
        node.cut(user)
    assert (client("get", "fruit"), stub.asked) == ("pear", ["AWSCURRENT", "AWSCURRENT"])


def _together(client: Caller, command: list[str], times: int) -> list[Any]:
    """The results of a command that is sent many times at once."""
    method, *arguments = command
    if client.asynchronous:

        async def crowd() -> list[Any]:
            return list(await asyncio.gather(*(getattr(client.client, method)(*arguments) for _ in range(times))))

        return list(client.wait(crowd()))
    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(lambda _: client(method, *arguments), range(times)))


@every_kind
def test_a_left_over_reply(
    kind: str, cluster: Cluster, interrupt: Callable[[int], None], open_cluster: Callable[..., Caller]
) -> None:
    """The pools of nodes also return no connection with a pending reply."""
    client = open_cluster(kind)
    client("set", "{a}secret", "of another caller")
    client("set", "{a}mine", "of this caller")
    for node in cluster.nodes:
        node.admin.client_pause(150)
    interrupt(0)
    with pytest.raises(Interrupted):
        client("get", "{a}secret")
    assert client("get", "{a}mine") == "of this caller"


def test_no_node_is_asked_to_announce_maintenance(open_cluster: Callable[..., Caller]) -> None:
    """ElastiCache has no such command. Pools that expect announcements also reuse connections with unread replies."""
    client = open_cluster("redis-py")
    client("get", "{a}mine")
    pools = [node.redis_connection.connection_pool for node in client.client.get_nodes() if node.redis_connection]
    assert pools
    assert not any(pool.maint_notifications_enabled() for pool in pools)


@pytest.mark.parametrize("kind", ["redis-py", "valkey-py"])
def test_a_fork_while_slots_are_read(kind: str, open_cluster: Callable[..., Caller]) -> None:
    """Locks of the libraries that a thread of the parent holds do not block the child."""
    client = open_cluster(kind)
    client("set", "a", "1")
    parts = (client.client, client.client.nodes_manager)
    locks = dict.fromkeys(lock for part in parts for lock in vars(part).values() if hasattr(lock, "acquire"))
    assert locks
    are_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            are_held.set()
            may_go.wait()

    def use() -> None:
        client.client.nodes_manager.initialize()
        assert client("get", "a") == "1"

    thread = threading.Thread(target=hold)
    thread.start()
    are_held.wait()
    try:
        assert child_ends_well(use)
    finally:
        may_go.set()
        thread.join()
