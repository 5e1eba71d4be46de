"""The patterns themselves: one loads for all, and no older value comes back.

Two releases of an application share a key as long as the one can read what the other has stored. A value that does not
fit stays where it is, and its other reader keeps one of its own beside it, under the fingerprint of its type. What
stands beside a value begins with that value's digest and counts only next to it, so that whatever takes the value away,
or puts another one in its place, takes away all that stands beside it.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from elasticache_client.caching.errors import LoadFailed, Overloaded, Refused, Unavailable
from elasticache_client.caching.nesting import (
    Permit,
    Permits,
    current,
    permits_within,
    waiting,
    waits_for_itself,
    working,
)
from elasticache_client.caching.scripts import BEGIN_LOAD, BEGIN_WRITE, END_LOAD, END_WRITE, FAIL_LOAD, WRITE
from elasticache_client.forks import after_fork
from elasticache_client.steps import Steps
from elasticache_client.values import UnfitError, comes_again

if TYPE_CHECKING:
    from elasticache_client.caching.entries import Entry, Policy
    from elasticache_client.caching.server import Server
    from elasticache_client.caching.settings import Settings
    from elasticache_client.steps import Backend

T = TypeVar("T")
LoadMany: TypeAlias = Callable[[list[str]], Steps[Mapping[str, Any]]]
FlightId: TypeAlias = tuple[str, object]

_logger = logging.getLogger(__name__)

_FIRST_POLL_SECONDS = 0.005
_LONGEST_POLL_SECONDS = 0.05
_REMEMBERED_LEASES = 20
_ANY_AGE = -2


@dataclass(slots=True)
class _Wanted:
    """A key whose value is missing, unusable or due, with what the server needs to judge for itself.

    Beside another release's value, ``beside`` is the digest of that, and ``name`` the key of what is kept there.
    """

    key: str
    looked_at: float
    held: bytes | None = None
    near_ms: int = _ANY_AGE
    stale_ms: int = _ANY_AGE
    rejected: str = ""
    held_digest: str = ""
    beside: bytes = b""
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.key

    def stand_beside(self, digest: bytes, policy: Policy[Any]) -> None:
        """Ask for what is kept beside another release's value, in the same slot."""
        self.beside = digest
        self.name = f"{self.key}}}:{policy.fingerprint}"
        self.rejected = ""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A value, and a moment at which it was current: it is for everybody who asked before that.

    It is kept as it is stored; what cannot be stored, as it is.
    """

    content: bytes | None
    as_of: float
    value: Any = None


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What a load gave, what to store of it, and for how long; nothing is stored of what would not come back."""

    value: Any
    content: bytes | None
    keep_ms: int = 0

    def outcome(self, as_of: float) -> _Outcome:
        """The same, current at a moment."""
        return _Outcome(self.content, as_of, self.value if self.content is None else None)


@dataclass(slots=True)
class _Flight:
    """A look-up that others in this process wait for; given up if it lands with neither an outcome nor an error.

    Whoever holds a place waits only for one that has a place, too, or waits for the same ones: others may wait for his.
    """

    landed: Any
    permits: Permits | None
    has_permit: bool = False
    outcome: _Outcome | None = None
    error: Exception | None = None
    error_as_of: float = math.inf
    loads_from: float = math.inf


@dataclass(slots=True)
class _Sorted:
    """What the server said to each key."""

    outcomes: dict[str, _Outcome] = field(default_factory=dict)
    leased: list[_Wanted] = field(default_factory=list)
    waiting: list[_Wanted] = field(default_factory=list)
    lease_ends: float = math.inf
    failure: LoadFailed | None = None
    lost: list[str] = field(default_factory=list)


