"""Cached functions that call others, in their own thread or task or in tasks they start: none waits for itself."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client.caching import AsyncCache, Overloaded, nesting
from elasticache_client.caching.nesting import Permit, Permits
from elasticache_client.steps import Threads, run
from local_servers.ports import free_port
from tests.client.caching.callers import LONG_LEASE, Crowd, Face, new_key
from tests.client.conftest import KINDS
from tests.client.sessions.caches import plain_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Caller
    from tests.client.sessions.caches import Cache as Place

every_kind = pytest.mark.parametrize("kind", KINDS)
_CALLERS = 100
ASYNCHRONOUS = [kind for kind in KINDS if KINDS[kind].asynchronous]
"""A caller that waits for itself waits for so long."""


@pytest.fixture(name="down")
def _down(open_client: Callable[..., Caller]) -> Callable[..., Face]:
    """A cache of any kind that is known to be away."""

    def down(kind: str, **settings: Any) -> Face:
        face = Face(kind, open_client(kind, plain_settings(free_port()), decode_responses=False), **settings)
        # As after a timeout, which would take its time.
        face.cache._server._nodes.failed("", 5, TimeoutError())
        assert face.cache.is_down
        return face

    return down


def calling(face: Face, inner: Callable[[], Any]) -> Callable[..., Any]:
    """A loader that does what the cache's method gives."""

    def load(*_: Any) -> Any:
        return inner()

    async def load_async(*_: Any) -> Any:
        return await inner()

    return load_async if face.asynchronous else load


@every_kind
@pytest.mark.parametrize("inner", ["get_or_load", "get_or_load_many", "write_through"])
@pytest.mark.parametrize("outer", ["get_or_load", "get_or_load_many"])
def test_a_load_within_a_load_needs_no_place_of_its_own(
    outer: str, inner: str, kind: str, down: Callable[..., Face]
) -> None:
    """However deep they are nested, and whatever calls whatever, one place will do."""
    face = down(kind, bypass_limit=1, bypass_wait=0.5)
    cache = face.cache
    innermost = calling(face, lambda: cache.get_or_load("c", face.loader(lambda: 3), ttl=60))
    ways: dict[str, Callable[[str, Any], Any]] = {
        "get_or_load": lambda key, load: cache.get_or_load(key, load, ttl=60),
        "get_or_load_many": lambda key, load: cache.get_or_load_many([key], load, ttl=60),
        "write_through": lambda key, load: cache.write_through(key, 1, load, ttl=60),
    }
    many = face.loader(lambda keys: dict.fromkeys(keys, 3))
    inner_load = calling(face, lambda: cache.get_or_load_many(["c"], many, ttl=60))
    load = calling(face, lambda: ways[inner]("b", inner_load if inner == "get_or_load_many" else innermost))
    if inner == "get_or_load_many":
        load = calling(face, lambda: cache.get_or_load_many(["b"], many, ttl=60))
    if outer == "get_or_load_many":
        within = load
        load = calling(face, lambda: _wrapped(face, within))
    assert face.caller.wait(ways[outer]("a", load)) is not None


def _wrapped(face: Face, load: Callable[[], Any]) -> Any:
    if not face.asynchronous:
        return {"a": load()}

    async def wrapped() -> dict[str, Any]:
        return {"a": await load()}

    return wrapped()


@every_kind
@pytest.mark.parametrize("limit", [1, 16])
def test_nesting_overloads_nobody(limit: int, kind: str, down: Callable[..., Face]) -> None:
    """A hundred callers of functions that share what they call all get their value, with however few places.

    The last of them ask for what is shared, without a place, while functions that have all places call it.
    """
    face = down(kind, bypass_limit=limit, bypass_wait=60, lease=LONG_LEASE)
    called: list[int] = []
    running: list[int] = []

    def ask_shared(key: str) -> Any:
        return face.cache.get_or_load(f"shared {int(key, 16) % 3}", face.loader(lambda: 1), ttl=60)

    def is_crowded() -> bool:
        return len(called) == _CALLERS and len(running) >= limit

    def begin() -> Callable[[], bool]:
        running.append(1)
        return is_crowded

    def look_up() -> Any:
        key = new_key()
        called.append(1)
        if len(called) > _CALLERS - 10:
            return ask_shared(key)
        load = face.slow_loader(calling(face, lambda: ask_shared(key)), begin)
        return face.cache.get_or_load(key, load, ttl=60)

    answers = face.crowd(_CALLERS, look_up)
    assert [each.value for each in answers] == [1] * _CALLERS


