"""Boards behind any kind of client, called the same way."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from elasticache_client.leaderboard import AsyncLeaderboard, Leaderboard
from tests.client.conftest import KINDS, Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Caller
    from tests.client.sessions.caches import Cache

# A Sunday; far ahead, since the engines have no clock that could be set.
SUNDAY = dt.datetime(2100, 1, 3, 12, tzinfo=dt.UTC)


class Board:
    """A new board, and its clock."""

    def __init__(self, kind: str, cache: Cache, open_client: Callable[..., Caller], **options: Any) -> None:
        client_options = {**cache.options, **options.pop("client_options", {})}
        self.caller = open_client(kind, cache.settings, **client_options)
        self.clock = Clock()
        self.clock.now = SUNDAY.timestamp()
        self.name = uuid.uuid4().hex
        face: Any = AsyncLeaderboard if KINDS[kind].asynchronous else Leaderboard
        self._board = face(self.caller.client, self.name, **{"clock": self.clock, **options})

    def __call__(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of the board."""
        return self.caller.wait(getattr(self._board, method)(*arguments, **named))

    def names(self, **named: Any) -> list[str]:
        """The players in the order of their ranks."""
        return [each.player for each in self("top", 1000, **named)]
