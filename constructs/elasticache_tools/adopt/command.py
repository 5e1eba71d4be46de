"""Bring ElastiCache caches that exist under code: write it from what the service says, and compare the two."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from elasticache_rules import terminal
from elasticache_rules.terminal import say
from elasticache_tools.adopt import account
from elasticache_tools.adopt.comparison import differences
from elasticache_tools.adopt.errors import AdoptError, UnreadableAccountError
from elasticache_tools.adopt.guide import GUIDE, INVENTORY, MAPPING, MODULE, guide
from elasticache_tools.adopt.inventory import Inventory
from elasticache_tools.adopt.module import Adopted, module, named
from elasticache_tools.adopt.selection import Cache, Refusal, select
from elasticache_tools.adopt.synthesis import Template, mapping, synthesised
from elasticache_tools.adopt.translation import Translation

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_CACHES = 25
_DONE, _LEFT_OUT, _UNUSABLE, _SILENT = 0, 1, 2, 3
EXITS = {
    _DONE: "every cache was written, or the code agrees with the account",
    _LEFT_OUT: "a cache was left out, or the code differs from the account",
    _UNUSABLE: "nothing was written: the arguments or files cannot be used",
    _SILENT: "AWS cannot be asked",
}


def main(arguments: list[str] | None = None) -> int:
    """Write the code of caches that exist, or compare it with the account; the exit code says how it went."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except UnreadableAccountError as fault:
        terminal.fail(fault)
        return _SILENT
    except (AdoptError, OSError) as fault:
        terminal.fail(fault)
        return _UNUSABLE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m elasticache_tools.adopt", description=__doc__, epilog=terminal.exit_codes(EXITS)
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    write = commands.add_parser("write", help=f"write {MODULE}, {MAPPING}, {INVENTORY} and {GUIDE}")
    _add_source(write)
    write.add_argument("--name", action="append", default=[], help="only this cache; may be repeated")
    write.add_argument(
        "--out", type=Path, default=Path("adopted"), metavar="DIR", help="where to (default: %(default)s)"
    )
    write.add_argument("--overwrite", action="store_true", help="overwrite the files that are there")
    write.add_argument(
        "--unprotected", action="store_true", help="write a stack without termination protection, as for development"
    )
    write.add_argument("--json", action="store_true", help="write what was found as JSON in place of lines")
    write.set_defaults(run=_write)

    check = commands.add_parser("check", help="compare the code with the account, before it is imported")
    check.add_argument("folder", type=Path, metavar="DIR", help="where the code was written to")
    _add_source(check, required=False)
    check.add_argument("--json", action="store_true", help="write the differences as JSON in place of lines")
    check.set_defaults(run=_check)
    return parser


