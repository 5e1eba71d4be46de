"""The client follows its cluster: over TLS, by host name, and only to complete and newer lists."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from elasticache_client import tls_context
from elasticache_client.memcached import DiscoveryError, NodeError, connect, watch
from local_servers.waiting import wait_until
from tests.client.conftest import Clock
from tests.client.held_locks import that_hang
from tests.client.memcached.conftest import settings
from tests.client.memcached.servers import Endpoint, drips, reply, says, says_and_waits

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client.memcached import Memcached
    from local_servers.certificates import Certificate
    from tests.client.memcached.servers import Server

FEW_SECONDS = 60.0
"""Much longer than the time limit of a reply here, which is one second."""


@pytest.fixture(name="names")
def _names(tls_servers: list[Server]) -> list[str]:
    return sorted(server.name for server in tls_servers)


@pytest.fixture(name="cache")
def _cache(endpoint: Endpoint, names: list[str], open_cluster: Callable[..., Memcached]) -> Memcached:
    """A client with version 5 of the list, which has two of three nodes."""
    endpoint.answer = says(reply(5, *names[:2]))
    return open_cluster(endpoint)


def _refresh(cache: Memcached) -> None:
    assert cache._watch is not None
    cache._watch.refresh()


def test_nodes_are_reached_by_their_names(cache: Memcached, endpoint: Endpoint, names: list[str]) -> None:
    """The certificates are only for names, and the addresses in the list are unreachable."""
    stored = cache.set_many({f"key-{number}": number for number in range(50)})
    assert (stored, cache.nodes, endpoint.questions) == ([], tuple(names[:2]), [b"config get cluster\r\n"])


def test_a_certificate_for_another_name_is_refused(
    endpoint: Endpoint, names: list[str], open_cluster: Callable[..., Memcached]
) -> None:
    """The same server is not trusted by its address."""
    endpoint.answer = says(reply(1, names[0].replace("localhost", "127.0.0.1")))
    with pytest.raises(NodeError, match="IP address mismatch"):
        open_cluster(endpoint).get("key")


def test_an_unknown_authority_is_refused(endpoint: Endpoint, open_cluster: Callable[..., Memcached]) -> None:
    """Nothing is sent to an endpoint whose certificate the given authorities did not sign."""
    with pytest.raises(DiscoveryError, match="CERTIFICATE_VERIFY_FAILED"):
        open_cluster(endpoint, tls=tls_context())
    assert endpoint.questions == []


@pytest.mark.parametrize(
    ("version", "follows"), [(6, True), (5, False), (4, False)], ids=["newer", "the same version", "older"]
)
def test_only_a_newer_list_is_followed(
    cache: Memcached, endpoint: Endpoint, names: list[str], *, version: int, follows: bool
) -> None:
    """A list with an older version, or the same version and other nodes, changes nothing."""
    endpoint.answer = says(reply(version, *names[1:]))
    for _ in range(3):
        _refresh(cache)
    assert cache.nodes == tuple(names[1:] if follows else names[:2])


def test_a_cluster_made_anew_is_found_when_nothing_of_the_old_one_is_left(
    endpoint: Endpoint, names: list[str], open_cluster: Callable[..., Memcached]
) -> None:
    """Its versions start at one again, which is accepted if all old nodes are down."""
    endpoint.answer = says(reply(9, "localhost:1"))
    cache = open_cluster(endpoint, fail_open=True)
    for _ in range(2):
        cache.get("key")
    endpoint.answer = says(reply(1, *names))
    _refresh(cache)
    assert cache.nodes == tuple(names)


GOOD = reply(6, "localhost:1", "localhost:2")
HALF = GOOD[: len(GOOD) // 2]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(says(b""), "no list: b''", id="nothing, and closed"),
        pytest.param(says(HALF), "no list", id="half a list, and closed"),
        pytest.param(says(GOOD[:-1]), "no list", id="all but the last byte, and closed"),
        pytest.param(says_and_waits(HALF), "timed out", id="half a list, and silence"),
        pytest.param(says_and_waits(b""), "timed out", id="silence"),
        pytest.param(drips(GOOD * 10), "timed out|no whole answer", id="a byte now and then"),
        pytest.param(says_and_waits(b"ERROR\r\n"), "no list: b'ERROR", id="ERROR"),
        pytest.param(says_and_waits(b"SERVER_ERROR no\r\n"), "no list: b'SERVER_ERROR", id="SERVER_ERROR"),
        pytest.param(says_and_waits(reply(6)), "no list", id="no nodes"),
        pytest.param(says_and_waits(GOOD.replace(b"r 0 ", b"r 0 1")), "no list", id="a length that is wrong"),
        pytest.param(says_and_waits(b"CONFIG " + b"x" * 200_000), "no list.* bytes more", id="too long"),
    ],
)
def test_the_last_good_list_is_kept(
    cache: Memcached, endpoint: Endpoint, names: list[str], answer: Callable[..., None], error: str
) -> None:
    """An invalid reply ends soon, and the nodes stay unchanged."""
    endpoint.answer = answer
    start = time.monotonic()
    with pytest.raises(DiscoveryError, match=f"{endpoint.name} returned no list of nodes: .*({error})"):
        _refresh(cache)
    waited = time.monotonic() - start
    assert (cache.nodes, cache.set("key", "value"), waited < FEW_SECONDS) == (tuple(names[:2]), True, True)


def test_an_endpoint_that_is_gone_changes_nothing(cache: Memcached, endpoint: Endpoint, names: list[str]) -> None:
    """The nodes are reachable without it."""
    endpoint.stop()
    with pytest.raises(DiscoveryError, match="Connection refused"):
        _refresh(cache)
    assert (cache.nodes, cache.set("key", "value")) == (tuple(names[:2]), True)


def test_a_name_that_nobody_resolves_is_no_answer(dns_only: Certificate) -> None:
    """Neither an unknown name nor an invalid one."""
    for host in ("cache.invalid", "a..b"):
        with pytest.raises(DiscoveryError, match=f"{host}:11211 returned no list of nodes"):
            connect(settings(11211, host=host), tls=tls_context(dns_only.certificate), fail_open=False)


@pytest.mark.parametrize(
    "answer", [says(b"ERROR\r\n"), says(reply(4, "localhost:1"))], ids=["no answer", "an older list"]
)
def test_nodes_are_asked_where_the_endpoint_is_of_no_use(
    dns_only: Certificate,
    endpoint: Endpoint,
    names: list[str],
    open_cluster: Callable[..., Memcached],
    answer: Callable[..., None],
) -> None:
    """Each node of ElastiCache knows the list, and a newer list from any node is accepted."""
    node = Endpoint(dns_only)
    try:
        endpoint.answer = says(reply(5, names[0], node.name))
        cache = open_cluster(endpoint)
        endpoint.answer = answer
        node.answer = says(reply(6, *names))
        _refresh(cache)
    finally:
        node.stop()
    assert cache.nodes == tuple(names)


def test_a_round_has_an_end(
    dns_only: Certificate,
    endpoint: Endpoint,
    open_cluster: Callable[..., Memcached],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After the time limit of a round, no other node is asked."""
    node = Endpoint(dns_only)
    try:
        endpoint.answer = says(reply(5, node.name))
        cache = open_cluster(endpoint)
        endpoint.answer = says_and_waits(b"")
        monkeypatch.setattr(watch, "_ROUND_SECONDS", 0.1)
        with pytest.raises(DiscoveryError, match=endpoint.name):
            _refresh(cache)
    finally:
        node.stop()
    assert node.questions == []


