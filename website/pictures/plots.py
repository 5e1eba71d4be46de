"""Plots of the benchmarks in docs/benchmarks.md, from benchmarks/results. Those of docs/caching.md are matplotlib's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from rehearsal.report.picture import NAMESPACE
from rehearsal.report.svg import element, label, title
from website.pictures.style import standalone
from website.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = ROOT / "benchmarks" / "results"
_WIDTH, _ROW, _LABELS, _VALUES = 760, 26, 290, 110


@dataclass(frozen=True)
class Bars:
    """Bars that are compared with each other.

    Args:
        heading: What is measured, with its unit.
        values: Each bar's name, its length and whether it is this project's.
    """

    heading: str
    values: Sequence[tuple[str, float, bool]]


def drawn() -> dict[str, str]:
    """Each plot by its name."""
    return {
        "benchmarks-synth": _plot("What a synth costs", _synth()),
        "benchmarks-client": _plot("The client", _client()),
    }


def _findings(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["findings"]
    return found


def _synth() -> list[Bars]:
    synth, groups = _findings("synth"), _findings("groups")["groups"]
    return [
        Bars(
            f"{heading}, seconds",
            [
                ("an app with one topic", synth[how]["one_topic"]["wall_seconds"], False),
                ("prod, with every check", synth[how]["prod"]["wall_seconds"], True),
            ],
        )
        for how, heading in {"app": "python app.py", "cli": "cdk synth"}.items()
    ] + [
        Bars(
            "an app with several replication groups, seconds",
            [
                (f"{number} group{'s' if number != '1' else ''}", each["wall_seconds"], True)
                for number, each in groups.items()
            ],
        )
    ]


def _client() -> list[Bars]:
    client = _findings("client")
    connection, get = client["new_tls_connection"]["milliseconds"], client["get"]["per_second"]
    return [
        Bars(
            "a new TLS connection, milliseconds",
            [
                ("elasticache_client", connection["ours"], True),
                ("redis-py, one shared TLS context", connection["shared_context"], False),
                ("redis-py as it is", connection["redis_py"], False),
            ],
        ),
        Bars("GETs a second", [("elasticache_client", get["ours"], True), ("redis-py as it is", get["bare"], False)]),
    ]


def _plot(name: str, groups: Sequence[Bars]) -> str:
    parts, y = [], 18
    for bars in groups:
        parts.append(label(20, y + 14, bars.heading, "strong"))
        y += 26
        longest = max(value for _, value, _ in bars.values)
        for what, value, is_ours in bars.values:
            width = (_WIDTH - _LABELS - _VALUES) * value / longest
            bar = element(
                "rect",
                title(f"{what}: {value:,g}"),
                x=_LABELS,
                y=y + 4,
                width=width,
                height=_ROW - 9,
                rx=3,
                class_="ours" if is_ours else "other",
            )
            parts += [
                label(_LABELS - 10, y + 17, what, "small", anchor="end"),
                bar,
                label(_LABELS + width + 8, y + 17, f"{value:,g}", "small soft"),
            ]
            y += _ROW
        y += 16
    body = element("title", escape(name)) + "".join(parts)
    return standalone(element("svg", body, viewBox=f"0 0 {_WIDTH} {y}", role="img", xmlns=NAMESPACE))
