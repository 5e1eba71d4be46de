"""One engine for threads and for asyncio: an operation is written once, as a generator of steps.

A step is what a client's command or a caller's function gave: the answer itself where the call blocks, an awaitable
where it does not. The generator yields the step, and `run` or `run_async` sends the answer back, or throws the error
in. So the order of the commands, the errors and the retries stand in one place::

    def _double(client: Any, key: str) -> Steps[int]:
        value = yield client.get(key)
        yield client.set(key, 2 * int(value))
        return 2 * int(value)

    run(_double(redis.Redis(), "n"))
    await run_async(_double(redis.asyncio.Redis(), "n"))
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from functools import wraps
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from elasticache_client.signal_safe import Event

P = ParamSpec("P")
T = TypeVar("T")
Steps: TypeAlias = Generator[Any, Any, T]
"""Yields steps, is sent their answers, and returns a result."""


def run(steps: Steps[T]) -> T:
    """Take all steps in this thread.

    Args:
        steps: A generator whose steps are answers.
    """
    answer = None
    try:
        while True:
            answer = steps.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        # A signal handler's exception may come between two steps. Then the generator ends here, and not when the
        # garbage collector finds it, in any thread and at any place.
        steps.close()


async def run_async(steps: Steps[T]) -> T:
    """Take all steps in this task; errors and cancellations are raised inside the generator.

    Args:
        steps: A generator whose steps are awaitables.
    """
    try:
        step = steps.send(None)
        while True:
            try:
                answer = await step
            except BaseException as error:  # noqa: BLE001 - the generator handles or re-raises it
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


class Backend(Protocol):
    """How an operation waits. The last three methods give a step."""

    def event(self) -> Any:
        """An event that is not set."""

    def waker(self, event: Any) -> Callable[[], None]:
        """A function that sets the event and may be called from any thread."""

    def sleep(self, seconds: float) -> Any:
        """Wait for this long."""

    def wait(self, event: Any, seconds: float) -> Any:
        """Wait until the event is set, at most for this long."""

    def finish(self, steps: Steps[None]) -> Any:
        """Take all of these steps, even if the caller is cancelled or interrupted meanwhile."""


class Threads:
    """Waits that block the thread."""

    def event(self) -> Event:
        """An event for threads."""
        return Event()

    def waker(self, event: Event) -> Callable[[], None]:
        """The event's own method."""
        return event.set

    def sleep(self, seconds: float) -> None:
        """Block the thread."""
        time.sleep(seconds)

    def wait(self, event: Event, seconds: float) -> None:
        """Block the thread."""
        event.wait(seconds)

    def finish(self, steps: Steps[None]) -> None:
        """Block the thread; all steps are taken when this returns."""
        run(steps)


class Tasks:
    """Waits that suspend the task."""

    def __init__(self) -> None:
        # An event loop keeps weak references only.
        self._unfinished: set[asyncio.Task[None]] = set()

    def event(self) -> asyncio.Event:
        """An event for tasks."""
        return asyncio.Event()

    def waker(self, event: asyncio.Event) -> Callable[[], None]:
        """A call that is handed to the running loop."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed, and none of its tasks waits
                loop.call_soon_threadsafe(event.set)

        return wake

    async def sleep(self, seconds: float) -> None:
        """Suspend the task."""
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Suspend the task."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    def finish(self, steps: Steps[None]) -> Any:
        """Begin at once, in a separate task, which ends even if the caller is cancelled again."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # the garbage collector closes what a closed loop has left behind
            steps.close()
            return None
        task = loop.create_task(run_async(steps))
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return asyncio.shield(task)


def clean_up(backend: Backend, steps: Steps[None], error: BaseException) -> Steps[None]:
    """Take steps after an error, even if the caller is cancelled or interrupted meanwhile.

    Args:
        backend: How the caller waits.
        steps: What is to be done.
        error: The error that ends the caller.
    """
    finishing = backend.finish(steps)
    # A generator that is being closed cannot wait.
    if not isinstance(error, GeneratorExit):
        yield finishing


def backend_of(client: Any) -> Backend:
    """The backend that goes with a client of redis-py or valkey-py.

    Args:
        client: A client, blocking or for asyncio.
    """
    return Tasks() if inspect.iscoroutinefunction(client.execute_command) else Threads()


class Blocking:
    """Base of a class whose operations block the calling thread."""

    _backend: Backend = Threads()


class Asyncio:
    """Base of a class whose operations are coroutine functions."""

    _backend: Backend = Tasks()


class operation(Generic[P, T]):  # noqa: N801 - a decorator, like property
    """A method that is written once, as steps, for a `Blocking` class and for an `Asyncio` one.

    A class that derives from `Blocking` has a method that returns the result. A class that derives from `Asyncio` has a
    coroutine function with the same parameters.

    Args:
        steps: The method: it returns the steps.
    """

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        @wraps(steps)
        def call(*args: Any, **kwargs: Any) -> Any:
            return run(steps(*args, **kwargs))

        @wraps(steps)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            return await run_async(steps(*args, **kwargs))

        self.__doc__ = steps.__doc__
        self._call, self._call_async = call, call_async
        for function in (call, call_async):
            signature = inspect.signature(steps)
            returned = str(signature.return_annotation).removeprefix("Steps[").removesuffix("]")
            vars(function)["__signature__"] = signature.replace(return_annotation=returned)

    @overload
    def __get__(self, instance: Blocking, owner: type) -> Callable[P, T]: ...

    @overload
    def __get__(self, instance: Asyncio, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...

    @overload
    def __get__(self, instance: None, owner: type) -> Callable[..., Any]: ...

    def __get__(self, instance: Any, owner: type) -> Any:
        function = self._call_async if issubclass(owner, Asyncio) else self._call
        return function if instance is None else MethodType(function, instance)
