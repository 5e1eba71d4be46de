"""Which node has a key, and how one set of nodes follows another."""

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


class Nowhere:
    """Stands in for the node of a key where there is none."""

    def call(self, *_: Any) -> Any:
        """Refuse.

        Raises:
            NodeError: always.
        """
        raise NodeError("No node is known: there has been no list of nodes yet, or the client is closed.")


class Ring:
    """Nodes that do not change, and where among them each key lives, by rendezvous hashing.

    Every node has a score for a key, from its host name and port, and the highest wins: without a node its keys go to
    others and no other key moves; back with it, they return. A node that is down keeps its keys: moved elsewhere, they
    would be found again, out of date, once it is back. pymemcache's own ring does the same with a hash in pure Python,
    which from two nodes on takes longer than all the rest of a command.
    """

    def __init__(self, nodes: Sequence[Node] = ()) -> None:
        self.nodes = tuple(nodes)
        self._scores = [
            (hashlib.blake2b(str(node.address).encode(), digest_size=_SCORE_BYTES), node) for node in self.nodes
        ]

    def node_for(self, key: bytes) -> Node | Nowhere:
        """The key's node."""
        best = b""
        winner: Node | Nowhere = _NOWHERE
        for prepared, node in self._scores:
            score = prepared.copy()
            score.update(key)
            digest = score.digest()
            if digest > best:
                best, winner = digest, node
        return winner


_NOWHERE = Nowhere()


class Membership:
    """The ring of now, replaced as a whole.

    Whoever has begun with one ring ends with it; a node in both keeps its connections.
    """

    def __init__(self, make_node: Callable[[Address], Node]) -> None:
        self._make_node = make_node
        self._lock = threading.Lock()
        self._closed = False
        self.ring = Ring()

    def replace(self, addresses: Sequence[Address]) -> None:
        """Go over to these nodes."""
        with self._lock:
            if self._closed:
                return
            known = {node.address: node for node in self.ring.nodes}
            kept = {address: known.pop(address) for address in addresses if address in known}
            self.ring = Ring([kept.get(address) or self._make_node(address) for address in addresses])
        for removed in known.values():
            removed.retire()

    def close(self) -> None:
        """Let go of all nodes, for good."""
        with self._lock:
            self._closed = True
            nodes, self.ring = self.ring.nodes, Ring()
        for node in nodes:
            node.retire()

    def start_afresh(self) -> None:
        """Keep the nodes and forget their connections, after a fork."""
        self._lock = threading.Lock()
        for node in self.ring.nodes:
            node.start_afresh()
