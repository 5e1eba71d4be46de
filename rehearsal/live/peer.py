"""Which process is at the other end of a connection on this machine.

One netlink question gives the inode of the peer's socket; its owner is the process that has that inode among its open
files. It needs no root for processes of the same user, and nothing has to cooperate, so that a function cannot pass for
another one.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SOCK_DIAG = 4  # the netlink protocol, and its message
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
ANY_COOKIE = 0xFFFFFFFF
HEADER_BYTES = 16
INODE_OFFSET = HEADER_BYTES + 68  # of idiag_inode: after four bytes, the socket's id of 48, and four numbers

TcpAddress = tuple[str, int]


@dataclass(frozen=True)
class Peer:
    """A process that connects.

    Attributes:
        pid: Its id, if it is one of the rehearsal's function workers or a descendant of one.
        function: The function that it runs; None for all other processes, such as a person's or a drill's.
    """

    pid: int | None
    function: str | None


# The function whose connection is being decided on, in the thread that decides.
connecting: ContextVar[str | None] = ContextVar("connecting", default=None)


def _no_workers() -> Mapping[int, str]:
    return {}


# Set by the module that runs functions: the process ids of its workers and the functions that they run.
workers: Callable[[], Mapping[int, str]] = _no_workers


def identify(client: TcpAddress, server: TcpAddress) -> Peer:
    """The process at the client's end of a connection.

    Args:
        client: Address and port of the client's end.
        server: Address and port of the server's end.
    """
    running = workers()
    number = inode(client, server) if running else None
    if number is None:
        return Peer(None, None)
    for candidates in (running, descendants(running)):
        pid = owner(number, candidates)
        if pid is not None:
            return Peer(pid, candidates[pid])
    return Peer(None, None)


def owner(number: int, candidates: Iterable[int]) -> int | None:
    """The first of these processes that has the socket with this inode open, or None."""
    wanted = f"socket:[{number}]"
    return next((pid for pid in candidates if _has_open(pid, wanted)), None)


def descendants(processes: Mapping[int, str]) -> dict[int, str]:
    """The descendants of processes, each with what its ancestor runs."""
    found: dict[int, str] = {}
    waiting = list(processes.items())
    while waiting:
        pid, function = waiting.pop()
        children = {child: function for child in _children(pid) if child not in found}
        found |= children
        waiting += children.items()
    return found


def inode(own: TcpAddress, other: TcpAddress) -> int | None:
    """The inode of the TCP socket with these two ends, or None if no such socket is open."""
    ports = struct.pack("!HH", own[1], other[1])
    addresses = struct.pack("!4s12x4s12x", socket.inet_aton(own[0]), socket.inet_aton(other[0]))
    identity = ports + addresses + struct.pack("=III", 0, ANY_COOKIE, ANY_COOKIE)
    question = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + identity
    header = struct.pack("=IHHII", HEADER_BYTES + len(question), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as kernel:
        kernel.send(header + question)
        answer = kernel.recv(4096)
    if struct.unpack_from("=H", answer, 4)[0] != SOCK_DIAG_BY_FAMILY:
        return None
    number: int = struct.unpack_from("=I", answer, INODE_OFFSET)[0]
    return number or None


def _children(pid: int) -> list[int]:
    directory = Path(f"/proc/{pid}/task")
    found: list[int] = []
    with contextlib.suppress(OSError):  # the process has ended
        for thread in directory.iterdir():
            with contextlib.suppress(OSError):  # the thread has ended
                found += map(int, (thread / "children").read_text().split())
    return found


def _has_open(pid: int, wanted: str) -> bool:
    with contextlib.suppress(OSError):  # the process has ended
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # the file has been closed
                if str(link.readlink()) == wanted:
                    return True
    return False
