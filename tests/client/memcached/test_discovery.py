"""Parsing the list of nodes: complete and as documented, or not at all."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticache_client.memcached.discovery import DiscoveryError, NodeList, parse
from elasticache_client.memcached.transport import Address
from tests.client.memcached.conftest import patient
from tests.client.memcached.servers import reply

DOCUMENTED = (
    b"CONFIG cluster 0 136\r\n12\n"
    b"myCluster.pc4ldq.0001.use1.cache.amazonaws.com|10.82.235.120|11211 "
    b"myCluster.pc4ldq.0002.use1.cache.amazonaws.com|10.80.249.27|11211\n\r\nEND\r\n"
)
NODES = (
    Address("myCluster.pc4ldq.0001.use1.cache.amazonaws.com", 11211),
    Address("myCluster.pc4ldq.0002.use1.cache.amazonaws.com", 11211),
)

hosts = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?", fullmatch=True)
names = st.builds("{}:{}".format, hosts, st.integers(1, 65535))
lists = st.lists(names, min_size=1, max_size=10, unique=True)
versions = st.integers(0, 10**18 - 1)


def test_the_documented_reply_is_read() -> None:
    """The example of AWS's page gives its version and host names."""
    assert parse(DOCUMENTED) == NodeList(12, NODES)


@patient
@given(version=versions, nodes=lists)
def test_a_list_comes_back_as_it_was(version: int, nodes: list[str]) -> None:
    """Any version and any nodes are encoded and parsed without change."""
    expected = NodeList(version, tuple(sorted(Address.parse(node) for node in nodes)))
    assert parse(reply(version, *nodes)) == expected


@pytest.mark.parametrize("address", [b"", b"10.0.0.1", b"2001:db8::1"])
def test_the_address_between_the_bars_does_not_matter(address: bytes) -> None:
    """It may be missing, or IPv4 or IPv6. Only the host name counts."""
    text = b"1\nnode-1.example.com|%s|11211\n" % address
    found = parse(b"CONFIG cluster 0 %d\r\n%s\r\nEND\r\n" % (len(text), text))
    assert found.nodes == (Address("node-1.example.com", 11211),)


def _with_text(text: bytes) -> bytes:
    return b"CONFIG cluster 0 %d\r\n%s\r\nEND\r\n" % (len(text), text)


@pytest.mark.parametrize(
    "malformed",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"ERROR\r\n", id="ERROR"),
        pytest.param(b"SERVER_ERROR out of memory\r\n", id="SERVER_ERROR"),
        pytest.param(b"END\r\n", id="no list stored"),
        pytest.param(DOCUMENTED.replace(b"136", b"135"), id="a length too short"),
        pytest.param(DOCUMENTED.replace(b"136", b"137"), id="a length too long"),
        pytest.param(DOCUMENTED.replace(b" 136", b" -136"), id="a negative length"),
        pytest.param(DOCUMENTED.replace(b"cluster", b"another"), id="another key"),
        pytest.param(DOCUMENTED + b"END\r\n", id="more than a list"),
        pytest.param(DOCUMENTED + DOCUMENTED, id="two lists"),
        pytest.param(DOCUMENTED + b"x", id="a byte too many"),
        pytest.param(_with_text(b"12\n\n"), id="no nodes"),
        pytest.param(_with_text(b"12\n"), id="no line of nodes"),
        pytest.param(_with_text(b"\na|b|1\n"), id="no version"),
        pytest.param(_with_text(b"-1\na|10.0.0.1|1\n"), id="a negative version"),
        pytest.param(_with_text(b"1" * 19 + b"\na|10.0.0.1|1\n"), id="a version past counting"),
        pytest.param(_with_text(b"12\r\na|10.0.0.1|1\n"), id="another line ending"),
        pytest.param(_with_text(b"12\na|10.0.0.1|1"), id="no last line ending"),
        pytest.param(_with_text(b"12\na|10.0.0.1|1\nb|10.0.0.2|1\n"), id="a line too many"),
        pytest.param(_with_text(b"12\na|10.0.0.1|1  b|10.0.0.2|1\n"), id="two blanks"),
        pytest.param(_with_text(b"12\n|10.0.0.1|1\n"), id="no host name"),
        pytest.param(_with_text(b"12\na b|10.0.0.1|1\n"), id="a blank in a host name"),
        pytest.param(_with_text(b"12\na|1\n"), id="a bar missing"),
        pytest.param(_with_text(b"12\na|10.0.0.1|\n"), id="no port"),
        pytest.param(_with_text(b"12\na|10.0.0.1|0\n"), id="port 0"),
        pytest.param(_with_text(b"12\na|10.0.0.1|65536\n"), id="a port too high"),
        pytest.param(_with_text(b"12\na|10.0.0.1|1 a|10.0.0.2|1\n"), id="a node twice"),
        pytest.param(_with_text("12\nä|10.0.0.1|1\n".encode()), id="not ASCII"),
    ],
)
def test_anything_else_is_refused(malformed: bytes) -> None:
    """A reply that is not a complete list as documented is rejected."""
    with pytest.raises(DiscoveryError):
        parse(malformed)


def test_every_truncation_is_refused() -> None:
    """A reply that is cut at any place is rejected."""
    taken = []
    for length in range(len(DOCUMENTED)):
        with contextlib.suppress(DiscoveryError):
            taken.append(parse(DOCUMENTED[:length]))
    assert taken == []


@patient
@given(at=st.integers(0, len(DOCUMENTED) - 1), instead=st.binary(max_size=3), over=st.integers(0, 3))
def test_a_corruption_is_refused_or_harmless(at: int, instead: bytes, over: int) -> None:
    """Changed, lost or added bytes cause an error, or give valid nodes and the same number of them."""
    corrupted = DOCUMENTED[:at] + instead + DOCUMENTED[at + over :]
    try:
        found = parse(corrupted)
    except DiscoveryError:
        return
    # A changed letter or digit of a host name cannot be detected in the protocol.
    assert (len(found.nodes), len(corrupted)) == (2, len(DOCUMENTED))


@patient
@given(st.binary(max_size=300))
def test_rubbish_is_refused(rubbish: bytes) -> None:
    """Random bytes raise only DiscoveryError."""
    with pytest.raises(DiscoveryError):
        parse(rubbish)
