"""The daily and weekly windows, and whether they overlap."""

from __future__ import annotations

import itertools

import aws_cdk as cdk
import pytest

from elasticache_constructs import ConfigurationError
from elasticache_constructs.checks.errors import reference
from elasticache_constructs.values.windows import (
    check_windows_apart,
    checked_maintenance_window,
    checked_snapshot_window,
)

DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


@pytest.mark.parametrize("window", ["02:00-03:00", "00:00-01:00", "23:30-00:30", "22:59-23:59", "05:00-04:59"])
def test_snapshot_window_of_an_hour_is_accepted(window: str) -> None:
    """A daily time of an hour or more is accepted, across midnight too."""
    assert window == checked_snapshot_window(window)


@pytest.mark.parametrize(
    "window",
    ["2:00-3:00", "02:00-24:00", "02:60-03:30", "02:00 - 03:00", "02:00", "sun:02:00-sun:03:00", "", "02:00-03:00\n"],
)
def test_other_forms_of_a_snapshot_window_are_refused(window: str) -> None:
    """A snapshot window of another form is refused, with an example."""
    with pytest.raises(ConfigurationError) as refusal:
        checked_snapshot_window(window)

    expected = (
        f"snapshot window {window!r}: it is hh:mm-hh:mm in UTC with two digits each. "
        f"Write it as in 02:00-03:00. {reference('SNP-02')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    "window",
    [
        "sun:04:00-sun:05:00",
        "sat:23:30-sun:00:30",
        "tue:00:00-wed:00:00",
        "mon:22:59-mon:23:59",
    ],
)
def test_maintenance_window_of_an_hour_to_a_day_is_accepted(window: str) -> None:
    """A weekly time of one hour to 24 is accepted, across the week's end too."""
    assert window == checked_maintenance_window(window)


@pytest.mark.parametrize(
    "window",
    [
        "Sun:04:00-Sun:05:00",
        "sunday:04:00-sunday:05:00",
        "sun:4:00-sun:5:00",
        "sun:04:00-05:00",
        "04:00-05:00",
        "sun:24:00-mon:01:00",
        "",
        "sun:04:00-sun:05:00\n",
    ],
)
def test_other_forms_of_a_maintenance_window_are_refused(window: str) -> None:
    """A maintenance window of another form is refused, with an example."""
    with pytest.raises(ConfigurationError) as refusal:
        checked_maintenance_window(window)

    expected = (
        f"maintenance window {window!r}: it is ddd:hh:mm-ddd:hh:mm in UTC with English day names of three letters in "
        f"lower case. Write it as in sun:04:00-sun:05:00. {reference('WIN-01')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    ("window", "minutes"),
    [
        pytest.param("02:00-02:59", 59, id="a minute too short"),
        pytest.param("23:59-00:58", 59, id="a minute too short across midnight"),
        pytest.param("02:00-02:00", 0, id="no time at all"),
    ],
)
def test_short_snapshot_window_is_refused(window: str, minutes: int) -> None:
    """A snapshot window of less than an hour is refused."""
    with pytest.raises(ConfigurationError) as refusal:
        checked_snapshot_window(window)

    expected = (
        f"snapshot window {window} ({minutes} minutes): a window lasts at least 60 minutes and at most 24 hours. "
        f"Move its end. {reference('SNP-02')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    ("window", "minutes"),
    [
        pytest.param("sun:04:00-sun:04:59", 59, id="a minute too short"),
        pytest.param("sat:23:59-sun:00:58", 59, id="a minute too short across the week's end"),
        pytest.param("sun:00:00-mon:00:01", 1441, id="a minute too long"),
        pytest.param("sun:04:00-sat:04:00", 8640, id="six days"),
        pytest.param("sun:04:00-sun:04:00", 0, id="no time at all"),
        pytest.param("sun:05:00-sun:04:00", 10020, id="its end before its beginning"),
    ],
)
def test_maintenance_window_out_of_its_limits_is_refused(window: str, minutes: int) -> None:
    """A maintenance window of less than an hour, or more than a day, is refused."""
    with pytest.raises(ConfigurationError) as refusal:
        checked_maintenance_window(window)

    expected = (
        f"maintenance window {window} ({minutes} minutes): a window lasts at least 60 minutes and at most 24 hours. "
        f"Move its end. {reference('WIN-01')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    ("snapshot", "maintenance", "free"),
    [
        pytest.param("04:00-05:00", "sun:04:00-sun:05:00", "05:00-06:00", id="the same hour"),
        pytest.param("02:00-04:01", "wed:04:00-wed:05:00", "05:00-06:00", id="a minute at the beginning"),
        pytest.param("04:59-06:00", "wed:04:00-wed:05:00", "05:00-06:00", id="a minute at the end"),
        pytest.param("04:15-05:15", "fri:03:00-fri:09:00", "09:00-10:00", id="one within the other"),
        pytest.param("12:00-13:00", "sun:04:00-mon:03:00", "03:00-04:00", id="maintenance of all hours but one"),
        pytest.param("23:30-00:30", "mon:00:00-mon:01:00", "01:00-02:00", id="a snapshot past midnight"),
        pytest.param("00:00-01:00", "sun:23:30-mon:00:30", "00:30-01:30", id="maintenance past midnight"),
        pytest.param("23:30-00:30", "sun:00:00-sun:01:00", "01:00-02:00", id="a snapshot past the week's end"),
        pytest.param("00:00-01:00", "sat:23:30-sun:00:30", "00:30-01:30", id="maintenance past the week's end"),
    ],
)
def test_overlap_is_refused(snapshot: str, maintenance: str, free: str) -> None:
    """Windows that share a minute on any day are refused, with a free hour in the message."""
    with pytest.raises(ConfigurationError) as refusal:
        check_windows_apart(snapshot=snapshot, maintenance=maintenance)

    expected = (
        f"snapshot window {snapshot} and maintenance window {maintenance}: the two must not overlap on any day. "
        f"Move one of them, for example the snapshot window to {free}. {reference('SNP-03')}"
    )
    assert expected == str(refusal.value)
    check_windows_apart(snapshot=free, maintenance=maintenance)


