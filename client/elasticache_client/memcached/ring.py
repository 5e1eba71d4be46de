"""Which node a key is on, and how a new list of nodes replaces the current one."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

from elasticache_client.memcached.node import NodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from elasticache_client.memcached.node import Node
    from elasticache_client.memcached.transport import Address

_SCORE_BYTES = 8


class NoNode:
    """The node of every key if there are no nodes."""

    def call(self, *_: Any) -> Any:
        """Fail.

        Raises:
            NodeError: If called.
        """
        raise NodeError("No node is known: no list of nodes has been received yet, or the client is closed.")


class Ring:
    """An immutable set of nodes, and the node of each key by rendezvous hashing.

    Each node has a score for a key, computed from the node's host name and port, and the highest score wins. If a node
    is removed, only its keys move; if it is added again, they return. A node that is down keeps its keys: on another
    node they would be out of date once it is up again. pymemcache's own ring does the same with a hash in pure Python,
    which with two or more nodes takes longer than the rest of a command.
    """

    def __init__(self, nodes: Sequence[Node] = ()) -> None:
        self.nodes = tuple(nodes)
        self._scores = [
            (hashlib.blake2b(str(node.address).encode(), digest_size=_SCORE_BYTES), node) for node in self.nodes
        ]

    def node_for(self, key: bytes) -> Node | NoNode:
        """The node of a key."""
        best = b""
        winner: Node | NoNode = _NO_NODE
        for prepared, node in self._scores:
            score = prepared.copy()
            score.update(key)
            digest = score.digest()
            if digest > best:
                best, winner = digest, node
        return winner


_NO_NODE = NoNode()


class Membership:
    """The current ring, which is replaced as a whole.

    A command finishes on the ring on which it started. A node that is in both rings keeps its connections.
    """

    def __init__(self, make_node: Callable[[Address], Node]) -> None:
        self._make_node = make_node
        self._lock = threading.Lock()
        self._closed = False
        self.ring = Ring()

    def replace(self, addresses: Sequence[Address]) -> None:
        """Replace the current nodes."""
        with self._lock:
            if self._closed:
                return
            known = {node.address: node for node in self.ring.nodes}
            kept = {address: known.pop(address) for address in addresses if address in known}
            self.ring = Ring([kept.get(address) or self._make_node(address) for address in addresses])
        for removed in known.values():
            removed.retire()

    def close(self) -> None:
        """Remove all nodes permanently."""
        with self._lock:
            self._closed = True
            nodes, self.ring = self.ring.nodes, Ring()
        for node in nodes:
            node.retire()

    def start_afresh(self) -> None:
        """Keep the nodes and drop their connections after a fork."""
        for node in self.ring.nodes:
            node.start_afresh()