class Patterns:
    """All that a cache does, as steps."""

    def __init__(self, server: Server, settings: Settings, backend: Backend) -> None:
        self.stats = server.stats
        self._server = server
        self._settings = settings
        self._backend = backend
        self._permits = Permits(settings.bypass_limit)
        self._flights: dict[FlightId, _Flight] = {}
        lease_ms = max(1, round(settings.lease * 1000))
        self._lease = (lease_ms, lease_ms * _REMEMBERED_LEASES)
        self._unfit: set[tuple[object, type]] = set()
        after_fork(self, Patterns.start_afresh)

    def start_afresh(self) -> None:
        """In a forked child: what its parent's threads are loading, they load for the parent."""
        self._permits = Permits(self._settings.bypass_limit)
        self._flights = {}

    def hit(self, content: bytes | None, policy: Policy[T]) -> Entry[T] | None:
        """The entry, if it can be served as it is."""
        entry = policy.decode(content)
        if entry is None or entry.is_due(self._settings.early):
            return None
        self.stats.hits += 1
        return entry

    def lookup(self, key: str, load: Callable[[], Any], policy: Policy[T], *, is_lost: bool = False) -> Steps[T]:
        """The cached value, else the one that this caller or another one loads.

        Args:
            key: the key.
            load: what loads it.
            policy: how it is cached.
            is_lost: whether the caller has just asked for it and got no answer.
        """
        called_at = time.monotonic()
        outcome: _Outcome | None = None
        while outcome is None:
            wanted: _Wanted | None = None
            entry: Entry[T] | None = None
            if not is_lost:
                try:
                    content = yield from self._server.get(key)
                    entry = self.hit(content, policy)
                    if entry is None:
                        wanted = self._wanted(key, called_at, content, policy)
                        if wanted.beside:
                            content = yield from self._server.get(wanted.name)
                            entry = self.hit(_unwrapped(content, wanted.beside), policy)
                            wanted = self._wanted(key, called_at, content, policy, wanted.beside)
                except Unavailable:
                    wanted = None
            is_lost = False
            if entry is not None:
                return entry.value
            outcome = yield from self._missed(key, called_at, wanted, load, policy)
        value: T = _value_of(outcome, policy)
        return value

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
        lost: list[str] = []
        wanted: list[_Wanted] = []
        looked_up = [(key, key, b"") for key in unique]
        while looked_up:
            contents = yield from self._server.get_many([name for _, name, _ in looked_up])
            elsewhere = []
            for (key, _, beside), content in zip(looked_up, contents, strict=True):
                if isinstance(content, Unavailable):
                    lost.append(key)
                    continue
                entry = self.hit(_unwrapped(content, beside), policy)
                if entry is not None:
                    values[key] = entry.value
                    continue
                found = self._wanted(key, asked_at, content, policy, beside)
                if found.beside and not beside:
                    elsewhere.append((key, found.name, found.beside))
                else:
                    wanted.append(found)
            looked_up = elsewhere
        with waiting(current(), [self._server.identity(each.key) for each in wanted]):
            outcomes = yield from self._obtain(wanted, load, policy)
        outcomes |= yield from self._bypass(lost, load, policy)
        values |= {key: _value_of(outcome, policy) for key, outcome in outcomes.items()}
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
        try:
            yield from self._server.run(BEGIN_WRITE, key, token, *self._lease)
        except Unavailable:
            pass  # the end finds no token then, and takes the value away
        except BaseException as error:
            # It may have been carried out, and readers would wait for the writer.
            yield from self._finish(self._give_back([key], token), error)
            raise
        try:
            with working([self._server.identity(key)]):
                result = yield store(value)
        except BaseException as error:
            # The database may have carried it out all the same.
            yield from self._finish(self._server.remove([key]), error)
            raise
        with self._server.or_remove_later([key]):
            yield from self._server.run(END_WRITE, key, token, content, keep_ms)
        return result

    def invalidate(self, keys: Sequence[str]) -> Steps[None]:
        """Take away values, and the right to store what is being loaded."""
        yield from self._server.remove(keys)

    def _missed(
        self, key: str, called_at: float, wanted: _Wanted | None, load: Callable[[], Any], policy: Policy[Any]
    ) -> Steps[_Outcome | None]:
        """What this caller loads, or another one in this process for him; None to look again."""
        work = current()
        identity = self._server.identity(key)
        with waiting(work, [identity]):
            held = None if wanted is None else wanted.held
            if waits_for_itself(work, identity):
                if wanted is not None and held is not None:
                    return self._served_held(wanted, held)
                return (yield from self._load_within([key], _loading_one(load), policy))[key]
            flight_id = (key, policy.shape)
            permits = permits_within()
            mine = _Flight(self._backend.event(), permits)
            flight = self._flights.setdefault(flight_id, mine)
            if permits is not None and flight.permits is not permits and not flight.has_permit:
                flight = self._flights[flight_id] = mine
            if flight is mine:
                return (yield from self._fly(flight_id, flight, key, wanted, load, policy))
            if wanted is not None and held is not None:
                return self._served_held(wanted, held)
            yield self._backend.wait(flight.landed, self._settings.lease)
            return self._shared(flight_id, flight, called_at)

    def _shared(self, flight_id: FlightId, flight: _Flight, called_at: float) -> _Outcome | None:
        """What a flight has brought a caller who waited for it; None to look again."""
        if flight.error is not None and called_at <= flight.error_as_of:
            self.stats.misses += 1
            raise flight.error
        if flight.outcome is None or flight.outcome.as_of < called_at:
            # Overdue, given up, or perhaps older than a write that was over before this call.
            self._land(flight_id, flight)
            return None
        try:
            outcome = _copied(flight.outcome)
        except Exception as error:
            if not comes_again(error, _copied, flight.outcome):
                raise
            # What cannot be copied is loaded by each caller.
            self._land(flight_id, flight)
            return None
        self.stats.misses += 1
        self.stats.shared += 1
        return outcome

    def _fly(  # noqa: PLR0917  # a flight, and what it is to bring
        self,
        flight_id: FlightId,
        flight: _Flight,
        key: str,
        wanted: _Wanted | None,
        load: Callable[[], Any],
        policy: Policy[Any],
    ) -> Steps[_Outcome]:
        """Look up for all in this process who wait for the key."""

        def load_one(keys: list[str]) -> Steps[Mapping[str, Any]]:
            flight.has_permit = permits_within() is not None
            flight.loads_from = time.monotonic()
            return (yield from _loading_one(load)(keys))

        try:
            if wanted is None:
                outcomes = yield from self._bypass([key], load_one, policy)
            else:
                outcomes = yield from self._obtain([wanted], load_one, policy)
            outcome = outcomes[key]
            flight.outcome = _shareable(outcome)
        except policy.answers as error:
            # Like a value, it is for those who asked before.
            flight.error, flight.error_as_of = error, flight.loads_from
            raise
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
        return outcome

    def _land(self, flight_id: FlightId, flight: _Flight) -> None:
        if self._flights.get(flight_id) is flight:
            self._flights.pop(flight_id, None)

    def _wanted(
        self, key: str, looked_at: float, content: bytes | None, policy: Policy[Any], beside: bytes = b""
    ) -> _Wanted:
        """What there is to ask for, where no content of a key, or none of what stands beside it, can be served."""
        wanted = _Wanted(key, looked_at)
        if beside:
            wanted.stand_beside(beside, policy)
        if content is None:
            return wanted
        entry = policy.decode(_unwrapped(content, beside))
        if entry is None:
            if not beside and policy.is_foreign(content):
                wanted.stand_beside(_raw_digest(content), policy)
            else:
                wanted.rejected = _digest(content)
            return wanted
        # The server is asked whether the end is near: to a machine whose clock is wrong, it always is.
        near = policy.stale_for + entry.window(self._settings.early)
        wanted.near_ms = math.ceil(near * 1000)
        wanted.stale_ms = math.ceil(policy.stale_for * 1000)
        wanted.held, wanted.held_digest = _unwrapped(content, beside), _digest(content)
        return wanted

    def _obtain(self, wanted: list[_Wanted], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, _Outcome]]:
        """What is missing or due: each value is loaded by whoever gets its lease, and awaited by the others."""
        outcomes: dict[str, _Outcome] = {}
        token = secrets.token_hex(8)
        pause = _FIRST_POLL_SECONDS
        work = current()
        while wanted:
            asked_at = time.monotonic()
            begin = [
                (each.name, token, *self._lease, each.near_ms, each.stale_ms, each.rejected, each.held_digest)
                for each in wanted
            ]
            try:
                answers = yield from self._server.run_all(BEGIN_LOAD, begin)
            except BaseException as error:
                # The answer that nobody waits for any more may have been the lease.
                yield from self._finish(self._give_back([each.name for each in wanted], token), error)
                raise
            told = self._sorted(wanted, answers, asked_at, policy)
            outcomes |= told.outcomes
            if told.leased:
                outcomes |= yield from self._load(told.leased, token, load, policy)
            if told.lost:
                outcomes |= yield from self._bypass(told.lost, load, policy)
            if told.failure is not None:
                self.stats.misses += 1
                raise told.failure
            wanted = told.waiting
            if work is not None:
                own = [each.key for each in wanted if waits_for_itself(work, self._server.identity(each.key))]
                outcomes |= yield from self._load_within(own, load, policy)
                wanted = [each for each in wanted if each.key not in own]
            if wanted and not told.leased:
                yield self._backend.sleep(min(pause, told.lease_ends))
                pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
        return outcomes

    def _sorted(self, wanted: list[_Wanted], answers: list[Any], asked_at: float, policy: Policy[Any]) -> _Sorted:
        told = _Sorted()
        for each, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, Unavailable):
                if each.held is not None:
                    told.outcomes[each.key] = self._served_held(each, each.held)
                else:
                    told.lost.append(each.key)
                continue
            state, *facts = answer
            if state == b"load":
                told.leased.append(each)
            elif state == b"value":
                found = _unwrapped(facts[0], each.beside)
                if found is not None and policy.decode(found) is not None:
                    told.outcomes[each.key] = self._served_found(each, found, asked_at)
                    continue
                if not each.beside and policy.is_foreign(facts[0]):
                    each.stand_beside(_raw_digest(facts[0]), policy)
                else:
                    each.rejected = _digest(facts[0])
                told.waiting.append(each)
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
        keys = [each.key for each in leased]
        names = {each.key: each.name for each in leased}
        self.stats.misses += len(keys)
        started_at = time.monotonic()
        try:
            with working(map(self._server.identity, keys)):
                loaded = yield from self._loaded(keys, load, policy)
        except BaseException as error:
            held = {each.key: _Outcome(each.held, each.looked_at) for each in leased if each.held is not None}
            # What is no Exception says nothing of the database: a cancellation, a signal, a timeout of gevent's. Nor is
            # an answer a failure.
            is_failure = isinstance(error, Exception) and not isinstance(error, policy.answers)
            name = _name_of(error) if is_failure else ""
            yield from self._finish(self._give_back(list(names.values()), token, name), error)
            if isinstance(error, policy.answers):
                # The answer is newer than what is there.
                yield from self._finish(self._server.remove([names[key] for key in held]), error)
            if not name or len(held) < len(leased):
                raise
            _logger.warning("A refresh failed (%s); the value that is there goes on being served", name)
            return held
        ended_at = time.monotonic()
        outcomes = {key: each.outcome(started_at) for key, each in loaded.items()}
        unstored = [names[key] for key, each in loaded.items() if each.content is None]
        end = [
            (each.name, token, each.beside + content, loaded[each.key].keep_ms)
            for each in leased
            if (content := loaded[each.key].content) is not None
        ]
        try:
            stored = (yield from self._server.run_all(END_LOAD, end)) if end else []
            unstored += [call[0] for call, answer in zip(end, stored, strict=True) if isinstance(answer, Unavailable)]
            yield from self._give_back(unstored, token)
        except BaseException as error:
            yield from self._finish(self._give_back(list(names.values()), token), error)
            raise
        kept = {name for (name, *_), answer in zip(end, stored, strict=True) if answer == 1}
        return outcomes | {key: loaded[key].outcome(ended_at) for key, name in names.items() if name in kept}

    def _give_back(self, names: list[str], token: str, error: str = "") -> Steps[None]:
        """End leases without a value: the others hear of an error, or the next one loads."""
        if not names:
            return
        answers = yield from self._server.run_all(FAIL_LOAD, [(name, token, error) for name in names])
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, Refused):
                self._server.free_later(name)

    def _finish(self, steps: Steps[None], error: BaseException) -> Steps[None]:
        """Tidy up after an error, whatever else happens to the caller meanwhile."""
        finishing = self._backend.finish(steps)
        # One who is closed can wait for nothing.
        if not isinstance(error, GeneratorExit):
            yield finishing

    def _bypass(self, keys: list[str], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, _Outcome]]:
        """Load without the cache, few at a time."""
        if not keys:
            return {}
        self.stats.misses += len(keys)
        self.stats.bypassed += 1
        settings = self._settings
        # What runs within a load that has a place runs in that place, one at a time, or in another that is free.
        within = permits_within()
        choice = [self._permits] if within is None else [within, self._permits]
        permit = Permit(choice, self._backend)
        try:
            if not (yield from permit.acquire(settings.bypass_wait)):
                raise Overloaded(settings.bypass_limit, settings.bypass_wait)
            return (yield from self._load_outright(keys, load, policy, Permits(1)))
        finally:
            permit.release()

    def _load_within(self, keys: list[str], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, _Outcome]]:
        """Load what would wait for itself: as without a cache, and without storing it."""
        if not keys:
            return {}
        self.stats.misses += len(keys)
        return (yield from self._load_outright(keys, load, policy, None))

    def _load_outright(
        self, keys: list[str], load: LoadMany, policy: Policy[Any], permits: Permits | None
    ) -> Steps[dict[str, _Outcome]]:
        started_at = time.monotonic()
        with working(map(self._server.identity, keys), permits):
            loaded = yield from self._loaded(keys, load, policy)
        return {key: each.outcome(started_at) for key, each in loaded.items()}

    def _loaded(self, keys: list[str], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, _Loaded]]:
        """Call the function that loads: by key, its value and what to store of it."""
        self.stats.loads += 1
        started_at = time.monotonic()
        try:
            values = yield from load(keys)
        except policy.answers:
            raise
        except Exception:
            self.stats.errors += 1
            raise
        seconds = time.monotonic() - started_at
        return {key: self._encoded(value, seconds, policy) for key, value in values.items()}

    def _encoded(self, value: Any, seconds: float, policy: Policy[Any]) -> _Loaded:
        """What to store of a value: its caller has it in any case, unless the type declared for it is wrong."""
        try:
            return _Loaded(value, *policy.encode(value, seconds, self._settings.jitter))
        except UnfitError as error:
            if error.is_mistyped:
                self.stats.errors += 1
                raise
            kind = (policy.shape, type(value))
            if kind not in self._unfit:
                self._unfit.add(kind)
                _logger.warning("A value is not cached, and loaded at each call: %s", error)
            return _Loaded(value, None)

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


