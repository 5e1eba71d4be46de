"""What a board asks a cache and how it reads the reply, for clients that block and for those of asyncio."""

from __future__ import annotations

import datetime as dt
import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args

from elasticache_client.leaderboard import scripts
from elasticache_client.leaderboard.windows import Window, kept_periods, period
from elasticache_client.messages import refusal
from elasticache_client.scripting import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from elasticache_client.leaderboard.windows import Period

Order = Literal["highest", "lowest"]
Rule = Literal["best", "sum", "latest"]

T = TypeVar("T")

# The server keeps scores as doubles, which are exact up to here.
_LIMIT = 2**53 - 1
_NUMBER_LENGTH = 16
# Far more than any board has, so that the product of two is an index that the server takes.
_MOST = 2**31 - 1
_LONGEST_NAME = 1024
_MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a player stands in one window.

    Attributes:
        player: the player's name.
        rank: 1 for the first; no two players share one.
        score: the player's score.
    """

    player: str
    rank: int
    score: int


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A reply, which an asyncio client has yet to await, and how to read it."""

    reply: Any
    read: Callable[[Any], T]


class Board:
    """A board's keys, scripts and replies. Its arguments are those of ``Leaderboard``."""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        order: Order,
        rule: Rule,
        windows: Sequence[Window],
        keep: int,
        most: int | None,
        prefix: str,
        clock: Callable[[], float],
    ) -> None:
        is_name = _is_name(name) and not set(name) & set("{}")
        _check(
            "name", name, f"a text without braces, not empty, of up to {_LONGEST_NAME} bytes of UTF-8", passes=is_name
        )
        _check("order", order, _listed(Order), passes=order in get_args(Order))
        _check("rule", rule, _listed(Rule), passes=rule in get_args(Rule))
        known = len(windows) == len(set(windows)) > 0 and set(windows) <= set(get_args(Window))
        _check("windows", windows, f"some of {_listed(Window)}, each once", passes=known)
        _check(
            "keep", keep, f"a whole number from 0 to {_MOST_KEPT}", passes=_is_whole(keep) and 0 <= keep <= _MOST_KEPT
        )
        _check("most", most, "a whole number from 1, or None", passes=most is None or (_is_whole(most) and most > 0))
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

    def submit(self, player: str, score: int) -> Asked[dict[Window, Standing]]:
        """Take a score into every window."""
        _check_player(player)
        _check_score(score)
        periods = [period(window, self._now(), keep=self._keep) for window in self._windows]
        expiries = ["" if each.expires is None else int(each.expires.timestamp()) for each in periods]
        arguments = [self._rule, player, self._sign * score, _LIMIT, self._most or "", *expiries]
        reply = self._submit(self._keys(periods), arguments)

        def read(reply: Any) -> dict[Window, Standing]:
            if reply is None:
                raise ValueError(
                    refusal(
                        got="The sum of the scores is too large",
                        allowed=f"must be at most {_LIMIT}",
                        fix="Submit smaller scores",
                    )
                )
            found = zip(self._windows, _pairs(reply), strict=True)
            return {
                window: Standing(player, rank + 1, self._score(score))
                for window, (rank, score) in found
                if rank is not None
            }

        return Asked(reply, read)

    def page(self, number: int, *, size: int, window: Window | None, at: dt.datetime | None) -> Asked[list[Standing]]:
        """Some standings in the order of ranks."""
        _check_count("number", number, 1)
        _check_count("size", size, 1)
        first = (number - 1) * size
        board, _ = self._keys([self._period(window, at)])
        reply = self._client.zrange(board, first, first + size - 1, withscores=True)
        return Asked(reply, lambda pairs: self._standings(first, pairs))

    def around(
        self, player: str, count: int, *, window: Window | None, at: dt.datetime | None
    ) -> Asked[list[Standing]]:
        """A player's standing between those before and after."""
        _check_player(player)
        _check_count("count", count, 0)
        reply = self._around(self._keys([self._period(window, at)]), [player, count])
        return Asked(reply, lambda found: [] if found is None else self._standings(found[0], _pairs(found[1])))

    def standing(self, player: str, *, window: Window | None, at: dt.datetime | None) -> Asked[Standing | None]:
        """A player's standing alone."""
        asked = self.around(player, 0, window=window, at=at)
        return Asked(asked.reply, lambda reply: next(iter(asked.read(reply)), None))

    def rank(self, player: str, *, window: Window | None, at: dt.datetime | None) -> Asked[int | None]:
        """A player's rank alone."""
        asked = self.standing(player, window=window, at=at)

        def read(reply: Any) -> int | None:
            standing = asked.read(reply)
            return None if standing is None else standing.rank

        return Asked(asked.reply, read)

    def size(self, *, window: Window | None, at: dt.datetime | None) -> Asked[int]:
        """How many players a window has."""
        board, _ = self._keys([self._period(window, at)])
        return Asked(self._client.zcard(board), int)

    def remove(self, player: str) -> Asked[bool]:
        """Take a player out of every window that is still kept."""
        _check_player(player)
        now = self._now()
        periods = [each for window in self._windows for each in kept_periods(window, now, keep=self._keep)]
        return Asked(self._remove(self._keys(periods), [player]), bool)

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._clock(), dt.UTC)

    def _period(self, window: Window | None, at: dt.datetime | None) -> Period:
        window = window or self._windows[0]
        _check("window", window, f"one of the board's: {', '.join(self._windows)}", passes=window in self._windows)
        is_time = at is None or (isinstance(at, dt.datetime) and at.utcoffset() is not None)
        fix = "Give a datetime with tzinfo, as datetime.now(UTC)"
        _check("at", at, "a time with its time zone", fix=fix, passes=is_time)
        try:
            return period(window, at or self._now(), keep=self._keep)
        except OverflowError:
            years = "must be a time whose window starts and ends in a year from 1 to 9999"
            raise ValueError(refusal(got=f"at={at!r}", allowed=years, fix=fix)) from None

    def _keys(self, periods: Iterable[Period]) -> list[str]:
        boards = [f"{self._prefix}:{each.name}" for each in periods]
        return [key for board in boards for key in (board, f"{board}:players")]

    def _standings(self, first: int, pairs: Iterable[tuple[Any, Any]]) -> list[Standing]:
        return [
            Standing(_text(member)[_NUMBER_LENGTH:], rank, self._score(score))
            for rank, (member, score) in enumerate(pairs, first + 1)
        ]

    def _score(self, stored: Any) -> int:
        return self._sign * int(float(stored))