def test_without_any_list_everything_misses_until_there_is_one(
    endpoint: Endpoint, names: list[str], open_cluster: Callable[..., Memcached]
) -> None:
    """An application starts while the cache is down, and uses it as soon as it is up."""
    endpoint.answer = says(b"ERROR\r\n")
    cache = open_cluster(endpoint, fail_open=True)
    before = (cache.nodes, cache.get("key"), cache.set("key", 1), cache.get_many(["key"]), cache.set_many({"key": 1}))
    endpoint.answer = says(reply(1, *names))
    _refresh(cache)
    assert (before, cache.set("key", 1)) == (((), None, False, {}, ["key"]), True)


def test_without_any_list_it_can_be_an_error(endpoint: Endpoint, open_cluster: Callable[..., Memcached]) -> None:
    """With fail_open=False, it raises."""
    endpoint.answer = says(b"ERROR\r\n")
    with pytest.raises(DiscoveryError, match=r"returned no list of nodes: no list: b'ERROR\\r\\n'"):
        open_cluster(endpoint)


@pytest.fixture(name="clock")
def _clock(cache: Memcached) -> Clock:
    """The clock by which requests are due. The first request was at its start."""
    clock = Clock()
    assert cache._watch is not None
    cache._watch._clock = clock
    _refresh(cache)
    return clock