@pytest.mark.parametrize(
    "maintenance",
    [
        pytest.param("sun:00:00-mon:00:00", id="a whole day"),
        pytest.param("sun:04:00-mon:03:30", id="a day but half an hour"),
        pytest.param("sat:04:00-sun:03:01", id="a day but 59 minutes"),
    ],
)
def test_maintenance_that_leaves_no_hour_is_to_be_shortened(maintenance: str) -> None:
    """Where no snapshot window of an hour is left, none is proposed: maintenance itself is too long."""
    with pytest.raises(ConfigurationError) as refusal:
        check_windows_apart(snapshot="12:00-13:00", maintenance=maintenance)

    expected = (
        f"snapshot window 12:00-13:00 and maintenance window {maintenance}: the two must not overlap on any day. "
        f"Shorten the maintenance window: it leaves no hour of its day free. {reference('SNP-03')}"
    )
    assert expected == str(refusal.value)


def test_tokens_pass_through() -> None:
    """Windows that are known at deployment only are not checked, neither alone nor against each other."""
    token = cdk.CfnParameter(cdk.Stack(), "Window").value_as_string

    assert (token, token) == (checked_snapshot_window(token), checked_maintenance_window(token))
    check_windows_apart(snapshot=token, maintenance="sun:04:00-sun:05:00")
    check_windows_apart(snapshot="02:00-03:00", maintenance=token)


@pytest.mark.parametrize(
    ("snapshot", "maintenance"),
    [
        pytest.param("03:00-04:00", "sun:04:00-sun:05:00", id="the one right before the other"),
        pytest.param("05:00-06:00", "sun:04:00-sun:05:00", id="the one right after the other"),
        pytest.param("22:30-00:00", "sun:00:00-sun:01:00", id="up to the week's end"),
        pytest.param("00:00-01:00", "sat:22:30-sun:00:00", id="maintenance up to the week's end"),
    ],
)
def test_neighbours_are_no_overlap(snapshot: str, maintenance: str) -> None:
    """A window may begin in the minute in which the other ends."""
    check_windows_apart(snapshot=snapshot, maintenance=maintenance)


def _clock(slot: int) -> str:
    return f"{slot % 48 // 2:02}:{slot % 2 * 30:02}"


def test_overlap_agrees_with_counting_half_hours() -> None:
    """For windows all over the week the answer is that of comparing them half-hour by half-hour."""
    wrong = []
    cases = itertools.product(range(0, 48, 7), (2, 3, 46), range(0, 336, 17), (2, 5, 48))
    for start, length, week_start, week_length in cases:
        snapshot = f"{_clock(start)}-{_clock(start + length)}"
        end = (week_start + week_length) % 336
        maintenance = f"{DAYS[week_start // 48]}:{_clock(week_start)}-{DAYS[end // 48]}:{_clock(end)}"
        daily = {(day * 48 + start + slot) % 336 for day in range(7) for slot in range(length)}
        weekly = {(week_start + slot) % 336 for slot in range(week_length)}
        try:
            check_windows_apart(snapshot=snapshot, maintenance=maintenance)
            refused = False
        except ConfigurationError:
            refused = True
        if refused != bool(daily & weekly):
            wrong.append((snapshot, maintenance))

    assert [] == wrong
