"""The change gate finds both sides of this repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_rules.change_gate import sources
from tests.conftest import ROOT

if TYPE_CHECKING:
    import pytest

    from tests.conftest import Synthesised


def test_this_repositorys_snapshots_are_read(synthesised: Synthesised, monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshots of this repository are found at HEAD, under the names of the stacks that were synthesised."""
    monkeypatch.chdir(ROOT)
    snapshots = sources.read_snapshots("HEAD")
    names = {path.replace("/", "-") for path in synthesised.templates if "/" in path}

    assert {"prod-cache-redis", "prod-cache-network"} <= snapshots.keys() & names
    assert names <= sources.read_assembly(synthesised.directory).keys()
