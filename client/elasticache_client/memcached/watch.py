"""Keeps the list of nodes up to date: when to ask, which node to ask, and which list to accept."""

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

# The minimum interval between two rounds, regardless of how many nodes fail.
_GAP_SECONDS = 5.0
# The time limit of one round, regardless of the number of nodes.
_ROUND_SECONDS = 5.0
# Spreads out the requests of processes that were started together.
_JITTER = 0.1
_STALE_POLLS = 3


class CurrentList:
    """The current list of nodes, and whether another list replaces it.

    A newer list does. A list with an older version, or with the same version and other nodes, comes from a node that
    lags behind. It is accepted only if all nodes of the current list are down, or if no other list was seen for
    ``staleness_seconds``. In both cases the cluster was created again under the same name, and its versions started at
    1.
    """

    def __init__(self, staleness_seconds: float) -> None:
        self.current: NodeList | None = None
        self._staleness_seconds = staleness_seconds
        self._outdated: NodeList | None = None
        self._since = 0.0

    def accepts(self, offered: NodeList, *, all_down: bool, now: float) -> bool:
        """Whether the offered list replaces the current one. If so, it becomes the current list."""
        if offered == self.current:
            self._outdated = None
            return False
        if self.current is not None and offered.version <= self.current.version:
            if offered != self._outdated:
                self._outdated, self._since = offered, now
            if not all_down and now - self._since < self._staleness_seconds:
                return False
        self.current, self._outdated = offered, None
        return True


class Watch:
    """Asks for the list of nodes when a command is sent and a request is due, in a thread that ends with the reply.

    An idle process therefore sends nothing, no command waits for the list, and only one request runs at a time.
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
        self._current_list = CurrentList(_STALE_POLLS * poll_seconds)
        self._asked = -math.inf
        self._due = -math.inf
        self._round = threading.Lock()

    def tick(self) -> None:
        """Start a round of requests if one is due."""
        if self._clock() >= self._due and self._round.acquire(blocking=False):
            try:
                threading.Thread(target=self._finish_round, name="memcached-discovery", daemon=True).start()
            except RuntimeError:  # no more threads can be started; the command does not need one
                self._due = self._clock() + _GAP_SECONDS
                self._round.release()

    def hurry(self) -> None:
        """Make the next round due as soon as the minimum interval since the last one has passed."""
        self._due = min(self._due, self._asked + _GAP_SECONDS)

    def refresh(self) -> None:
        """Ask for the list now and apply it. Without a valid reply, the nodes stay as they are.

        Raises:
            DiscoveryError: If no node has a list.
        """
        self._asked = self._clock()
        # Set before asking, so that a node that goes down meanwhile can bring the next round forward.
        self._due = self._asked + self._poll_seconds * (1 - _JITTER * random.random())  # noqa: S311 - not a secret
        try:
            offered = self._ask_around()
        except DiscoveryError:
            self.hurry()
            raise
        nodes = self._membership.ring.nodes
        all_down = all(node.is_down for node in nodes)
        if self._current_list.accepts(offered, all_down=all_down, now=self._asked):
            self._membership.replace(offered.nodes)
            _log.info("version %d of the list has %d nodes", offered.version, len(offered.nodes))
        elif offered != self._current_list.current:
            _log.warning("version %d of the list is out of date and was ignored", offered.version)

    def _finish_round(self) -> None:
        try:
            self.refresh()
        except DiscoveryError as error:
            _log.warning("the nodes stay as they are: %s", error)
        finally:
            self._round.release()

    def _ask_around(self) -> NodeList:
        """Ask the endpoint, then the nodes that are up, until one has a list that is not older than the current one."""
        current = self._current_list.current
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
            raise first_error or DiscoveryError("no node was asked")
        return older