@pytest.mark.parametrize("kind", ASYNCHRONOUS)
@pytest.mark.parametrize(("limit", "callers"), [(1, 2), (4, 3), (4, 20)])
def test_tasks_that_a_load_starts_keep_to_the_limit(
    limit: int, callers: int, kind: str, down: Callable[..., Face]
) -> None:
    """They use the place of the load and those that are free; the database sees no more at a time than it may."""
    face = down(kind, bypass_limit=limit, bypass_wait=60)
    running, most, full = 0, 0, asyncio.Event()

    async def innermost() -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == limit:
            full.set()
        async with asyncio.timeout(60):
            await full.wait()
        for _ in range(10):
            await asyncio.sleep(0)  # the others, if they may
        running -= 1
        return 1

    async def load() -> int:
        keys = [new_key() for _ in range(6)]
        return sum(await asyncio.gather(*(face.cache.get_or_load(key, innermost, ttl=60) for key in keys)))

    answers = face.crowd(callers, lambda: face.cache.get_or_load(new_key(), load, ttl=60))
    assert ([each.value for each in answers], most) == ([6] * callers, limit)


@pytest.mark.parametrize("kind", ASYNCHRONOUS)
def test_a_task_that_outlives_the_load_has_no_place(kind: str, down: Callable[..., Face]) -> None:
    """What a load leaves running counts as a separate caller."""
    face = down(kind, bypass_limit=1, bypass_wait=0.01)
    tasks: list[asyncio.Task[Any]] = []

    async def scenario() -> None:
        over, taken = asyncio.Event(), asyncio.Event()

        async def later() -> Any:
            await taken.wait()
            return await face.cache.get_or_load("later", face.loader(lambda: 1), ttl=60)

        async def load() -> int:
            tasks.append(asyncio.create_task(later()))
            return 1

        async def long_load() -> int:
            taken.set()
            await over.wait()
            return 1

        await face.cache.get_or_load("first", load, ttl=60)
        long = asyncio.create_task(face.cache.get_or_load("long", long_load, ttl=60))
        with pytest.raises(Overloaded):
            await tasks[0]
        over.set()
        await long

    face.caller.wait(scenario())


@every_kind
@pytest.mark.parametrize("state", ["up", "down"])
@pytest.mark.parametrize("within", ["get_or_load", "get_or_load_many", "write_through"])
def test_what_calls_its_own_key_runs_as_without_a_cache(  # noqa: PLR0917 - a case, and what it needs
    within: str, state: str, kind: str, down: Callable[..., Face], valkey: Place, open_face: Callable[..., Face]
) -> None:
    """A store that reads what it writes, or a load that asks for its own key, does not wait for its own lease."""
    settings = {"lease": LONG_LEASE, "bypass_limit": 1}
    face = open_face(valkey, kind, **settings) if state == "up" else down(kind, **settings)
    key, cache = new_key(), face.cache
    start = time.monotonic()
    read = calling(face, lambda: cache.get_or_load(key, face.loader(lambda: 7), ttl=60))
    if within == "get_or_load":
        got = face.caller.wait(cache.get_or_load(key, read, ttl=60))
    elif within == "write_through":
        got = face.caller.wait(cache.write_through(key, 8, read, ttl=60))
    else:
        many = face.loader(lambda keys: dict.fromkeys(keys, 7))
        load = calling(face, lambda: cache.get_or_load_many([key], many, ttl=60))
        got = face.caller.wait(cache.get_or_load_many([key], load, ttl=60))[key]
    kept = face.get(key, lambda: 9)
    assert (got, kept) == (7, {"down": 9, "up": 8 if within == "write_through" else 7}[state])
    assert time.monotonic() - start < LONG_LEASE


@every_kind
@pytest.mark.parametrize("way", ["get_or_load", "get_or_load_many"])
def test_two_that_call_each_other_do_not_wait_for_each_other(
    way: str, kind: str, valkey: Place, open_face: Callable[..., Face]
) -> None:
    """The caller that would close the circle loads without waiting."""
    face, depth = open_face(valkey, kind, lease=LONG_LEASE), ContextVar("depth", default=0)
    keys, turns, cache = [new_key(), new_key()], iter(range(2)), face.cache
    barrier: Any = asyncio.Barrier(2) if face.asynchronous else threading.Barrier(2)

    def ask(place: int) -> Any:
        load = load_async if face.asynchronous else load_sync
        if way == "get_or_load":
            return cache.get_or_load(keys[place], lambda: load(place), ttl=60)
        return cache.get_or_load_many([keys[place]], lambda _: load(place), ttl=60)

    def value(place: int) -> Any:
        return place if way == "get_or_load" else {keys[place]: place}

    def load_sync(place: int) -> Any:
        if depth.get() < 2:
            depth.set(depth.get() + 1)
            if depth.get() == 1:
                barrier.wait()
            ask(1 - place)
        return value(place)

    async def load_async(place: int) -> Any:
        if depth.get() < 2:
            depth.set(depth.get() + 1)
            if depth.get() == 1:
                await barrier.wait()
            await ask(1 - place)
        return value(place)

    answers = face.crowd(2, lambda: ask(next(turns)))
    assert [each.error for each in answers] == [None, None]
    assert max(each.seconds for each in answers) < LONG_LEASE


