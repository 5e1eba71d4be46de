"""The windows of time that a board has, each with a name and an end."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Window = Literal["all-time", "daily", "weekly"]

_LENGTHS = {"daily": dt.timedelta(days=1), "weekly": dt.timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Period:
    """One day or week, or all time.

    Attributes:
        name: ``2026-11-22``, ``2026-W47`` or ``all-time``.
        expires: When it can no longer be read. None: never.
    """

    name: str
    expires: dt.datetime | None


def period(window: Window, at: dt.datetime, *, keep: int) -> Period:
    """The day, or the ISO week, that a moment falls in, by UTC.

    Args:
        window: The kind of window.
        at: The moment, with its time zone.
        keep: For how many days or weeks it is kept after its end.
    """
    if window == "all-time":
        return Period(window, None)
    day = dt.datetime.combine(at.astimezone(dt.UTC), dt.time(), dt.UTC)
    if window == "daily":
        name, start = f"{day:%Y-%m-%d}", day
    else:
        name, start = f"{day:%G-W%V}", day - dt.timedelta(days=day.weekday())
    return Period(name, start + _LENGTHS[window] * (1 + keep))


def kept_periods(window: Window, at: dt.datetime, *, keep: int) -> list[Period]:
    """The period that a moment falls in, and the earlier ones that are still kept, the newest first.

    Args:
        window: The kind of window.
        at: The moment, with its time zone.
        keep: For how many days or weeks each is kept after its end.
    """
    if window == "all-time":
        return [period(window, at, keep=keep)]
    return [period(window, at - _LENGTHS[window] * back, keep=keep) for back in range(keep + 1)]
