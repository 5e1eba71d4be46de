"""How the patterns, written once, run in threads and on an event loop.

A pattern is a generator of steps. A step is what a client's command or a caller's function gave: the answer itself
where that blocks, something to await where it does not. Whoever runs the generator sends each answer back in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Protocol, TypeAlias, TypeVar

from elasticache_client.signal_safe import Event

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

    def waker(self, event: Any) -> Callable[[], None]:
        """What sets an event from any thread."""

    def sleep(self, seconds: float) -> Any:
        """Do nothing for a while."""

    def wait(self, event: Any, seconds: float) -> Any:
        """Wait until the event is set, but not longer than this."""

    def finish(self, steps: Steps[None]) -> Any:
        """Take these steps to their end, although whoever waits for them is cancelled or goes away."""


class Threads:
    """Waits that block the thread."""

    def event(self) -> Event:
        """A thread's event."""
        return Event()

    def waker(self, event: Event) -> Callable[[], None]:
        """Its own method."""
        return event.set

    def sleep(self, seconds: float) -> None:
        """Block."""
        time.sleep(seconds)

    def wait(self, event: Event, seconds: float) -> None:
        """Block."""
        event.wait(seconds)

    def finish(self, steps: Steps[None]) -> None:
        """Block; the steps are over when it returns."""
        run(steps)


class Tasks:
    """Waits that suspend the task."""

    def __init__(self) -> None:
        # A loop has weak references only.
        self._unfinished: set[asyncio.Task[None]] = set()

    def event(self) -> asyncio.Event:
        """A task's event."""
        return asyncio.Event()

    def waker(self, event: asyncio.Event) -> Callable[[], None]:
        """A call that is handed to the event's loop."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(event.set)

        return wake

    async def sleep(self, seconds: float) -> None:
        """Suspend."""
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Suspend."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    def finish(self, steps: Steps[None]) -> Any:
        """Begin at once, in a task of its own, which ends even if the one that waits for it is cancelled again."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # the collector closes what was left by a loop that is no more
            steps.close()
            return None
        task = loop.create_task(run_async(steps))
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return asyncio.shield(task)
