"""How the patterns, written once, run in threads and on an event loop.

A pattern is a generator of steps. A step is what a client's command or a caller's function gave: the answer itself
where that blocks, something to await where it does not. Whoever runs the generator sends each answer back in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import suppress
from typing import Any, Protocol, TypeAlias, TypeVar

from elasticache_client.signal_safe import Event, Semaphore

T = TypeVar("T")
Steps: TypeAlias = Generator[Any, Any, T]


def run(steps: Steps[T]) -> T:
    """Take all steps in this thread."""
    answer = None
    try:
        while True:
            answer = steps.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


async def run_async(steps: Steps[T]) -> T:
    """Take all steps in this task; errors and cancellations are raised inside of the steps."""
    try:
        step = steps.send(None)
        while True:
            try:
                answer = await step
            except BaseException as error:  # noqa: BLE001  # handed on
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


class Waits(Protocol):
    """What there is to wait for. What the last three methods give is a step."""

    def event(self) -> Any:
        """An event that is not set."""

    def semaphore(self, places: int) -> Any:
        """A semaphore with so many places."""

    def sleep(self, seconds: float) -> Any:
        """Do nothing for a while."""

    def wait(self, event: Any, seconds: float) -> Any:
        """Wait until the event is set, but not longer than this."""

    def acquire(self, semaphore: Any, seconds: float) -> Any:
        """Take a place, if there is one within this time; whether there was."""


class Threads:
    """Waits that block the thread."""

    def event(self) -> Event:
        """A thread's event."""
        return Event()

    def semaphore(self, places: int) -> Semaphore:
        """A thread's semaphore."""
        return Semaphore(places)

    def sleep(self, seconds: float) -> None:
        """Block."""
        time.sleep(seconds)

    def wait(self, event: Event, seconds: float) -> None:
        """Block."""
        event.wait(seconds)

    def acquire(self, semaphore: Semaphore, seconds: float) -> bool:
        """Block."""
        return semaphore.acquire(timeout=seconds)


class Tasks:
    """Waits that suspend the task."""

    def event(self) -> asyncio.Event:
        """A task's event."""
        return asyncio.Event()

    def semaphore(self, places: int) -> asyncio.Semaphore:
        """A task's semaphore."""
        return asyncio.Semaphore(places)

    async def sleep(self, seconds: float) -> None:
        """Suspend."""
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Suspend."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    async def acquire(self, semaphore: asyncio.Semaphore, seconds: float) -> bool:
        """Suspend."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await semaphore.acquire()
        return False
