"""Flights: of all callers in one process that miss a value, one looks it up, and the others share its result.

The name is that of Go's ``singleflight``. See https://pkg.go.dev/golang.org/x/sync/singleflight
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from elasticache_client.caching.loading import loading_one
from elasticache_client.caching.nesting import current, permits_within, waiting, waits_for_itself
from elasticache_client.caching.results import copied
from elasticache_client.forks import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from elasticache_client.caching.entries import Policy
    from elasticache_client.caching.leases import Leases
    from elasticache_client.caching.loading import Loader
    from elasticache_client.caching.nesting import Permits
    from elasticache_client.caching.results import Request, Result
    from elasticache_client.caching.server import Server
    from elasticache_client.caching.settings import Settings
    from elasticache_client.steps import Backend, Steps

FlightId: TypeAlias = tuple[str, object]
"""A key, and what callers must have in common to share its value."""


@dataclass(slots=True)
class _Flight:
    """A look-up that other callers in this process wait for; abandoned if it ends with neither a result nor an error.

    A caller within a load that has a permit waits only for a flight that has a permit too, or that is within the same
    load: the flights of others may wait for its own permit.

    Attributes:
        done: The event that is set when it has ended.
        permits: The permits of the load that it is within.
        has_permit: Whether it has a permit itself.
        result: What it brought.
        error: Or the error that it ended with.
        error_as_of: The moment before which callers must have asked for the error to be theirs.
        loads_from: When its load began.
    """

    done: Any
    permits: Permits | None
    has_permit: bool = False
    result: Result | None = None
    error: Exception | None = None
    error_as_of: float = math.inf
    loads_from: float = math.inf


class Flights:
    """The look-ups of this process that miss.

    Args:
        server: The cache server.
        leases: What loads with the cache.
        loader: What loads without it.
        settings: The cache's settings.
        backend: How to wait.
    """

    def __init__(self, server: Server, leases: Leases, loader: Loader, settings: Settings, backend: Backend) -> None:
        self.stats = server.stats
        self._server = server
        self._leases = leases
        self._loader = loader
        self._settings = settings
        self._backend = backend
        self._flights: dict[FlightId, _Flight] = {}
        after_fork(self, Flights.reset)

    def __len__(self) -> int:
        return len(self._flights)

    def reset(self) -> None:
        """In a forked child: what its parent's threads look up, they look up for the parent."""
        self._flights = {}

    def obtain(
        self, key: str, called_at: float, request: Request | None, load: Callable[[], Any], policy: Policy[Any]
    ) -> Steps[Result | None]:
        """Obtain a value that is missing or due: look it up, or wait for another caller that does.

        Args:
            key: The key.
            called_at: When the caller asked for it.
            request: What to ask the server for. None: the server does not answer.
            load: The function that loads.
            policy: How the value is cached.

        Returns:
            The result; None if the caller has to look again.
        """
        work = current()
        identity = self._server.identity(key)
        with waiting(work, [identity]):
            usable = None if request is None else request.usable
            if waits_for_itself(work, identity):
                if request is not None and usable is not None:
                    return self._leases.serve_usable(request, usable)
                return (yield from self._loader.load_within([key], loading_one(load), policy))[key]
            flight_id = (key, policy.shape)
            permits = permits_within()
            own = _Flight(self._backend.event(), permits)
            try:
                flight = self._flights.setdefault(flight_id, own)
                if permits is not None and flight.permits is not permits and not flight.has_permit:
                    flight = self._flights[flight_id] = own
                if flight is own:
                    return (yield from self._look_up(flight_id, flight, request, load, policy))
                if request is not None and usable is not None:
                    return self._leases.serve_usable(request, usable)
                yield self._backend.wait(flight.done, self._settings.lease)
                return self._shared(flight_id, flight, called_at)
            finally:
                # A signal handler's exception may have come anywhere since the flight was registered, or come here. In
                # either case nothing is left that other callers would wait for until their lease is over.
                try:
                    self._end(flight_id, own)
                finally:
                    try:
                        own.done.set()
                    finally:
                        own.done.set()

    def _shared(self, flight_id: FlightId, flight: _Flight, called_at: float) -> Result | None:
        """What a flight brought a caller that waited for it; None to look again."""
        if flight.error is not None and called_at <= flight.error_as_of:
            self.stats.misses += 1
            raise flight.error
        # Otherwise it is overdue, abandoned, or perhaps older than a write that was over before this call.
        if flight.result is not None and flight.result.as_of >= called_at:
            # A result that cannot be copied is loaded by each caller.
            result = copied(flight.result)
            if result is not None:
                self.stats.misses += 1
                self.stats.shared += 1
                return result
        self._end(flight_id, flight)
        return None

    def _look_up(
        self,
        flight_id: FlightId,
        flight: _Flight,
        request: Request | None,
        load: Callable[[], Any],
        policy: Policy[Any],
    ) -> Steps[Result]:
        """Look the key up for all callers in this process that wait for it."""

        def load_one(keys: list[str]) -> Steps[Mapping[str, Any]]:
            flight.has_permit = permits_within() is not None
            flight.loads_from = time.monotonic()
            return (yield from loading_one(load)(keys))

        key, _ = flight_id
        try:
            if request is None:
                results = yield from self._loader.load_bypassing([key], load_one, policy)
            else:
                results = yield from self._leases.obtain([request], load_one, policy)
            result = results[key]
            flight.result = copied(result)
        except policy.answers as error:
            # Like a value, it is for those who asked before.
            flight.error, flight.error_as_of = error, flight.loads_from
            raise
        except Exception as error:
            flight.error = error
            # A caller that stopped waiting for this flight waits for a later one, and would stop waiting for that one
            # too before it fails.
            later = self._flights.get(flight_id)
            if later is not None and later is not flight:
                later.error = error
                self._end(flight_id, later)
                later.done.set()
            raise
        return result

    def _end(self, flight_id: FlightId, flight: _Flight) -> None:
        if self._flights.get(flight_id) is flight:
            self._flights.pop(flight_id, None)
