"""Each index lists what is there, and each document is in one."""

from __future__ import annotations

import re

import pytest

from elasticache_constructs import CacheAlarm
from elasticache_constructs.shared.monitoring.table import ROWS
from tests.conftest import ROOT
from tests.docs.indexes import INDEXES, Index, facts

BY_FOLDER = {index.folder: index for index in INDEXES}


@pytest.mark.parametrize("index", INDEXES, ids=BY_FOLDER)
def test_index_is_up_to_date(index: Index) -> None:
    """The table is the one that `python -m tests.docs` writes."""
    assert index.written() == index.path.read_text(), "run: python -m tests.docs"


@pytest.mark.parametrize("file", BY_FOLDER["docs/adr"].files, ids=lambda file: file.name)
def test_decision_names_its_alternatives(file: object) -> None:
    """A decision has a number in its title, a date, a status, and what was not chosen."""
    text = file.read_text()  # type: ignore[attr-defined]
    date, status = facts(text, ["Date", "Status"])

    assert re.match(rf"# {int(file.name[:4])}\. ", text)  # type: ignore[attr-defined]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", date)
    assert re.fullmatch(r"accepted|superseded by ADR \d+|proposed", status)
    assert "\n## Alternatives\n\n- " in text


def test_every_alarm_has_its_runbook() -> None:
    """An alarm's description names a page that exists, and says what it must."""
    files = {file.stem: file.read_text() for file in BY_FOLDER["docs/runbooks/alarms"].files}
    parts = ["What it means", "Look first", "What to do", "When it is safe to ignore", "AWS's pages"]

    assert {alarm.value for alarm in CacheAlarm} == {*files} == {row.alarm.value for row in ROWS}
    assert {} == {name: part for name, text in files.items() for part in parts if f"\n## {part}\n" not in text}
    assert [] == [alarm for alarm in CacheAlarm if f"`CacheAlarm.{alarm.name}`" not in files[alarm.value]]


def test_missing_fact_is_named() -> None:
    """A runbook that does not say how to get back cannot be listed."""
    with pytest.raises(ValueError, match="Rollback"):
        facts("# A runbook\n\n- Time: minutes.\n", ["Time", "Rollback"])


def test_index_of_documents_lists_every_page() -> None:
    """docs/README.md links to each page and each folder's index."""
    docs = ROOT / "docs"
    pages = {*(page.name for page in docs.glob("*.md")), "adr/README.md", "runbooks/README.md"} - {"README.md"}
    linked = re.findall(r"\]\(([^)#]+)\)", (docs / "README.md").read_text())

    assert pages <= set(linked)
