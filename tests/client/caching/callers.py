"""Caches of either face, called the same way, by one caller or by many at once."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_client.caching import AsyncCache, Cache
from elasticache_client.signal_safe import Event
from local_servers.waiting import wait_until
from tests.client.conftest import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Caller

PREFIX = "catalogue"
LONG_LEASE = 300.0
"""Seconds that a caller waits who waits for a lease, where no caller should. On no machine does a test take so long."""
_LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """What one of many callers got, and how long that took."""

    value: Any
    error: Exception | None
    seconds: float


class Face:
    """A cache for threads or for asyncio, and the clients' ways to load and to wait that go with it.

    On a loaded machine a test may take longer than the default lease, after which a load is not stored.
    """

    def __init__(self, kind: str, caller: Caller, **settings: Any) -> None:
        self.caller = caller
        self.asynchronous = KINDS[kind].asynchronous
        cache: Any = AsyncCache if self.asynchronous else Cache
        self.cache = cache(caller.client, **{"prefix": PREFIX, "lease": LONG_LEASE, **settings})
        self.stats = self.cache.stats

    def __call__(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of the cache."""
        return self.caller.wait(getattr(self.cache, method)(*arguments, **named))

    def get(self, key: str, load: Callable[[], Any], **named: Any) -> Any:
        """Look a key up, with a ttl that is long unless it is said."""
        return self("get_or_load", key, self.loader(load), **{"ttl": 60, **named})

    def function(self, key: str, load: Callable[[], Any], method: str = "__call__", **named: Any) -> Any:
        """Call a cached function of no other argument than its key, or one of that function's methods."""

        def function(name: str) -> Any:
            assert name == key
            return load()

        async def function_async(name: str) -> Any:
            return function(name)

        decorate = self.cache.lazy("{name}", **{"ttl": 60, "type": Any, **named})
        cached = decorate(function_async if self.asynchronous else function)
        return self.caller.wait(getattr(cached, method)(key))

    def loader(self, function: Callable[..., Any], seconds: float = 0) -> Callable[..., Any]:
        """A function as this face calls it, that takes so long."""

        def load(*arguments: Any) -> Any:
            time.sleep(seconds)
            return function(*arguments)

        async def load_async(*arguments: Any) -> Any:
            await asyncio.sleep(seconds)
            return function(*arguments)

        return load_async if self.asynchronous else load

    def slow_loader(self, function: Callable[..., Any], begin: Callable[[], Callable[[], bool]]) -> Callable[..., Any]:
        """A function as this face calls it. A call begins, and takes until what `begin` gave says that it may end.

        So slow loads are shown on a machine of any speed.
        """

        def load(*arguments: Any) -> Any:
            wait_until(begin(), "the load may end", _LIMIT_SECONDS)
            return function(*arguments)

        async def load_async(*arguments: Any) -> Any:
            may_end, limit = begin(), time.monotonic() + _LIMIT_SECONDS
            while not may_end():
                assert time.monotonic() < limit, "the load may not end"
                await asyncio.sleep(0.001)
            result = function(*arguments)
            return await result if inspect.isawaitable(result) else result

        return load_async if self.asynchronous else load

    def crowd(self, number: int, look_up: Callable[[], Any]) -> list[Answer]:
        """So many callers at once."""
        if self.asynchronous:
            return list(self.caller.wait(_gathered(number, look_up)))
        answers: list[Answer] = []
        barrier = threading.Barrier(number)

        def call() -> None:
            barrier.wait()
            answers.append(_answer(look_up))

        threads = [threading.Thread(target=call) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers


class Crowd:
    """Callers at once, and loads of theirs that end only when all other callers wait for a load or have their answer.

    Args:
        callers: How many there are.
        faces: Their caches. Of each, one caller asks the server for those that wait.
    """

    def __init__(self, callers: int, *faces: Face) -> None:
        self._callers = callers
        self._faces = faces
        self._answered = 0
        self._awaited: list[Any] = []
        self._lock = threading.Lock()
        for face in faces:
            flights = face.cache._lookups.flights
            flights._backend = _Noting(flights._backend, self.note)

    def __call__(self, look_up: Callable[[int], Any]) -> list[Answer]:
        """Have all callers look up; each is told its number."""
        numbers = iter(range(self._callers))

        def call() -> Any:
            try:
                return look_up(next(numbers))
            finally:
                self._end()

        async def call_async() -> Any:
            try:
                return await look_up(next(numbers))
            finally:
                self._end()

        face = self._faces[0]
        return face.crowd(self._callers, call_async if face.asynchronous else call)

    def loader(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function as the caches call it, that takes until all others rest."""
        return self._faces[0].slow_loader(function, lambda: self._is_at_rest)

    def others_have_answers(self) -> bool:
        """Whether all callers but one have their answer."""
        with self._lock:
            return self._answered >= self._callers - 1

    def rest(self) -> None:
        """Block a load until all others rest."""
        wait_until(self._is_at_rest, "all others wait or have their answer", _LIMIT_SECONDS)

    def note(self, event: Any) -> None:
        """Note what a caller waits for."""
        with self._lock:
            self._awaited.append(event)

    def _end(self) -> None:
        with self._lock:
            self._answered += 1

    def _is_at_rest(self) -> bool:
        with self._lock:
            # An event of threads that is set lets everyone pass.
            waiting = sum(
                not (event._is_set if isinstance(event, Event) else event.is_set()) for event in self._awaited
            )
            return self._answered + waiting >= self._callers - len(self._faces)


class _Noting:
    """A backend that tells what is waited for."""

    def __init__(self, backend: Any, note: Callable[[Any], None]) -> None:
        self._backend = backend
        self._note = note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def wait(self, event: Any, seconds: float) -> Any:
        self._note(event)
        return self._backend.wait(event, seconds)


def new_key() -> str:
    """A key that no other test has."""
    return uuid.uuid4().hex


def _answer(look_up: Callable[[], Any]) -> Answer:
    start = time.monotonic()
    try:
        value, error = look_up(), None
    except Exception as caught:  # noqa: BLE001 - for the test to look at
        value, error = None, caught
    return Answer(value, error, time.monotonic() - start)


async def _gathered(number: int, look_up: Callable[[], Any]) -> list[Answer]:
    async def call() -> Answer:
        start = time.monotonic()
        try:
            value, error = await look_up(), None
        except Exception as caught:  # noqa: BLE001 - for the test to look at
            value, error = None, caught
        return Answer(value, error, time.monotonic() - start)

    return await asyncio.gather(*(call() for _ in range(number)))
