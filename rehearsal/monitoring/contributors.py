"""The state of a PromQL alarm: which of the series that its query returns have breached for long enough.

The alarm's evaluations are repeated over the history of the series, so that no state has to be kept between them.
See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-promql.html.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.monitoring.promql import NAME, Evaluation, reach, selectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rehearsal.monitoring.promql import Key, Series

MAX_HISTORY_SECONDS = 3600.0


@dataclass
class Contributor:
    """One series that a query has returned.

    Attributes:
        since: Since when it breaches.
        alarming: Whether it has breached for the pending period.
        absent_since: Since when it is not returned; None if it is.
    """

    since: float
    alarming: bool = False
    absent_since: float | None = None


@dataclass(frozen=True)
class Criteria:
    """What a PromQL alarm evaluates.

    Attributes:
        query: Its query.
        interval: Seconds between two evaluations.
        pending: Seconds for which a contributor must breach.
        recovery: Seconds for which it must not breach afterwards.
    """

    query: str
    interval: float
    pending: float
    recovery: float

    @classmethod
    def of(cls, alarm: Mapping[str, Any]) -> Criteria:
        """The criteria of an alarm, as `DescribeAlarms` has them."""
        given = alarm["EvaluationCriteria"]["PromQLCriteria"]
        return cls(
            query=str(given["Query"]),
            interval=float(alarm["EvaluationInterval"]),
            pending=float(given.get("PendingPeriod") or 0),
            recovery=float(given.get("RecoveryPeriod") or 0),
        )


def alarming(criteria: Criteria, series: Mapping[str, Sequence[Series]], now: float) -> list[dict[str, str]]:
    """The attributes of the contributors that are in ALARM.

    Args:
        criteria: What the alarm evaluates.
        series: All series by the name of their metric.
        now: The moment of the last evaluation.

    Raises:
        QueryError: If the query is not understood.
    """
    read = _read(criteria.query, series, since=now - MAX_HISTORY_SECONDS - reach(criteria.query))
    if not read:
        return []
    first = min(one.times[0] for found in read.values() for one in found)
    known: dict[Key, Contributor] = {}
    for number in range(math.ceil(min(now - first, MAX_HISTORY_SECONDS) / criteria.interval), -1, -1):
        at = now - number * criteria.interval
        returned = Evaluation(read, at).vector(criteria.query)
        for key in returned:
            known.setdefault(key, Contributor(at))
        for key, contributor in tuple(known.items()):
            _judge(contributor, criteria, at, breaches=key in returned)
            if contributor.absent_since is not None and not contributor.alarming:
                del known[key]
    found = [dict(sorted(key)) for key, contributor in known.items() if contributor.alarming]
    return sorted(({k: v for k, v in one.items() if k != NAME} for one in found), key=str)


def _read(query: str, series: Mapping[str, Sequence[Series]], *, since: float) -> dict[str, list[Series]]:
    """The series that a query selects and that have samples since a moment: no other one changes what it returns."""
    found: dict[str, list[Series]] = {}
    chosen = selectors(query)
    names = dict.fromkeys(name for selector in chosen for name in ([selector.name] if selector.name else series))
    for name in names:
        for one in series.get(name, ()):
            if one.times and one.times[-1] >= since and any(selector.admits(one.labels) for selector in chosen):
                found.setdefault(name, []).append(one)
    return found


def _judge(contributor: Contributor, criteria: Criteria, at: float, *, breaches: bool) -> None:
    if breaches:
        contributor.absent_since = None
        contributor.alarming = contributor.alarming or at - contributor.since >= criteria.pending
        return
    if contributor.absent_since is None:
        contributor.absent_since = at
    if at - contributor.absent_since >= criteria.recovery:
        contributor.alarming = False
