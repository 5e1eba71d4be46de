"""The picture of a stage's dashboard in docs/monitoring.md, drawn from its template."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from rehearsal.report.svg import clipped, element, label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COLUMN, _UNIT, _GAP, _SIZE, _BOLD = 40, 18, 3, 12, 13
_STYLE = (
    "text { font: 11px sans-serif; fill: #16191f } .heading { font: bold 15px sans-serif } .note { fill: #545b64 } "
    ".title { font-weight: bold } .query { font-family: monospace; font-size: 10px; fill: #545b64 }"
)
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")


def body_of(template: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the one dashboard in a template, with a name in place of each reference."""
    (dashboard,) = (each for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Dashboard")
    parts = dashboard["Properties"]["DashboardBody"]["Fn::Join"][1]
    written = (part if isinstance(part, str) else json.dumps(_named(part))[1:-1] for part in parts)
    body: dict[str, Any] = json.loads("".join(written))
    return body


def _named(reference: Mapping[str, Any]) -> str:
    """A reference as ``<stack:output>``, or ``<name>`` in the same stack."""
    ((function, argument),) = reference.items()
    if function == "Fn::GetStackOutput":
        return f"<{argument['StackName']}:{argument['OutputName']}>"
    return f"<{argument if isinstance(argument, str) else '.'.join(argument)}>"


def drawn(template: Mapping[str, Any]) -> str:
    """The picture of the one dashboard in a template, as SVG."""
    widgets = body_of(template)["widgets"]
    width, height = 24 * _COLUMN, max(each["y"] + each["height"] for each in widgets) * _UNIT
    content = element("style", _STYLE) + "".join(_widget(each) for each in widgets)
    attributes = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width} {height}", "role": "img"}
    return element("svg", f"\n{content}\n", width=width, height=height, **attributes) + "\n"


def _widget(widget: Mapping[str, Any]) -> str:
    x, y = widget["x"] * _COLUMN, widget["y"] * _UNIT
    width, height = widget["width"] * _COLUMN - _GAP, widget["height"] * _UNIT - _GAP
    properties = widget["properties"]
    if widget["type"] == "text":
        question, _, note = properties["markdown"].removeprefix("## ").partition("\n")
        return label(x + 4, y + 14, question, "heading") + label(x + 4, y + 30, clipped(note, width, _SIZE), "note")
    box = element("rect", x=x, y=y, width=width, height=height, rx=3, fill="#fff", stroke="#aab7b8")
    lines = [box, label(x + 8, y + 16, clipped(properties["title"], width - 16, _BOLD), "title")]
    lines += {"metric": _graph, "alarm": _alarms, "log": _query}[widget["type"]](properties, x, y, width, height)
    return "\n" + "".join(lines)


def _graph(properties: Mapping[str, Any], x: int, y: int, width: int, height: int) -> Iterator[str]:
    labels = [each[-1]["label"] for each in properties["metrics"] if each[-1].get("visible", True)]
    lines = Counter(re.sub(r"^[\d-]+ ", "", text) for text in labels)
    yield element(
        "path",
        d=f"M{x + 12},{y + 24}V{y + height - 20 - 13 * len(lines)}H{x + width - 12}",
        fill="none",
        stroke="#d5dbdb",
    )
    for number, (text, nodes) in enumerate(lines.items()):
        top = y + height - 8 - (len(lines) - 1 - number) * 13
        said = f"{text}, {nodes} nodes" if nodes > 1 else text
        yield element("rect", x=x + 12, y=top - 8, width=8, height=8, fill=_COLOURS[number % len(_COLOURS)])
        yield label(x + 24, top, clipped(said, width - 36, _SIZE), "note")


def _alarms(properties: Mapping[str, Any], x: int, y: int, width: int, height: int) -> Iterator[str]:
    cell = (width - 16) // 6
    for number, arn in enumerate(properties["alarms"]):
        left, top = x + 8 + number % 6 * cell, y + 24 + number // 6 * _UNIT
        if top + _UNIT <= y + height:
            yield element(
                "rect", x=left, y=top, width=cell - 4, height=_UNIT - 3, rx=2, fill="#e9f5ec", stroke="#1d8102"
            )
            yield label(left + 5, top + 11, clipped(_alarm(arn), cell - 12, _SIZE), "note")


def _alarm(arn: str) -> str:
    """The name of an alarm, from the output that hands its ARN over."""
    return arn.partition("FnGetAtt")[2].rpartition("Arn")[0][:-8] or arn


def _query(properties: Mapping[str, Any], x: int, y: int, width: int, height: int) -> Iterator[str]:
    lines = properties["query"].replace("' | ", "'\n| ").splitlines()[1:]
    for number, line in enumerate(lines):
        top = y + 32 + number * 13
        if top < y + height:
            yield label(x + 8, top, clipped(line, width - 16, _SIZE), "query")
