"""Fixtures of the live layer's tests: a run in this process, in a short directory."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_servers import nodes, processes
from local_servers.memcached import memcached
from local_servers.ports import free_port
from local_servers.waiting import wait_until
from rehearsal.live.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def run() -> Iterator[Run]:
    """The parts of a live rehearsal, without modules."""
    directory = Path(tempfile.mkdtemp(prefix="live-"))
    made = Run.create(directory, account="000000000000", region="eu-west-1", gateway_port=free_port())
    yield made
    made.close()
    shutil.rmtree(directory)


@dataclass(frozen=True)
class Engine:
    """A server on a unix socket."""

    path: str

    def straight(self) -> socket.socket:
        """A connection that does not go through the edge."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.path)
        return connection


def _served(command: list[str], directory: Path) -> Iterator[Engine]:
    path = directory / "socket"
    process = processes.start(command, environment={}, directory=directory, output=subprocess.DEVNULL)
    try:
        wait_until(path.exists, f"{command[0]} listens")
        yield Engine(str(path))
    finally:
        processes.kill(process)


@pytest.fixture(scope="session")
def short() -> Iterator[Path]:
    """A directory whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="live-") as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def valkey(short: Path) -> Iterator[Engine]:
    """A Valkey server with a user `app`, whose password is `engine-password`, and the user `default` without one."""
    directory = short / "valkey"
    directory.mkdir()
    users = directory / "users.acl"
    users.write_text("user default on nopass ~* &* +@all\nuser app on >engine-password ~* &* +@all\n")
    command = [nodes.valkey_server(), "--port", "0", "--unixsocket", "socket", "--save", "", "--aclfile", str(users)]
    yield from _served(command, directory)


@pytest.fixture(scope="session")
def memcached_node(short: Path) -> Iterator[Engine]:
    """A Memcached server."""
    directory = short / "memcached"
    directory.mkdir()
    command = [memcached(), "--unix-socket", "socket", "--user", getpass.getuser(), "--threads", "1"]
    yield from _served(command, directory)