def _add_source(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    source = parser.add_mutually_exclusive_group(required=required)
    source.add_argument("--region", help="ask AWS about this Region, with the credentials of the environment")
    source.add_argument("--from", dest="source", type=Path, metavar="FILE", help=f"read {INVENTORY} of an earlier call")


def _write(options: argparse.Namespace) -> int:
    there = [name for name in (MODULE, MAPPING, INVENTORY, GUIDE) if (options.out / name).exists()]
    if there and not options.overwrite:
        raise AdoptError(
            f"{options.out} has {', '.join(there)} already. Name another folder with --out, or add --overwrite"
        )
    if options.out.exists() and not options.out.is_dir():
        raise AdoptError(f"{options.out} is no folder. Name one with --out")
    inventory = _inventory(options).only(options.name)
    written = write(inventory, options.out, is_protected=not options.unprotected)
    if options.json:
        say(json.dumps(written.as_json(), indent=1))
    else:
        for line in written.lines(options.out):
            say(line)
    return _LEFT_OUT if written.refusals else _DONE


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        adopted: The caches in the code.
        refusals: The caches that were left out.
        is_importable_known: Whether CloudFormation was asked what the Region imports.
    """

    adopted: list[Adopted]
    refusals: list[Refusal]
    is_importable_known: bool

    def lines(self, folder: Path) -> list[str]:
        """What to say of it."""
        open_reasons = sum(bool(each.argument) for one in self.adopted for each in one.translation.findings)
        return [
            *(f"left out: {each}" for each in self.refusals),
            *([] if self.is_importable_known else ["not asked: whether this Region imports the types"]),
            f"{len(self.adopted)} of {len(self.adopted) + len(self.refusals)} caches: {folder / MODULE}",
            f"{open_reasons} reasons to write, and what to do next: {folder / GUIDE}",
        ]

    def as_json(self) -> dict[str, object]:
        """The same for a machine."""
        return {
            "adopted": {
                each.cache.name: [
                    {"what": one.what, "argument": one.argument or None, "mended": one.mended}
                    for one in each.translation.findings
                ]
                for each in self.adopted
            },
            "left_out": {each.name: each.because for each in self.refusals},
        }


def write(inventory: Inventory, folder: Path, *, is_protected: bool = True) -> Written:
    """Write the four files, all or none.

    Args:
        inventory: What the service says.
        folder: Where to. It is made if it is missing.
        is_protected: Whether the stack has termination protection.

    Raises:
        AdoptError: If there is no cache that can be adopted, or the code cannot be synthesised.
    """
    caches, refusals = select(inventory)
    if len(caches) > _MOST_CACHES:
        raise AdoptError(
            f"{len(caches)} caches: a stack has at most 500 resources, which is room for {_MOST_CACHES} caches with "
            "their alarms. Name some with --name, and write the others to another folder"
        )
    with terminal.progress("Synthesising the code"):
        draft, refused = _drafted(caches, inventory, is_protected=is_protected)
    refusals = sorted([*refusals, *refused], key=str)
    if draft is None:
        because = "".join(f"\n  {each}" for each in refusals)
        raise AdoptError(f"there is no cache to adopt in {inventory.region}{':' if because else ''}{because}")
    files = {
        MODULE: draft.text,
        INVENTORY: inventory.to_json(),
        GUIDE: guide(draft.adopted, refusals, inventory),
        MAPPING: json.dumps(mapping(draft.template), indent=1) + "\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        terminal.write_whole(folder / name, text)
    return Written(draft.adopted, refusals, inventory.importable is not None)


@dataclass(frozen=True)
class _Draft:
    """Code that synthesises, and says of each of its caches what the service says."""

    adopted: list[Adopted]
    text: str
    template: Template


def _drafted(
    caches: Sequence[Cache], inventory: Inventory, *, is_protected: bool
) -> tuple[_Draft | None, list[Refusal]]:
    """The code of the caches, and those that it cannot have: they are taken out until the rest is true."""
    refusals: list[Refusal] = []
    while caches:
        try:
            draft = _draft(caches, inventory, is_protected=is_protected)
        except AdoptError as fault:
            if len(caches) == 1:
                return None, [*refusals, Refusal(caches[0].name, f"the constructs refuse it. {fault}")]
            alone = [_drafted([each], inventory, is_protected=is_protected) for each in caches]
            refusals += [refusal for _, refused in alone for refusal in refused]
        else:
            wrong = {each.cache: each for each in differences(draft.template, caches, inventory)}
            if not wrong:
                return draft, refusals
            refusals += [Refusal(name, f"the code cannot say it. {each}") for name, each in wrong.items()]
        names = {each.name for each in refusals}
        caches = [each for each in caches if each.name not in names]
    return None, refusals


def _draft(caches: Sequence[Cache], inventory: Inventory, *, is_protected: bool) -> _Draft:
    adopted = named([(cache, Translation(cache, inventory)) for cache in caches])
    text = module(adopted, inventory, is_protected=is_protected)
    with tempfile.TemporaryDirectory(prefix="adopt-") as temporary:
        trial = Path(temporary) / MODULE
        trial.write_text(text, encoding="utf-8")
        return _Draft(adopted, text, synthesised(trial, Path(temporary) / "cdk.out"))


def _check(options: argparse.Namespace) -> int:
    file = options.folder / MODULE
    if not file.is_file():
        raise AdoptError(f"{file} is not there. Write it first: python -m elasticache_tools.adopt write")
    if options.source is None and options.region is None:
        options.source = options.folder / INVENTORY
    inventory = _inventory(options)
    with tempfile.TemporaryDirectory(prefix="adopt-") as temporary, terminal.progress("Synthesising the code"):
        template = synthesised(file, Path(temporary) / "cdk.out")
    wanted = {identifier for each in mapping(template).values() for identifier in each.values()}
    caches, refusals = select(inventory)
    found = list(differences(template, [each for each in caches if each.name in wanted], inventory))
    changed = [each for each in refusals if each.name in wanted]
    if options.json:
        say(json.dumps({"differences": [vars(each) for each in found]}, indent=1))
    else:
        for each in (*changed, *found):
            say(str(each))
        if not found:
            say(f"The code agrees with {'the account' if options.region else options.source}.")
    return _LEFT_OUT if found or changed else _DONE


def _inventory(options: argparse.Namespace) -> Inventory:
    if options.source is not None:
        return Inventory.from_json(options.source.read_text(encoding="utf-8"), source=str(options.source))
    with terminal.progress(f"Reading the caches of {options.region}") as reached:
        return account.read(options.region, getattr(options, "name", []), reached=reached)
