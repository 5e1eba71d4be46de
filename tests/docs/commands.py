"""The table of docs/commands.md, made of what each command says of its exit codes."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT = ROOT / "docs" / "commands.md"
BEGIN, END = "<!-- python -m tests.docs writes from here -->\n\n", "\n<!-- to here -->\n"


@dataclass(frozen=True)
class Command:
    """A command of the project.

    Attributes:
        package: What `python -m` is given.
        typed: The targets of the Makefile that start it.
        json: How a machine gets what it found. Default: it finds nothing that a machine would read.
    """

    package: str
    typed: tuple[str, ...]
    json: str = ""

    @property
    def exits(self) -> Mapping[int, str]:
        """What its exit codes mean."""
        found: Mapping[int, str] = importlib.import_module(f"{self.package}.command").EXITS
        return found


COMMANDS = (
    Command("rehearsal", ("make rehearse",), "`--json FILE`"),
    Command("verification", ("make verify",), "`--json`, `--json FILE`"),
    Command("elasticache_rules.change_gate", ("make gate",), "`--json`"),
    Command("operations", ("make drill", "make updates"), "`updates --json`; a drill writes a file to `.drills`"),
    Command("cost", ("make cost", "make prices"), "`table --json`"),
    Command("workloads.local", ("make workloads",)),
    Command("website", ("make docs",)),
    Command("website.pictures", ("make pictures",)),
    Command("elasticache_rules.facts", ("make facts",)),
    Command("elasticache_tools.adopt", (), "`write --json`, `check --json`"),
    Command("elasticache_tools.new", ()),
)


def table() -> str:
    """The table as it should be."""
    codes = sorted({code for command in COMMANDS for code in command.exits})
    lines = [
        f"| command | {' | '.join(map(str, codes))} | JSON |",
        "|" + "---|" * (len(codes) + 2),
        *(
            f"| {', '.join(f'`{word}`' for word in (*command.typed, f'python -m {command.package}'))} | "
            f"{' | '.join(command.exits.get(code, '') for code in codes)} | {command.json} |"
            for command in COMMANDS
        ),
    ]
    return "".join(f"{line}\n" for line in lines)


def written() -> str:
    """The document with that table."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]
