"""A cache of several nodes: shards with a primary and replicas, its users, and the replacement of nodes that fail."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import redis

from local_servers.waiting import wait_until
from rehearsal.live.engines import slots
from rehearsal.live.engines.users import changes
from rehearsal.live.engines.valkey import EngineRefusalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from rehearsal.live.engines.users import CacheUser
    from rehearsal.live.engines.valkey import Node

FAILOVER_SECONDS = 30.0
_ATTEMPT_SECONDS = 5.2  # the engine gives up one attempt after 5 s
_LEAVE_SECONDS = 0.3  # for clients that are told that a primary is one no longer
_NODE_TIMEOUT_MS = 2000


@dataclass(eq=False)
class Shard:
    """A shard, a node group in the words of the API.

    Attributes:
        id: Its id, such as `0001`.
        nodes: Its nodes.
        primary: The one of them that takes writes.
    """

    id: str
    nodes: list[Node]
    primary: Node

    @property
    def replicas(self) -> list[Node]:
        """Its nodes other than the primary."""
        return [node for node in self.nodes if node is not self.primary]


class Observer(Protocol):
    """What is told about the nodes of a group."""

    def promoted(self, group: Group, shard: Shard, old: Node, seconds: float, *, planned: bool) -> None:
        """A replica has become the primary of its shard: names must lead to it."""

    def recovering(self, group: Group, node: Node) -> None:
        """A node is being replaced."""

    def recovered(self, group: Group, node: Node) -> None:
        """A node that was replaced is in service again."""


class Group:
    """The nodes of one cache.

    Args:
        name: Name of the cache.
        shards: Its shards, of which none has started.
        cluster_mode: Whether it has cluster mode.
        options: Options of its parameter group for the engine.
        host_of: The host name of a node that clients in cluster mode are told, and its port.
        observer: What is told about its nodes.
        fails_over: Whether it has automatic failover.
    """

    def __init__(
        self,
        name: str,
        shards: Sequence[Shard],
        *,
        cluster_mode: bool,
        options: Mapping[str, Sequence[str]],
        host_of: Callable[[Node], str],
        observer: Observer,
        fails_over: Callable[[], bool],
    ) -> None:
        self.name = name
        self.shards = list(shards)
        self.cluster_mode = cluster_mode
        self.options = dict(options)
        self.users: tuple[CacheUser, ...] = ()
        self.lock = threading.RLock()
        self.is_stopping = False
        self._host_of = host_of
        self._observer = observer
        self._fails_over = fails_over

    @property
    def nodes(self) -> list[Node]:
        """All nodes."""
        return [node for shard in self.shards for node in shard.nodes]

    def node(self, name: str) -> Node | None:
        """The node of a name, or None."""
        return next((node for node in self.nodes if node.name == name), None)

    def shard_of(self, node: Node) -> Shard:
        """The shard of one of its nodes."""
        return next(shard for shard in self.shards if node in shard.nodes)

    def start(self, users: Iterable[CacheUser], dump: Path | None = None) -> None:
        """Start all nodes, and wait until they serve.

        Args:
            users: Who may log in.
            dump: RDB file with the data of a group without cluster mode. Default: it starts empty.

        Raises:
            EngineRefusalError: If an engine refuses its configuration or its users; no node runs then.
            TimeoutError: If the nodes do not serve in time.
        """
        self.users = tuple(users)
        try:
            with self.lock:
                for shard in self.shards:
                    for node in shard.nodes:
                        self._launch(node, dump if node is shard.primary else None)
                for node in self.nodes:
                    node.wait_until_ready()
                replicas = [(replica, shard.primary) for shard in self.shards for replica in shard.replicas]
                if self.cluster_mode:
                    slots.form([shard.primary for shard in self.shards], replicas)
                else:
                    for replica, primary in replicas:
                        replica.replicate(primary)
                    wait_until(
                        lambda: all(replica.is_synchronised for replica, _ in replicas), "replicas have the data"
                    )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all nodes; nothing replaces them."""
        self.is_stopping = True
        with self.lock:
            for node in self.nodes:
                node.kill()
                node.disconnect()

    def set_users(self, users: Iterable[CacheUser]) -> None:
        """Let exactly these users log in, on all nodes. Connections of users that stay keep on.

        Raises:
            EngineRefusalError: If the engine refuses a user; the nodes keep those that they had.
        """
        wanted = tuple(users)
        with self.lock:
            commands = changes(wanted, (user.name for user in self.users))
            before = changes(self.users, (user.name for user in wanted))
            asked = [node for node in self.nodes if node.is_running]
            try:
                for node in asked:
                    for command in commands:
                        node.execute(*command)
            except EngineRefusalError:
                for node in asked:
                    for command in before:
                        node.execute(*command)
                raise
            self.users = wanted
            for node in self.nodes:
                node.write_acl(user.acl_line for user in wanted)

    def set_options(self, options: Mapping[str, Sequence[str]]) -> list[str]:
        """Take other options of the engine, and return the names of those that need a restart.

        Raises:
            EngineRefusalError: If the engine refuses a value.
        """
        with self.lock:
            later = []
            for name, arguments in options.items():
                if self.options.get(name) == arguments:
                    continue
                try:
                    for node in self.nodes:
                        if node.is_running:
                            node.execute("CONFIG", "SET", name, " ".join(arguments))
                except EngineRefusalError as refusal:
                    if "immutable" not in str(refusal):
                        raise
                    later.append(name)
            self.options = dict(options)
            return later

    def fail_over(self, shard: Shard) -> None:
        """Let a replica take over in order, so that nothing is lost, and restart the old primary as a replica.

        Raises:
            EngineRefusalError: If no replica can take over.
            TimeoutError: If none has taken over in time.
        """
        with self.lock:
            start = time.monotonic()
            old, candidates = shard.primary, [node for node in shard.replicas if node.is_running]
            if not candidates:
                raise EngineRefusalError(f"shard {shard.id} of {self.name} has no replica that runs")
            new = max(candidates, key=lambda node: node.offset)
            wait_until(lambda: new.is_synchronised, f"{new.name} has the data of {old.name}")
            if self.cluster_mode:
                wait_until(lambda: slots.believed_primary(new, old), f"{new.name} sees {old.name}")
                self._ask_to_take_over(new)
            else:
                self._hand_over(old, new)
            shard.primary = new
            self._observer.promoted(self, shard, old, time.monotonic() - start, planned=True)
            time.sleep(_LEAVE_SECONDS)
            self.restart(old)

    def restart(self, node: Node) -> None:
        """Restart one node; a primary with automatic failover hands over first, and any other loses its data.

        Raises:
            EngineRefusalError: If the engine refuses its configuration.
            TimeoutError: If it does not serve in time.
        """
        with self.lock:
            shard = self.shard_of(node)
            if node is shard.primary and self._can_take_over(shard):
                self.fail_over(shard)
                return
            self._observer.recovering(self, node)
            node.stop()
            self._bring_back(shard, node)

    def restart_all(self) -> list[str]:
        """Restart all nodes, the replicas of a shard before its primary, and return their names in that order.

        The only node of a shard is left alone: its data would be lost.
        """
        restarted = []
        for shard in self.shards:
            if shard.replicas:
                for node in (*shard.replicas, shard.primary):
                    self.restart(node)
                    restarted.append(node.name)
        return restarted

    def add_replica(self, shard: Shard, node: Node) -> None:
        """Start a further replica of a shard."""
        with self.lock:
            shard.nodes.append(node)
            try:
                self._launch(node)
                node.wait_until_ready()
                if self.cluster_mode:
                    self._join(node)
                    slots.replicate(node, shard.primary)
                else:
                    node.replicate(shard.primary)
                wait_until(lambda: node.is_synchronised, f"{node.name} has the data")
            except BaseException:
                self.remove_replica(shard, node)
                raise

    def remove_replica(self, shard: Shard, node: Node) -> None:
        """End a replica for good."""
        with self.lock:
            shard.nodes.remove(node)
            self._retire([node])

    def add_shards(self, added: Sequence[Shard]) -> None:
        """Start further shards, and move slots to them while clients go on; only with cluster mode."""
        with self.lock:
            for shard in added:
                for node in shard.nodes:
                    self._launch(node)
            for shard in added:
                for node in shard.nodes:
                    node.wait_until_ready()
                    self._join(node)
            for shard in added:
                for replica in shard.replicas:
                    slots.replicate(replica, shard.primary)
            self.shards += added
            wait_until(
                lambda: all(slots.is_available(n) for n in self.nodes if n.is_running), "the cluster is available"
            )
            slots.rebalance([shard.primary for shard in self.shards])

    def remove_shards(self, removed: Sequence[Shard]) -> None:
        """Move the slots of shards to the others while clients go on, and end their nodes."""
        with self.lock:
            staying = [shard for shard in self.shards if shard not in removed]
            slots.rebalance([shard.primary for shard in staying], [shard.primary for shard in removed])
            self.shards = staying
            self._retire([node for shard in removed for node in shard.nodes])

    @property
    def needs_replacement(self) -> bool:
        """Whether a node has ended that is to be replaced, or a primary that a replica is to take over from."""
        if self.is_stopping:
            return False
        return any(
            not node.is_running and (not node.held or (node is shard.primary and self._can_take_over(shard)))
            for shard in self.shards
            for node in shard.nodes
        )

    def supervise(self) -> None:
        """Replace nodes that have ended, unless something else is being done to the group."""
        if not self.lock.acquire(blocking=False):
            return
        try:
            for shard in self.shards:
                self._supervise(shard)
        finally:
            self.lock.release()

    def _can_take_over(self, shard: Shard) -> bool:
        return self._fails_over() and any(replica.is_running for replica in shard.replicas)

    def _supervise(self, shard: Shard) -> None:
        for node in shard.nodes:
            if self.is_stopping or node.is_running:
                continue
            if node is shard.primary and self._fails_over():
                self._promote_after_loss(shard)
            if not node.held:
                self._observer.recovering(self, node)
                self._bring_back(shard, node)

    def _promote_after_loss(self, shard: Shard) -> None:
        start, old = time.monotonic(), shard.primary
        candidates = [node for node in shard.replicas if node.is_running]
        if not candidates:
            return
        new = max(candidates, key=lambda node: node.offset)
        if not self.cluster_mode:
            new.replicate(None)
            for other in candidates:
                if other is not new:
                    other.replicate(new)
        elif not new.is_primary:  # a majority of primaries may have voted for it already; two have none without one
            new.execute("CLUSTER", "FAILOVER", "TAKEOVER")
            wait_until(lambda: new.is_primary, f"{new.name} is a primary")
        shard.primary = new
        self._observer.promoted(self, shard, old, time.monotonic() - start, planned=False)

    def _bring_back(self, shard: Shard, node: Node) -> None:
        """Start a node that has ended; without automatic failover a primary gets its data from a replica first."""
        donor = next((each for each in shard.replicas if each.is_running), None)
        self._launch(node)
        node.wait_until_ready()
        if self.cluster_mode or node is not shard.primary or donor is None:
            if node is not shard.primary:
                if not self.cluster_mode:
                    node.replicate(shard.primary)
                with contextlib.suppress(TimeoutError):
                    wait_until(lambda: self._follows(node), f"{node.name} has the data", FAILOVER_SECONDS)
        else:
            donor.replicate(None)  # a replica without its primary gives its data to no other
            node.replicate(donor)
            wait_until(lambda: node.is_synchronised, f"{node.name} has the data")
            node.replicate(None)
            for replica in shard.replicas:
                if replica.is_running:
                    replica.replicate(node)
        self._observer.recovered(self, node)

    def _follows(self, node: Node) -> bool:
        """Whether a replica has the data, or something more urgent has happened."""
        if self.is_stopping or not node.is_running or not all(shard.primary.is_running for shard in self.shards):
            return True
        return node.is_synchronised and self.shard_of(node).primary.streams_to(node)

    def _hand_over(self, old: Node, new: Node) -> None:
        """Without cluster mode: no write is taken until the replica has all of them and has become the primary.

        The engine's own FAILOVER waits up to a second for the acknowledgement that replicas send every second.
        """
        old.execute("CLIENT", "PAUSE", int(FAILOVER_SECONDS * 1000), "WRITE")
        try:
            wait_until(
                lambda: new.offset == int(old.info("replication")["master_repl_offset"]),
                f"{new.name} has the data of {old.name}",
                FAILOVER_SECONDS / 2,
            )
            new.replicate(None)
            old.replicate(new)
        finally:
            old.execute("CLIENT", "UNPAUSE")
        for other in self.shard_of(new).nodes:
            if other.is_running and other not in (old, new):
                other.replicate(new)

    def _ask_to_take_over(self, new: Node) -> None:
        """With cluster mode: the replica asks until a majority of the primaries has voted for it."""
        deadline, asked = time.monotonic() + FAILOVER_SECONDS, 0.0
        while not new.is_primary:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{new.name} did not take over within {FAILOVER_SECONDS:.0f} s")
            if time.monotonic() > asked + _ATTEMPT_SECONDS:
                with contextlib.suppress(EngineRefusalError):  # not yet
                    new.execute("CLUSTER", "FAILOVER")
                    asked = time.monotonic()
            time.sleep(0.005)

    def _launch(self, node: Node, dump: Path | None = None) -> None:
        options: dict[str, Sequence[str]] = dict(self.options)
        if self.cluster_mode:
            options |= {
                "cluster-enabled": ["yes"],
                "cluster-port": [str(node.bus_port)],
                "cluster-announce-ip": [str(node.address)],
                "cluster-announce-client-port": [str(node.port)],
                "cluster-announce-hostname": [self._host_of(node)],
                "cluster-preferred-endpoint-type": ["hostname"],
                "cluster-node-timeout": [str(_NODE_TIMEOUT_MS)],
            }
        node.launch(options, (user.acl_line for user in self.users), dump=dump)

    def _join(self, node: Node) -> None:
        member = next(each for each in self.nodes if each.is_running and each is not node)
        slots.meet(member, node)

    def _retire(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            identity = None
            if self.cluster_mode:
                with contextlib.suppress(redis.RedisError, EngineRefusalError):
                    identity = slots.node_id(node)
            node.stop()
            if identity is not None:
                slots.forget((other for other in self.nodes if other.is_running and other not in nodes), identity)
