"""What the modules of the live layer share: one object for the emulator's process."""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.live.addresses import Addresses
from rehearsal.live.authority import Authority
from rehearsal.live.control import Control
from rehearsal.live.edge.edge import Edge
from rehearsal.live.journal import Journal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

responses: Any = importlib.import_module("ministack.core.responses")

_LONGEST_NAME, _NAME_START = 20, 11
CONTROL, JOURNAL, TLS, NAMES, ENGINES = "control", "journal.jsonl", "tls", "names", "engines"


@dataclass(frozen=True)
class Run:
    """One live rehearsal.

    Attributes:
        directory: Its directory, which only its owner can enter and which is gone with it. The path is short, because
            that of a unix socket has at most 107 bytes.
        account: Id of the account.
        region: Name of the Region.
        gateway_port: Port of the emulator on 127.0.0.1.
        authority: Makes the certificates.
        addresses: Has the addresses and the names.
        edge: Serves the endpoints of caches and databases.
        journal: Records what happens.
        control: Takes commands of the drills.
    """

    directory: Path
    account: str
    region: str
    gateway_port: int
    authority: Authority
    addresses: Addresses
    edge: Edge
    journal: Journal
    control: Control

    @classmethod
    def create(cls, directory: Path, *, account: str, region: str, gateway_port: int) -> Run:
        """Build the parts of a run in its directory, which exists.

        Args:
            directory: See `Run`.
            account: See `Run`.
            region: See `Run`.
            gateway_port: See `Run`.

        Raises:
            NoAddressError: If no block of addresses is free.
        """
        journal = Journal(directory / JOURNAL)
        (directory / ENGINES).mkdir(mode=0o700)
        return cls(
            directory=directory,
            account=account,
            region=region,
            gateway_port=gateway_port,
            authority=Authority(directory / TLS),
            addresses=Addresses(directory / NAMES, region=region, gateway_port=gateway_port),
            edge=Edge(journal),
            journal=journal,
            control=Control(directory / CONTROL),
        )

    def engine_directory(self, name: str) -> Path:
        """The directory of one engine, which is created if it does not exist.

        Args:
            name: Name of the node. A long name is shortened, because the path becomes that of a unix socket.
        """
        if len(name) > _LONGEST_NAME:
            name = f"{name[:_NAME_START]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        path = self.directory / ENGINES / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def in_account(self) -> AbstractContextManager[None]:
        """Run a block of a separate thread in the account and Region, as the emulator runs a request."""
        scope: AbstractContextManager[None] = responses.request_scope(self.account, self.region)
        return scope

    def close(self) -> None:
        """End the parts. Processes that modules have started end with the emulator's process."""
        self.edge.close_all()
        self.control.close()
        self.addresses.close()
        self.journal.close()
