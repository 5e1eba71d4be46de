"""Five lines add lazy loading and write-through to the catalogue. The document shows them as a diff."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workloads.conftest import Application
    from workloads.database import DatabaseSettings

MODULE = ROOT / "workloads" / "catalogue" / "storage.py"
NAME = str(MODULE.relative_to(ROOT))
DIFF = re.compile(rf"```diff\n--- a/{NAME}\n\+\+\+ b/{NAME}\n(.*?)```", re.DOTALL)
MOST_LINES = 5

# The rest runs without the client and without a cache's settings.
_WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(["elasticache_client.caching", "elasticache_client.clients", "redis"]))
sys.path.insert(0, sys.argv[1])
import before, msgspec
answers = [before.product(7), before.products("Rugs"), before.set_price(8, 777), before.product(8)]
print(msgspec.json.encode(answers).decode())
"""


def shown(document: Path) -> str:
    """The diff in a document."""
    (diff,) = DIFF.findall(document.read_text())
    return str(diff)


def taken_back(module: str, diff: str) -> str:
    """The module before the diff was applied.

    Raises:
        ValueError: If the diff does not lead to the current module.
    """
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE)[1:]:
        lines = hunk.splitlines(keepends=True)
        new = "".join(line[1:] for line in lines if line[0] in " +")
        old = "".join(line[1:] for line in lines if line[0] in " -")
        if module.count(new) != 1:
            raise ValueError(f"{NAME} does not have these lines once:\n{new}")
        module = module.replace(new, old)
    return module


DOCUMENTS = [
    document for document in [ROOT / "README.md", ROOT / "docs" / "workloads.md"] if DIFF.search(document.read_text())
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_five_lines_at_most(document: Path) -> None:
    """At most five lines are added, and at most five removed."""
    lines = shown(document).splitlines()
    assert MOST_LINES >= sum(line.startswith("+") for line in lines) > 0
    assert MOST_LINES >= sum(line.startswith("-") for line in lines)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_diff_is_all_that_the_cache_asks_for(document: Path) -> None:
    """Without these lines, the module does not use a cache."""
    before = taken_back(MODULE.read_text(), shown(document)).partition('"""\n\n')[2]
    assert [] == re.findall(r"cache|caching|connect|lazy|ttl", before)


def test_the_document_shows_it() -> None:
    """The diff is in the document for users."""
    assert "workloads.md" in {document.name for document in DOCUMENTS}


def test_the_module_works_without_those_lines(
    catalogue: Application, database: DatabaseSettings, tmp_path: Path
) -> None:
    """Before the diff it returns the same answers, from the database only."""
    (tmp_path / "before.py").write_text(taken_back(MODULE.read_text(), shown(DOCUMENTS[-1])))
    ran = subprocess.run(
        [sys.executable, "-c", _WITHOUT, str(tmp_path)],
        env=database.to_environment(),
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    after = [
        catalogue.get("/api/products/7").text,
        catalogue.get("/api/categories/Rugs/products").text,
        catalogue.get("/api/products/8?cache=off").text,
        catalogue.get("/api/products/8?cache=off").text,
    ]
    assert f"[{','.join(after)}]" == ran.stdout.strip()
