"""A pytest plugin: of what is collected, the tests that a file names and no others, those of quick files first."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchmarks.mutants.names import TESTS

_chosen: dict[str, int] = {name: place for place, name in enumerate(json.loads(Path(os.environ[TESTS]).read_text()))}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out all others."""
    left_out = [item for item in items if item.nodeid not in _chosen]
    config.hook.pytest_deselected(items=left_out)
    items[:] = sorted((item for item in items if item.nodeid in _chosen), key=lambda item: _chosen[item.nodeid])
