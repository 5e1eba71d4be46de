"""The indexes of decisions, runbooks and examples, made of what each of them says at its top."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elasticache_constructs.shared.monitoring.table import ROWS
from tests.conftest import ROOT
from tests.docs import charges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

BEGIN, END = "<!-- python -m tests.docs writes from here -->\n\n", "\n<!-- to here -->\n"


@dataclass(frozen=True)
class Index:
    """A README.md with a table of the files next to it.

    Args:
        folder: The folder, from the root of the repository.
        pattern: Which files have a row.
        columns: The heads of the table.
        row: Makes the cells of a file's row.
    """

    folder: str
    pattern: str
    columns: Sequence[str]
    row: Callable[[Path], Sequence[str]]

    @property
    def path(self) -> Path:
        """The README.md."""
        return ROOT / self.folder / "README.md"

    @property
    def files(self) -> list[Path]:
        """The files that have a row."""
        return [file for file in sorted((ROOT / self.folder).glob(self.pattern)) if file != self.path]

    def table(self) -> str:
        """The table as it should be."""
        rows = [self.columns, ["---"] * len(self.columns), *(self.row(file) for file in self.files)]
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)

    def written(self) -> str:
        """The README.md with that table."""
        before, _, rest = self.path.read_text().partition(BEGIN)
        return before + BEGIN + self.table() + END + rest.partition(END)[2]


def facts(text: str, names: Iterable[str]) -> list[str]:
    """What the list below a document's title says.

    Args:
        text: The document.
        names: The words before the colons.

    Raises:
        ValueError: If the list does not say one of them.
    """
    found = []
    for name in names:
        match = re.search(rf"^- {name}: (.+(?:\n  .+)*)$", text, flags=re.MULTILINE)
        if match is None:
            message = f"no line '- {name}: ...' below the title"
            raise ValueError(message)
        found.append(" ".join(match[1].split()))
    return found


def title(text: str) -> str:
    """The title of a document."""
    return text.partition("\n")[0].removeprefix("# ")


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _decision(file: Path) -> Sequence[str]:
    text = file.read_text()
    number, _, name = title(text).partition(". ")
    return [number, f"[{name}]({file.name})", *facts(text, ["Date", "Status"])]


def _runbook(file: Path) -> Sequence[str]:
    text = file.read_text()
    return [f"[{title(text)}]({file.name})", *map(_capital, facts(text, ["Time", "Risk", "Rollback"]))]


def _example(file: Path) -> Sequence[str]:
    docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
    return [f"[`{file.name}`]({file.name})", docstring.partition("\n")[0], charges.kept()[file.name]]


def _alarm(file: Path) -> Sequence[str]:
    row = next(row for row in ROWS if row.alarm.value == file.stem)
    kinds = ", ".join(f"`{kind.value}`" for kind in row.measures)
    over = "below" if row.below else "above"
    minutes = row.minutes * row.periods
    missing = {"missing": "insufficient data", "ignore": "the state stays", "notBreaching": "well"}[
        row.missing.treatment
    ]
    return [
        f"[`{row.alarm.name}`]({file.name})",
        row.meaning,
        f"{kinds}: {row.when}",
        f"{over}, in {row.unit}: {row.why}",
        f"{minutes} min",
        f"{missing}. {row.missing.why}",
        row.severity.value,
    ]


INDEXES = [
    Index("docs/adr", "*.md", ["no.", "decision", "date", "status"], _decision),
    Index("docs/runbooks", "*.md", ["runbook", "time", "risk", "rollback"], _runbook),
    Index(
        "docs/runbooks/alarms",
        "*.md",
        ["alarm", "what it says", "caches", "default threshold", "for", "missing datapoints", "when"],
        _alarm,
    ),
    Index("examples", "*.py", ["file", "what it deploys", "charged each month, whatever is used"], _example),
]
