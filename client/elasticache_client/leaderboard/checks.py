"""Checks of the arguments of leaderboards."""

from __future__ import annotations

import datetime as dt
import reprlib
from typing import Any, get_args

from elasticache_client.messages import refusal

# The server keeps scores as doubles, which are exact up to here.
LARGEST_SCORE = 2**53 - 1
# Far more than any board has, so that the product of two is an index that the server takes.
_LARGEST_COUNT = 2**31 - 1
_LONGEST_NAME = 1024
_MAX_KEPT = 1000
_LENGTH = f"of 1 to {_LONGEST_NAME} bytes of UTF-8"
_TIME_FIX = "Give a datetime with tzinfo, as datetime.now(UTC)"


def check_board(name: str, *, order: Any, rule: Any, keep: int, most: int | None, choices: dict[str, Any]) -> None:
    """Check what a board is made of.

    Args:
        name: The board's name.
        order: Which score is first.
        rule: What a second score does.
        keep: The number of past days and weeks.
        most: The maximum number of players.
        choices: The allowed values of ``order`` and ``rule``, as ``Literal`` types.

    Raises:
        ValueError: If an argument is not valid.
    """
    check("name", name, f"a text without braces, {_LENGTH}", passes=_is_name(name) and not set(name) & set("{}"))
    for parameter, value in (("order", order), ("rule", rule)):
        check(parameter, value, listed(choices[parameter]), passes=value in get_args(choices[parameter]))
    check("keep", keep, f"a whole number from 0 to {_MAX_KEPT}", passes=_is_whole(keep) and 0 <= keep <= _MAX_KEPT)
    check("most", most, "a whole number from 1, or None", passes=most is None or (_is_whole(most) and most > 0))


def check_player(player: str) -> None:
    """Check a player's name.

    Raises:
        ValueError: If it is not valid.
    """
    check("player", player, f"a text {_LENGTH}", passes=_is_name(player))


def check_count(name: str, count: int, minimum: int) -> None:
    """Check a number of players or a page's number.

    Raises:
        ValueError: If it is not valid.
    """
    passes = _is_whole(count) and minimum <= count <= _LARGEST_COUNT
    check(name, count, f"a whole number from {minimum} to {_LARGEST_COUNT}", passes=passes)


def check_score(score: int) -> None:
    """Check a score.

    Raises:
        ValueError: If it is not valid.
    """
    passes = _is_whole(score) and abs(score) <= LARGEST_SCORE
    fix = "Count in smaller units, such as milliseconds or cents, so that scores are whole"
    check("score", score, f"a whole number from -{LARGEST_SCORE} to {LARGEST_SCORE}", fix=fix, passes=passes)


def check_time(at: Any) -> None:
    """Check a moment that is asked for.

    Raises:
        ValueError: If it has no time zone.
    """
    passes = at is None or (isinstance(at, dt.datetime) and at.utcoffset() is not None)
    check("at", at, "a time with its time zone", fix=_TIME_FIX, passes=passes)


def time_out_of_range(at: Any) -> ValueError:
    """The error for a moment that no calendar has a window for."""
    years = "must be a time whose window starts and ends in a year from 1 to 9999"
    return ValueError(refusal(got=f"at={at!r}", allowed=years, fix=_TIME_FIX))


def sum_out_of_range() -> ValueError:
    """The error for a sum of scores that the server would round."""
    got = "The sum of the scores is too large"
    return ValueError(refusal(got=got, allowed=f"must be at most {LARGEST_SCORE}", fix="Submit smaller scores"))


def check(name: str, got: object, allowed: str, *, passes: bool, fix: str = "Give one of these") -> None:
    """Refuse an argument.

    Raises:
        ValueError: If it does not pass.
    """
    if not passes:
        # A string may be of any length.
        raise ValueError(refusal(got=f"{name}={reprlib.repr(got)}", allowed=f"must be {allowed}", fix=fix))


def listed(choice: Any) -> str:
    """The values of a ``Literal`` type, as text."""
    return " or ".join(repr(value) for value in get_args(choice))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_name(name: object) -> bool:
    if not isinstance(name, str):
        return False
    try:
        return 1 <= len(name.encode()) <= _LONGEST_NAME
    except UnicodeEncodeError:
        return False
