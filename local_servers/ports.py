"""Free ports on the loopback address."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

LOOPBACK = "127.0.0.1"

# Below the ranges from which Linux and macOS take the local ports of clients, so that no client takes one before its
# server does. Several processes that start servers are kept apart by locks: a port is free until its server listens.
_FIRST, _LAST = 20_000, 32_000
_handed_out: set[int] = set()


def free_port(preferred: int = 0) -> int:
    """The preferred port if it is free, otherwise another port; never the same one twice.

    No other process of this user gets the port while this process lives.

    Args:
        preferred: Port to return if no server listens on it. Default: any.

    Raises:
        RuntimeError: If no port from 20000 to 32000 is free.
    """
    if preferred and _is_free(preferred):
        return preferred
    start = random.SystemRandom().randint(_FIRST, _LAST)
    for port in itertools.chain(range(start, _LAST), range(_FIRST, start)):
        if port not in _handed_out and _is_mine(port) and _is_free(port):
            _handed_out.add(port)
            return port
    raise RuntimeError(f"ports {_FIRST} to {_LAST}: at least one must be free. End a server that uses one.")


def _is_mine(port: int) -> bool:
    """Reserve a port for this process until it ends."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _reservations() -> int:
    """A file without content, of which each byte stands for a port. It stays open, since closing it ends all locks."""
    path = Path(tempfile.gettempdir(), f"local-servers-{os.getuid()}.ports")
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        return True
    return False
