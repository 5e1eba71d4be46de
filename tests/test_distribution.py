"""Workers get whole groups: what takes seconds to make is made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.distribution import _ALONE, _LONGEST, group, made_once

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("tests/unit/test_access.py", "tests/unit/test_access.py"),
        ("tests/synth/test_snapshots.py", "synthesised"),
        ("tests/security/test_policy_packs.py", "synthesised"),
        ("tests/deployable/test_seam.py", "accepted"),
        ("tests/workloads/test_catalogue.py", "applications"),
        ("tests/workloads/test_create_users.py", "tests/workloads/test_create_users.py"),
        ("tests/workloads/test_outages.py", "tests/workloads/test_outages.py"),
        ("tests/rehearsal/test_contract.py", "tests/rehearsal/test_contract.py"),
        ("README.md", "README.md"),
    ],
)
def test_a_group_shares_what_is_dear(file: str, expected: str) -> None:
    """Files that ask for it are one group, wherever they are; others are by themselves."""
    assert group(file) == expected


def test_files_and_groups_that_are_named_exist() -> None:
    """None was renamed meanwhile."""
    files = [each.relative_to(ROOT).as_posix() for each in (ROOT / "tests").rglob("test_*.py")]
    assert set(_LONGEST) <= {group(file) for file in files}
    assert set(_ALONE) <= set(files)


def test_what_is_made_twice_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """In two workers of one run."""
    monkeypatch.setattr(tmp_path_factory, "getbasetemp", lambda: tmp_path / "worker")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    made_once("something", tmp_path_factory)
    with pytest.raises(RuntimeError, match="something is made in two workers"):
        made_once("something", tmp_path_factory)
