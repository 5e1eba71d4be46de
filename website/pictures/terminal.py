"""What a terminal shows of `make rehearse`, drawn from a record of it."""

from __future__ import annotations

from pathlib import Path

from rehearsal.report.picture import NAMESPACE
from rehearsal.report.svg import element, label
from website.pictures.style import standalone

RECORD = Path(__file__).with_name("rehearse.txt")
_WIDTH, _LINE, _TOP, _LEFT = 940, 19, 62, 22


def drawn() -> str:
    """The picture: a window with the lines of the record. A line that begins with ``...`` stands for others."""
    lines = RECORD.read_text(encoding="utf-8").replace("✅ ", "✓").splitlines()  # fonts of terminals have that one
    height = _TOP + _LINE * len(lines) + 10
    parts = [
        element("rect", width=_WIDTH, height=height, rx=12, class_="terminal"),
        *(element("circle", cx=24 + 20 * number, cy=22, r=6, class_="bar") for number in range(3)),
        *(
            label(_LEFT, _TOP + _LINE * number, line, f"mono {_kind(line)}".strip())
            for number, line in enumerate(lines)
        ),
    ]
    body = element("title", "make rehearse in a terminal") + "".join(parts)
    return standalone(element("svg", body, viewBox=f"0 0 {_WIDTH} {height}", role="img", xmlns=NAMESPACE))


def _kind(line: str) -> str:
    if "✓" in line or " passed " in line:
        return "good"
    return "soft" if line.startswith(("...", "[")) else ""
