"""The gate as a command: ``python -m elasticache_rules.change_gate``."""

from __future__ import annotations

import argparse
import fnmatch
import json
from pathlib import Path
from typing import TYPE_CHECKING

from elasticache_rules import terminal
from elasticache_rules.change_gate import sources
from elasticache_rules.change_gate.allowances import check_all_used, read_allowances, stopped, summary
from elasticache_rules.change_gate.errors import GateError
from elasticache_rules.change_gate.stacks import compare_stacks
from elasticache_rules.change_gate.table import document, stops, table
from elasticache_rules.terminal import Colour, paint, progress, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elasticache_rules.change_gate.allowances import Allowances
    from elasticache_rules.change_gate.changes import Changes
    from elasticache_rules.change_gate.settings import StackSettings

    _Documents = dict[str, sources.Document]
    _Settings = dict[str, StackSettings]

_SAFE, _STOPPED, _UNUSABLE = 0, 1, 2
EXITS = {
    _SAFE: "nothing stops the deployment",
    _STOPPED: "something would be replaced, lost or refused without an allowance",
    _UNUSABLE: "the gate cannot judge",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print the table, and say whether the deployment is stopped.

    Returns:
        0 when nothing stops it, 1 when something does, 2 when the gate cannot judge.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.base is not None or options.deployed) == (len(options.templates) == 2):  # noqa: PLR2004
        parser.error("give OLD and NEW, or NEW alone with --base or --deployed")
    try:
        return _judge(options)
    except GateError as error:
        terminal.fail(error)
        return _UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m elasticache_rules.change_gate",
        description="Report what an update does to running resources, before it is deployed.",
        epilog=terminal.exit_codes(EXITS),
    )
    parser.add_argument(
        "templates",
        nargs="+",
        type=Path,
        metavar="[OLD] NEW",
        help="templates, or directories that cdk synth writes; OLD is left out with --base and --deployed",
    )
    old = parser.add_mutually_exclusive_group()
    old.add_argument("--base", metavar="REVISION", help="OLD is what was committed as snapshots at this git revision")
    old.add_argument("--deployed", action="store_true", help="OLD is what is deployed; asks AWS, with your credentials")
    parser.add_argument(
        "--snapshots",
        type=Path,
        default=sources.DEFAULT_SNAPSHOTS,
        help="where snapshots are committed (default: %(default)s)",
    )
    parser.add_argument("--stacks", default="*", metavar="PATTERN", help="only stacks of these names: 'prod-*'")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="LOGICAL_ID",
        help="accept changes of this resource; may be repeated",
    )
    parser.add_argument(
        "--allowed",
        type=Path,
        default=Path("allowed-changes.toml"),
        metavar="FILE",
        help="accept the changes that this file names, with their reasons (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="write JSON in place of the table")
    return parser


def _judge(options: argparse.Namespace) -> int:
    with progress("Reading what is deployed" if options.deployed else "Reading templates"):
        old, new, *settings = _sides(options)
    importers = old
    old, new = ({name: each for name, each in side.items() if _matches(name, options.stacks)} for side in (old, new))
    if not new:
        raise GateError(f"no stack is named {options.stacks}. Synthesise the stage first, or name another pattern")
    allowances = read_allowances(options.allowed)
    with progress(f"Comparing {len(new)} stacks"):
        changes = compare_stacks(old, new, settings=(settings[0], settings[1]), importers=importers)
    left = stopped(changes, allowances, options.allow)
    if options.json:
        say(json.dumps(document(changes, left, summary(allowances, changes)), indent=2))
    else:
        _show(changes, left, allowances)
    check_all_used(changes, allowances, options.allow, old.keys() | new.keys())
    return _STOPPED if left else _SAFE


def _show(changes: Changes, left: Changes, allowances: Allowances) -> None:
    if changes:
        say(f"{table(changes)}\n")
    for line in summary(allowances, changes):
        say(line)
    verdict = f"stopped: {len(left)} of {len(changes)} changes" if left else f"not stopped: {len(changes)} changes"
    say(paint(verdict, Colour.BAD if left else Colour.GOOD))
    if left:
        say(stops(left))


def _sides(options: argparse.Namespace) -> tuple[_Documents, _Documents, _Settings, _Settings]:
    """The templates before and after, and the settings of their stacks, as far as they are known."""
    new = options.templates[-1]
    if options.deployed:
        assembly = sources.read_assembly(new)
        chosen = {name: each for name, each in assembly.items() if _matches(name, options.stacks)}
        templates = {name: each.template for name, each in chosen.items()}
        deployed = sources.read_deployed(chosen)
        settings = {name: each.settings for name, each in chosen.items()}
        return deployed, templates, sources.read_deployed_settings(deployed, assembly), settings
    templates = sources.read_either(new)
    if options.base is not None:
        snapshots = sources.read_snapshots(options.base, options.snapshots)
        return snapshots, sources.like_snapshots(templates, snapshots), {}, {}
    old = options.templates[0]
    return sources.read_either(old), templates, sources.read_settings(old), sources.read_settings(new)


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name.partition("/")[0], pattern)
