"""Names of nodes, and the deadline of a reply."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from elasticache_client.memcached.transport import Address, TimedSocket

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(name="pair")
def _pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_each_piece_has_what_the_ones_before_have_left(pair: tuple[socket.socket, socket.socket]) -> None:
    """A peer that sends byte after byte has no more time than one that sends everything at once."""
    sock, peer = pair
    timed = TimedSocket(sock, 60.0)
    timed.sendall(b"?")
    peer.sendall(b"abc")
    spans = [60.0]
    for _ in range(3):
        timed.recv(1)
        spans.append(sock.gettimeout() or 0.0)
    assert spans == sorted(set(spans), reverse=True)


def test_time_is_up_for_a_peer_that_always_has_more(pair: tuple[socket.socket, socket.socket]) -> None:
    """The deadline applies even if no read has to wait."""
    sock, peer = pair
    timed = TimedSocket(sock, 60.0)
    timed.sendall(b"?")
    peer.sendall(b"a")
    timed._end = time.monotonic()
    with pytest.raises(TimeoutError, match="no whole answer within 60 s"):
        timed.recv(1)


def test_time_begins_anew_with_each_question(pair: tuple[socket.socket, socket.socket]) -> None:
    """A connection that was idle for longer than the time limit still works."""
    sock, peer = pair
    timed = TimedSocket(sock, 60.0)
    timed._end = time.monotonic()
    timed.sendall(b"?")
    peer.sendall(b"a")
    assert timed.recv(1) == b"a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cache-1.example.com:11212", Address("cache-1.example.com", 11212)),
        ("cache-1", Address("cache-1", 11211)),
        ("10.0.0.1:1", Address("10.0.0.1", 1)),
        ("[2001:db8::1]:11211", Address("2001:db8::1", 11211)),
        ("[2001:db8::1]", Address("2001:db8::1", 11211)),
    ],
)
def test_a_nodes_name_is_read(text: str, expected: Address) -> None:
    """Host and port, or only the host."""
    assert Address.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", ":11211", "a:", "a:0", "a:65536", "a:b", "a b:1", "memcached://a:1", "a:1/", "2001:db8::1", "[x]:1"]
)
def test_another_name_is_refused(text: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(ValueError, match=r"^node '.*': must be host:port with a port of 1 to 65535"):
        Address.parse(text)
