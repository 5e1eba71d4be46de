"""One Memcached process for each node of a Memcached cluster, on a unix socket that the edge relays to."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_servers.waiting import LIMIT_SECONDS
from rehearsal.live.engines.valkey import EngineRefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROGRAM = "memcached"
_PAUSE_SECONDS = 0.003
_MEGABYTES = 64  # for data; the memory of the node type is not reserved on this machine

# ElastiCache's parameters as arguments; `{}` is the value.
_ARGUMENTS = {
    "backlog_queue_limit": ["-b", "{}"],
    "chunk_size": ["-n", "{}"],
    "chunk_size_growth_factor": ["-f", "{}"],
    "hash_algorithm": ["-o", "hash_algorithm={}"],
    "idle_timeout": ["-o", "idle_timeout={}"],
    "lru_crawler": ["-o", "lru_crawler"],
    "lru_maintainer": ["-o", "lru_maintainer"],
    "max_item_size": ["-I", "{}"],
    "max_simultaneous_connections": ["-c", "{}"],
    "slab_automove": ["-o", "slab_automove={}"],
    "slab_reassign": ["-o", "slab_reassign"],
    "tail_repair_time": ["-o", "tail_repair_time={}"],
}
_SWITCHES = {"cas_disabled": "-C", "disable_flush_all": "-F", "error_on_memory_exhausted": "-M"}
_OFF = frozenset({"0", "no", ""})


def program() -> str | None:
    """The path of the system's Memcached, or None if it is not installed."""
    return shutil.which(PROGRAM)


def version(path: str) -> str:
    """The version of the program."""
    said = subprocess.run([path, "-V"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+(?:\.\d+)+", said)
    return found[0] if found else said.strip()


@dataclass(frozen=True)
class Arguments:
    """Arguments of the program, and the parameters that it does not have.

    Attributes:
        arguments: The arguments.
        without_counterpart: Names of the parameters.
    """

    arguments: tuple[str, ...]
    without_counterpart: tuple[str, ...] = ()


def arguments_for(values: Mapping[str, str]) -> Arguments:
    """Translate the values of a parameter group."""
    found: list[str] = []
    dropped: list[str] = []
    for name, value in values.items():
        if name in _SWITCHES:
            found += [] if value in _OFF else [_SWITCHES[name]]
        elif name in _ARGUMENTS:
            bare = "{}" not in _ARGUMENTS[name][-1]
            off = bare and value in _OFF
            found += [] if off else [word.replace("{}", value) for word in _ARGUMENTS[name]]
        else:
            dropped.append(name)
    return Arguments(tuple(found), tuple(sorted(dropped)))


class MemcachedNode:
    """One node, which can be killed and started again.

    Args:
        path: Path of the program.
        name: Name of the node.
        node_id: Its id within the cluster, such as `0001`.
        directory: Its directory, which exists.
        address: Its address of 127/8, where the edge listens.
        zone: Name of its Availability Zone.
        arguments: Further arguments of the program.

    Attributes:
        held: Whether it stays down, as when its Availability Zone is lost.
    """

    def __init__(
        self, path: str, name: str, node_id: str, directory: Path, *, address: str, zone: str, arguments: Arguments
    ) -> None:
        self.name = name
        self.node_id = node_id
        self.directory = directory
        self.address = address
        self.zone = zone
        self.held = False
        self.socket = directory / "socket"
        self._program = path
        self._arguments = arguments.arguments
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The id of its process, if it runs."""
        return self._process.pid if self._process is not None and self.is_running else None

    def start(self) -> None:
        """Start it empty, and wait until it accepts connections.

        Raises:
            EngineRefusalError: If it does not take its arguments.
            TimeoutError: If it does not accept connections in time.
        """
        self.socket.unlink(missing_ok=True)
        user = ["-u", "root"] if os.getuid() == 0 else []
        command = [self._program, *user, "-s", str(self.socket), "-a", "700", "-m", str(_MEGABYTES), "-t", "1"]
        output = self.directory / "output"
        with output.open("wb") as sink:
            self._process = subprocess.Popen(
                [*command, *self._arguments],
                cwd=self.directory,
                env={},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            if not self.is_running:
                said = output.read_text(errors="replace").strip()
                raise EngineRefusalError(said.split("\n")[-1] or "memcached ended at once")
            if self._accepts():
                return
            time.sleep(_PAUSE_SECONDS)
        raise TimeoutError(f"{self.name}: memcached did not answer within {LIMIT_SECONDS:.0f} s")

    def kill(self) -> None:
        """End its process at once; its data is lost, as in AWS."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0
