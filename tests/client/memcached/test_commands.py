"""The commands, on real servers."""

from __future__ import annotations

import contextlib
import pickle
import re
import sys
import textwrap
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pymemcache.exceptions import MemcacheClientError  # type: ignore[import-untyped]

from elasticache_client import SettingsError, memcached, tls_context
from elasticache_client.memcached import DiscoveryError, NodeError, connect, connect_nodes
from local_servers.waiting import wait_until
from tests.client.conftest import secret_settings
from tests.client.memcached.conftest import settings
from tests.client.memcached.servers import reply, says

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client.memcached import Memcached
    from local_servers.certificates import Certificate
    from tests.client.memcached.servers import Endpoint, Server

MONTH = 30 * 24 * 3600


@dataclass(frozen=True)
class Product:
    """A value that a shop caches."""

    name: str
    price: float


@pytest.fixture(name="cache")
def _cache(
    tls_servers: list[Server], dns_only: Certificate, open_nodes: Callable[..., Memcached], request: Any
) -> Memcached:
    """Three nodes, and keys for this test only."""
    prefix = f"{request.node.nodeid.rpartition(':')[2]}:"
    return open_nodes(*tls_servers, tls=tls_context(dns_only.certificate), fail_open=False, key_prefix=prefix)


def test_a_typed_value(cache: Memcached) -> None:
    """A value is stored unchanged and read with its type."""
    pear = Product("pear", 1.5)
    seen = [cache.get("pear", type=Product), cache.set("pear", pear, ttl=60), cache.get("pear", type=Product)]
    assert seen == [None, True, pear]


def test_an_untyped_read(cache: Memcached) -> None:
    """Without a type, a value is what MessagePack decodes."""
    cache.set("pear", Product("pear", 1.5))
    assert cache.get("pear") == {"name": "pear", "price": 1.5}


def test_a_default(cache: Memcached) -> None:
    """A miss returns the default, and a stored None does not."""
    cache.set("nothing", None)
    assert (cache.get("absent", "default"), cache.get("nothing", "default")) == ("default", None)


def test_a_value_of_another_type_is_a_miss(cache: Memcached) -> None:
    """A value of an older release is a miss, alone or among others."""
    cache.set("old", {"title": "pear"})
    cache.set("new", Product("plum", 2.0))
    seen = (
        cache.get("old", type=Product),
        cache.gets("old", type=Product),
        cache.get_many(["old", "new"], type=Product),
    )
    assert seen == (None, (None, None), {"new": Product("plum", 2.0)})


def test_a_pickle_is_a_miss(cache: Memcached, tls_servers: list[Server]) -> None:
    """A pickle of another program is not unpickled."""
    key = f"{cache._prefix.decode()}planted"
    for server in tls_servers:
        with contextlib.closing(server.admin()) as admin:
            admin.set(key, pickle.dumps(Product("pear", 1.5)), flags=1, noreply=False)
    assert cache.get("planted", "a miss") == "a miss"


def test_many(cache: Memcached) -> None:
    """Values on all nodes are stored, read and deleted together."""
    values = {f"key-{number}": number for number in range(50)}
    stored = (cache.set_many(values, ttl=60), cache.get_many([*values, "absent"], type=int))
    deleted = (cache.delete_many([*values, "absent"]), cache.get_many(values))
    assert (stored, deleted) == (([], values), ([], {}))


def test_none_of_many(cache: Memcached) -> None:
    """Without keys, nothing is sent."""
    assert (cache.get_many([]), cache.set_many({}), cache.delete_many([])) == ({}, [], [])


def test_conditional_writes(cache: Memcached) -> None:
    """``add`` requires that there is no value, ``replace`` that there is one, and ``cas`` that it is unchanged."""
    seen = [cache.replace("key", 0), cache.add("key", 1), cache.add("key", 2), cache.replace("key", 3)]
    value, token = cache.gets("key")
    assert token is not None
    seen += [cache.cas("key", 4, token), cache.cas("key", 5, token), cache.cas("absent", 6, token)]
    assert (value, seen, cache.get("key")) == (3, [False, True, False, True, True, False, False], 4)


