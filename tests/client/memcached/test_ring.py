"""Which node a key is on."""

from __future__ import annotations

from collections import Counter

from elasticache_client.memcached.node import Node
from elasticache_client.memcached.ring import Ring
from elasticache_client.memcached.transport import Address, Dialer

DIALER = Dialer(tls=None, connect_seconds=1.0, answer_seconds=1.0)
KEYS = [b"product:%d" % number for number in range(10_000)]


def _ring(*numbers: int) -> Ring:
    addresses = [Address(f"orders.abc123.{number:04}.euw1.cache.amazonaws.com", 11211) for number in numbers]
    return Ring([Node(address, DIALER, lambda: None) for address in addresses])


def _homes(ring: Ring) -> dict[bytes, str]:
    return {key: str(node.address) for key in KEYS if isinstance(node := ring.node_for(key), Node)}


def test_a_removed_node_moves_only_its_own_keys() -> None:
    """All other keys stay where they are."""
    before, after = _homes(_ring(1, 2, 3, 4, 5)), _homes(_ring(1, 2, 4, 5))
    moved = {before[key] for key in KEYS if before[key] != after[key]}
    assert moved == {"orders.abc123.0003.euw1.cache.amazonaws.com:11211"}


def test_an_added_node_takes_its_share_and_no_more() -> None:
    """Keys move only to the new node, which gets about as many as each other node has."""
    before, after = _homes(_ring(1, 2, 3, 4)), _homes(_ring(1, 2, 3, 4, 5))
    moved = Counter(after[key] for key in KEYS if before[key] != after[key])
    assert (len(moved), 1800 < moved.total() < 2200) == (1, True)


def test_the_nodes_share_alike() -> None:
    """Each of four nodes has a quarter of the keys, within a tenth of it."""
    shares = Counter(_homes(_ring(1, 2, 3, 4)).values())
    assert all(2250 < share < 2750 for share in shares.values())


def test_the_order_of_the_nodes_does_not_matter() -> None:
    """Processes with the nodes in another order agree."""
    assert _homes(_ring(3, 1, 2)) == _homes(_ring(1, 2, 3))


def test_keys_stay_where_they_were_in_the_last_release() -> None:
    """Changing the hash empties every cache. These are the nodes of the first twelve keys."""
    homes = _homes(_ring(1, 2, 3))
    assert "".join(homes[key].split(".")[2][-1] for key in KEYS[:12]) == "132223332131"
