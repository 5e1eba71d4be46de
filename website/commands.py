"""The targets of the Makefile, as `make help` prints them."""

from __future__ import annotations

import re

from website.places import ROOT


def targets() -> str:
    """A section with them, from the head of the Makefile."""
    head = re.match(r"#.*\n#\n((?:#.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    if head is None:
        message = "the Makefile does not begin with its targets, as `make help` prints them"
        raise ValueError(message)
    lines = [line.removeprefix("#").removeprefix("   ") for line in head[1].splitlines()]
    return "\n".join(
        [
            "",
            "## Targets",
            "",
            "Every target sets up what it needs: Python 3.11 or newer and make are enough. `make help` prints this.",
            "",
            "```text",
            *lines,
            "```",
            "",
        ]
    )
