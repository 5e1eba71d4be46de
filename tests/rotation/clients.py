"""Applications that log in over and over, each by one way of keeping the secret."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.rotation.rig import Rig

CACHE_SECONDS = 0.6
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Policy:
    """How a client comes by its password."""

    name: str
    cache_seconds: float
    refreshes: bool = False
    """Whether it reads the secret again, once, when a login is refused."""
    falls_back: bool = False
    """Whether it then tries AWSPREVIOUS."""


POLICIES = (
    Policy("static", float("inf")),
    Policy("fresh", 0),
    Policy("cached", CACHE_SECONDS),
    Policy("cached, refreshes", CACHE_SECONDS, refreshes=True),
    Policy("cached, refreshes, falls back", CACHE_SECONDS, refreshes=True, falls_back=True),
)


@dataclass
class Tally:
    """Logins of one client."""

    failed: int = 0
    total: int = 0


@dataclass
class Client:
    """One application; every request logs in over a new connection, on one node after the other."""

    rig: Rig
    policy: Policy
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        """Read the secret for the first time."""
        self._turns = itertools.count()
        self._read()

    def request(self) -> None:
        """Log in by the policy."""
        if time.monotonic() - self._read_at > self.policy.cache_seconds:
            self._read()
        accepted = self._logs_in(self._password)
        if not accepted and self.policy.refreshes:
            self._read()
            accepted = self._logs_in(self._password)
        if not accepted and self.policy.falls_back and (previous := self.rig.secrets.peek("AWSPREVIOUS")):
            accepted = self._logs_in(previous)
        self.tally.total += 1
        self.tally.failed += not accepted

    def _read(self) -> None:
        self._password = self.rig.secrets.peek("AWSCURRENT") or ""
        self._read_at = time.monotonic()

    def _logs_in(self, password: str) -> bool:
        nodes = list(self.rig.cache.servers)
        return nodes[next(self._turns) % len(nodes)].logs_in(self.rig.user_name, password)


class Clients:
    """One client of each policy, at work while the context lasts."""

    def __init__(self, rig: Rig) -> None:
        self._clients = [Client(rig, policy) for policy in POLICIES]
        self._threads = [threading.Thread(target=self._work, args=(client,)) for client in self._clients]
        self._done = threading.Event()

    def __enter__(self) -> dict[str, Tally]:
        for thread in self._threads:
            thread.start()
        return {client.policy.name: client.tally for client in self._clients}

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _work(self, client: Client) -> None:
        while not self._done.wait(_PAUSE_SECONDS):
            client.request()
