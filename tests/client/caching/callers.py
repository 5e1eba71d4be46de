"""Caches of either face, called the same way, by one caller or by many at once."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_client.caching import AsyncCache, Cache
from tests.client.conftest import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Caller

PREFIX = "catalogue"
LONG_LEASE = 300.0
"""Seconds that a caller waits who waits for a lease, where no caller should. On no machine does a test take so long."""


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