def _loading_one(load: Callable[[], Any]) -> LoadMany:
    def load_one(keys: list[str]) -> Steps[Mapping[str, Any]]:
        value = yield load()
        return {keys[0]: value}

    return load_one


def _value_of(outcome: _Outcome, policy: Policy[Any]) -> Any:
    # From the stored form, so that no two callers hold the same mutable object.
    return outcome.value if outcome.content is None else policy.value(outcome.content)


def _copied(outcome: _Outcome) -> _Outcome:
    """The same for another caller, who may change it."""
    if outcome.content is not None:
        return outcome
    return _Outcome(None, outcome.as_of, copy.deepcopy(outcome.value))


def _shareable(outcome: _Outcome) -> _Outcome | None:
    """The same for other callers; None if it cannot be copied."""
    try:
        return _copied(outcome)
    except Exception as error:
        if not comes_again(error, _copied, outcome):
            raise
        return None


def _unwrapped(content: bytes | None, beside: bytes) -> bytes | None:
    """What stands beside a value, as it would stand in its place; nothing readable if it belongs to another value."""
    if content is None or not beside:
        return content
    return content[len(beside) :] if content.startswith(beside) else b""


def _raw_digest(content: bytes) -> bytes:
    return hashlib.sha1(content, usedforsecurity=False).digest()


def _digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _name_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
