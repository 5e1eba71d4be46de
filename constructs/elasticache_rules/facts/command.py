"""Compare the catalogue with what the installed botocore and cfn-lint know of ElastiCache."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import Any

from elasticache_rules import terminal
from elasticache_rules.facts import refresh
from elasticache_rules.facts.records import DATA
from elasticache_rules.terminal import say

SAME, DIFFERENT, UNREADABLE = 0, 1, 2
EXITS = {
    SAME: "they agree, or the catalogue was written",
    DIFFERENT: "they differ",
    UNREADABLE: "one of them cannot be read",
}


def main(arguments: list[str] | None = None) -> int:
    """Show the difference, write it when asked to, and say with the exit code how it went."""
    parser = argparse.ArgumentParser(
        prog="python -m elasticache_rules.facts", description=__doc__, epilog=terminal.exit_codes(EXITS)
    )
    parser.add_argument("--write", action="store_true", help="take the difference over into the catalogue")
    parser.add_argument(
        "--file",
        type=Path,
        default=DATA / "offered.json",
        help="the file to compare and write (default: that of the package)",
    )
    asked = parser.parse_args(arguments)
    try:
        recorded: dict[str, Any] = json.loads(asked.file.read_text(encoding="utf-8"))
        known = refresh.offered(recorded, dt.datetime.now(dt.UTC).date())
    except (OSError, json.JSONDecodeError) as fault:
        terminal.fail(f"{asked.file} cannot be read ({fault}). Restore it from version control.")
        return UNREADABLE
    except refresh.RefreshError as fault:
        terminal.fail(fault)
        return UNREADABLE
    found = refresh.difference(recorded, known)
    for line in (*(f"+ {fact}" for fact in found.new), *(f"- {fact}" for fact in found.gone)):
        say(line)
    if found.form and not (found.new or found.gone):
        say("~ the same facts, in another order or form")
    against = " and ".join(package["title"] for package in known["packages"].values())
    if not found:
        say(f"The catalogue agrees with {against}.")
        return SAME
    if not asked.write:
        say(f"The catalogue differs from {against}. To take this over, add --write and review the diff.")
        return DIFFERENT
    refresh.write(asked.file, known)
    say(f"Written from {against}: {asked.file}")
    return SAME
