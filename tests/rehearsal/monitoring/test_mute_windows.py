"""When mute rules are active."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal.monitoring.mute_windows import is_active

SUNDAY_5_AM = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "duration", "more", "first", "minutes"),
    [
        pytest.param("cron(0 5 * * SUN)", "PT1H", {}, SUNDAY_5_AM, 60, id="each Sunday"),
        pytest.param("cron(0 5 * * 7)", "PT1H", {}, SUNDAY_5_AM, 60, id="7 is Sunday as well"),
        pytest.param("cron(0 18 * * FRI)", "P2DT12H", {}, SUNDAY_5_AM - timedelta(hours=35), 60 * 60, id="a weekend"),
        pytest.param("cron(30 4,5 29 NOV *)", "PT10M", {}, SUNDAY_5_AM + timedelta(minutes=30), 10, id="a day"),
        pytest.param("cron(0 5 1-3 * SUN)", "PT1H", {}, SUNDAY_5_AM, 60, id="a day of the month or of the week"),
        pytest.param("at(2026-11-29T05:00)", "PT90M", {}, SUNDAY_5_AM, 90, id="once"),
        pytest.param("cron(0 7 * * SUN)", "PT1H", {"Timezone": "Europe/Helsinki"}, SUNDAY_5_AM, 60, id="a time zone"),
    ],
)
def test_a_window_begins_and_ends(expression: str, duration: str, more: Any, first: datetime, minutes: int) -> None:
    """It is active from its first minute to its last, and not before or after."""
    rule = {"Rule": {"Schedule": {"Expression": expression, "Duration": duration, **more}}}
    last = first + timedelta(minutes=minutes - 1)
    assert [False, True, True, False] == [
        is_active(rule, at) for at in (first - timedelta(minutes=1), first, last, last + timedelta(minutes=1))
    ]


def test_a_rule_is_bound_by_its_dates() -> None:
    """It is not active before StartDate, and not from ExpireDate on."""
    rule = {"Rule": {"Schedule": {"Expression": "cron(0 5 * * *)", "Duration": "PT1H"}}}
    assert is_active(rule, SUNDAY_5_AM)
    assert not is_active({**rule, "StartDate": "2026-11-29T05:01"}, SUNDAY_5_AM)
    assert not is_active({**rule, "ExpireDate": "2026-11-29T05:00"}, SUNDAY_5_AM)
