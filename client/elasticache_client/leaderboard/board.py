"""What both leaderboards do, written once as steps: keys, commands and how replies are read."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from elasticache_client.leaderboard import checks, scripts
from elasticache_client.leaderboard.windows import Window, kept_periods, period
from elasticache_client.scripting import Script
from elasticache_client.steps import operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from elasticache_client.leaderboard.windows import Period
    from elasticache_client.steps import Steps

Order = Literal["highest", "lowest"]
Rule = Literal["best", "sum", "latest"]

_WINDOWS: tuple[Window, ...] = ("all-time", "daily", "weekly")
_CHOICES = {"order": Order, "rule": Rule}
_NUMBER_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a player stands in one window.

    Attributes:
        player: The player's name.
        rank: 1 for the first; no two players share one.
        score: The player's score.
    """

    player: str
    rank: int
    score: int


class Board:
    """The base of ``Leaderboard``, which describes the arguments, and of ``AsyncLeaderboard``."""

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
        checks.check_board(name, order=order, rule=rule, keep=keep, most=most, choices=_CHOICES)
        is_known = len(windows) == len(set(windows)) > 0 and set(windows) <= set(get_args(Window))
        checks.check("windows", windows, f"some of {checks.listed(Window)}, each once", passes=is_known)
        self._client = client
        # The braces keep all of a board's keys on one node of a cluster.
        self._prefix = f"{prefix}:{{{name}}}"
        self._sign = -1 if order == "highest" else 1
        self._rule = rule
        self._windows = tuple(windows)
        self._keep = keep
        self._most = most
        self._clock = clock
        self._submit = Script(client, scripts.SUBMIT)
        self._around = Script(client, scripts.AROUND)
        self._remove = Script(client, scripts.REMOVE)

    @operation
    def submit(self, player: str, score: int) -> Steps[dict[Window, Standing]]:
        """Add a score to every window, all or none, and return the player's standings.

        The result leaves out windows that are full of better players, and windows that have expired by the cache's
        clock, as may happen if the application's clock is behind.

        Args:
            player: The player's name.
            score: The player's score.
        """
        checks.check_player(player)
        checks.check_score(score)
        periods = [period(window, self._now(), keep=self._keep) for window in self._windows]
        expiries = ["" if each.expires is None else int(each.expires.timestamp()) for each in periods]
        arguments = [self._rule, player, self._sign * score, checks.LARGEST_SCORE, self._most or "", *expiries]
        reply = yield from self._submit(self._keys(periods), arguments)
        if reply is None:
            raise checks.sum_out_of_range()
        return {
            window: Standing(player, rank + 1, self._score(stored))
            for window, (rank, stored) in zip(self._windows, _pairs(reply), strict=True)
            if rank is not None
        }

    @operation
    def rank(self, player: str, *, window: Window | None = None, at: dt.datetime | None = None) -> Steps[int | None]:
        """Return a player's rank, 1 for the first; None if the player is not on the board.

        Args:
            player: The player's name.
            window: One of the board's windows. Default: the first of them.
            at: A time in the day or week that is asked for, with its time zone. Default: now.
        """
        standing = yield from self._standing(player, window, at)
        return None if standing is None else standing.rank

    @operation
    def standing(
        self, player: str, *, window: Window | None = None, at: dt.datetime | None = None
    ) -> Steps[Standing | None]:
        """Return a player's rank and score; None if the player is not on the board.

        Args:
            player: The player's name.
            window: As for `rank`.
            at: As for `rank`.
        """
        return (yield from self._standing(player, window, at))

    @operation
    def around(
        self, player: str, count: int, *, window: Window | None = None, at: dt.datetime | None = None
    ) -> Steps[list[Standing]]:
        """Return a player between up to ``count`` others on either side, in the order of ranks.

        There are fewer at the ends of the board, and none if the player is not on the board.

        Args:
            player: The player's name.
            count: How many others on either side.
            window: As for `rank`.
            at: As for `rank`.
        """
        return (yield from self._neighbours(player, count, window, at))

    @operation
    def top(self, count: int, *, window: Window | None = None, at: dt.datetime | None = None) -> Steps[list[Standing]]:
        """Return the first ``count`` players.

        Args:
            count: How many.
            window: As for `rank`.
            at: As for `rank`.
        """
        return (yield from self._page(1, count, window, at))

    @operation
    def page(
        self, number: int, *, size: int = 50, window: Window | None = None, at: dt.datetime | None = None
    ) -> Steps[list[Standing]]:
        """Return one page of all players. A page after the last is empty.

        Args:
            number: The page's number, 1 for the first.
            size: How many players a page has. Default: 50.
            window: As for `rank`.
            at: As for `rank`.
        """
        return (yield from self._page(number, size, window, at))

    @operation
    def size(self, *, window: Window | None = None, at: dt.datetime | None = None) -> Steps[int]:
        """Return the number of players.

        Args:
            window: As for `rank`.
            at: As for `rank`.
        """
        board, _ = self._keys([self._period(window, at)])
        return int((yield self._client.zcard(board)))

    @operation
    def remove(self, player: str) -> Steps[bool]:
        """Remove a player from every window that is kept, past ones included; False if the player was in none.

        Args:
            player: The player's name.
        """
        checks.check_player(player)
        now = self._now()
        periods = [each for window in self._windows for each in kept_periods(window, now, keep=self._keep)]
        return bool((yield from self._remove(self._keys(periods), [player])))

    def _page(self, number: int, size: int, window: Window | None, at: dt.datetime | None) -> Steps[list[Standing]]:
        checks.check_count("number", number, 1)
        checks.check_count("size", size, 1)
        first = (number - 1) * size
        board, _ = self._keys([self._period(window, at)])
        pairs = yield self._client.zrange(board, first, first + size - 1, withscores=True)
        return self._standings(first, pairs)

    def _neighbours(
        self, player: str, count: int, window: Window | None, at: dt.datetime | None
    ) -> Steps[list[Standing]]:
        checks.check_player(player)
        checks.check_count("count", count, 0)
        found = yield from self._around(self._keys([self._period(window, at)]), [player, count])
        return [] if found is None else self._standings(found[0], _pairs(found[1]))

    def _standing(self, player: str, window: Window | None, at: dt.datetime | None) -> Steps[Standing | None]:
        standings = yield from self._neighbours(player, 0, window, at)
        return next(iter(standings), None)

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._clock(), dt.UTC)

    def _period(self, window: Window | None, at: dt.datetime | None) -> Period:
        window = window or self._windows[0]
        allowed = f"one of the board's: {', '.join(self._windows)}"
        checks.check("window", window, allowed, passes=window in self._windows)
        checks.check_time(at)
        try:
            return period(window, at or self._now(), keep=self._keep)
        except OverflowError:
            raise checks.time_out_of_range(at) from None

    def _keys(self, periods: Iterable[Period]) -> list[str]:
        boards = [f"{self._prefix}:{each.name}" for each in periods]
        return [key for board in boards for key in (board, f"{board}:players")]

    def _standings(self, first: int, pairs: Iterable[tuple[Any, Any]]) -> list[Standing]:
        return [
            Standing(_text(member)[_NUMBER_LENGTH:], rank, self._score(stored))
            for rank, (member, stored) in enumerate(pairs, first + 1)
        ]

    def _score(self, stored: Any) -> int:
        return self._sign * int(float(stored))


def _pairs(flat: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()
