"""Addresses of this machine for the account's host names, and the files in which clients look the names up.

Each rehearsal has a block of 127/8, all of which leads to this machine on Linux. Each node and each endpoint gets an
address, so that all of them listen on their usual ports. No name server is involved: `client_side/names.py` resolves
names inside the clients, from a file for each client, which is replaced when a name changes.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from local_servers.ports import LOOPBACK
from verification.messages import refusal

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = range(64, 128)  # second numbers of the addresses
CLAIM_PORT = 4009  # the rehearsal that listens on this port of a block's first address has the block
HTTPS = 443  # it takes root to listen on it: connections to it are moved
LAST_HOST = 250
EVERY_API = "*.amazonaws.com"
PERSON = "person"  # the client that reaches everything: a person at this machine, and the drills

Apis = Callable[[str], Mapping[str, bool] | None]


class NoAddressError(Exception):
    """No addresses are left; the message says what to do."""


def _every_api(_client: str) -> None:
    return None


class Addresses:
    """The names of one account and the addresses behind them.

    Args:
        directory: Directory for the names files; it is created.
        region: Name of the Region.
        gateway_port: Port of the emulator on 127.0.0.1.

    Attributes:
        reachable_apis: Returns for host names of AWS APIs, which may begin with `*.`, whether they answer a client;
            others do not. None if all answer. The network module sets it.
    """

    def __init__(self, directory: Path, *, region: str, gateway_port: int) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self.reachable_apis: Apis = _every_api
        self._directory = directory
        self._region = region
        self._gateway = f"{LOOPBACK}:{gateway_port}"
        self._lock = threading.RLock()
        self._names: dict[str, str] = {}
        self._clients = {PERSON}
        self._used = 0
        self._block, self._claim = _claim_block()
        self._silence = _Silence(self._in_block(255, 254))
        self.refresh()

    @property
    def api(self) -> str:
        """The address of the AWS APIs."""
        return self._in_block(255, 1)

    def new(self) -> str:
        """An address that nothing uses yet.

        Raises:
            NoAddressError: If all are used.
        """
        with self._lock:
            third, fourth = divmod(self._used, LAST_HOST)
            if third > LAST_HOST:
                raise NoAddressError(
                    refusal(
                        got=f"{self._used} addresses in use",
                        allowed="a rehearsal has no more",
                        fix="Run it again with fewer caches",
                    )
                )
            self._used += 1
            return self._in_block(third + 1, fourth + 1)

    def point(self, names: Mapping[str, str], *, remove: Iterable[str] = ()) -> None:
        """Let names lead to addresses, for all clients at once; a client sees it at its next lookup.

        Args:
            names: The address of each name, which may begin with `*.`.
            remove: Names that lead nowhere from now on.
        """
        with self._lock:
            for name in remove:
                self._names.pop(name.lower(), None)
            self._names.update({name.lower(): address for name, address in names.items()})
            self.refresh()

    def address_of(self, name: str) -> str | None:
        """The address that a name of the account leads to, or None."""
        with self._lock:
            return self._names.get(name.lower())

    def names_file(self, client: str = PERSON) -> Path:
        """The names file of a client, which is kept up to date from now on.

        Args:
            client: Name of a function. Default: the client that reaches everything.
        """
        with self._lock:
            if client not in self._clients:
                self._clients.add(client)
                self._write(client)
            return self._path(client)

    def refresh(self) -> None:
        """Write all names files again where they have changed, such as after a change of what a function reaches."""
        with self._lock:
            for client in self._clients:
                self._write(client)

    def close(self) -> None:
        """Give the block back."""
        self._claim.close()
        self._silence.close()

    def _in_block(self, third: int, fourth: int) -> str:
        return f"127.{self._block}.{third}.{fourth}"

    def _path(self, client: str) -> Path:
        return self._directory / re.sub(r"[^\w.-]", "_", client)

    def _write(self, client: str) -> None:
        lines = [f"{name} {address}" for name, address in self._names.items()]
        apis = self.reachable_apis(client)
        answers = {EVERY_API: apis is None, **(apis or {})}
        lines += [f"{name} {self.api if answer else self._silence.address}" for name, answer in sorted(answers.items())]
        lines.append(f"{self.api}:{HTTPS} {self._gateway}")
        lines.append(f"{self._silence.address}:{HTTPS} {self._silence.address}:{self._silence.port}")
        text = "\n".join(lines) + "\n"
        path = self._path(client)
        if not path.exists() or path.read_text() != text:
            part = path.with_name(f".{path.name}.part")
            part.write_text(text)
            part.replace(path)


class _Silence:
    """A port that answers no connection, as a packet filter does: its queue is full and is never emptied."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._listener = socket.socket()
        self._listener.bind((address, 0))
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._waiting = []
        for _ in range(2):
            waiting = socket.socket()
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect((address, self.port))
            self._waiting.append(waiting)

    def close(self) -> None:
        for one in (*self._waiting, self._listener):
            one.close()


def _claim_block() -> tuple[int, socket.socket]:
    for block in BLOCKS:
        claim = socket.socket()
        try:
            claim.bind((f"127.{block}.0.1", CLAIM_PORT))
            claim.listen(1)
        except OSError:
            claim.close()
        else:
            return block, claim
    raise NoAddressError(
        refusal(
            got=f"port {CLAIM_PORT} is in use on 127.{BLOCKS[0]}.0.1 to 127.{BLOCKS[-1]}.0.1",
            allowed="each rehearsal needs a free block of addresses, and only Linux has them without root",
            fix="End other rehearsals, or use LIVE=0",
        )
    )
