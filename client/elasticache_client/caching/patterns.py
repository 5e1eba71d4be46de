"""The patterns themselves: one loads for all, and no older value comes back."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from elasticache_client.caching.errors import LoadFailed, Overloaded, Unavailable
from elasticache_client.caching.scripts import BEGIN_LOAD, BEGIN_WRITE, END_LOAD, END_WRITE, FAIL_LOAD, WRITE
from elasticache_client.caching.stats import Stats
from elasticache_client.caching.steps import Steps

if TYPE_CHECKING:
    from elasticache_client.caching.entries import Entry, Policy
    from elasticache_client.caching.server import Server
    from elasticache_client.caching.settings import Settings
    from elasticache_client.caching.steps import Waits

T = TypeVar("T")
LoadMany: TypeAlias = Callable[[list[str]], Steps[Mapping[str, Any]]]

_logger = logging.getLogger(__name__)

_FIRST_POLL_SECONDS = 0.005
_LONGEST_POLL_SECONDS = 0.05
_REMEMBERED_LEASES = 20
_ANY_AGE = -2


@dataclass(slots=True)
class _Wanted:
    """A key whose value is missing, unusable or due, with what the server needs to judge for itself."""

    key: str
    looked_at: float
    held: bytes | None = None
    near_ms: int = _ANY_AGE
    stale_ms: int = _ANY_AGE
    rejected: str = ""
    held_digest: str = ""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A stored value, and a moment at which it was current: it is for everybody who asked before that."""

    content: bytes
    as_of: float


@dataclass(slots=True)
class _Flight:
    """A look-up that others in this process wait for; given up if it lands with neither an outcome nor an error."""

    landed: Any
    outcome: _Outcome | None = None
    error: Exception | None = None


@dataclass(slots=True)
class _Sorted:
    """What the server said to each key."""

    outcomes: dict[str, _Outcome] = field(default_factory=dict)
    leased: list[_Wanted] = field(default_factory=list)
    waiting: list[_Wanted] = field(default_factory=list)
    lease_ends: float = math.inf
    failure: LoadFailed | None = None


