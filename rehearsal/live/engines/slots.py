"""Cluster mode: nodes that join a cluster, and the hash slots of its shards."""

from __future__ import annotations

import contextlib
import functools
import itertools
from typing import TYPE_CHECKING, Any

import redis

from local_servers.waiting import wait_until
from rehearsal.live.engines.valkey import EngineRefusalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rehearsal.live.engines.valkey import Node

SLOTS = 16_384
Range = tuple[int, int]  # the first and the last slot


def equal_shares(count: int) -> list[Range]:
    """The slots in as many equal ranges."""
    edges = [number * SLOTS // count for number in range(count + 1)]
    return [(first, after - 1) for first, after in itertools.pairwise(edges)]


def form(primaries: Sequence[Node], replicas: Sequence[tuple[Node, Node]]) -> None:
    """Make a cluster of nodes that know none.

    Args:
        primaries: The primaries, which get equal shares of the slots.
        replicas: Each replica with its primary.

    Raises:
        TimeoutError: If the cluster does not form in time.
    """
    for epoch, (node, (first, last)) in enumerate(zip(primaries, equal_shares(len(primaries)), strict=True), 1):
        node.execute("CLUSTER", "ADDSLOTSRANGE", first, last)
        node.execute("CLUSTER", "SET-CONFIG-EPOCH", epoch)
    everyone = [*primaries, *(replica for replica, _ in replicas)]
    for node in everyone[1:]:
        meet(primaries[0], node)
    wait_until(lambda: all(knows(node, len(everyone)) for node in everyone), "the nodes of the cluster know each other")
    for replica, primary in replicas:
        replicate(replica, primary)
    wait_until(lambda: all(is_available(node) for node in everyone), "the cluster is available")
    wait_until(lambda: all(replica.is_synchronised for replica, _ in replicas), "the replicas have the data")


def meet(member: Node, newcomer: Node) -> None:
    """Let a node join the cluster of another one."""
    member.execute("CLUSTER", "MEET", str(newcomer.address), newcomer.replication_port, newcomer.bus_port)


def replicate(replica: Node, primary: Node) -> None:
    """Make a node replicate a primary of its cluster, as soon as it knows it.

    Raises:
        TimeoutError: If it does not know it in time.
    """
    identity = node_id(primary)

    def accepted() -> bool:
        with contextlib.suppress(EngineRefusalError):
            replica.execute("CLUSTER", "REPLICATE", identity)
            return True
        return False

    wait_until(accepted, f"{replica.name} can replicate {primary.name}")


def node_id(node: Node) -> str:
    """The id that a node has in its cluster."""
    return str(node.execute("CLUSTER", "MYID"))


def info(node: Node) -> dict[str, Any]:
    """What a node says about its cluster."""
    facts: dict[str, Any] = node.execute("CLUSTER INFO")
    return facts


def knows(node: Node, count: int) -> bool:
    """Whether a node knows as many nodes, none of them in a handshake."""
    states = _nodes(node).values()
    return len(states) == count and not any("handshake" in state["flags"] for state in states)


def is_available(node: Node) -> bool:
    """Whether a node serves all slots."""
    with contextlib.suppress(redis.RedisError):
        return str(info(node)["cluster_state"]) == "ok"
    return False


def believed_primary(node: Node, primary: Node) -> bool:
    """Whether a node takes another one for a primary that serves slots and has not failed."""
    state = next((known for known in _nodes(node).values() if known["node_id"] == node_id(primary)), None)
    return state is not None and "master" in state["flags"] and "fail" not in state["flags"]


def owned(primary: Node) -> list[Range]:
    """The slots that a primary serves, as it sees it."""
    own = next(state for state in _nodes(primary).values() if "myself" in state["flags"])
    return [(int(words[0]), int(words[-1])) for words in own["slots"] if words and str(words[0]).isdigit()]


def size(ranges: Iterable[Range]) -> int:
    """The number of slots in ranges."""
    return sum(last - first + 1 for first, last in ranges)


def move(source: Node, target: Node, ranges: Sequence[Range]) -> None:
    """Move slots with their keys from one primary to another, while both serve clients.

    Raises:
        EngineRefusalError: If the engine does not start the migration, or it fails.
        TimeoutError: If it does not end in time.
    """
    if not ranges:
        return
    words = [word for first, last in ranges for word in (first, last)]
    source.execute("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *words, "NODE", node_id(target))

    def is_over() -> bool:
        jobs = [dict(zip(job[::2], job[1::2], strict=True)) for job in source.execute("CLUSTER", "GETSLOTMIGRATIONS")]
        current = [job for job in jobs if job["operation"] == "EXPORT"]
        if failed := next((job for job in current if job["state"] in {"failed", "cancelled"}), None):
            raise EngineRefusalError(f"the migration of slots from {source.name} to {target.name}: {failed['message']}")
        return all(job["state"] == "success" for job in current)

    wait_until(is_over, f"the slots have moved from {source.name} to {target.name}")


def rebalance(staying: Sequence[Node], leaving: Sequence[Node] = ()) -> None:
    """Give each primary that stays an equal share of the slots, and those that leave none, with as few moves as can be.

    Args:
        staying: The primaries that stay, new ones among them.
        leaving: The primaries that are to have no slots.

    Raises:
        EngineRefusalError: If a migration fails.
        TimeoutError: If one does not end in time.
    """
    has = {node: owned(node) for node in (*staying, *leaving)}
    wanted = dict(zip(staying, (size([share]) for share in equal_shares(len(staying))), strict=True))
    for target in staying:
        for source in (*leaving, *staying):
            lacks = wanted[target] - size(has[target])
            spare = size(has[source]) - wanted.get(source, 0)
            if lacks > 0 and spare > 0 and source is not target:
                taken = _take(has[source], min(lacks, spare))
                move(source, target, taken)
                has[target] += taken
    everyone = (*staying, *leaving)
    wait_until(
        functools.partial(_agree, everyone, {node_id(node): size(has[node]) for node in staying}),
        "the nodes agree about the slots",
    )


def forget(members: Iterable[Node], identity: str) -> None:
    """Let the members of a cluster drop a node that has left."""
    for node in members:
        with contextlib.suppress(EngineRefusalError):  # it has dropped it already
            node.execute("CLUSTER", "FORGET", identity)


def _take(ranges: list[Range], count: int) -> list[Range]:
    """Remove as many slots from the end of ranges, and return them."""
    taken: list[Range] = []
    while count:
        first, last = ranges.pop()
        start = max(first, last - count + 1)
        taken.append((start, last))
        count -= last - start + 1
        if start > first:
            ranges.append((first, start - 1))
    return taken


def _agree(nodes: Iterable[Node], slots: dict[str, int]) -> bool:
    for node in nodes:
        seen = {state["node_id"]: _count(state["slots"]) for state in _nodes(node).values() if _count(state["slots"])}
        if seen != {identity: count for identity, count in slots.items() if count}:
            return False
    return True


def _count(slots: list[list[str]]) -> int:
    return size((int(words[0]), int(words[-1])) for words in slots if words and str(words[0]).isdigit())


def _nodes(node: Node) -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = node.execute("CLUSTER NODES")
    return known
