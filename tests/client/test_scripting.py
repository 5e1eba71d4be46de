"""Scripts with several keys while their slot moves to another shard."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.exceptions import ClusterError, ResponseError, TryAgainError

from elasticache_client import scripting
from elasticache_client.scripting import Script
from elasticache_client.steps import run, run_async


class Moving:
    """A client whose slot is moving during a number of calls."""

    def __init__(self, errors: list[Exception]) -> None:
        self.errors = errors

    def execute_command(self) -> None:
        """Not called. That it blocks tells the kind of client."""

    def evalsha(self, *_: Any) -> str:
        """Run a script as the library does."""
        if self.errors:
            raise self.errors.pop()
        return "done"


class MovingAsync(Moving):
    """The same for asyncio."""

    async def execute_command(self) -> None:  # type: ignore[override]
        """Not called."""

    async def evalsha(self, *arguments: Any) -> str:  # type: ignore[override]
        """Run a script as the library does."""
        return super().evalsha(*arguments)


def _call(kind: type[Moving], errors: list[Exception]) -> Any:
    steps = Script(kind(errors), "return 1")(["a", "b"], [])
    return asyncio.run(run_async(steps)) if kind is MovingAsync else run(steps)


@pytest.mark.parametrize("kind", [Moving, MovingAsync])
def test_a_slot_on_the_move_is_waited_for(kind: type[Moving], monkeypatch: pytest.MonkeyPatch) -> None:
    """A login, or the first score of a day, has no other slot."""
    monkeypatch.setattr(scripting, "_SLOT_POLL_SECONDS", 0.001)
    assert _call(kind, [ClusterError("TTL exhausted."), TryAgainError("Multiple keys request")] * 5) == "done"


@pytest.mark.parametrize("kind", [Moving, MovingAsync])
def test_it_is_not_waited_for_without_an_end(kind: type[Moving], monkeypatch: pytest.MonkeyPatch) -> None:
    """If the slot keeps moving, an error is raised. Other errors are raised at once."""
    monkeypatch.setattr(scripting, "_SLOT_SECONDS", 0)
    monkeypatch.setattr(scripting, "_SLOT_POLL_SECONDS", 0.001)
    with pytest.raises(ClusterError):
        _call(kind, [ClusterError("TTL exhausted.")] * 1000)
    errors: list[Exception] = [ResponseError("ERR other")] * 2
    with pytest.raises(ResponseError):
        _call(kind, errors)
    assert len(errors) == 1
