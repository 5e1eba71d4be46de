"""Applications that log in over and over, each by one way of keeping the secret."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.rotation.rig import Rig

CACHE_SECONDS = 55.0
_CLIENTS = 5
"""How many there are of each policy."""
_PAUSE_SECONDS = 5.0
_SPREAD_SECONDS = 3.0
"""From one client's reading the secret again to the next one's, so that some do so shortly before it changes."""


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
    """Logins of the clients of one policy."""

    failed: int = 0
    total: int = 0


class Client:
    """One application; every request logs in as a new connection does, on one node after the other.

    Args:
        rig: The secret and the cache.
        policy: How it comes by its password.
        tally: Where its logins are counted.
        number: Among the clients of the policy. The first ones read the secret longest ago.
    """

    def __init__(self, rig: Rig, policy: Policy, tally: Tally, number: int) -> None:
        self._rig = rig
        self._policy = policy
        self._tally = tally
        self._turns = itertools.count(number)
        self._read()
        expires = _SPREAD_SECONDS * (number + 1)
        self._read_at -= CACHE_SECONDS - expires
        rig.clock.later(expires % _PAUSE_SECONDS, self._work)

    def _work(self) -> None:
        self._tally.total += 1
        self._tally.failed += not self._request()
        self._rig.clock.later(_PAUSE_SECONDS, self._work)

    def _request(self) -> bool:
        """Whether a login by the policy is accepted."""
        if self._rig.clock() - self._read_at >= self._policy.cache_seconds:
            self._read()
        if self._logs_in(self._password):
            return True
        if self._policy.refreshes:
            self._read()
            if self._logs_in(self._password):
                return True
        previous = self._rig.secrets.peek("AWSPREVIOUS") if self._policy.falls_back else None
        return previous is not None and self._logs_in(previous)

    def _read(self) -> None:
        self._password = self._rig.secrets.peek("AWSCURRENT") or ""
        self._read_at = self._rig.clock()

    def _logs_in(self, password: str) -> bool:
        servers = self._rig.cache.servers
        return servers[next(self._turns) % len(servers)].logs_in(self._rig.user_name, password)


def start(rig: Rig) -> dict[str, Tally]:
    """Start the clients of every policy. They work whenever time passes; the tallies go on."""
    tallies = {policy.name: Tally() for policy in POLICIES}
    for policy in POLICIES:
        for number in range(_CLIENTS):
            Client(rig, policy, tallies[policy.name], number)
    return tallies
