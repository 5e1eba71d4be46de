"""A pytest plugin: which tests run which lines, also those that a shared fixture runs for all who use it."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from coverage import Coverage

from benchmarks.mutants.names import FOLDER, SOURCES

if TYPE_CHECKING:
    from collections.abc import Generator


_folder = Path(os.environ[FOLDER])
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
_coverage = Coverage(data_file=str(_folder / f"lines-{_worker}"), source=list(SOURCES), config_file=False)
_seconds: dict[str, float] = defaultdict(float)
_fixtures: dict[str, list[str]] = {}
_shared: dict[str, float] = defaultdict(float)
_coverage.start()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note who uses which fixture."""
    for item in items:
        _fixtures[item.nodeid] = list(getattr(item, "fixturenames", ()))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Lines that run from here are run by this test."""
    _coverage.switch_context(item.nodeid)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
    """What a fixture runs that several tests share is run by all who use it."""
    if fixturedef.scope == "function":
        return (yield)
    _coverage.switch_context(f"fixture {fixturedef.argname}")
    began = time.monotonic()
    try:
        return (yield)
    finally:
        _shared[fixturedef.argname] += time.monotonic() - began
        _coverage.switch_context(request._pyfuncitem.nodeid)  # noqa: SLF001 - pytest names the running test nowhere else


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """How long a test takes, without what it shares."""
    if report.when == "call":
        _seconds[report.nodeid] += report.duration


def pytest_sessionfinish() -> None:
    """Write what was seen."""
    _coverage.stop()
    _coverage.save()
    seen = {"seconds": _seconds, "fixtures": _fixtures, "shared": _shared}
    (_folder / f"tests-{_worker}.json").write_text(json.dumps(seen))
