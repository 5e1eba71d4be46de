"""When the actions of alarms are muted: their mute rules' schedules.

What a rule has muted is done when its window ends, if the alarm is still in the state.
See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules-behaviour.html.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CRON = re.compile(r"cron\(\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*\)")
AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2})\)")
DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
MONTHS = ("", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
SUNDAY, ALSO_SUNDAY = 0, 7


def duration_minutes(text: str) -> int:
    """The minutes of a duration, such as `PT1H`; 0 if it is not valid.

    Args:
        text: The duration in ISO 8601.
    """
    found = DURATION.fullmatch(text)
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return (days * 24 + hours) * 60 + minutes


def is_active(rule: Mapping[str, Any], at: datetime) -> bool:
    """Whether a mute rule mutes its alarms at a moment.

    Args:
        rule: The rule, as `GetAlarmMuteRule` has it.
        at: The moment.
    """
    schedule = rule["Rule"]["Schedule"]
    zone = ZoneInfo(schedule.get("Timezone") or "UTC")
    bounds = [_moment(rule[name], zone) if rule.get(name) else None for name in ("StartDate", "ExpireDate")]
    if (bounds[0] and at < bounds[0]) or (bounds[1] and at >= bounds[1]):
        return False
    duration = timedelta(minutes=duration_minutes(schedule["Duration"]))
    if once := AT.fullmatch(schedule["Expression"]):
        start = _moment(once[1], zone)
        return start <= at < start + duration
    return any(
        start <= at < start + duration for start in _starts(schedule["Expression"], at.astimezone(zone), duration)
    )


def _moment(text: Any, zone: ZoneInfo) -> datetime:
    if isinstance(text, int | float):
        return datetime.fromtimestamp(text, UTC)
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _starts(expression: str, at: datetime, duration: timedelta) -> Sequence[datetime]:
    """The starts of a cron expression from so long before a moment that they may last until it."""
    fields = CRON.fullmatch(expression)
    if fields is None:  # the API has refused it
        return []
    minutes, hours, days, months, weekdays = fields.groups()
    found = []
    for back in range(duration.days + 2):
        day = (at - timedelta(days=back)).replace(second=0, microsecond=0)
        if day.month not in _numbers(months, 1, 12, MONTHS) or not _is_day(day, days, weekdays):
            continue
        found += [
            day.replace(hour=hour, minute=minute)
            for hour in _numbers(hours, 0, 23)
            for minute in _numbers(minutes, 0, 59)
        ]
    return found


def _is_day(day: datetime, days: str, weekdays: str) -> bool:
    """As cron has it: if both the day of the month and that of the week are restricted, one of them is enough."""
    named = {SUNDAY if number == ALSO_SUNDAY else number for number in _numbers(weekdays, 0, 7, WEEKDAYS)}
    matches = [day.day in _numbers(days, 1, 31), day.isoweekday() % 7 in named]
    return all(matches) if "*" in {days, weekdays} else any(matches)


def _numbers(text: str, first: int, last: int, names: Sequence[str] = ()) -> set[int]:
    """The numbers of a field of a cron expression: `*`, numbers, names, ranges and lists of them."""
    if text == "*":
        return set(range(first, last + 1))
    found: set[int] = set()
    for part in text.split(","):
        ends = [names.index(end.upper()) if end.upper() in names else int(end) for end in part.split("-")]
        found |= set(range(ends[0], ends[-1] + 1))
    return found
