"""OpenTelemetry metrics, which PromQL alarms query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.monitoring.promql import NAME, Key, Series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Store:
    """The series of a run.

    Attributes:
        by_name: The series by the name of their metric.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, list[Series]] = {}
        self._known: dict[Key, Series] = {}

    def add(self, name: str, labels: Mapping[str, str], samples: Sequence[tuple[float, float]]) -> None:
        """Add samples to a series.

        Args:
            name: Name of the metric.
            labels: Its labels, without the name.
            samples: When each was measured, in seconds since 1970, and its value.
        """
        series = Series({**labels, NAME: name})
        known = self._known.setdefault(series.key, series)
        if known is series:
            self.by_name.setdefault(name, []).append(series)
        for at, value in samples:
            known.add(at, value)

    def age(self, seconds: float) -> None:
        """Let all samples be older.

        Args:
            seconds: By how much.
        """
        for series in self._known.values():
            series.times = [at - seconds for at in series.times]

    def clear(self) -> None:
        """Forget all series."""
        self.by_name.clear()
        self._known.clear()