def test_counting(cache: Memcached) -> None:
    """Numbers go up and down, not below 0, and missing ones are not created."""
    cache.set("count", 9)
    seen = [cache.incr("count"), cache.incr("count", 5), cache.decr("count", 6), cache.get("count", type=int)]
    assert [*seen, cache.decr("count", 100), cache.incr("absent")] == [10, 15, 9, 9, 0, None]


def test_what_cannot_be_counted_is_the_callers_error(cache: Memcached) -> None:
    """The error says so, and the node and the connection stay usable."""
    cache.set("text", "pear")
    for _ in range(3):
        with pytest.raises(MemcacheClientError, match="non-numeric"):
            cache.incr("text")
    assert (cache.get("text"), cache.nodes_down) == ("pear", ())


def test_delete_and_touch(cache: Memcached) -> None:
    """Both return whether the item existed."""
    cache.set("key", "value")
    seen = [cache.touch("key", 60), cache.delete("key"), cache.delete("key"), cache.touch("key", 60)]
    assert seen == [True, True, False, False]


@pytest.mark.parametrize("ttl", [1, 60, MONTH, MONTH + 1, 10 * MONTH])
def test_a_long_time_to_live_is_one(
    tls_servers: list[Server], dns_only: Certificate, open_nodes: Callable[..., Memcached], ttl: int
) -> None:
    """Memcached reads more than 30 days as a date. The server gets the right time."""
    server = tls_servers[0]
    cache = open_nodes(server, tls=tls_context(dns_only.certificate), fail_open=False)
    began = time.monotonic()
    cache.set(f"lives-{ttl}", "value", ttl=ttl)
    with contextlib.closing(server.admin()) as admin:
        _, _, left = admin.raw_command(f"mg lives-{ttl} t").partition(b" t")
    passed = time.monotonic() - began
    # The server's clock is in whole seconds and set once a second, late on a loaded machine; a date is in whole seconds
    # of another clock. An item of one second may be gone by now.
    assert abs(ttl - int(left or 0)) <= passed + 3


def test_text_keys_of_any_language(cache: Memcached) -> None:
    """Keys are UTF-8, alone or among others."""
    cache.set("größe", "groß")
    assert (cache.get("größe"), cache.get_many(["größe"])) == ("groß", {"größe": "groß"})


@pytest.mark.parametrize(
    "key",
    ["", "two words", "a\r\nflush_all", "a\x00", "a\x7f", "x" * 251, "ä" * 126],
    ids=["empty", "a blank", "a second command", "NUL", "DEL", "too long", "too long in bytes"],
)
@pytest.mark.parametrize("method", ["get", "delete", "gets", "touch", "incr"])
def test_a_key_that_is_none_is_refused(
    tls_servers: list[Server], open_nodes: Callable[..., Memcached], method: str, key: str
) -> None:
    """A wrong key raises before anything is sent, and the error does not contain it: it may be a session's id."""
    cache = open_nodes(*tls_servers)
    with pytest.raises(ValueError, match=r"bytes: must be 1 to 250 bytes .*\. Shorten or encode it") as caught:
        getattr(cache, method)(key)
    assert "flush_all" not in str(caught.value)


def test_a_prefix_counts(open_nodes: Callable[..., Memcached], tls_servers: list[Server]) -> None:
    """The prefix counts toward the length of a key."""
    with pytest.raises(ValueError, match="A key of 251 bytes"):
        open_nodes(*tls_servers, key_prefix="p" * 10).get("x" * 241)


def test_a_negative_time_to_live_is_refused(open_nodes: Callable[..., Memcached], tls_servers: list[Server]) -> None:
    """Memcached would report success and store nothing."""
    with pytest.raises(ValueError, match="ttl=-1: must be a whole number of seconds, at least 0"):
        open_nodes(*tls_servers).set("key", "value", ttl=-1)


def test_a_value_too_large_is_not_stored(
    tls_servers: list[Server], dns_only: Certificate, open_nodes: Callable[..., Memcached]
) -> None:
    """The node rejects it and stays usable."""
    cache = open_nodes(*tls_servers, tls=tls_context(dns_only.certificate))
    large = b"x" * (2 << 20)
    seen = [cache.set("large", large) for _ in range(3)]
    assert (seen, cache.set_many({"large": large}), cache.nodes_down) == ([False] * 3, ["large"], ())


def test_a_refusal_is_raised_where_that_is_wanted(cache: Memcached) -> None:
    """The error contains the node's message."""
    with pytest.raises(NodeError, match=r"refused: .*too large"):
        cache.set("large", b"x" * (2 << 20))


