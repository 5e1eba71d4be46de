"""Boxes and arrows between them, for the pictures that show how something goes."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from rehearsal.report.picture import NAMESPACE
from rehearsal.report.svg import element, label, title
from website.pictures.style import standalone

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINE = 16
_CHARACTER = 6.2
_TIP = 8


@dataclass(frozen=True)
class Box:
    """A box.

    Args:
        name: Its heading.
        text: What stands below the heading.
        x: Left edge.
        y: Upper edge.
        width: Width.
        height: Height.
        kind: ``good``, ``bad``, ``accent`` or nothing: its colour.
    """

    name: str
    text: str
    x: float
    y: float
    width: float = 190
    height: float = 84
    kind: str = ""

    def drawn(self) -> str:
        """The box, with its text in lines that fit."""
        shape = element(
            "rect", x=self.x, y=self.y, width=self.width, height=self.height, rx=8, class_=f"state {self.kind}".strip()
        )
        lines = textwrap.wrap(self.text, int((self.width - 24) / _CHARACTER))
        rows = [label(self.x + 12, self.y + 38 + 15 * number, line, "small soft") for number, line in enumerate(lines)]
        return element(
            "g", title(self.name) + shape + label(self.x + 12, self.y + 21, self.name, "strong") + "".join(rows)
        )


def arrow(points: Sequence[tuple[float, float]], text: str = "", *, at: tuple[float, float] | None = None) -> str:
    """A line through points with a tip at its end.

    Args:
        points: The points; lines between them are straight.
        text: What stands next to it, in lines.
        at: Where the text begins. Default: above the first point.
    """
    (before_x, before_y), (x, y) = points[-2], points[-1]
    across = abs(x - before_x) > abs(y - before_y)
    sign = 1 if (x > before_x if across else y > before_y) else -1
    path = "M" + "L".join(f"{a:.0f} {b:.0f}" for a, b in points)
    tip = (
        f"M{x - sign * _TIP:.0f} {y - 4:.0f}L{x:.0f} {y:.0f}L{x - sign * _TIP:.0f} {y + 4:.0f}Z"
        if across
        else f"M{x - 4:.0f} {y - sign * _TIP:.0f}L{x:.0f} {y:.0f}L{x + 4:.0f} {y - sign * _TIP:.0f}Z"
    )
    left, top = at or (points[0][0] + 6, points[0][1] - 6)
    words = [label(left, top + _LINE * number, line, "small halo") for number, line in enumerate(text.splitlines())]
    return element("path", d=path, class_="wire") + element("path", d=tip, class_="tip") + "".join(words)


def document(name: str, width: float, height: float, parts: Sequence[str]) -> str:
    """The picture as an SVG document.

    Args:
        name: What it shows.
        width: Width.
        height: Height.
        parts: What is in it.
    """
    body = element("title", escape(name)) + "".join(parts)
    return standalone(element("svg", body, viewBox=f"0 0 {width:.0f} {height:.0f}", role="img", xmlns=NAMESPACE))
