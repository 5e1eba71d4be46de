"""The document about the rehearsal has the drills that there are."""

from __future__ import annotations

import re
from pathlib import Path

from rehearsal.drills.plan import DRILLS

DOCUMENT = Path(__file__).parents[2] / "docs" / "rehearsal.md"


def test_the_table_has_every_drill() -> None:
    """Each drill has its row, in order, with its promise."""
    table = DOCUMENT.read_text().partition("<!-- drills: begin -->")[2].partition("<!-- drills: end -->")[0]
    rows = re.findall(r"^\| `(.*)` \| .* \| (.*) \|$", table, flags=re.MULTILINE)
    assert [(drill.name, drill.promise) for drill in DRILLS] == rows
