"""Compare the catalogue with what the installed botocore and cfn-lint know of ElastiCache.

Exits with 0 when they agree or the catalogue was written, with 1 when they differ, and with 2 when one of them cannot
be read.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

from elasticache_rules.facts import refresh
from elasticache_rules.facts.records import DATA

SAME, DIFFERENT, UNREADABLE = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Show the difference, write it when asked to, and say with the exit code how it went."""
    parser = argparse.ArgumentParser(prog="python -m elasticache_rules.facts", description=__doc__)
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
        sys.stderr.write(f"error: {asked.file} cannot be read ({fault}). Restore it from version control.\n")
        return UNREADABLE
    except refresh.RefreshError as fault:
        sys.stderr.write(f"error: {fault}\n")
        return UNREADABLE
    found = refresh.difference(recorded, known)
    sys.stdout.writelines(f"+ {fact}\n" for fact in found.new)
    sys.stdout.writelines(f"- {fact}\n" for fact in found.gone)
    if found.form and not (found.new or found.gone):
        sys.stdout.write("~ the same facts, in another order or form\n")
    against = " and ".join(package["title"] for package in known["packages"].values())
    if not found:
        sys.stdout.write(f"The catalogue agrees with {against}.\n")
        return SAME
    if not asked.write:
        sys.stdout.write(f"The catalogue differs from {against}. To take this over, add --write and review the diff.\n")
        return DIFFERENT
    refresh.write(asked.file, known)
    sys.stdout.write(f"Written from {against}: {asked.file}\n")
    return SAME


if __name__ == "__main__":
    sys.exit(main())
