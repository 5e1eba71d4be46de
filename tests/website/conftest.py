"""The tests of the site need what `make docs` installs."""

from __future__ import annotations

import importlib.util

import pytest

from tests.client.engines import missing


@pytest.fixture(scope="session", autouse=True)
def _sphinx() -> None:
    if importlib.util.find_spec("sphinx") is None:
        missing("Sphinx: it must be installed. Run make docs.")
