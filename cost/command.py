"""The commands: ``python -m cost prices`` and ``python -m cost table``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

from cost.errors import CostError, NoRegionError, UnreachableError
from cost.estimate import estimate
from cost.prices.bulk import BulkLists
from cost.prices.query import QueriedLists
from cost.prices.services import SERVICES, partition_of
from cost.prices.store import Store
from cost.report import Report, document, text
from cost.stacks import committed, synthesised
from elasticache_rules import terminal
from elasticache_rules.change_gate.sources import DEFAULT_SNAPSHOTS
from elasticache_rules.terminal import progress, say

if TYPE_CHECKING:
    from collections.abc import Sequence

_DONE, _UNUSABLE = 0, 2
EXITS = {_DONE: "the table was written, or the lists were read", _UNUSABLE: "prices or templates cannot be read"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0, or 2 if prices or templates cannot be read. What a stage costs is no reason to fail.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except CostError as error:
        if isinstance(error, NoRegionError) and getattr(options, "if_kept", False):
            return _DONE
        terminal.fail(error)
        return _UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cost",
        description="What a stage costs a month, by list prices.",
        epilog=terminal.exit_codes(EXITS),
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    prices = commands.add_parser("prices", help="read AWS's price lists of a Region into the user's cache folder")
    prices.add_argument("--api", action="store_true", help="ask pricing:GetProducts, with your credentials")
    prices.set_defaults(run=_prices)
    table = commands.add_parser("table", help="what the stacks of a cloud assembly cost, without the network")
    table.add_argument("--base", metavar="REVISION", help="compare with the snapshots of this git revision")
    table.add_argument(
        "--snapshots", type=Path, default=DEFAULT_SNAPSHOTS, help="where they are (default: %(default)s)"
    )
    table.add_argument("--json", action="store_true", help="write JSON")
    table.add_argument("--only-changes", action="store_true", help="leave out charges that stay the same")
    table.add_argument("--if-kept", action="store_true", help="write nothing without a Region or its price lists")
    table.add_argument("--on", type=dt.date.fromisoformat, metavar="DATE", help="the day (default: today): 2029-02-01")
    table.set_defaults(run=_table)
    for command in (prices, table):
        command.add_argument("assembly", nargs="?", type=Path, help="what cdk synth wrote; its stacks have a Region")
        command.add_argument("--stacks", default="*", metavar="PATTERN", help="only stacks of these names: 'prod-*'")
        command.add_argument("--region", help="the Region, where the app leaves it to the deployment")
        command.add_argument("--cache", type=Path, help="where price lists are kept (default: the user's cache folder)")
    return parser


def _prices(options: argparse.Namespace) -> int:
    region = options.region
    if options.assembly is not None:
        region = synthesised(options.assembly, options.stacks, region).region
    if region is None:
        raise CostError("neither a Region nor an assembly", "prices are of a Region", "Name one: REGION=eu-west-1")
    partition, store = partition_of(region), Store(options.cache)
    lists = QueriedLists(partition) if options.api else BulkLists(partition)
    failed = 0
    for service in SERVICES:
        if not options.api and not service.in_bulk:
            say(f"{service.code}: its list is too large to read whole; ARGS=--api asks for its prices")
            continue
        try:
            kept = store.kept(service.code, region)
            version = kept.version if kept else None
            with progress(f"Reading the list of {service.code} in {region}"):
                found = lists.newer(service, region, version)
            if found is not None:
                store.keep(found)
            news = f"{found.version}, {len(found.rows)} prices" if found else f"{version}, as it was"
            say(f"{service.code}: {news}")
        except UnreachableError:
            raise  # once: the others would say the same
        except CostError as error:
            # The others may be there, and what is kept of this one stays.
            terminal.fail(error)
            failed += 1
    return _UNUSABLE if failed else _DONE


def _table(options: argparse.Namespace) -> int:
    if options.assembly is None:
        raise CostError("no assembly", "a table is of what cdk synth wrote", "Name its directory: cdk.out")
    stacks = synthesised(options.assembly, options.stacks, options.region)
    currency = partition_of(stacks.region).currency
    lists = Store(options.cache).all_kept(stacks.region)
    if options.if_kept and not lists:
        return _DONE
    today = options.on or dt.datetime.now(dt.UTC).date()
    before = None
    if options.base:
        base = committed(options.base, options.snapshots, options.stacks, stacks.region)
        before = estimate(base, lists, currency, today)
    report = Report(
        title=options.stacks,
        region=stacks.region,
        currency=currency,
        lists=lists,
        after=estimate(stacks, lists, currency, today),
        before=before,
        base=options.base or "",
    )
    written = (
        json.dumps(document(report), indent=2) if options.json else text(report, only_changes=options.only_changes)
    )
    say(written)
    return _DONE