def test_a_large_value(cache: Memcached) -> None:
    """A value that arrives in many pieces is complete."""
    large = bytes(range(256)) * 2048
    cache.set("large", large)
    assert cache.get("large") == large


def test_another_engine_is_refused() -> None:
    """The settings of a Redis cache require the other function."""
    with pytest.raises(SettingsError, match=r"'redis': must be memcached .*\. Use elasticache_client\.connect"):
        connect(secret_settings(6379))


def test_polling_all_the_time_is_refused() -> None:
    """The minimum interval is one second."""
    with pytest.raises(ValueError, match=r"poll_seconds=0\.5: must be at least 1\. Leave it out for 60"):
        connect(settings(11211), poll_seconds=0.5)


def test_no_node_is_refused() -> None:
    """A list of nodes has at least one node."""
    with pytest.raises(ValueError, match=r"nodes is empty: .* Name at least one server"):
        connect_nodes([])


def test_a_serverless_cache_is_not_asked_for_nodes(tls_servers: list[Server], dns_only: Certificate) -> None:
    """Its endpoint is the only node."""
    found = settings(tls_servers[0].port, serverless=True)
    with connect(found, tls=tls_context(dns_only.certificate), fail_open=False) as cache:
        assert (cache.nodes, cache.set("key", "value")) == ((tls_servers[0].name,), True)


def test_the_environment_is_enough(
    endpoint: Endpoint, tls_servers: list[Server], dns_only: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables that infrastructure sets, and the system's certificate authorities, are sufficient."""
    endpoint.answer = says(reply(1, *(server.name for server in tls_servers)))
    monkeypatch.setenv("SSL_CERT_FILE", str(dns_only.certificate))
    for name, value in settings(endpoint.port).to_environment().items():
        monkeypatch.setenv(name, value)
    example = "".join(re.findall(r"^(?:    .*)?\n", memcached.__doc__ or "", re.MULTILINE))
    exec(compile(textwrap.dedent(example), "the package's example", "exec"), {})  # noqa: S102 - our own
    with connect() as cache:
        assert (cache.get("shop:pear"), len(cache.nodes)) == ({"price": 1.5}, 3)


def test_settings_without_tls_are_taken_at_their_word(start_server: Callable[..., Server]) -> None:
    """The endpoint is used without TLS. A self-managed Memcached does not know the request."""
    with pytest.raises(DiscoveryError, match=r"no list: b'ERROR\\r\\n'"):
        connect(settings(start_server().port, tls=False), fail_open=False)


def test_a_closed_client_misses(start_server: Callable[..., Server]) -> None:
    """It opens no connection."""
    server = start_server()
    with connect_nodes([server.name]) as cache:
        stored = cache.set("key", "value")
    assert (stored, cache.get("key"), cache.set("key", "value")) == (True, None, False)
    wait_until(lambda: server.connections()[0] == 0, "the connection is closed")


def test_connections_are_kept(cache: Memcached, tls_servers: list[Server]) -> None:
    """One connection to each node serves all commands of a thread."""
    before = [server.connections()[1] for server in tls_servers]
    for number in range(200):
        cache.set(f"key-{number}", number)
    # The checks themselves open two connections.
    opened = [server.connections()[1] - was - 1 for server, was in zip(tls_servers, before, strict=True)]
    assert opened == [1, 1, 1]


@pytest.mark.parametrize("ttl", [12 * 365 * 24 * 3600, sys.maxsize, 2**31])
def test_a_time_to_live_beyond_what_memcached_knows(cache: Memcached, ttl: int) -> None:
    """The item is kept for as long as Memcached supports."""
    assert (cache.set("key", "value", ttl=ttl), cache.get("key")) == (True, "value")
    assert cache.touch("key", ttl=ttl)
    assert cache.get("key") == "value"


@pytest.mark.parametrize("ttl", [None, True, 1.5, "60"])
def test_a_time_to_live_is_a_whole_number(cache: Memcached, ttl: Any) -> None:
    """Anything else is refused with a message, and nothing is sent."""
    with pytest.raises(TypeError, match=r"ttl=.*: must be a whole number of seconds, at least 0"):
        cache.set("key", "value", ttl=ttl)
