"""`python -m website.pictures`: draw every picture again. The architecture's is drawn by `python -m tests.docs`."""

from __future__ import annotations

import argparse

from elasticache_rules import terminal
from elasticache_rules.terminal import progress, write_whole
from website.pictures.all import of_examples, written
from website.pictures.examples import templates

DRAWN = 0
EXITS = {DRAWN: "the pictures are drawn"}


def main() -> int:
    """Draw them.

    Returns:
        0.
    """
    argparse.ArgumentParser(
        prog="python -m website.pictures",
        description="Draw every picture again.",
        epilog=terminal.exit_codes(EXITS),
    ).parse_args()
    with progress("Drawing the pictures"):
        for path, content in {**written(), **of_examples(templates())}.items():
            write_whole(path, content)
    return DRAWN
