"""Actors whose steps are taken one at a time, in an order drawn by lot, on a real server.

The code is the product's own, scripts and all. Only when a step is taken is decided here: a client that hands each
command out uncalled, and waits that end when the lot says so.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import redis

from elasticache_client.caching.entries import policy
from elasticache_client.caching.errors import LoadFailed
from elasticache_client.caching.lookups import Lookups
from elasticache_client.caching.server import Server
from elasticache_client.caching.settings import Settings
from elasticache_client.caching.writes import Writes

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from elasticache_client.steps import Steps

KEY = "product"
_POLICY = policy(int, 60, None, 0)
_FAILING = 0.05
_LATE = 0.1
# One process takes nearly everything for due, so that it refreshes often while values are served.
_EARLY = (0, 1e7)


class LaterRedis(redis.Redis):
    """A client whose commands run when they are called a second time."""

    def get(self, *arguments: Any) -> Any:
        """GET, later."""
        return partial(super().get, *arguments)

    def evalsha(self, *arguments: Any) -> Any:
        """EVALSHA, later."""
        return partial(super().evalsha, *arguments)

    def eval(self, *arguments: Any) -> Any:
        """EVAL, later."""
        return partial(super().eval, *arguments)

    def delete(self, *arguments: Any) -> Any:
        """DEL, later."""
        return partial(super().delete, *arguments)


@dataclass
class _Event:
    is_set: bool = False

    def set(self) -> None:
        self.is_set = True


@dataclass(frozen=True)
class _Wait:
    """A step that is due when its event is set, and otherwise when the lot has it that the time is up."""

    event: _Event

    def __call__(self) -> None:
        pass


class _Backend:
    def event(self) -> _Event:
        return _Event()

    def waker(self, event: _Event) -> Callable[[], None]:
        return event.set

    def sleep(self, _: float) -> _Wait:
        return _Wait(_Event())

    def wait(self, event: _Event, _: float) -> _Wait:
        return _Wait(event)

    def finish(self, steps: Steps[None]) -> Callable[[], None]:
        return lambda: _run_at_once(steps)


def _run_at_once(steps: Steps[None]) -> None:
    with suppress(StopIteration):
        step = next(steps)
        while True:
            try:
                answer = step()
            except redis.ResponseError as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)


@dataclass
class _Load:
    """A load of two steps: what it read when it began is what it comes back with."""

    read: Callable[[], int]
    value: int | None = None

    def __call__(self) -> int | None:
        if self.value is None:
            self.value = self.read()
            return None
        return self.value


@dataclass
class _Actor:
    steps: Steps[Any]
    process: int
    writes: bool
    floor: int
    """Where in the database's order the newest write stood that was over before this actor began."""
    step: Callable[[], Any] | None = None
    context: Context = field(default_factory=copy_context)
    """Its own, as a thread's or a task's."""


@dataclass
class World:
    """A database of one number, two processes that cache it, and what is promised to readers."""

    client: Any
    random: random.Random
    stored: int = 0
    """What the database has."""
    commits: list[int] = field(default_factory=lambda: [0])
    """Everything it ever had, in its order."""
    floor: int = 0
    """The last place in that order whose write has returned to its caller."""
    actors: list[_Actor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name = f"catalogue:{{{KEY}}}"
        self._processes = [self._process(early) for early in _EARLY]
        self._numbers = 0
        self.delete()

    def delete(self) -> None:
        """Take the value and the lease away, as eviction does."""
        self.client.execute_command("DEL", self.name, f"{self.name}:lease")

    def expire(self) -> None:
        """Let the value's ttl run out."""
        self.client.execute_command("DEL", self.name)

    def lapse(self) -> None:
        """Let the lease run out."""
        self.client.execute_command("PEXPIRE", f"{self.name}:lease", 19 * 3000)

    def begin(self, what: str) -> None:
        """Let an actor begin a look-up or a write."""
        process = self.random.randrange(2)
        lookups, writes = self._processes[process]
        steps: dict[str, Callable[[], Steps[Any]]] = {
            "look up": lambda: lookups.lookup(KEY, self._load, _POLICY),
            "reload": lambda: lookups.reload(KEY, self._load, _POLICY),
            "invalidate": lambda: self._invalidate(writes),
            "overwrite": lambda: self._overwrite(writes),
            "write through": lambda: self._write_through(writes),
        }
        reads = what.startswith(("look", "reload"))
        actor = _Actor(steps[what](), process, not reads, self.floor)
        self.actors.append(actor)
        self._advance(actor, None)

    def move(self) -> None:
        """Take one step of one actor."""
        ready = [each for each in self.actors if not isinstance(each.step, _Wait) or each.step.event.is_set]
        if not ready:
            # All wait for a caller that is gone: time ends that.
            self.lapse()
        late = not ready or self.random.random() < _LATE
        actor = self.random.choice(self.actors if late else ready)
        assert actor.step is not None
        try:
            answer = actor.context.run(actor.step)
        except (redis.ResponseError, DatabaseError) as error:
            self._advance(actor, error)
        else:
            if not isinstance(actor.step, _Load) or answer is not None:
                self._advance(actor, answer)

    def kill(self) -> None:
        """End a process and its look-ups; writers go on, because what a dead writer leaves is another promise."""
        process = self.random.randrange(2)
        self.actors = [each for each in self.actors if each.process != process or each.writes]
        self._processes[process] = self._process(_EARLY[process])

    def _process(self, early: float) -> tuple[Lookups, Writes]:
        settings = Settings(prefix="catalogue", lease=3, jitter=0.1, early=early, bypass_limit=100, bypass_wait=0)
        server = Server(self.client, "catalogue", _Backend(), asynchronous=False)
        nodes: Any = server._nodes  # its pipelines run when they are called, too
        nodes.ask = partial(partial, nodes.ask)
        lookups = Lookups(server, settings, _Backend())
        return lookups, Writes(server, lookups.leases, settings, _Backend())

    def _advance(self, actor: _Actor, answer: Any) -> None:
        try:
            advance = actor.steps.throw if isinstance(answer, Exception) else actor.steps.send
            actor.step = actor.context.run(advance, answer)
        except StopIteration as done:
            self.actors.remove(actor)
            if not actor.writes:
                served = self.commits.index(done.value)
                assert served >= actor.floor, f"write {served} was served after write {actor.floor} was over"
        except (DatabaseError, LoadFailed):
            self.actors.remove(actor)

    def _load(self) -> _Load:
        def read() -> int:
            if self.random.random() < _FAILING:
                raise DatabaseError
            return self.stored

        return _Load(read)

    def _new(self) -> int:
        self._numbers += 1
        return self._numbers

    def _store(self, value: int) -> Callable[[], None]:
        def store() -> None:
            if self.random.random() < _FAILING:
                raise DatabaseError
            self.commits.append(value)
            self.stored = value

        return store

    def _over(self, value: int) -> None:
        self.floor = max(self.floor, self.commits.index(value))

    def _invalidate(self, writes: Writes) -> Steps[None]:
        value = self._new()
        yield self._store(value)
        yield from writes.invalidate([KEY])
        self._over(value)

    def _overwrite(self, writes: Writes) -> Steps[None]:
        value = self._new()
        yield self._store(value)
        yield from writes.write(KEY, value, _POLICY)
        self._over(value)

    def _write_through(self, writes: Writes) -> Steps[None]:
        value = self._new()
        yield from writes.write_through(KEY, value, self._store, _POLICY)
        self._over(value)


class DatabaseError(Exception):
    """The database refuses a query."""
