"""Auto discovery: one request to a node, and the list of all nodes as the reply.

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
# A list of 60 nodes, the default quota of AWS, is a tenth of this.
_MAX_BYTES = 65536
_SHOWN = 60

_REPLY = re.compile(rb"CONFIG cluster [0-9]+ ([0-9]{1,5})\r\n(.*)\r\nEND\r\n", re.DOTALL)
_LIST = re.compile(rb"([0-9]{1,18})\n([^\n]+)\n")
# The address between the bars may be missing. It is not used, because certificates are not valid for it.
_NODE = re.compile(rb"([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)\|[0-9A-Fa-f.:]*\|([0-9]{1,5})")


class DiscoveryError(Exception):
    """No list of nodes is available. The message says which node was asked and what it replied."""


@dataclass(frozen=True, slots=True)
class NodeList:
    """The nodes of a cluster. ElastiCache increments the version when a node is added or removed."""

    version: int
    nodes: tuple[Address, ...]


def parse(reply: bytes) -> NodeList:
    """Parse a complete reply to ``config get cluster``. Checks every length, count and separator that AWS documents.

    Raises:
        DiscoveryError: If the reply is anything else. A part of a list is not usable.
    """
    whole = _REPLY.fullmatch(reply)
    listed = _LIST.fullmatch(whole[2]) if whole and int(whole[1]) == len(whole[2]) else None
    if listed is None:
        raise DiscoveryError(f"no list: {_shown(reply)}")
    nodes = []
    for text in listed[2].split(b" "):
        node = _NODE.fullmatch(text)
        if node is None or not 1 <= int(node[2]) <= MAX_PORT:
            raise DiscoveryError(f"no host|address|port: {_shown(text)}")
        nodes.append(Address(node[1].decode(), int(node[2])))
    if len(set(nodes)) < len(nodes):
        raise DiscoveryError(f"a node twice: {_shown(listed[2])}")
    return NodeList(int(listed[1]), tuple(sorted(nodes)))


def ask(address: Address, dialer: Dialer) -> NodeList:
    """Ask one node or the configuration endpoint for the list of nodes, on a separate connection.

    Raises:
        DiscoveryError: If there is no reply in time, or the reply is not a list.
    """
    reply = b""
    try:
        with closing(dialer.dial(address)) as sock:
            sock.sendall(_QUESTION)
            while not _is_whole(reply) and (piece := sock.recv(_PIECE)):
                reply += piece
        return parse(reply)
    except (OSError, UnicodeError, DiscoveryError) as error:  # UnicodeError: if the name cannot be resolved
        raise DiscoveryError(f"{address} returned no list of nodes: {error}") from error


def _is_whole(reply: bytes) -> bool:
    if len(reply) > _MAX_BYTES:
        return True
    is_refusal = b"\r\n" in reply and not reply.startswith(b"CONFIG ")
    return is_refusal or reply.endswith(_LAST)


def _shown(reply: bytes) -> str:
    return repr(reply[:_SHOWN]) + (f" and {len(reply) - _SHOWN} bytes more" if len(reply) > _SHOWN else "")
