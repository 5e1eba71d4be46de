"""Windows, backups and upgrades."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import strategies as st

from elasticache_constructs import Backups
from tests.deployable.drawing.reasons import REASON
from tests.deployable.written import Call, call

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NO_WINDOWS = ("", "sunday:04:00-sunday:05:00", "Sun:04:00-Sun:05:00", "sun:4:00-sun:5:00", "04:00-05:00")
_LENGTHS = (59, 60, 61, 90, 480, 1439, 1440, 1441)


@st.composite
def windows(draw: st.DrawFn, *, apart: bool) -> tuple[str, str]:
    """A weekly window and a daily one; both in one day and an hour apart at least, or anyhow."""
    if not apart:
        kind = draw(st.integers(0, 3))
        if kind == 0:
            return draw(st.sampled_from(_NO_WINDOWS)), "02:00-03:00"
        # Mostly long and on the last day, where it passes into the next week.
        start, length = draw(st.integers(0, 1439)), draw(st.sampled_from((480, 1440, 1440, *_LENGTHS)))
        start += 1440 * draw(st.sampled_from((6, 6, 6, 0, 3)))
        return _weekly(start, length), daily_window(draw(st.integers(0, 24 * 60 - 1)), 60)
    day, start = draw(st.integers(0, 6)), draw(st.integers(0, 1439))
    length, gap, daily = draw(st.integers(60, 420)), draw(st.integers(0, 120)), draw(st.integers(60, 420))
    return _weekly(day * 1440 + start, length), daily_window(start + length + gap, daily)


def _weekly(start: int, length: int) -> str:
    ends = [divmod(each % (7 * 1440), 1440) for each in (start, start + length)]
    return "-".join(f"{_DAYS[day]}:{minute // 60:02}:{minute % 60:02}" for day, minute in ends)


def daily_window(start: int, length: int) -> str:
    """A window of a day from a minute of the day on."""
    return "-".join(f"{each // 60 % 24:02}:{each % 60:02}" for each in (start, start + length))


@functools.cache
def careful_backups(window: str) -> st.SearchStrategy[Call]:
    """Kept as long as the policy packs want, or shorter with a reason."""
    return st.one_of(
        st.integers(15, 35).map(lambda days: call(Backups, retention_days=days, window=window)),
        st.integers(1, 35).map(
            lambda days: call(Backups, retention_days=days, window=window, short_retention_reason=REASON)
        ),
    )


@functools.cache
def careless_backups() -> st.SearchStrategy[Call]:
    """Any number of days, and windows of any form."""
    return st.builds(
        lambda days, window, reason: call(Backups, retention_days=days, window=window, short_retention_reason=reason),
        st.one_of(st.sampled_from((0, 1, 14, 15, 35, 36, True, 35.0)), st.integers(-1, 40)),
        st.one_of(
            st.sampled_from(("", "2:00-3:00", "24:00-01:00", "02:00-02:59", "23:30-00:30", "02:00-02:00")),
            st.builds(daily_window, st.integers(0, 1439), st.sampled_from(_LENGTHS)),
        ),
        st.sampled_from((None, REASON, "short")),
    )


@functools.cache
def minor_upgrades(*, slipped: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Automatic, or by hand with a reason; after a slip without one, or of another type."""
    by_hand = {"auto_minor_version_upgrade": False, "manual_upgrades_reason": REASON}
    right: tuple[dict[str, Any], ...] = (
        {"auto_minor_version_upgrade": True},
        {"auto_minor_version_upgrade": True},
        by_hand,
    )
    wrong: tuple[dict[str, Any], ...] = (
        {"auto_minor_version_upgrade": False},
        {"auto_minor_version_upgrade": "false"},
        {"manual_upgrades_reason": "short"},
    )
    nothing: dict[str, Any] = {"auto_minor_version_upgrade": True, "manual_upgrades_reason": None}
    return st.sampled_from(wrong if slipped else right).map(lambda chosen: {**nothing, **chosen})
