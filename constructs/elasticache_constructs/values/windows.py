"""The daily snapshot window and the weekly maintenance window of a cache."""

from __future__ import annotations

import re
from dataclasses import dataclass

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.tokens import is_unresolved

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY = 24 * 60
_WEEK = 7 * _DAY
_MIN_MINUTES = 60
_TIME = r"([01][0-9]|2[0-3]):([0-5][0-9])"


@dataclass(frozen=True, slots=True)
class _Span:
    """Start in minutes from the start of a day or a week, and length in minutes."""

    start: int
    length: int

    def minutes_of_week(self) -> list[range]:
        end = self.start + self.length
        return [range(self.start, min(end, _WEEK)), range(max(end - _WEEK, 0))]


def checked_snapshot_window(window: str) -> str:
    """Return the snapshot window if it is valid.

    Args:
        window: A daily time in UTC, such as ``02:00-03:00``, of at least 60 minutes. It may pass midnight.

    Raises:
        ConfigurationError: If the window is not of that form, or is shorter.
    """
    check_kind("Backups", "window", window, Kind(of=str, example="'02:00-03:00'", rule="SNP-02"))
    if not is_unresolved(window):
        _daily(window)
    return window


def checked_maintenance_window(window: str) -> str:
    """Return the maintenance window if it is valid.

    Args:
        window: A weekly time in UTC, such as ``sun:04:00-sun:05:00``, of at least 60 minutes and at most 24 hours.

    Raises:
        ConfigurationError: If the window is not of that form, or is shorter or longer.
    """
    if not is_unresolved(window):
        _weekly(window)
    return window


@dataclass(frozen=True, slots=True)
class WeeklyStart:
    """When a weekly window begins, in UTC, and how long it lasts.

    Attributes:
        day: For example ``sun``.
        hour: 0 to 23.
        minute: 0 to 59.
        length_minutes: How long it lasts.
    """

    day: str
    hour: int
    minute: int
    length_minutes: int


def maintenance_start(window: str) -> WeeklyStart | None:
    """When a maintenance window begins, and how long it lasts; None for a CDK token.

    Args:
        window: A weekly time in UTC, such as ``sun:04:00-sun:05:00``.

    Raises:
        ConfigurationError: If the window is not of that form, or is shorter or longer.
    """
    if is_unresolved(window):
        return None
    span = _weekly(window)
    day, minutes = divmod(span.start, _DAY)
    return WeeklyStart(_DAYS[day], *divmod(minutes, 60), span.length)


def check_windows_apart(*, snapshot: str, maintenance: str) -> None:
    """Refuse a daily snapshot window that overlaps the weekly maintenance window on any day.

    Raises:
        ConfigurationError: If they overlap, which the service refuses.
    """
    if is_unresolved(snapshot) or is_unresolved(maintenance):
        return
    daily, weekly = _daily(snapshot), _weekly(maintenance)
    busy = {minute for part in weekly.minutes_of_week() for minute in part}
    for day in range(7):
        span = _Span(day * _DAY + daily.start, daily.length)
        if any(minute in busy for part in span.minutes_of_week() for minute in part):
            raise ConfigurationError(
                got=f"snapshot window {snapshot} and maintenance window {maintenance}",
                allowed="the two must not overlap on any day",
                fix=f"Move one of them, for example the snapshot window to {_after(weekly)}"
                if weekly.length + _MIN_MINUTES <= _DAY
                else "Shorten the maintenance window: it leaves no hour of its day free",
                rule="SNP-03",
            )


def _daily(window: str) -> _Span:
    match = re.fullmatch(f"{_TIME}-{_TIME}", window)
    if match is None:
        raise ConfigurationError(
            got=f"snapshot window {window!r}",
            allowed="it is hh:mm-hh:mm in UTC with two digits each",
            fix="Write it as in 02:00-03:00",
            rule="SNP-02",
        )
    hour, minute, end_hour, end_minute = (int(part) for part in match.groups())
    start = hour * 60 + minute
    length = (end_hour * 60 + end_minute - start) % _DAY
    _check_length(f"snapshot window {window}", length, rule="SNP-02")
    return _Span(start, length)


def _weekly(window: str) -> _Span:
    day = f"({'|'.join(_DAYS)})"
    match = re.fullmatch(f"{day}:{_TIME}-{day}:{_TIME}", window)
    if match is None:
        raise ConfigurationError(
            got=f"maintenance window {window!r}",
            allowed="it is ddd:hh:mm-ddd:hh:mm in UTC with English day names of three letters in lower case",
            fix="Write it as in sun:04:00-sun:05:00",
            rule="WIN-01",
        )
    first_day, hour, minute, last_day, end_hour, end_minute = match.groups()
    start = _DAYS.index(first_day) * _DAY + int(hour) * 60 + int(minute)
    length = (_DAYS.index(last_day) * _DAY + int(end_hour) * 60 + int(end_minute) - start) % _WEEK
    _check_length(f"maintenance window {window}", length, rule="WIN-01")
    return _Span(start, length)


def _check_length(got: str, minutes: int, *, rule: str) -> None:
    if not _MIN_MINUTES <= minutes <= _DAY:
        raise ConfigurationError(
            got=f"{got} ({minutes} minutes)",
            allowed=f"a window lasts at least {_MIN_MINUTES} minutes and at most 24 hours",
            fix="Move its end",
            rule=rule,
        )


def _after(weekly: _Span) -> str:
    start = (weekly.start + weekly.length) % _DAY
    end = (start + _MIN_MINUTES) % _DAY
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
