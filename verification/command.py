"""`python -m verification`: is what runs in an account what was deployed? Reads a stage back, and changes nothing."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elasticache_rules import terminal
from elasticache_rules.change_gate.errors import GateError
from elasticache_rules.terminal import Colour, paint, progress, say
from verification import assembly
from verification.account import Account, BotoCoreError, ClientError, default_region
from verification.permissions import ACTIONS, policy_text
from verification.stage import Report, StageError, region_of, stacks_of, verify
from verification.table import acceptance, failure, table

if TYPE_CHECKING:
    from collections.abc import Sequence

THE_SAME, DIFFERENT, BAD_STAGE, UNREADABLE = 0, 1, 2, 3
EXITS = {
    THE_SAME: "there is no difference",
    DIFFERENT: "there is one",
    BAD_STAGE: "the stage cannot be verified",
    UNREADABLE: "AWS cannot be asked",
}
STANDARD_OUTPUT = Path("-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify a stage and print what was found.

    Args:
        arguments: The command line. Default: that of the process.

    Returns:
        0 if there is no difference, 1 if there is one, 2 if the stage cannot be verified, 3 if AWS cannot be asked.
    """
    options = _parser().parse_args(arguments)
    if options.policy:
        say(policy_text())
        return THE_SAME
    try:
        report = _verified(options)
    except StageError as fault:
        terminal.fail(fault)
        return BAD_STAGE
    except (BotoCoreError, ClientError, GateError) as fault:
        terminal.fail(fault)
        return UNREADABLE
    if options.json == STANDARD_OUTPUT:
        say(as_json(report))
    else:
        _show(report)
        if options.json:
            terminal.write_whole(options.json, as_json(report) + "\n")
    return THE_SAME if report.ok else DIFFERENT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verification",
        description=__doc__,
        epilog=terminal.exit_codes(EXITS),
    )
    parser.add_argument("assembly", nargs="?", type=Path, default=Path("cdk.out"), help="default: %(default)s")
    parser.add_argument("--stage", default="dev", help="a stage of stages.py (default: %(default)s)")
    parser.add_argument(
        "--json",
        type=terminal.output_file,
        nargs="?",
        const=STANDARD_OUTPUT,
        metavar="FILE",
        help="write what was found as JSON to FILE; without one to the standard output, and no table",
    )
    parser.add_argument("--policy", action="store_true", help="print the minimum policy that a caller needs, and end")
    return parser


def _verified(options: argparse.Namespace) -> Report:
    try:
        stacks = stacks_of(options.stage, assembly.stacks(options.assembly))
    except ValueError as fault:
        raise StageError(str(fault)) from fault
    region = region_of(stacks, default_region())
    with progress(f"Reading stage {options.stage} in {region}") as reached:
        return verify(options.stage, stacks, Account(region, ACTIONS, reached), dt.datetime.now(dt.UTC))


def as_json(report: Report) -> str:
    """What was found, for machines.

    Args:
        report: What was found.
    """
    document: dict[str, Any] = {
        "ok": report.ok,
        "differences": [asdict(check) for check in report.differences],
        "accepted": [asdict(check) for check in report.accepted],
    }
    return json.dumps({**document, **asdict(report)}, indent=2)


def _show(report: Report) -> None:
    say(f"\n{table(report.checks)}")
    for heading, lines in (
        ("Accepted with a reason", tuple(acceptance(check) for check in report.accepted)),
        ("To note", report.to_note),
        ("Not read", report.not_read),
        ("Not readable with these credentials (the policy that is needed: --policy)", report.denied),
    ):
        if lines:
            say("\n".join([f"\n{paint(heading, Colour.HEADING)}", *(f"  - {line}" for line in lines)]))
    if report.differences:
        say(f"\n{paint('Differences', Colour.BAD)}")
    for check in report.differences:
        say(failure(check))
    say(f"\n{paint(summary(report), Colour.GOOD if report.ok else Colour.BAD)}")


def summary(report: Report) -> str:
    """The line that sums a verification up.

    Args:
        report: What was found.
    """
    parts = [f"{len(report.checks)} checks", f"{len(report.differences)} differences"]
    parts += [f"{len(report.accepted)} accepted"] * bool(report.accepted)
    parts += [f"{len(report.to_note)} to note"] * bool(report.to_note)
    parts += [f"{len(report.denied)} not readable"] * bool(report.denied)
    return f"stage {report.stage} in {report.account} {report.region}: {', '.join(parts)}"