class Patterns:
    """All that a cache does, as steps."""

    def __init__(self, server: Server, settings: Settings, waits: Waits) -> None:
        self.stats = Stats()
        self._server = server
        self._settings = settings
        self._waits = waits
        self._places = waits.semaphore(settings.bypass_limit)
        self._flights: dict[tuple[str, Policy[Any]], _Flight] = {}
        lease_ms = max(1, round(settings.lease * 1000))
        self._lease = (lease_ms, lease_ms * _REMEMBERED_LEASES)

    def hit(self, content: bytes | None, policy: Policy[T]) -> Entry[T] | None:
        """The entry, if it can be served as it is."""
        entry = policy.decode(content)
        if entry is None or entry.is_due(self._settings.early):
            return None
        self.stats.hits += 1
        return entry

    def lookup(self, key: str, load: Callable[[], Any], policy: Policy[T]) -> Steps[T]:
        """The cached value, else the one that this caller or another one loads."""
        called_at = time.monotonic()
        while True:
            wanted: _Wanted | None = None
            try:
                content = yield from self._server.get(key)
            except Unavailable:
                pass
            else:
                entry = self.hit(content, policy)
                if entry is not None:
                    return entry.value
                wanted = self._wanted(key, called_at, content, policy)
            flight_id = (key, policy)
            mine = _Flight(self._waits.event())
            flight = self._flights.setdefault(flight_id, mine)
            if flight is mine:
                outcome = yield from self._fly(flight_id, flight, wanted, load)
            elif wanted is not None and wanted.held is not None:
                outcome = self._served_held(wanted, wanted.held)
            else:
                yield self._waits.wait(flight.landed, self._settings.lease)
                if flight.error is not None:
                    self.stats.misses += 1
                    raise flight.error
                if flight.outcome is None or flight.outcome.as_of < called_at:
                    # Overdue, given up, or perhaps older than a write that was over before this call.
                    self._land(flight_id, flight)
                    continue
                outcome = flight.outcome
                self.stats.misses += 1
                self.stats.shared += 1
            # From the stored form, so that no two callers hold the same mutable object.
            return policy.value(outcome.content)

    def lookup_many(
        self, keys: Iterable[str], load_many: Callable[[list[str]], Any], policy: Policy[T]
    ) -> Steps[dict[str, T]]:
        """The cached values of all keys, with one load for those that are missing and loaded by nobody else."""
        unique = list(dict.fromkeys(keys))
        if not unique:
            return {}

        def load(keys: list[str]) -> Steps[Mapping[str, Any]]:
            loaded = yield load_many(keys)
            return {key: loaded.get(key) for key in keys}

        asked_at = time.monotonic()
        values: dict[str, T] = {}
        try:
            contents = yield from self._server.get_many(unique)
        except Unavailable:
            outcomes = yield from self._bypass(unique, load, policy)
        else:
            wanted = []
            for key, content in zip(unique, contents, strict=True):
                entry = self.hit(content, policy)
                if entry is not None:
                    values[key] = entry.value
                else:
                    wanted.append(self._wanted(key, asked_at, content, policy))
            outcomes = yield from self._obtain(wanted, load, policy)
        values |= {key: policy.value(outcome.content) for key, outcome in outcomes.items()}
        return {key: values[key] for key in unique}

    def reload(self, key: str, load: Callable[[], Any], policy: Policy[T]) -> Steps[T]:
        """A value whose load begins after this call."""
        yield from self._server.remove([key])
        return (yield from self.lookup(key, load, policy))

    def write(self, key: str, value: Any, policy: Policy[Any]) -> Steps[None]:
        """Put a value in the place of what is there or being loaded."""
        content, keep_ms = policy.encode(value, 0, self._settings.jitter)
        with self._server.or_remove_later([key]):
            yield from self._server.run(WRITE, key, content, keep_ms)

    def write_through(self, key: str, value: Any, store: Callable[[Any], Any], policy: Policy[Any]) -> Steps[Any]:
        """Write to the database, then to the cache; nothing is left there where another write came in between."""
        content, keep_ms = policy.encode(value, 0, self._settings.jitter)
        token = secrets.token_hex(8)
        with suppress(Unavailable):  # the end finds no token then, and takes the value away
            yield from self._server.run(BEGIN_WRITE, key, token, *self._lease)
        try:
            result = yield store(value)
        except (Exception, asyncio.CancelledError):
            # The database may have carried it out all the same.
            yield from self._server.remove([key])
            raise
        with self._server.or_remove_later([key]):
            yield from self._server.run(END_WRITE, key, token, content, keep_ms)
        return result

    def invalidate(self, keys: Sequence[str]) -> Steps[None]:
        """Take away values, and the right to store what is being loaded."""
        yield from self._server.remove(keys)

    def _fly(
        self, flight_id: tuple[str, Policy[Any]], flight: _Flight, wanted: _Wanted | None, load: Callable[[], Any]
    ) -> Steps[_Outcome]:
        """Look up for all in this process who wait for the key."""
        key, policy = flight_id

        def load_one(_: list[str]) -> Steps[Mapping[str, Any]]:
            value = yield load()
            return {key: value}

        try:
            if wanted is None:
                outcomes = yield from self._bypass([key], load_one, policy)
            else:
                outcomes = yield from self._obtain([wanted], load_one, policy)
            flight.outcome = outcomes[key]
        except Exception as error:
            flight.error = error
            # Whoever gave this flight up waits for a later one, and would give that up, too, before it fails.
            later = self._flights.get(flight_id)
            if later is not None and later is not flight:
                later.error = error
                self._land(flight_id, later)
                later.landed.set()
            raise
        finally:
            self._land(flight_id, flight)
            flight.landed.set()
        return flight.outcome

    def _land(self, flight_id: tuple[str, Policy[Any]], flight: _Flight) -> None:
        if self._flights.get(flight_id) is flight:
            self._flights.pop(flight_id, None)

    def _wanted(self, key: str, looked_at: float, content: bytes | None, policy: Policy[Any]) -> _Wanted:
        if content is None:
            return _Wanted(key, looked_at)
        entry = policy.decode(content)
        if entry is None:
            return _Wanted(key, looked_at, rejected=_digest(content))
        # The server is asked whether the end is near: to a machine whose clock is wrong, it always is.
        near = policy.stale_for + entry.window(self._settings.early)
        return _Wanted(
            key,
            looked_at,
            held=content,
            near_ms=math.ceil(near * 1000),
            stale_ms=math.ceil(policy.stale_for * 1000),
            held_digest=_digest(content),
        )

    def _obtain(self, wanted: list[_Wanted], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, _Outcome]]:
        """What is missing or due: each value is loaded by whoever gets its lease, and awaited by the others."""
        outcomes: dict[str, _Outcome] = {}
        token = secrets.token_hex(8)
        pause = _FIRST_POLL_SECONDS
        while wanted:
            asked_at = time.monotonic()
            begin = [
                (each.key, token, *self._lease, each.near_ms, each.stale_ms, each.rejected, each.held_digest)
                for each in wanted
            ]
            try:
                answers = yield from self._server.run_all(BEGIN_LOAD, begin)
            except asyncio.CancelledError:
                # The answer that nobody waits for any more may have been the lease.
                with suppress(Unavailable):
                    yield from self._server.run_all(FAIL_LOAD, [(each.key, token, "") for each in wanted])
                raise
            except Unavailable:
                outcomes |= {each.key: self._served_held(each, each.held) for each in wanted if each.held is not None}
                lacking = [each.key for each in wanted if each.held is None]
                return outcomes | (yield from self._bypass(lacking, load, policy))
            told = self._sorted(wanted, answers, asked_at, policy)
            outcomes |= told.outcomes
            if told.leased:
                outcomes |= yield from self._load(told.leased, token, load, policy)
            if told.failure is not None:
                self.stats.misses += 1
                raise told.failure
            wanted = told.waiting
            if wanted and not told.leased:
                yield self._waits.sleep(min(pause, told.lease_ends))
                pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
        return outcomes

    def _sorted(self, wanted: list[_Wanted], answers: list[Any], asked_at: float, policy: Policy[Any]) -> _Sorted:
        told = _Sorted()
        for each, (state, *facts) in zip(wanted, answers, strict=True):
            if state == b"load":
                told.leased.append(each)
            elif state == b"value" and policy.decode(facts[0]) is None:
                each.rejected = _digest(facts[0])
                told.waiting.append(each)
            elif state == b"value":
                told.outcomes[each.key] = self._served_found(each, facts[0], asked_at)
            elif each.held is not None:
                told.outcomes[each.key] = self._served_held(each, each.held)
            elif state == b"failed":
                told.failure = LoadFailed(each.key, facts[1].decode(), facts[0] / 1000)
            else:
                told.waiting.append(each)
                # A holder who died is not waited for longer than his lease.
                told.lease_ends = min(told.lease_ends, facts[0] / 1000)
        return told

    def _load(
        self, leased: list[_Wanted], token: str, load: LoadMany, policy: Policy[Any]
    ) -> Steps[dict[str, _Outcome]]:
        """Load under the leases held, and store what no write has overtaken."""
        self.stats.misses += len(leased)
        started_at = time.monotonic()
        try:
            contents = yield from self._loaded([each.key for each in leased], load, policy)
        except (Exception, asyncio.CancelledError) as error:
            name = "" if isinstance(error, asyncio.CancelledError) else _name_of(error)
            with suppress(Unavailable):
                yield from self._server.run_all(FAIL_LOAD, [(each.key, token, name) for each in leased])
            held = {each.key: _Outcome(each.held, each.looked_at) for each in leased if each.held is not None}
            if not name or len(held) < len(leased):
                raise
            _logger.warning("A refresh failed (%s); the value that is there goes on being served", name)
            return held
        ended_at = time.monotonic()
        end = [(key, token, content, keep_ms) for key, (content, keep_ms) in contents.items()]
        try:
            stored = yield from self._server.run_all(END_LOAD, end)
        except Unavailable:
            stored = [0] * len(end)
        return {
            key: _Outcome(content, ended_at if kept else started_at)
            for (key, (content, _)), kept in zip(contents.items(), stored, strict=True)
        }

    def _bypass(self, keys: list[str], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, _Outcome]]:
        """Load without the cache, few at a time."""
        if not keys:
            return {}
        self.stats.misses += len(keys)
        self.stats.bypassed += 1
        settings = self._settings
        if not (yield self._waits.acquire(self._places, settings.bypass_wait)):
            raise Overloaded(settings.bypass_limit, settings.bypass_wait)
        try:
            started_at = time.monotonic()
            contents = yield from self._loaded(keys, load, policy)
        finally:
            self._places.release()
        return {key: _Outcome(content, started_at) for key, (content, _) in contents.items()}

    def _loaded(self, keys: list[str], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, tuple[bytes, int]]]:
        """Call the function that loads: by key, what to store and for how many milliseconds."""
        self.stats.loads += 1
        started_at = time.monotonic()
        try:
            values = yield from load(keys)
            seconds = time.monotonic() - started_at
            return {key: policy.encode(value, seconds, self._settings.jitter) for key, value in values.items()}
        except Exception:
            self.stats.errors += 1
            raise

    def _served_found(self, wanted: _Wanted, content: bytes, asked_at: float) -> _Outcome:
        if wanted.held is None:
            self.stats.misses += 1
            self.stats.shared += 1
        else:
            self.stats.hits += 1
        return _Outcome(content, asked_at)

    def _served_held(self, wanted: _Wanted, held: bytes) -> _Outcome:
        self.stats.stale += 1
        return _Outcome(held, wanted.looked_at)


def _digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _name_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
