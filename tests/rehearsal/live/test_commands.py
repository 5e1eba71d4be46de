"""How the edge splits what clients of caches send, wherever the network cuts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.live.edge import memcached, resp

Split = Callable[[bytes], list[Any]]


def pieces(commands: resp.Commands | memcached.Commands, stream: bytes, cuts: list[int]) -> list[Any]:
    """What a splitter makes of a stream that arrives in parts; parts that are passed on are joined."""
    joined: list[Any] = []
    at = 0
    for cut in sorted({cut % (len(stream) + 1) for cut in cuts} | {len(stream)}):
        part: Iterator[Any] = commands.feed(stream[at:cut])
        for piece in part:
            if isinstance(piece, bytes) and joined and isinstance(joined[-1], bytes):
                joined[-1] += piece
            else:
                joined.append(piece)
        at = cut
    return joined


words = st.lists(st.binary(max_size=40), min_size=1, max_size=4).filter(lambda w: w[0].upper() not in resp.LOGINS)
logins = st.sampled_from(
    [[b"AUTH", b"secret"], [b"auth", b"app", b"t\r\n*1"], [b"HELLO", b"3", b"AUTH", b"app", b"token"], [b"hello"]]
)
cuts = st.lists(st.integers(0, 10_000), max_size=8)


@given(commands=st.lists(words | logins, max_size=6), cuts=cuts)
def test_logins_are_found_among_commands_wherever_the_stream_is_cut(
    commands: list[list[bytes]], cuts: list[int]
) -> None:
    """Every login is found once, in order, and all other bytes are passed on unchanged."""
    expected: list[Any] = []
    for command in commands:
        if command[0].upper() in resp.LOGINS:
            expected.append(command)
        elif expected and isinstance(expected[-1], bytes):
            expected[-1] += resp.encode(command)
        else:
            expected.append(resp.encode(command))
    assert expected == pieces(resp.Commands(), b"".join(map(resp.encode, commands)), cuts)


@pytest.mark.parametrize(
    ("stream", "login"),
    [
        (b"AUTH app token\r\n", [b"AUTH", b"app", b"token"]),
        (b"  auth   app token\n", [b"auth", b"app", b"token"]),
        (b'"AU\\x54H" app "to\\"ken"\r\n', [b"AUTH", b"app", b'to"ken']),
        (b"'HELLO' 3 AUTH app 'it\\'s'\r\n", [b"HELLO", b"3", b"AUTH", b"app", b"it's"]),
        (b"AUTH app to\0ken\r\n", [b"AUTH", b"app", b"to"]),
    ],
)
def test_inline_logins_are_found(stream: bytes, login: list[bytes]) -> None:
    """The words are those that the engine reads, with its quotes and escapes."""
    assert pieces(resp.Commands(), b"PING\r\n" + stream, []) == [b"PING\r\n", login]


@pytest.mark.parametrize(
    "stream",
    [
        b"*1\rX$4\r\nPING\r\n",  # the engine does not look at the byte after the carriage return
        b"*+1\r\n$4\r\nPING\r\n",
        b"*01\r\n$4\r\nPING\r\n",
        b"*1\r\n$04\r\nAUTH\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n:4\r\n",
        b"*2000000\r\n$4\r\nPING\r\n",
        b"*1\r\n$1000000000\r\n",
        b"*" + b"1" * 64,
        b"*100\r\n$4\r\nAUTH\r\n" + b"$1\r\na\r\n" * 99,
        b"*2\r\n$4\r\nAUTH\r\n$70000\r\n",
        b'AUTH "app token\r\n',
        b'AUTH "app"token\r\n',
        b"x" * 70_000,
    ],
)
def test_what_the_engine_could_read_otherwise_is_refused(stream: bytes) -> None:
    """A command with two readings could hide a login."""
    with pytest.raises(resp.ProtocolError):
        pieces(resp.Commands(), stream, [])


def test_a_long_value_is_passed_on_as_it_arrives() -> None:
    """No value is kept, and its content is not taken for commands."""
    commands = resp.Commands()
    value = b"\r\n*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n" * 10_000
    head = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % len(value)
    assert pieces(commands, head + value[:50_000], []) == [head + value[:50_000]]
    assert pieces(commands, value[50_000:] + b"\r\n", []) == [value[50_000:] + b"\r\n"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([b"AUTH", b"secret"], ("default", 1)),
        ([b"AUTH", b"app", b"secret"], ("app", 2)),
        ([b"AUTH"], None),
        ([b"HELLO", b"3"], None),
        ([b"HELLO", b"3", b"SETNAME", b"AUTH", b"AUTH", b"app", b"secret"], ("app", 6)),
        ([b"HELLO", b"3", b"AUTH", b"app", b"secret", b"SETNAME", b"x"], ("app", 4)),
        ([b"HELLO", b"3", b"AUTH", b"app"], None),
        ([b"HELLO", b"3", b"WRONG", b"AUTH", b"app", b"secret"], None),
    ],
)
def test_the_password_of_a_login(words: list[bytes], found: tuple[str, int] | None) -> None:
    """It is where the engine looks for it, and nowhere if the engine refuses the command."""
    assert resp.credentials(words) == found


STORED = [
    b"set k 0 0 20\r\nconfig get cluster\r\n\r\n",
    b"ms k 20 T0\r\nconfig get cluster\r\n\r\n",
    b"cas k 0 0 2 7 noreply\r\nab\r\n",
    b"get config\r\n",
    b"config get other\r\n",
]


@given(commands=st.lists(st.sampled_from([*STORED, b"config get cluster\r\n"]), max_size=6), cuts=cuts)
def test_the_list_of_nodes_is_asked_for_between_commands_only(commands: list[bytes], cuts: list[int]) -> None:
    """A value that reads like the request is a value, in the text protocol and with meta commands."""
    expected: list[Any] = []
    for command in commands:
        if command == b"config get cluster\r\n":
            expected.append(0)
        elif expected and isinstance(expected[-1], bytes):
            expected[-1] += command
        else:
            expected.append(command)
    assert expected == pieces(memcached.Commands(), b"".join(commands), cuts)


def test_the_binary_protocol_is_passed_on() -> None:
    """Nothing in it is taken for text."""
    stream = b"\x80\x00config get cluster\r\n"
    assert pieces(memcached.Commands(), stream, [1, 2]) == [stream]
