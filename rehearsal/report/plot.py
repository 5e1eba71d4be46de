"""What the clients of a drill saw over time, as a plot."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from rehearsal.report.svg import element, label, title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rehearsal.drills.outcome import Event, Sample, Traffic

WIDTH = 940
LEFT, RIGHT = 58, 12
EVENTS = 18  # height of a line of event names
LATENCY = 120  # height of the upper part
ERRORS = 30  # height of the lower part
GAP = 22
AXIS = 26
LEVELS = (0.1, 1, 10, 100, 1000, 10000)  # milliseconds
SECOND = 1000
CHARACTER = 6.2  # width of a character of an event's name


def plot(traffic: Traffic, name: str) -> str:
    """The plot of a load as an SVG element: latency on a logarithmic scale, and below it errors and wrong answers.

    Args:
        traffic: The load.
        name: What the load is about, for the title.
    """
    samples = traffic.samples
    end = max([0.5, *(sample.second + 0.1 for sample in samples), *(event.second for event in traffic.events)])
    rows = _event_rows(traffic.events, end)
    top = 10 + EVENTS * (max(rows, default=-1) + 1)
    bottom = top + LATENCY
    errors = bottom + GAP
    height = errors + ERRORS + AXIS
    parts = [title(name), element("desc", escape(summary(traffic)))]
    parts += _axes(end, top, errors)
    parts += _events(traffic.events, rows, end, top, errors + ERRORS)
    parts.append(_band(samples, end, top))
    parts.append(_line(samples, end, top))
    parts += _bars(samples, end, errors)
    return element(
        "svg",
        "".join(parts),
        viewBox=f"0 0 {WIDTH} {height:.0f}",
        role="img",
        class_="plot",
        xmlns="http://www.w3.org/2000/svg",
    )


def summary(traffic: Traffic) -> str:
    """The plot in words."""
    worst = max((sample.worst_ms for sample in traffic.samples), default=0.0)
    events = "; ".join(f"{event.text} after {event.second:.1f} s" for event in traffic.events)
    return (
        f"{traffic.clients} clients made {traffic.operations} operations: {traffic.failed} failed, {traffic.wrong} "
        f"returned a wrong value, {traffic.lost} acknowledged writes were lost. The longest took {worst:.0f} ms. "
        f"{events}"
    ).strip()


def _x(second: float, end: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * second / end


def _y(milliseconds: float, top: float) -> float:
    """Place on the logarithmic scale of LEVELS."""
    levels = math.log10(LEVELS[-1] / LEVELS[0])
    share = math.log10(min(max(milliseconds, LEVELS[0]), LEVELS[-1]) / LEVELS[0]) / levels
    return top + LATENCY * (1 - share)


def _axes(end: float, top: float, errors: float) -> Iterator[str]:
    for level in LEVELS:
        y = _y(level, top)
        yield element("path", d=f"M{LEFT} {y:.1f}H{WIDTH - RIGHT}", class_="grid")
        yield label(
            LEFT - 8, y + 4, f"{level:g} ms" if level < SECOND else f"{level // SECOND:g} s", "axis", anchor="end"
        )
    yield element("path", d=f"M{LEFT} {errors + ERRORS:.1f}H{WIDTH - RIGHT}", class_="grid")
    yield label(LEFT - 8, errors + ERRORS - 2, "errors", "axis", anchor="end")
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 60, 300, math.inf) if end / step <= 12)  # noqa: PLR2004 - that many fit
    second = 0.0
    while second <= end and step < math.inf:
        x = _x(second, end)
        yield label(x, errors + ERRORS + 16, f"{second:g} s", "axis", anchor="middle")
        second += step


def _event_rows(events: Sequence[Event], end: float) -> list[int]:
    """The line of each event's name, so that no two names overlap."""
    free: list[float] = []
    rows = []
    for event in events:
        width = len(event.text) * CHARACTER + 12
        x = min(_x(event.second, end), WIDTH - RIGHT - width)
        row = next((number for number, taken in enumerate(free) if taken <= x), len(free))
        free[row : row + 1] = [x + width]
        rows.append(row)
    return rows


def _events(events: Sequence[Event], rows: Sequence[int], end: float, top: float, bottom: float) -> Iterator[str]:
    for event, row in zip(events, rows, strict=True):
        x, y = _x(event.second, end), 16 + EVENTS * row
        width = len(event.text) * CHARACTER + 6
        fits = x + width <= WIDTH - RIGHT
        yield element("path", d=f"M{x:.1f} {y - 10:.1f}V{bottom:.1f}", class_="event")
        yield label(x + 4 if fits else x - 4, y, event.text, "event-name", anchor=None if fits else "end")
    if not events:
        yield element("path", d=f"M{LEFT} {top:.1f}V{bottom:.1f}", class_="grid")


def _band(samples: Sequence[Sample], end: float, top: float) -> str:
    """From the median to the longest."""
    if not samples:
        return ""
    upper = [f"{_x(sample.second + 0.05, end):.1f} {_y(sample.worst_ms, top):.1f}" for sample in samples]
    lower = [f"{_x(sample.second + 0.05, end):.1f} {_y(sample.median_ms, top):.1f}" for sample in reversed(samples)]
    return element("path", d=f"M{'L'.join([*upper, *lower])}Z", class_="band")


def _line(samples: Sequence[Sample], end: float, top: float) -> str:
    points = [f"{_x(sample.second + 0.05, end):.1f} {_y(sample.median_ms, top):.1f}" for sample in samples]
    return element("path", d=f"M{'L'.join(points)}", class_="median") if points else ""


def _bars(samples: Sequence[Sample], end: float, errors: float) -> Iterator[str]:
    most = max([1, *(sample.errors + sample.wrong for sample in samples)])
    width = max(1.5, _x(0.1, end) - _x(0, end) - 0.5)
    for sample in samples:
        for count, kind in ((sample.errors, "error"), (sample.wrong, "wrong")):
            if count:
                height = max(3.0, ERRORS * count / most)
                told = title(f"{count} {kind} at {sample.second:.1f} s")
                y = errors + ERRORS - height
                yield element("rect", told, x=_x(sample.second, end), y=y, width=width, height=height, class_=kind)
