"""Free ports on the loopback address."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import random
import socket
import sys
from collections import deque

LOOPBACK = "127.0.0.1"

# Below the ranges from which Linux and macOS take the local ports of clients, so that no client takes one before its
# server does. Processes that start servers are kept apart by reservations: a port is free until its server listens.
_FIRST, _LAST = 20_000, 32_000
_MAX_RESERVATIONS = 100
_handed_out: set[int] = set()
_reservations: deque[socket.socket] = deque()


def free_port(preferred: int = 0) -> int:
    """The preferred port if it is free, otherwise another port; never the same one twice.

    No other process of this machine gets the port before its server listens.

    Args:
        preferred: Port to return if no server listens on it. Default: any.

    Raises:
        RuntimeError: If no port from 20000 to 32000 is free.
    """
    if preferred and _is_free(preferred):
        return preferred
    start = random.SystemRandom().randint(_FIRST, _LAST)
    for port in itertools.chain(range(start, _LAST), range(_FIRST, start)):
        if port not in _handed_out and _is_free(port) and _reserve(port):
            _handed_out.add(port)
            return port
    raise RuntimeError(f"ports {_FIRST} to {_LAST}: at least one must be free. End a server that uses one.")


def _reserve(port: int) -> bool:
    """Reserve a port for this process, if no other process has; its server listens long before the reservation ends.

    On Linux a name without a file stands for the port, which is gone with the process. Elsewhere there is none.
    """
    if sys.platform != "linux":
        return True
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0elasticache-local-servers-{port}")
    except OSError:
        name.close()
        return False
    _reservations.append(name)
    if len(_reservations) > _MAX_RESERVATIONS:
        _reservations.popleft().close()
    return True


@atexit.register
def _release() -> None:
    """Close what is left of the reservations: the interpreter would warn of them at its end."""
    while _reservations:
        _reservations.pop().close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        return True
    return False
