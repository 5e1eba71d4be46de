"""What depends on what, in layers: each box stands above all that it depends on."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rehearsal.report.picture import NAMESPACE
from rehearsal.report.svg import element, label, title
from website.pictures.style import standalone

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_WIDTH, _HEIGHT, _GAP, _RISE, _MARGIN = 158, 44, 14, 66, 20
_SWEEPS = 8

Edge = tuple[str, str]


def drawn(name: str, edges: Collection[Edge], describe: Callable[[str], tuple[str, str]]) -> str:
    """The picture, as an SVG document.

    Args:
        name: What it shows.
        edges: Which node depends on which. There is no circle.
        describe: The two lines of a node's box: its name and what it belongs to.
    """
    rows = _ordered(_layers(edges), edges)
    width = max(len(row) for row in rows) * (_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    places = {node: place for number, row in enumerate(rows) for node, place in _places(row, number, width).items()}
    parts = [_line(places[one], places[other]) for one, other in sorted(edges)]
    parts += [_box(node, *places[node], describe(node)) for row in rows for node in row]
    body = element("title", escape(name)) + "".join(parts)
    height = len(rows) * (_HEIGHT + _RISE) - _RISE + 2 * _MARGIN
    return standalone(element("svg", body, viewBox=f"0 0 {width} {height}", role="img", xmlns=NAMESPACE))


def _layers(edges: Collection[Edge]) -> list[list[str]]:
    """The nodes by the length of the longest way down from them, the longest first."""
    below: dict[str, set[str]] = {}
    for one, other in edges:
        below.setdefault(one, set()).add(other)
        below.setdefault(other, set())
    depths: dict[str, int] = {}

    def depth(node: str) -> int:
        if node not in depths:
            depths[node] = max((depth(each) + 1 for each in below[node]), default=0)
        return depths[node]

    rows: list[list[str]] = [[] for _ in range(max(map(depth, below)) + 1)]
    for node in sorted(below):
        rows[-1 - depth(node)].append(node)
    return rows


def _ordered(rows: list[list[str]], edges: Collection[Edge]) -> list[list[str]]:
    """The rows in an order in which few lines cross: each node near the middle of those that it is joined to."""
    near: dict[str, set[str]] = {}
    for one, other in edges:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    for _ in range(_SWEEPS):
        for number, row in enumerate(rows):
            others = {node: place for other in rows if other is not row for node, place in _share(other).items()}
            rows[number] = sorted(row, key=lambda node: (_middle(near[node], others), node))
    return rows


def _share(row: list[str]) -> dict[str, float]:
    return {node: (number + 0.5) / len(row) for number, node in enumerate(row)}


def _middle(nodes: Collection[str], places: Mapping[str, float]) -> float:
    found = [places[node] for node in nodes if node in places]
    return round(sum(found) / len(found), 6) if found else 0.5


def _places(row: list[str], number: int, width: float) -> dict[str, tuple[float, float]]:
    step = (width - 2 * _MARGIN + _GAP) / len(row)
    y = _MARGIN + number * (_HEIGHT + _RISE)
    return {node: (_MARGIN + step * (place + 0.5) - _GAP / 2, y) for place, node in enumerate(row)}


def _line(one: tuple[float, float], other: tuple[float, float]) -> str:
    (x, y), (to_x, to_y) = (one[0], one[1] + _HEIGHT), other
    bend = (to_y - y) / 2
    path = f"M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y - 6:.0f}"
    tip = f"M{to_x - 4:.0f} {to_y - 8:.0f}L{to_x:.0f} {to_y:.0f}L{to_x + 4:.0f} {to_y - 8:.0f}Z"
    return element("path", d=path, class_="wire") + element("path", d=tip, class_="tip")


def _box(node: str, x: float, y: float, lines: tuple[str, str]) -> str:
    name, whole = lines
    shape = element("rect", x=x - _WIDTH / 2, y=y, width=_WIDTH, height=_HEIGHT, rx=7, class_="state")
    texts = label(x, y + (18 if whole else 26), name, "small strong", anchor="middle")
    texts += label(x, y + 34, whole, "small soft", anchor="middle") if whole else ""
    return element("g", title(node) + shape + texts)
