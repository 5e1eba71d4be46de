"""What this process could not resolve or connect to, so that a failed invocation can name it as its cause.

Functions often answer such an error without a word in their log. Sockets that do not block tell their errors elsewhere,
and are not covered.
"""

from __future__ import annotations

import socket
from typing import Any

MOST = 5


class Unreachable:
    """The names and addresses that could not be reached since `clear`."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._found: dict[str, None] = {}

    def clear(self) -> None:
        """Forget what has been found."""
        self._found.clear()

    def found(self) -> list[str]:
        """What has been found, each once."""
        return list(self._found)[:MOST]

    def watch(self) -> None:
        """Watch lookups and connections of this process; call it after names have been installed."""
        getaddrinfo, connect = socket.getaddrinfo, socket.socket.connect

        def watched_getaddrinfo(host: Any, *arguments: Any, **more: Any) -> Any:
            try:
                found = getaddrinfo(host, *arguments, **more)
            except socket.gaierror as error:
                self._found[f"{_text(host)}: {error.strerror}"] = None
                raise
            self._names.update({str(entry[4][0]): _text(host) for entry in found})
            return found

        def watched_connect(connection: socket.socket, address: Any) -> None:
            try:
                connect(connection, address)
            except BlockingIOError:
                raise
            except OSError as error:
                if isinstance(address, tuple):
                    name = self._names.get(address[0], address[0])
                    self._found[f"{name}:{address[1]}: {error.strerror or error}"] = None
                raise

        socket.getaddrinfo = watched_getaddrinfo
        socket.socket.connect = watched_connect  # type: ignore[assignment, method-assign]


def _text(host: Any) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes | bytearray) else str(host)
