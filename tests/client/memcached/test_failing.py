"""Nodes that die, hang, send invalid replies, and recover."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from pymemcache.exceptions import MemcacheClientError  # type: ignore[import-untyped]

from elasticache_client.memcached import NodeError, node
from local_servers.certificates import HOST
from local_servers.ports import LOOPBACK
from local_servers.waiting import wait_until
from tests.client.conftest import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from elasticache_client.memcached import Memcached
    from tests.client.memcached.servers import Server

KEYS = [f"key-{number}" for number in range(40)]


@pytest.fixture(name="servers")
def _servers(start_server: Callable[..., Server]) -> list[Server]:
    return [start_server() for _ in range(2)]


@pytest.fixture(name="cache")
def _cache(servers: list[Server], open_nodes: Callable[..., Memcached]) -> Memcached:
    cache = open_nodes(*servers, answer_seconds=0.5)
    assert cache.set_many({key: key for key in KEYS}) == []
    return cache


def _set_clock(cache: Memcached) -> Clock:
    clock = Clock()
    for member in cache._membership.ring.nodes:
        member._health._clock = clock
    return clock


def _homes(cache: Memcached, server: Server) -> list[str]:
    ring = cache._membership.ring
    return [key for key in KEYS if ring.node_for(key.encode()).address.port == server.port]  # type: ignore[union-attr]


def test_a_dead_nodes_keys_miss_and_the_others_do_not(cache: Memcached, servers: list[Server]) -> None:
    """Nothing raises, no key moves, and every command returns what a miss returns."""
    dead = _homes(cache, servers[0])
    servers[0].kill()
    found = [key for key in KEYS if cache.get(key) == key]
    key = dead[0]
    said = [cache.set(key, 1), cache.add(key, 1), cache.delete(key), cache.touch(key), cache.incr(key), cache.gets(key)]
    many = (set(cache.get_many(KEYS)), set(cache.set_many(dict.fromkeys(KEYS, 1))), set(cache.delete_many(KEYS)))
    alive = set(KEYS) - set(dead)
    assert found == [key for key in KEYS if key in alive]
    assert (said, many) == ([False, False, False, False, None, (None, None)], (alive, set(dead), set(dead)))
    assert cache.nodes_down == (servers[0].name,)


def test_a_dead_node_is_back_when_it_is(cache: Memcached, servers: list[Server]) -> None:
    """Its keys are found again after a successful attempt."""
    clock = _set_clock(cache)
    key = _homes(cache, servers[0])[0]
    servers[0].kill()
    during = [cache.set(key, "new") for _ in range(3)]
    servers[0].start()
    clock.now += 10.0
    after = [cache.set(key, "new"), cache.get(key), cache.nodes_down]
    assert (during, after) == ([False] * 3, [True, "new", ()])


def test_a_restarted_node_costs_no_request(cache: Memcached, servers: list[Server]) -> None:
    """Idle connections that it closed are detected before they are used."""
    servers[0].kill()
    servers[0].start()
    key = _homes(cache, servers[0])[0]
    assert (cache.get(key, "a miss"), cache.set(key, "new"), cache.incr(key + "absent")) == ("a miss", True, None)
    assert cache.nodes_down == ()


def test_a_node_that_hangs_is_waited_for_twice(cache: Memcached, servers: list[Server]) -> None:
    """After that, no command waits. These commands would otherwise wait for minutes."""
    clock = _set_clock(cache)
    key = _homes(cache, servers[0])[0]
    servers[0].suspend()
    start = time.monotonic()
    found = [cache.get(key) for _ in range(600)]
    waited = time.monotonic() - start
    servers[0].resume()
    clock.now += 10.0
    assert (found, waited < 60.0, cache.get(key)) == ([None] * 600, True, key)


def test_callers_of_a_hanging_node_wait_side_by_side(open_nodes: Callable[..., Memcached]) -> None:
    """No lock is held during the wait: the node has the request of each caller before it answers any."""
    with socket.create_server((LOOPBACK, 0)) as hanging:
        hanging.settimeout(60)
        cache = open_nodes(f"{LOOPBACK}:{hanging.getsockname()[1]}", answer_seconds=60.0)
        with ThreadPoolExecutor(10) as threads:
            found = [threads.submit(cache.get, key) for key in KEYS[:10]]
            connections = [hanging.accept()[0] for _ in found]
            for connection in connections:
                connection.settimeout(60)
            asked = [connection.recv(4) for connection in connections]
            for connection in connections:
                connection.close()
    assert (asked, {caller.result() for caller in found}) == ([b"get "] * 10, {None})


def test_a_complaint_is_an_answer_too(cache: Memcached, servers: list[Server]) -> None:
    """A node that rejects a command is not down."""
    clock = _set_clock(cache)
    key = _homes(cache, servers[0])[0]
    servers[0].suspend()
    during = [cache.get(key), cache.get(key), cache.nodes_down]
    servers[0].resume()
    clock.now += 10.0
    with pytest.raises(MemcacheClientError, match="non-numeric"):
        cache.incr(key)
    assert (during, cache.nodes_down) == ([None, None, (servers[0].name,)], ())


def test_few_connections_stay_idle(cache: Memcached, servers: list[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that many threads needed at once are closed afterwards."""
    monkeypatch.setattr(node, "_MAX_IDLE", 3)
    keys = _homes(cache, servers[0])[:8]
    together = threading.Barrier(len(keys))

    def get(key: str) -> object:
        together.wait()
        return [cache.get(key) for _ in range(50)][-1]

    with ThreadPoolExecutor(len(keys)) as threads:
        found = list(threads.map(get, keys))
    wait_until(lambda: servers[0].connections()[0] <= 3, "all but three are closed")
    assert found == keys


