"""The states of a rotation, from the table in docs/rotation.md: a state that is renamed there is renamed here."""

from __future__ import annotations

import itertools
import re

from rehearsal.report.svg import label
from website.pictures.boxes import Box, arrow, document
from website.places import DOCS

_NAMES = ("create", "set", "test", "promote", "grace", "retire")
_PASSWORDS = {
    "create": "old",
    "set": "old and new",
    "test": "old and new",
    "promote": "old and new",
    "grace": "old and new",
    "retire": "new",
}


def events() -> dict[str, str]:
    """The event of each state, as the document's table has it.

    Raises:
        ValueError: If the table has other states than are drawn.
    """
    rows = re.findall(
        r"^\| (\w+) \| ([^|]+) \| [^|]+ \| ", (DOCS / "rotation.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    found = {state: event.strip().strip("`") for state, event in rows if state != "state"}
    if not {*_NAMES, "abort"} <= {*found}:
        message = f"docs/rotation.md has the states {', '.join(found)}, and the picture {', '.join(_NAMES)}"
        raise ValueError(message)
    return found


def drawn() -> str:
    """The picture: what happens from left to right, which passwords log in meanwhile, and the way back."""
    when = events()
    said = {
        "create": "a new password becomes AWSPENDING",
        "set": "the cache is told to accept both",
        "test": "logs in on every node with both",
        "promote": "AWSCURRENT moves to the new one",
        "grace": "clients read the secret again",
        "retire": "the old password is taken away",
    }
    left, width, gap, top = 110, 158, 22, 60
    boxes = [
        Box(name, said[name], left + (width + gap) * number, top, width, 76, "good" if name == "promote" else "")
        for number, name in enumerate(_NAMES)
    ]
    parts = [box.drawn() for box in boxes]
    for one, other in itertools.pairwise(boxes):
        parts.append(arrow([(one.x + width, top + 38), (other.x, top + 38)]))
    for box in boxes:
        event = {"grace": "by default 65 minutes", "retire": "on a schedule"}.get(box.name, when[box.name])
        parts.append(_centred(box, top - 30, event, "small soft"))
        parts.append(_centred(box, top + 102, _PASSWORDS[box.name], "small"))
    parts += [label(20, top - 30, "event", "small strong"), label(20, top + 102, "logs in", "small strong")]
    abort = Box("abort", "by an operator: AWSCURRENT alone is left, AWSPENDING is dropped", left, 192, 338, 68, "bad")
    parts.append(abort.drawn())
    right = boxes[2].x + width / 2
    way = [(right, top + 112), (right, 226), (abort.x + abort.width, 226)]
    parts.append(
        arrow(way, "from any of them, while no client\nuses the password that is dropped", at=(right + 12, 206))
    )
    return document("The states of a rotation", left + 20 + width * 6 + gap * 5, 280, parts)


def _centred(box: Box, y: float, text: str, kind: str) -> str:
    return label(box.x + box.width / 2, y, text, kind, anchor="middle")
