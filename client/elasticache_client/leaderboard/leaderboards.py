"""A leaderboard for an application: one class that blocks, one for asyncio."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from elasticache_client.leaderboard.board import Board

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from elasticache_client.leaderboard.board import Asked, Order, Rule, Standing
    from elasticache_client.leaderboard.windows import Window

T = TypeVar("T")

_WINDOWS: tuple[Window, ...] = ("all-time", "daily", "weekly")


class Leaderboard:
    """Players by score, of all time, of the day and of the week.

    Of equal scores, the one that was reached first ranks first: in the order in which the cache took them, which is the
    same for all who ask. Ranks count from 1. Every method is one round trip to one node, however many players there
    are. Days and ISO weeks begin at midnight UTC, by the clock of whoever submits; their keys go by themselves.

    Two things to know. With the rule ``sum`` a score may be counted twice: a client repeats a command when its
    connection breaks before the reply, as those of ``connect()`` do three times. And a cache that is full evicts what
    has an expiry first, so a day or a week may be lost as a whole; give boards a cache with room, or ``noeviction``.

    Args:
        client: a client of redis-py or valkey-py, for one node or a cluster, as ``connect()`` makes it.
        name: the board's name. All its keys live on one node of a cluster: make several boards to spread the load.
        order: whether the ``highest`` score is first, or the ``lowest``. Default: the highest.
        rule: what becomes of a player's second score: the ``best`` of both stays, the ``sum``, or the ``latest``.
            Default: the best.
        windows: which stretches of time there are boards for; the first is the one that is meant when none is named.
            Default: all-time, daily and weekly.
        keep: how many past days and weeks can still be asked for. Default: one of each.
        most: how many players a window has at most: beyond, the last of them falls off. Bound it where names come from
            outside, as boards grow without end else and push others' keys out of a cache that is full. A lower bound
            takes a hundred players off with each score. Default: no bound.
        prefix: what the keys begin with, for the user's permissions: ``leaderboard:*``. Default: ``leaderboard``.
        clock: seconds since 1970.

    Raises:
        ValueError: an argument, here or of a method, is not one of those allowed. A score is a whole number of up to 53
            bits, and so is a sum. A board's or a player's name has at most 1,024 bytes; how many players there are is
            for the application to bound, with a cache of its own where strangers may choose their names.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/elasticache-use-cases.html
    """

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        order: Order = "highest",
        rule: Rule = "best",
        windows: Sequence[Window] = _WINDOWS,
        keep: int = 1,
        most: int | None = None,
        prefix: str = "leaderboard",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._board = Board(
            client, name, order=order, rule=rule, windows=windows, keep=keep, most=most, prefix=prefix, clock=clock
        )

    def submit(self, player: str, score: int) -> dict[Window, Standing]:
        """Take a score into every window, all or none, and say where the player stands now.

        Not in the answer are windows that are full of better players, and those that are over and not kept any more by
        the cache's clock, as they may be where the submitter's is behind.
        """
        return _answer(self._board.submit(player, score))

    def rank(self, player: str, *, window: Window | None = None, at: dt.datetime | None = None) -> int | None:
        """A player's rank, 1 for the first; None for somebody who is not on the board.

        Args:
            player: the player's name.
            window: which of the board's windows. Default: the first of them.
            at: a time in the day or week that is meant, with its time zone. Default: now.
        """
        return _answer(self._board.rank(player, window=window, at=at))

    def standing(self, player: str, *, window: Window | None = None, at: dt.datetime | None = None) -> Standing | None:
        """A player's rank and score."""
        return _answer(self._board.standing(player, window=window, at=at))

    def around(
        self, player: str, count: int, *, window: Window | None = None, at: dt.datetime | None = None
    ) -> list[Standing]:
        """A player between up to ``count`` others on either side; fewer at the ends, nobody around a stranger."""
        return _answer(self._board.around(player, count, window=window, at=at))

    def top(self, count: int, *, window: Window | None = None, at: dt.datetime | None = None) -> list[Standing]:
        """The first ``count`` players."""
        return _answer(self._board.page(1, size=count, window=window, at=at))

    def page(
        self, number: int, *, size: int = 50, window: Window | None = None, at: dt.datetime | None = None
    ) -> list[Standing]:
        """One page of all players; the first is number 1, one past the last is empty."""
        return _answer(self._board.page(number, size=size, window=window, at=at))

    def size(self, *, window: Window | None = None, at: dt.datetime | None = None) -> int:
        """How many players there are."""
        return _answer(self._board.size(window=window, at=at))

    def remove(self, player: str) -> bool:
        """Take a player out of every window, the past ones that are kept too; False for somebody who was in none."""
        return _answer(self._board.remove(player))


class AsyncLeaderboard:
    """The same for asyncio, on a client as ``connect_async()`` makes it; arguments and errors are those above."""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        order: Order = "highest",
        rule: Rule = "best",
        windows: Sequence[Window] = _WINDOWS,
        keep: int = 1,
        most: int | None = None,
        prefix: str = "leaderboard",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._board = Board(
            client, name, order=order, rule=rule, windows=windows, keep=keep, most=most, prefix=prefix, clock=clock
        )

    async def submit(self, player: str, score: int) -> dict[Window, Standing]:
        """Take a score into every window, all or none, and say where the player stands now.

        A window that is over and not kept any more by the cache's clock, as it may be where the submitter's is behind,
        is left out.
        """
        return await _answer_async(self._board.submit(player, score))

    async def rank(self, player: str, *, window: Window | None = None, at: dt.datetime | None = None) -> int | None:
        """A player's rank, 1 for the first; None for somebody who is not on the board."""
        return await _answer_async(self._board.rank(player, window=window, at=at))

    async def standing(
        self, player: str, *, window: Window | None = None, at: dt.datetime | None = None
    ) -> Standing | None:
        """A player's rank and score."""
        return await _answer_async(self._board.standing(player, window=window, at=at))

    async def around(
        self, player: str, count: int, *, window: Window | None = None, at: dt.datetime | None = None
    ) -> list[Standing]:
        """A player between up to ``count`` others on either side; fewer at the ends, nobody around a stranger."""
        return await _answer_async(self._board.around(player, count, window=window, at=at))

    async def top(self, count: int, *, window: Window | None = None, at: dt.datetime | None = None) -> list[Standing]:
        """The first ``count`` players."""
        return await _answer_async(self._board.page(1, size=count, window=window, at=at))

    async def page(
        self, number: int, *, size: int = 50, window: Window | None = None, at: dt.datetime | None = None
    ) -> list[Standing]:
        """One page of all players; the first is number 1, one past the last is empty."""
        return await _answer_async(self._board.page(number, size=size, window=window, at=at))

    async def size(self, *, window: Window | None = None, at: dt.datetime | None = None) -> int:
        """How many players there are."""
        return await _answer_async(self._board.size(window=window, at=at))

    async def remove(self, player: str) -> bool:
        """Take a player out of every window, the past ones that are kept too; False for somebody who was in none."""
        return await _answer_async(self._board.remove(player))


def _answer(asked: Asked[T]) -> T:
    return asked.read(asked.reply)


async def _answer_async(asked: Asked[T]) -> T:
    return asked.read(await asked.reply)
