"""What is written once blocks in one class and is awaited in another: caching, sessions, leaderboards."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client.caching import AsyncCache, Cache
from elasticache_client.leaderboard import AsyncLeaderboard, Leaderboard
from elasticache_client.sessions import AsyncSessions, Sessions
from elasticache_client.steps import Asyncio, Blocking, operation

if TYPE_CHECKING:
    from elasticache_client.steps import Steps


class Doubling:
    """An operation of two steps, and what it has done."""

    def __init__(self, ask: Any) -> None:
        self.ask = ask
        self.log: list[str] = []

    @operation
    def double(self, number: int, *, times: int = 1) -> Steps[int]:
        """Double a number."""
        try:
            first = yield self.ask(number)
            doubled: int = yield self.ask(first * 2**times)
        except ValueError:
            return -1
        else:
            return doubled
        finally:
            self.log.append("closed")


class Waiting(Doubling, Blocking):
    """In threads."""


class Awaiting(Doubling, Asyncio):
    """In tasks."""


def _refuse(_: int) -> int:
    raise ValueError


async def _refuse_later(_: int) -> int:
    raise ValueError


async def _later(number: int) -> int:
    return number


def test_an_operation_blocks_or_is_awaited() -> None:
    """Answers are sent back and errors thrown in, so that what is written once handles both."""
    assert [Waiting(int).double(3, times=2), Waiting(_refuse).double(3)] == [12, -1]
    assert asyncio.run(Awaiting(_later).double(3, times=2)) == 12
    assert asyncio.run(Awaiting(_refuse_later).double(3)) == -1


def test_a_cancelled_operation_tidies_up() -> None:
    """The cancellation is raised inside the operation, whose ``finally`` runs at once."""
    awaiting = Awaiting(lambda _: asyncio.sleep(60))

    async def cancel() -> None:
        task = asyncio.create_task(awaiting.double(1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert awaiting.log == ["closed"]

    asyncio.run(cancel())


@pytest.mark.parametrize(
    ("blocking", "awaited"), [(Cache, AsyncCache), (Sessions, AsyncSessions), (Leaderboard, AsyncLeaderboard)]
)
def test_both_classes_have_the_same_operations(blocking: type, awaited: type) -> None:
    """With the same parameters, and as the kind of function that frameworks and mocks ask for."""
    names = [name for name in vars(blocking).keys() | dir(blocking) if not name.startswith("_")]
    functions = [name for name in names if inspect.isfunction(getattr(blocking, name))]
    assert len(functions) > 3
    for name in functions:
        one, other = getattr(blocking, name), getattr(awaited, name)
        assert not inspect.iscoroutinefunction(one), name
        # lazy() gives a decorator in both, and add_types() asks nothing of the cache.
        assert inspect.iscoroutinefunction(other) == (name not in {"lazy", "add_types"}), name
        assert list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters), name
        assert other.__doc__, name


def test_a_signature_says_what_the_caller_gets() -> None:
    """Not the steps, which no caller sees: ``help()`` and documentation show it."""
    assert str(inspect.signature(Leaderboard.rank)).endswith("-> 'int | None'")
    assert inspect.signature(AsyncLeaderboard.top).return_annotation == "list[Standing]"
