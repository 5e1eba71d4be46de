"""Auto discovery: one question to a node, and the list of all nodes as the answer.

See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoDiscovery.AddingToYourClientLibrary.html
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elasticache_client.memcached.transport import MAX_PORT, Address

if TYPE_CHECKING:
    from elasticache_client.memcached.transport import Dialer

_QUESTION = b"config get cluster\r\n"
_LAST = b"END\r\n"
_PIECE = 4096
# A list of 60 nodes, the most that AWS grants at first, has a tenth of it.
_MOST_BYTES = 65536
_SHOWN = 60

_REPLY = re.compile(rb"CONFIG cluster [0-9]+ ([0-9]{1,5})\r\n(.*)\r\nEND\r\n", re.DOTALL)
_LIST = re.compile(rb"([0-9]{1,18})\n([^\n]+)\n")
# The address between the bars may be missing. It is not used: no certificate is for it.
_NODE = re.compile(rb"([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)\|[0-9A-Fa-f.:]*\|([0-9]{1,5})")


class DiscoveryError(Exception):
    """No list of nodes could be had; the message says who was asked and what came back."""


@dataclass(frozen=True, slots=True)
class NodeList:
    """The nodes of a cluster; the version rises by one whenever a node is added or removed."""

    version: int
    nodes: tuple[Address, ...]


def parse(reply: bytes) -> NodeList:
    """Read a whole reply to ``config get cluster``, with every length, count and separator as documented.

    Raises:
        DiscoveryError: it is anything else; nothing can be learnt from a part of a list.
    """
    whole = _REPLY.fullmatch(reply)
    listed = _LIST.fullmatch(whole[2]) if whole and int(whole[1]) == len(whole[2]) else None
    if listed is None:
        raise DiscoveryError(f"no list: {_shown(reply)}")
    nodes = []
    for each in listed[2].split(b" "):
        node = _NODE.fullmatch(each)
        if node is None or not 1 <= int(node[2]) <= MAX_PORT:
            raise DiscoveryError(f"no host|address|port: {_shown(each)}")
        nodes.append(Address(node[1].decode(), int(node[2])))
    if len(set(nodes)) < len(nodes):
        raise DiscoveryError(f"a node twice: {_shown(listed[2])}")
    return NodeList(int(listed[1]), tuple(sorted(nodes)))


def ask(address: Address, dialer: Dialer) -> NodeList:
    """Ask one node, or the configuration endpoint, for the list; a connection of its own, closed at once.

    Raises:
        DiscoveryError: there was no answer in time, or one that is no list.
    """
    reply = b""
    try:
        with closing(dialer.dial(address)) as sock:
            sock.sendall(_QUESTION)
            while not _is_whole(reply) and (piece := sock.recv(_PIECE)):
                reply += piece
        return parse(reply)
    except (OSError, UnicodeError, DiscoveryError) as error:  # UnicodeError: a name that no resolver takes
        raise DiscoveryError(f"{address} gave no list of nodes: {error}") from error


def _is_whole(reply: bytes) -> bool:
    if len(reply) > _MOST_BYTES:
        return True
    is_refusal = b"\r\n" in reply and not reply.startswith(b"CONFIG ")
    return is_refusal or reply.endswith(_LAST)


def _shown(reply: bytes) -> str:
    return repr(reply[:_SHOWN]) + (f" and {len(reply) - _SHOWN} bytes more" if len(reply) > _SHOWN else "")