def _pairs(flat: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(choice: Any) -> str:
    return " or ".join(repr(each) for each in get_args(choice))


_A_NAME = f"a text that is not empty, of up to {_LONGEST_NAME} bytes of UTF-8"


def _is_name(name: object) -> bool:
    if not isinstance(name, str):
        return False
    try:
        return 1 <= len(name.encode()) <= _LONGEST_NAME
    except UnicodeEncodeError:
        return False


def _check_player(player: str) -> None:
    _check("player", player, _A_NAME, passes=_is_name(player))


def _check_count(name: str, count: int, least: int) -> None:
    _check(name, count, f"a whole number from {least} to {_MOST}", passes=_is_whole(count) and least <= count <= _MOST)


def _check_score(score: int) -> None:
    passes = _is_whole(score) and abs(score) <= _LIMIT
    fix = "Count in smaller units, milliseconds or cents say, so that scores are whole"
    _check("score", score, f"a whole number from -{_LIMIT} to {_LIMIT}", fix=fix, passes=passes)


def _check(name: str, got: object, allowed: str, *, passes: bool, fix: str = "Give one of these") -> None:
    if not passes:
        # A string may be of any length.
        raise ValueError(refusal(got=f"{name}={reprlib.repr(got)}", allowed=f"must be {allowed}", fix=fix))
