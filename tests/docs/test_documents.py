"""What the documents name is there. Their Python blocks run by themselves, see conftest.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / ".github").rglob("*.md"), *(ROOT / "docs").rglob("*.md")])


FOLDERS = (
    "benchmarks|client|constructs|cost|docs|examples|local_servers|operations|rehearsal|scanners|stacks|tests|"
    "verification|website|workloads"
)


def name(path: Path) -> str:
    """A document's path in the repo."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_make_targets_exist(document: Path) -> None:
    """Every `make` command in a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:^\$ |`)make ([a-z-]+)", document.read_text(), flags=re.MULTILINE))

    assert set() == named - targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_files_exist(document: Path) -> None:
    """Every link to a file, and every path of this repo in code marks, leads somewhere."""
    text = document.read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]+)", re.sub(r"`[^`\n]*`", "", text))
    spans = re.findall(r"`([^`\n]+)`", text)
    paths = [
        word.rstrip(".") for span in spans for word in span.split() if re.fullmatch(rf"(?:{FOLDERS})/[\w./-]*", word)
    ]
    missing = [link for link in links if not (document.parent / link).exists()]
    missing += [path for path in paths if not (ROOT / path).exists()]

    assert [] == missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_named_tests_exist(document: Path) -> None:
    """Every test that a document names by its file is there."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", document.read_text())

    assert [] == [f"{file}::{test}" for file, test in named if f"def {test}(" not in (ROOT / file).read_text()]


def test_readme_names_the_command_that_ci_calls() -> None:
    """CI runs the README's test command."""
    assert "$ make test " in (ROOT / "README.md").read_text()
    assert "\n    make test\n" in (ROOT / ".ci" / "run").read_text()


def test_every_example_is_reachable() -> None:
    """Each example says how it is run."""
    silent = [
        file.name
        for file in (ROOT / "examples").glob("*.py")
        if f"cdk synth -a 'python3 examples/{file.name}'" not in file.read_text()
    ]

    assert [] == silent