def test_nodes_are_asked_for_once_a_minute(cache: Memcached, endpoint: Endpoint, clock: Clock) -> None:
    """A command after a minute causes one request."""
    asked = []
    for seconds in (0.0, 50.0, 10.0, 0.0, 50.0, 10.0):
        clock.now += seconds
        for _ in range(20):
            cache.get("key")
        wait_until(lambda: not _is_asking(cache), "the round is over")
        asked.append(len(endpoint.questions) - 2)
    assert asked == [0, 0, 1, 1, 1, 2]


def test_idle_clients_ask_nothing(cache: Memcached, endpoint: Endpoint, clock: Clock) -> None:
    """They have no thread either."""
    clock.now += 3600.0
    assert (len(endpoint.questions), _askers()) == (2, [])
    assert cache.nodes


def test_one_question_at_a_time(cache: Memcached, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one request runs, regardless of how many threads find that one is due. No command waits for it."""
    begun: list[bool] = []
    go_on = threading.Event()

    def ask_for_long() -> None:
        begun.append(True)
        go_on.wait()

    monkeypatch.setattr(cache._watch, "refresh", ask_for_long)
    clock.now += 60.0
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(cache.get, [f"key-{number}" for number in range(200)]))
    wait_until(lambda: begun != [], "the round has begun")
    seen = (len(begun), _askers())
    go_on.set()
    wait_until(lambda: not _is_asking(cache), "the round is over")
    assert seen == (1, ["memcached-discovery"])


def test_a_failed_round_is_repeated_soon(cache: Memcached, endpoint: Endpoint, clock: Clock) -> None:
    """It is repeated after five seconds and not earlier: no busy loop."""
    endpoint.answer = says(b"")
    asked = []
    for seconds in (60.0, 4.9, 0.1, 4.9, 0.1):
        clock.now += seconds
        for _ in range(20):
            cache.get("key")
        wait_until(lambda: not _is_asking(cache), "the round is over")
        asked.append(len(endpoint.questions) - 2)
    assert asked == [1, 1, 2, 2, 3]


def test_a_node_that_goes_down_brings_a_question_forward(
    cache: Memcached, endpoint: Endpoint, names: list[str], clock: Clock
) -> None:
    """A request is sent at once if the last one is five seconds ago, and its list is accepted."""
    endpoint.answer = says(reply(6, "localhost:1"))
    _refresh(cache)
    endpoint.answer = says(reply(7, *names))
    clock.now += 5.0
    for _ in range(2):
        with pytest.raises(NodeError, match="Connection refused"):
            cache.get("key")
    with pytest.raises(NodeError, match="is down and was not asked"):
        cache.get("key")
    wait_until(lambda: cache.nodes == tuple(names), "the new nodes are there")


def test_a_command_survives_that_no_thread_can_be_had(
    cache: Memcached, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command uses the current nodes, and the request is sent later."""
    clock.now += 60.0

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        stored = cache.set("key", "value")
    assert (stored, _is_asking(cache)) == (True, False)


def _is_asking(cache: Memcached) -> bool:
    assert cache._watch is not None
    return cache._watch._round.locked()


def _askers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("memcached")]


