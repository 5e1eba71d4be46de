"""Keeps the nodes up to date: when to ask for their list, whom, and which answer counts."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from typing import TYPE_CHECKING

from elasticache_client.memcached.discovery import DiscoveryError, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client.memcached.discovery import NodeList
    from elasticache_client.memcached.ring import Membership
    from elasticache_client.memcached.transport import Address, Dialer

_log = logging.getLogger(__name__.rpartition(".")[0])

# Between two rounds, however many nodes fail.
_GAP_SECONDS = 5.0
# For one round, however many nodes there are to ask.
_ROUND_SECONDS = 5.0
# Processes started together are not to ask together.
_JITTER = 0.1
_DOUBTFUL_POLLS = 3


class Succession:
    """Which list follows which.

    A newer one does at once. One that contradicts, because it is older or has the same version and other nodes, comes
    from a node that lags behind, and is refused; unless nothing else is left: all nodes of the list in use are down, or
    nobody has said anything else for a while. Then the cluster was made anew under its old name and counts from one.
    """

    def __init__(self, patience_seconds: float) -> None:
        self.current: NodeList | None = None
        self._patience = patience_seconds
        self._doubtful: NodeList | None = None
        self._since = 0.0

    def is_news(self, offered: NodeList, *, all_down: bool, now: float) -> bool:
        """Whether the offered list takes the place of the current one, which it then is."""
        if offered == self.current:
            self._doubtful = None
            return False
        if self.current is not None and offered.version <= self.current.version:
            if offered != self._doubtful:
                self._doubtful, self._since = offered, now
            if not all_down and now - self._since < self._patience:
                return False
        self.current, self._doubtful = offered, None
        return True


class Watch:
    """Asks when a command comes along and a question is due, in a thread that ends with the answer.

    So an idle process asks nothing, nobody waits for the answer, and no two ask at a time.
    """

    def __init__(
        self,
        endpoint: Address,
        dialer: Dialer,
        membership: Membership,
        *,
        poll_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._dialer = dialer
        self._membership = membership
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._succession = Succession(_DOUBTFUL_POLLS * poll_seconds)
        self._asked = -math.inf
        self._due = -math.inf
        self._round = threading.Lock()

    def tick(self) -> None:
        """Begin a round if one is due."""
        if self._clock() >= self._due and self._round.acquire(blocking=False):
            try:
                threading.Thread(target=self._finish_round, name="memcached-discovery", daemon=True).start()
            except RuntimeError:  # no more threads to be had; the command that came along can do without
                self._due = self._clock() + _GAP_SECONDS
                self._round.release()

    def hurry(self) -> None:
        """Let a round be due as soon as the last one is long enough ago."""
        self._due = min(self._due, self._asked + _GAP_SECONDS)

    def refresh(self) -> None:
        """Ask now, and take over what counts; without an answer, the nodes stay as they are.

        Raises:
            DiscoveryError: nobody had a list.
        """
        self._asked = self._clock()
        # Before anything is asked, so that a node that goes down meanwhile can bring it forward.
        self._due = self._asked + self._poll_seconds * (1 - _JITTER * random.random())  # noqa: S311  # not a secret
        try:
            offered = self._ask_around()
        except DiscoveryError:
            self.hurry()
            raise
        nodes = self._membership.ring.nodes
        all_down = all(node.is_down for node in nodes)
        if self._succession.is_news(offered, all_down=all_down, now=self._asked):
            self._membership.replace(offered.nodes)
            _log.info("version %d of the list has %d nodes", offered.version, len(offered.nodes))
        elif offered != self._succession.current:
            _log.warning("version %d of the list is out of date and left alone", offered.version)

    def start_afresh(self) -> None:
        """Forget a round that may be under way: after a fork, its thread is not in this process."""
        self._round = threading.Lock()

    def _finish_round(self) -> None:
        try:
            self.refresh()
        except DiscoveryError as error:
            _log.warning("the nodes stay as they are: %s", error)
        finally:
            self._round.release()

    def _ask_around(self) -> NodeList:
        """Ask the endpoint, then the nodes that are up, until one has a list that is not older than ours."""
        current = self._succession.current
        up = [node.address for node in self._membership.ring.nodes if not node.is_down]
        random.shuffle(up)
        end = self._clock() + _ROUND_SECONDS
        older: NodeList | None = None
        first_error: DiscoveryError | None = None
        for address in [self._endpoint, *up]:
            if self._clock() >= end:
                break
            try:
                offered = ask(address, self._dialer)
            except DiscoveryError as error:
                first_error = first_error or error
                continue
            if current is None or offered.version >= current.version:
                return offered
            older = older or offered
        if older is None:
            raise first_error or DiscoveryError("nobody was asked")
        return older
