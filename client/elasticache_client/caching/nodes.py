"""The nodes of a cache, each with its own breaker: a node that is down affects its own keys only."""

from __future__ import annotations

import asyncio
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from elasticache_client.caching.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Command: TypeAlias = tuple[Any, ...]
Reply: TypeAlias = tuple[list[Any] | Exception, float]
"""A node's answer to each command, errors among them, or what kept it from answering; and the seconds that took."""

_LOOK_SECONDS = 1.0
_ALONE = ""


class Nodes:
    """The state of the nodes, and commands to several of them at once.

    A node is the primary of a slot, as the cluster client knows it; without cluster mode there is one. While all are
    healthy, the node of a key is not computed, so that a hit does not pay for it.

    The cluster clients' own pipelines are not used: if one node is silent, they ask it again for each command, for
    minutes, and discard the other nodes' answers.

    Args:
        client: A client of redis-py or valkey-py.
        library: The name of its library.
        asynchronous: Whether it is an asyncio client.

    Attributes:
        is_cluster: Whether there may be several nodes.
        unhealthy: The breakers that are not healthy, by node.
    """

    def __init__(self, client: Any, library: str, *, asynchronous: bool) -> None:
        self._client = client
        self._manager = getattr(client, "nodes_manager", None)
        self.is_cluster = self._manager is not None
        self._asynchronous = asynchronous
        if self.is_cluster and asynchronous:
            self._command = import_module(f"{library}.asyncio.cluster").PipelineCommand
        elif self.is_cluster:
            self._connected = getattr(client, f"get_{library}_connection")
        self._breakers: dict[str, Breaker] = {}
        self._check_at = 0.0
        self.unhealthy: dict[str, Breaker] = {}

    @property
    def is_any_open(self) -> bool:
        """Whether at least one is bypassed."""
        return any(each.is_open for each in list(self.unhealthy.values()))

    def of(self, name: str) -> str:
        """The node that has a name's slot; an empty text if no node has it."""
        if self._manager is None:
            return _ALONE
        holders = self._manager.slots_cache.get(self._client.keyslot(name))
        return holders[0].name if holders else _ALONE

    def grouped(self, names: Iterable[str]) -> dict[str, list[int]]:
        """The places of the names in their list, by node."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(self.of(name), []).append(place)
        return places

    def is_open(self, node: str) -> bool:
        """Whether a node is bypassed."""
        breaker = self.unhealthy.get(node)
        return breaker is not None and breaker.is_open

    def allows(self, node: str) -> bool:
        """Whether this caller may use a node."""
        self._forget_removed_nodes()
        breaker = self.unhealthy.get(node)
        return breaker is None or breaker.allows()

    def answered(self, node: str, seconds: float) -> None:
        """Record an answer and how long it took."""
        self._notify(node, lambda breaker: breaker.answered(seconds))

    def failed(self, node: str, seconds: float, error: Exception) -> None:
        """Record a failure and how long it took."""
        self._notify(node, lambda breaker: breaker.failed(seconds, error))

    def load_slots(self) -> Any:
        """A step after which the slots are known; a blocking client always knows them."""
        return self._client.initialize() if self._asynchronous else None

    def ask(self, batches: Sequence[tuple[str, list[Command]]]) -> Any:
        """A step that sends each node all of its commands in one trip, and gives each ``Reply``.

        None of the commands is sent twice, and none is redirected: a `MovedError` is among the answers.
        """
        if self._asynchronous:
            return self._ask_at_once(batches)
        return [self._ask(*each) for each in batches]

    def _ask(self, node: str, commands: list[Command]) -> Reply:
        started_at = time.monotonic()
        try:
            client = self._connected(self._client.get_node(node_name=node)) if self.is_cluster else self._client
            answers: list[Any] = self._pipeline(client, commands).execute(raise_on_error=False)
        except Exception as error:  # noqa: BLE001 - the caller classifies it
            return error, time.monotonic() - started_at
        return answers, time.monotonic() - started_at

    async def _ask_at_once(self, batches: Sequence[tuple[str, list[Command]]]) -> list[Reply]:
        return list(await asyncio.gather(*(self._ask_async(*each) for each in batches)))

    async def _ask_async(self, node: str, commands: list[Command]) -> Reply:
        started_at = time.monotonic()
        try:
            if self.is_cluster:
                sent = [self._command(place, *each) for place, each in enumerate(commands)]
                await self._client.get_node(node_name=node).execute_pipeline(sent)
                answers = [each.result for each in sent]
            else:
                answers = await self._pipeline(self._client, commands).execute(raise_on_error=False)
        except Exception as error:  # noqa: BLE001 - the caller classifies it
            return error, time.monotonic() - started_at
        return answers, time.monotonic() - started_at

    def _pipeline(self, client: Any, commands: list[Command]) -> Any:
        pipeline = client.pipeline(transaction=False)
        for each in commands:
            pipeline.execute_command(*each)
        return pipeline

    def _notify(self, node: str, event: Callable[[Breaker], None]) -> None:
        breaker = self._breakers.get(node)
        if breaker is None:
            name = f"The cache's node {node}" if node else "The cache"
            breaker = self._breakers.setdefault(node, Breaker(name=name))
        event(breaker)
        if breaker.is_healthy:
            self.unhealthy.pop(node, None)
        else:
            self.unhealthy[node] = breaker

    def _forget_removed_nodes(self) -> None:
        """A node that has been replaced is not used any more, so it would stay unhealthy."""
        now = time.monotonic()
        if self._manager is None or now < self._check_at:
            return
        self._check_at = now + _LOOK_SECONDS
        primaries = {nodes[0].name for nodes in list(self._manager.slots_cache.values()) if nodes}
        for node in [each for each in self.unhealthy if each not in primaries and each != _ALONE]:
            self.unhealthy.pop(node, None)
            self._breakers.pop(node, None)
