"""Host names of the rehearsed account inside a client's process; all other names and addresses lead nowhere.

Standard library only, since it runs inside functions. It replaces `socket.getaddrinfo` and the `connect` of sockets.
That covers what resolves and connects in Python: redis-py, valkey-py, pymemcache, botocore, urllib3, httpx, asyncio.
libpq resolves by itself; `PGHOSTADDR` gives it the address, and it still verifies the certificate for the name.

The names file is read again when it has been replaced. It has lines of two kinds:

    NAME ADDRESS                    NAME may begin with `*.`
    ADDRESS:PORT ADDRESS:PORT       connections to the first go to the second, for a port that only root can listen on

The port is changed in `connect` and not in `getaddrinfo`: anyio, and so httpx, takes only the addresses from there.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from pathlib import Path
from typing import Any

VARIABLE = "REHEARSAL_NAMES"  # the path of the names file
LOOPBACK = "127."
UNKNOWN_HOST = 1  # HOST_NOT_FOUND of the C library

TcpAddress = tuple[str, int]


class Names:
    """The names file of a client.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._exact: dict[str, str] = {}
        self._suffixes: list[tuple[str, str]] = []
        self._moved: dict[TcpAddress, TcpAddress] = {}

    def find(self, name: str) -> str | None:
        """The address of a host name, or None. The most specific `*.` name wins.

        Args:
            name: The host name, in any case, with or without a dot at its end.
        """
        host = name.rstrip(".").lower()
        with self._lock:
            self._refresh()
            if host in self._exact:
                return self._exact[host]
            return next((address for suffix, address in self._suffixes if host.endswith(suffix)), None)

    def moved(self, address: TcpAddress) -> TcpAddress:
        """Where a connection to this address goes."""
        with self._lock:
            self._refresh()
            return self._moved.get(address, address)

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - at every lookup, and faster
        except FileNotFoundError:
            if self._stamp is None:
                raise
            return  # the rehearsal has ended
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp == self._stamp:
            return
        exact, suffixes, moved = {}, [], {}
        for line in Path(self._path).read_text(encoding="utf-8").splitlines():
            name, address = line.split()
            if ":" in name:
                moved[_split(name)] = _split(address)
            elif name.startswith("*."):
                suffixes.append((name[1:], address))
            else:
                exact[name] = address
        suffixes.sort(key=lambda item: -len(item[0]))
        self._exact, self._suffixes, self._moved, self._stamp = exact, suffixes, moved, stamp


def _split(text: str) -> TcpAddress:
    host, _, port = text.rpartition(":")
    return host, int(port)


class _Sockets:
    """What replaces the functions of `socket`.

    Args:
        names: The names of the client.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._getaddrinfo = socket.getaddrinfo

    def getaddrinfo(self, host: Any, port: Any, *settings: int, **named: int) -> Any:
        """As `socket.getaddrinfo`, for names of the account and for addresses."""
        name = host.decode("ascii") if isinstance(host, bytes | bytearray) else host
        if not name:
            return self._getaddrinfo(name, port, *settings, **named)
        family, kind, protocol, flags = _settings(*settings, **named)
        flags |= socket.AI_NUMERICHOST
        try:
            return self._getaddrinfo(self._numeric(name), port, family, kind, protocol, flags)
        except socket.gaierror as fault:
            if fault.errno != socket.EAI_NONAME:
                raise
            reason = f"Name or service not known: {name} is no name of the rehearsed account"
            raise socket.gaierror(socket.EAI_NONAME, reason) from None

    def gethostbyname(self, host: Any) -> str:
        """As `socket.gethostbyname`."""
        address: str = self.getaddrinfo(host, None, socket.AF_INET)[0][4][0]
        return address

    def gethostbyname_ex(self, host: Any) -> tuple[str, list[str], list[str]]:
        """As `socket.gethostbyname_ex`."""
        return str(host), [], [self.gethostbyname(host)]

    @staticmethod
    def gethostbyaddr(host: Any) -> Any:
        """As `socket.gethostbyaddr` of an address without a name; `socket.getfqdn` asks it."""
        raise socket.herror(UNKNOWN_HOST, f"Unknown host: {host}")

    def target(self, address: Any) -> Any:
        """Where a socket connects.

        Raises:
            OSError: If the address is not on this machine.
        """
        if not isinstance(address, tuple):
            return address  # a unix socket
        host = address[0] if ":" in str(address[0]) else self.gethostbyname(address[0])  # connect() resolves too
        if not host.startswith(LOOPBACK):
            raise OSError(errno.ENETUNREACH, f"Network is unreachable: a rehearsal stays on this machine, not {host}")
        return self._names.moved((host, address[1]))

    def _numeric(self, name: str) -> str:
        if name.rstrip(".").lower() == "localhost":
            return "127.0.0.1"
        return self._names.find(name) or name


def _settings(family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> tuple[int, ...]:  # noqa: A002 - as in `socket`
    return family, type, proto, flags


def install(path: str) -> Names:
    """Resolve names by this file in this process; call it once, before clients connect.

    Args:
        path: The names file.
    """
    names = Names(path)
    sockets = _Sockets(names)
    system_connect, system_connect_ex = socket.socket.connect, socket.socket.connect_ex
    system_sendto = socket.socket.sendto

    def connect(self: socket.socket, address: Any) -> None:
        system_connect(self, sockets.target(address))

    def connect_ex(self: socket.socket, address: Any) -> int:
        try:
            return system_connect_ex(self, sockets.target(address))
        except OSError as fault:
            if fault.errno == errno.ENETUNREACH:
                return errno.ENETUNREACH
            raise

    def sendto(self: socket.socket, data: Any, *arguments: Any) -> int:
        *flags, address = arguments
        return int(system_sendto(self, data, *flags, sockets.target(address)))  # type: ignore[call-overload]

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        setattr(socket, name, getattr(sockets, name))
    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    socket.socket.sendto = sendto  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = connect_ex  # type: ignore[method-assign, assignment]
    return names
