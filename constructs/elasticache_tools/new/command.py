"""`python -m elasticache_tools.new DIR`: a CDK app with one stage and one cache, its tests, and its CI."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from elasticache_rules import terminal
from elasticache_rules.terminal import progress, say
from elasticache_tools.new import project
from elasticache_tools.new.errors import NewProjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

WRITTEN, REFUSED = 0, 2
EXITS = {WRITTEN: "the project was written", REFUSED: "it was not, and nothing is left of it"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a project.

    Args:
        arguments: The command line. Default: that of the process.

    Returns:
        0, or 2 if it was not written.
    """
    parser = argparse.ArgumentParser(
        prog="python -m elasticache_tools.new",
        description="Write a CDK app with one stage and one cache, its tests, and its CI.",
        epilog=terminal.exit_codes(EXITS),
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that is empty, or that does not exist")
    options = parser.parse_args(arguments)
    folder = options.folder.absolute()
    try:
        with progress("Writing the project"):
            written = project.write(folder)
    except NewProjectError as error:
        terminal.fail(error)
        return REFUSED
    say(f"{len(written)} files are in {options.folder}. Next:")
    for line in (f"cd {shlex.quote(str(options.folder))}", "make test", "make synth"):
        say(f"  {line}")
    return WRITTEN
