"""Days and ISO weeks, and their ends."""

from __future__ import annotations

import datetime as dt

import pytest

from elasticache_client.leaderboard.windows import Period, Window, kept_periods, period


def utc(*parts: int) -> dt.datetime:
    """A time in UTC."""
    year, month, day, hour, minute, second, *_ = (*parts, 0, 0, 0)
    return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        ("all-time", utc(2026, 11, 22), Period("all-time", None)),
        ("daily", utc(2026, 11, 22), Period("2026-11-22", utc(2026, 11, 24))),
        ("daily", utc(2026, 11, 22, 23, 59, 59), Period("2026-11-22", utc(2026, 11, 24))),
        ("daily", utc(2028, 2, 29, 1), Period("2028-02-29", utc(2028, 3, 2))),
        ("daily", utc(2026, 12, 31, 12), Period("2026-12-31", utc(2027, 1, 2))),
        ("weekly", utc(2026, 11, 22, 23, 59, 59), Period("2026-W47", utc(2026, 11, 30))),
        ("weekly", utc(2026, 11, 23), Period("2026-W48", utc(2026, 12, 7))),
        ("weekly", utc(2026, 12, 31), Period("2026-W53", utc(2027, 1, 11))),
        ("weekly", utc(2027, 1, 3), Period("2026-W53", utc(2027, 1, 11))),
        ("weekly", utc(2027, 1, 4), Period("2027-W01", utc(2027, 1, 18))),
        ("weekly", utc(2024, 12, 30), Period("2025-W01", utc(2025, 1, 13))),
    ],
)
def test_periods(window: Window, at: dt.datetime, expected: Period) -> None:
    """Each moment has one day and one week, also where years change."""
    assert period(window, at, keep=1) == expected


def test_another_time_zone() -> None:
    """It is UTC's day that counts."""
    at = dt.datetime(2026, 11, 23, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert [period(each, at, keep=0).name for each in ("daily", "weekly")] == ["2026-11-22", "2026-W47"]


@pytest.mark.parametrize(
    ("window", "keep", "expected"),
    [
        ("all-time", 2, ["all-time"]),
        ("daily", 0, ["2027-01-01"]),
        ("daily", 2, ["2027-01-01", "2026-12-31", "2026-12-30"]),
        ("weekly", 1, ["2026-W53", "2026-W52"]),
    ],
)
def test_kept_periods(window: Window, keep: int, expected: list[str]) -> None:
    """The present one and those before it."""
    assert [each.name for each in kept_periods(window, utc(2027, 1, 1), keep=keep)] == expected
