"""Free ports on the loopback address."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket

LOOPBACK = "127.0.0.1"

# Below the ranges from which Linux and macOS take the local ports of clients, so that no client takes one before its
# server does. A random start keeps several processes apart.
_FIRST, _LAST = 20_000, 32_000
_handed_out: set[int] = set()


def free_port(preferred: int = 0) -> int:
    """The preferred port if it is free, otherwise another port; never the same one twice.

    Args:
        preferred: Port to return if no server listens on it. Default: any.

    Raises:
        RuntimeError: If no port from 20000 to 32000 is free.
    """
    if preferred and _is_free(preferred):
        return preferred
    start = random.SystemRandom().randint(_FIRST, _LAST)
    for port in itertools.chain(range(start, _LAST), range(_FIRST, start)):
        if port not in _handed_out and _is_free(port):
            _handed_out.add(port)
            return port
    raise RuntimeError(f"ports {_FIRST} to {_LAST}: at least one must be free. End a server that uses one.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        return True
    return False
