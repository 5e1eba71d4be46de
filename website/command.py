"""`python -m website [FOLDER]`: build the site. A fault of a page fails the build."""

from __future__ import annotations

import argparse
from pathlib import Path

from elasticache_rules import terminal
from elasticache_rules.terminal import progress
from website.places import SITE

BUILT, FAULTY = 0, 1
EXITS = {BUILT: "the site was built", FAULTY: "a page has a fault"}


def main() -> int:
    """Build the site.

    Returns:
        0, or 1 if a page has a fault.
    """
    parser = argparse.ArgumentParser(
        prog="python -m website", description="Build the site of the documents.", epilog=terminal.exit_codes(EXITS)
    )
    parser.add_argument("folder", nargs="?", type=Path, default=SITE, help="where to (default: .site)")
    options = parser.parse_args()
    from website.build import build  # noqa: PLC0415 - make quick has no Sphinx, and reads the exit codes

    with progress("Building the site"):
        return build(options.folder)