@every_kind
def test_two_that_call_the_same_one_still_share_it(kind: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """Nested look-ups wait for each other's loads as all others do, unless that closes a circle."""
    face, shared, loads = open_face(valkey, kind, lease=LONG_LEASE), new_key(), []
    crowd = Crowd(20, face)
    inner = crowd.loader(lambda: loads.append(1) or 1)  # type: ignore[func-returns-value]
    load = calling(face, lambda: face.cache.get_or_load(shared, inner, ttl=60))
    answers = crowd(lambda _: face.cache.get_or_load(new_key(), load, ttl=60))
    assert ([each.value for each in answers], len(loads)) == ([1] * 20, 1)


@every_kind
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_place_is_given_back(error: type[BaseException], kind: str, down: Callable[..., Face]) -> None:
    """However a load ends, the next one has its place."""
    face = down(kind, bypass_limit=1, bypass_wait=0)

    def fail() -> None:
        raise error

    for _ in range(3):
        with pytest.raises(error):
            face.get(new_key(), fail)
    assert face.get(new_key(), lambda: 1) == 1


def test_a_child_process_begins_anew(down: Callable[..., Face]) -> None:
    """What threads of the parent were at, and the lock one of them held, do not live on in a child."""
    face = down("redis-py", bypass_limit=4)
    with nesting._lock:  # as a thread of the parent may
        child = os.fork()
        if child == 0:
            got = face.get(new_key(), lambda: 1)
            os._exit(0 if got == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_context_of_one_loop_is_not_another_ones(down: Callable[..., Face]) -> None:
    """A permit is shared by what runs within its load, and by nothing else."""
    face = down("redis-py asyncio", bypass_limit=1, bypass_wait=0.01)
    cache: AsyncCache = face.cache

    async def scenario() -> list[Any]:
        going = asyncio.Event()

        async def load() -> int:
            going.set()
            await asyncio.sleep(0.2)
            return 1

        first = asyncio.create_task(cache.get_or_load("a", load, ttl=60))
        await going.wait()
        second = asyncio.create_task(cache.get_or_load("b", load, ttl=60))
        return list(await asyncio.gather(first, second, return_exceptions=True))

    got = face.caller.wait(scenario())
    assert (got[0], type(got[1])) == (1, Overloaded)


def test_a_permit_that_was_not_released_is_free() -> None:
    """An exception that a signal raises may come while it is released: the next caller has it."""
    permits = Permits(1)
    lost = Permit([permits], Threads())
    assert run(lost.acquire(0.01))
    queued = Permit([permits], Threads())
    assert not run(queued.acquire(0.01))
    del lost, queued  # neither has left
    holder, next_one = Permit([permits], Threads()), Permit([permits], Threads())
    assert run(holder.acquire(0.01))
    assert not run(next_one.acquire(0.01))
    holder.release()
    assert run(next_one.acquire(0.01))


class Interrupted(Exception):  # noqa: N818 - as RQ's and Celery's timeouts
    """Raised by a signal, between any two lines."""


def _interrupted_end(monkeypatch: pytest.MonkeyPatch, end: Callable[[], Any]) -> None:
    """Do something whose end is interrupted before anything is removed."""

    def interrupt(*_: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(nesting.Registry, "remove", interrupt)
        patched.setattr(nesting.Work, "__setattr__", lambda work, name, value: (
            interrupt() if value is True else object.__setattr__(work, name, value)
        ))  # fmt: skip
        with pytest.raises(Interrupted):
            end()


def test_what_was_not_ended_is_over_with_its_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted load closes no circle later: its thread uses the cache again, and nothing piles up."""
    key = (1, "product")

    def load() -> None:
        with nesting.working([key], Permits(1)), nesting.waiting(nesting.current(), [key]):
            assert nesting.waits_for_itself(nesting.current(), key)

    for _ in range(3):
        _interrupted_end(monkeypatch, load)
    assert nesting.current() is None
    assert nesting.permits_within() is None
    assert (len(nesting.works), len(nesting.waits)) == (0, 0)
    with nesting.working([(1, "other")]):
        assert len(nesting.running()) == 1
        assert not nesting.waits_for_itself(nesting.current(), key)