def test_it_can_be_an_error(servers: list[Server], open_nodes: Callable[..., Memcached]) -> None:
    """With fail_open=False, commands raise, for many keys as for one."""
    cache = open_nodes(*servers, fail_open=False)
    servers[0].kill()
    for ask in (cache.get_many, cache.delete_many):
        with pytest.raises(NodeError, match=f"{servers[0].name} sent no valid reply: Conn.*refused"):
            ask(KEYS)
    with pytest.raises(NodeError, match=f"{servers[0].name} is down and was not asked"):
        cache.set_many(dict.fromkeys(KEYS, 1))


def test_what_happens_is_logged_once(cache: Memcached, servers: list[Server], caplog: pytest.LogCaptureFixture) -> None:
    """The log says once that a node is down and once that it is up, regardless of the number of commands."""
    clock = _set_clock(cache)
    key = _homes(cache, servers[0])[0]
    servers[0].kill()
    for _ in range(20):
        cache.get(key)
    servers[0].start()
    clock.now += 10.0
    for _ in range(20):
        cache.get(key)
    said = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    logger = "elasticache_client.memcached"
    assert said == [
        (logger, "WARNING", f"{servers[0].name} is down: ConnectionRefusedError(111, 'Connection refused')"),
        (logger, "WARNING", f"{servers[0].name} answers again"),
    ]


SECRET = b"planted-never-to-be-seen"


@pytest.fixture(name="impostor")
def _impostor() -> Iterator[Callable[[bytes], str]]:
    """Starts a server that answers each command with the same bytes and then sends nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    answer = [b""]

    def serve() -> None:
        kept = []
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                break
            sock.recv(4096)
            sock.sendall(answer[0])
            kept.append(sock)
        for sock in kept:
            sock.close()

    thread = threading.Thread(target=serve)
    thread.start()

    def start(said: bytes) -> str:
        answer[0] = said
        return f"{HOST}:{listener.getsockname()[1]}"

    yield start
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


NONSENSE = {
    "another key": b"VALUE another 0 24\r\n" + SECRET + b"\r\nEND\r\n",
    "no length": b"VALUE key 0 " + SECRET + b"\r\n",
    "a line of something else": SECRET + b"\r\n",
    "another protocol": b"HTTP/1.1 400 " + SECRET + b"\r\n\r\n",
    "ERROR": b"ERROR\r\n",
    "half a value": b"VALUE key 0 1000\r\n" + SECRET,
    "half a line": b"VALUE key",
    "nothing": b"",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_a_miss(
    impostor: Callable[[bytes], str],
    open_nodes: Callable[..., Memcached],
    caplog: pytest.LogCaptureFixture,
    said: bytes,
) -> None:
    """An invalid reply counts as a failure of the node, ends in time, and is not logged."""
    cache = open_nodes(impostor(said), answer_seconds=0.2)
    found = [cache.get("key") for _ in range(2)]
    assert (found, len(cache.nodes_down), SECRET.decode() in caplog.text) == ([None, None], 1, False)


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_not_shown_in_an_error(
    impostor: Callable[[bytes], str], open_nodes: Callable[..., Memcached], said: bytes
) -> None:
    """An invalid reply may contain a value."""
    cache = open_nodes(impostor(said), answer_seconds=0.2, fail_open=False)
    with pytest.raises(NodeError) as caught:
        cache.get("key")
    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    assert SECRET.decode() not in shown


def test_a_number_that_is_none_is_a_miss(
    impostor: Callable[[bytes], str], open_nodes: Callable[..., Memcached]
) -> None:
    """Its connection is closed."""
    cache = open_nodes(impostor(SECRET + b"\r\n"), answer_seconds=0.2)
    found = cache.incr("key")
    gc.collect()  # warns of connections that are not closed
    assert found is None


def test_an_unasked_for_answer_is_nobodys(
    impostor: Callable[[bytes], str], open_nodes: Callable[..., Memcached]
) -> None:
    """Extra bytes are not read as the reply to the next command."""
    hit = b"VALUE key 0 3\r\nold\r\nEND\r\n"
    cache = open_nodes(impostor(hit + hit * 2000))
    assert [cache.get("key"), cache.get("key")] == [b"old", b"old"]


FORK = """
import os, sys
from elasticache_client.memcached import connect_nodes

cache = connect_nodes(sys.argv[1:], fail_open=False)
keys = [f"key-{number}" for number in range(50)]
cache.set_many({key: key for key in keys})
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        wrong = sum(cache.get(key) != key for _ in range(20) for key in keys)
        os._exit(min(wrong, 1))
    children.append(child)
wrong = sum(cache.get(key) != key for _ in range(20) for key in keys)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children], wrong)
cache.close()
"""


def test_forked_processes_do_not_share_connections(servers: list[Server]) -> None:
    """Parent and children read at the same time, and none gets another's reply."""
    command = [sys.executable, "-W", "error", "-c", FORK, *(server.name for server in servers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[0, 0, 0, 0] 0\n", "")
