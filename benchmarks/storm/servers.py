"""Valkey that is killed and comes back on the same port: one node, or a cluster of three shards."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from elasticache_client import ConnectionSettings
from local_servers.nodes import CLIENTS_WITHOUT_LOGIN, Node, form_cluster, is_healthy, valkey_server
from local_servers.ports import LOOPBACK
from local_servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SHARDS = 3
_DELAY_SECONDS = 0.002
_CLUSTER = ["--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no"]


class Servers:
    """All nodes of one cache."""

    def __init__(self, nodes: Sequence[Node], *, cluster: bool) -> None:
        self.settings = ConnectionSettings(
            engine="valkey",
            host=LOOPBACK,
            port=nodes[0].port,
            tls=False,
            mode="cluster" if cluster else "standalone",
            auth="none",
        )
        self._nodes = nodes
        # Clients know the address of the first node; it is killed last.
        self._victims = itertools.cycle([*nodes[1:], nodes[0]])

    def delay_replies(self) -> None:
        """Delay replies by two milliseconds, so that they are under way when a caller is interrupted.

        The process is suspended. CLIENT PAUSE would do no more, and the clients that it paused go on at the server's
        next timer event, which is up to a tenth of a second later.
        """
        for node in self._nodes:
            with contextlib.suppress(ChildProcessError):  # it was killed meanwhile
                node.suspend()
            time.sleep(_DELAY_SECONDS)
            node.resume()

    def kill_one(self, seconds: float) -> float:
        """Kill the next node and start it again.

        Args:
            seconds: How long the node is down.

        Returns:
            The time, by `time.monotonic`, at which all nodes answer and form one cluster again.
        """
        victim = next(self._victims)
        victim.kill()
        time.sleep(seconds)
        victim.start()
        if self.settings.mode == "cluster":
            wait_until(lambda: all(is_healthy(node, _SHARDS) for node in self._nodes), "the cluster is healthy")
        return time.monotonic()


@contextmanager
def running(*, cluster: bool) -> Iterator[Servers]:
    """Run one node, or three that form a cluster, for as long as the block lasts."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-")))
        nodes: list[Node] = []
        for number in range(_SHARDS if cluster else 1):
            home = directory / str(number)
            home.mkdir()
            options = _CLUSTER if cluster else []
            node = Node(valkey_server(), home, *options, default_user=CLIENTS_WITHOUT_LOGIN, is_shard=cluster)
            stack.callback(node.stop)
            nodes.append(node)
        if cluster:
            form_cluster(nodes)
        yield Servers(nodes, cluster=cluster)