def test_nodes_come_and_go_under_load(
    cache: Memcached, endpoint: Endpoint, names: list[str], tls_servers: list[Server]
) -> None:
    """Requests fail only as misses. Remaining nodes keep their connections, and removed nodes lose them."""
    callers = 6
    over = threading.Event()

    def use(caller: int) -> tuple[int, set[str]]:
        hits = 0
        wrong: set[str] = set()
        for number in itertools.count():
            if over.is_set():
                return hits, wrong
            key = f"caller-{caller}-{number % 50}"
            cache.set(key, key)
            found = cache.get(key)
            many = cache.get_many([key, f"caller-{caller}-0"])
            hits += found == key
            wrong |= {str(value) for value in (found, many.get(key)) if value not in {key, None}}
        raise AssertionError

    kept = next(server for server in tls_servers if server.name == names[0])
    gone = next(server for server in tls_servers if server.name == names[2])
    before = kept.connections()[1]
    with ThreadPoolExecutor(callers) as threads:
        running = [threads.submit(use, caller) for caller in range(callers)]
        try:
            for version in range(6, 46):
                endpoint.answer = says(reply(version, *names[: 3 if version % 2 else 2]))
                _refresh(cache)
            endpoint.answer = says(reply(46, *names[:2]))
            _refresh(cache)
        finally:
            over.set()
    hits, wrong = zip(*(future.result() for future in running), strict=True)
    assert (min(hits) > 0, set().union(*wrong), cache.nodes) == (True, set(), tuple(names[:2]))
    # One of these is the check before, and threads of a removed node may have opened another.
    assert kept.connections()[1] - before <= callers + 1
    wait_until(lambda: gone.connections()[0] == 0, "the removed node's connections are closed")


def test_a_reader_sees_one_list_or_the_other(cache: Memcached, endpoint: Endpoint, names: list[str]) -> None:
    """A reader never sees a part of a list, or none."""
    over, seen = threading.Event(), set()

    def look() -> None:
        while not over.is_set():
            seen.add(cache.nodes)

    looker = threading.Thread(target=look)
    looker.start()
    for version in range(6, 26):
        endpoint.answer = says(reply(version, *(names[:2] if version % 2 else names[2:])))
        _refresh(cache)
    over.set()
    looker.join()
    assert seen <= {tuple(names[:2]), tuple(names[2:])}


def test_a_client_that_is_closed_while_it_asks_stays_closed(
    endpoint: Endpoint, names: list[str], dns_only: Certificate
) -> None:
    """A late reply adds no node."""
    endpoint.answer = says(reply(1, *names))
    cache = connect(settings(endpoint.port), tls=tls_context(dns_only.certificate))
    asking = cache._watch
    assert asking is not None
    endpoint.answer = says(reply(2, *names[:2]))
    cache.close()
    asking.refresh()
    assert cache.nodes == ()


def test_a_closed_client_asks_nothing(cache: Memcached, endpoint: Endpoint, clock: Clock) -> None:
    """The time since the last request does not matter."""
    cache.close()
    clock.now += 3600.0
    assert (cache.nodes, _askers(), len(endpoint.questions)) == ((), [], 2)
    with pytest.raises(NodeError, match="No node is known"):
        cache.get("key")
    assert (_askers(), len(endpoint.questions)) == ([], 2)


def test_processes_started_together_do_not_ask_together(cache: Memcached, clock: Clock) -> None:
    """Each subtracts up to a tenth from the minute."""
    asking, waits = cache._watch, set()
    assert asking is not None
    for _ in range(5):
        _refresh(cache)
        waits.add(asking._due - clock.now)
    assert (len(waits) > 1, all(54.0 <= wait <= 60.0 for wait in waits)) == (True, True)


def test_each_lock_at_a_fork(cache: Memcached, endpoint: Endpoint, names: list[str]) -> None:
    """The child stores, follows a newer list, and sees nodes fail and answer, whatever threads of its parent hold."""
    endpoint.answer = says(reply(6, *names))

    def use() -> None:
        _refresh(cache)
        assert len(cache.nodes) == len(names)
        for node in cache._membership.ring.nodes:
            node._health.failed()
        assert cache.set_many(dict.fromkeys(names, 1)) == []
        assert cache._watch is not None
        with cache._watch._round:
            cache.close()

    assert that_hang(cache, use) == []
