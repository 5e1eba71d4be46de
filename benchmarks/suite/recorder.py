"""A pytest plugin: the processor time of each test in each phase, that of the processes it starts included."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.suite.names import FOLDER

if TYPE_CHECKING:
    from collections.abc import Generator

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
_TICK = os.sysconf("SC_CLK_TCK")
_started: set[int] = set()
_entries: list[tuple[str, str, float, float, float]] = []
_start_process = subprocess.Popen.__init__


def _noted(self: Any, *arguments: Any, **named: Any) -> None:
    _start_process(self, *arguments, **named)
    _started.add(self.pid)


subprocess.Popen.__init__ = _noted  # type: ignore[method-assign]


def _of_process(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        # It has ended, and is among the children that were waited for.
        _started.discard(pid)
        return 0.0
    return sum(map(int, fields[11:15])) / _TICK


def spent() -> float:
    """Processor seconds of this process, and of those it started, until now."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    alive = sum(_of_process(pid) for pid in tuple(_started))
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime + alive


class _Meter:
    def __init__(self) -> None:
        self.processor, self.wall = spent(), time.time()

    def note(self, name: str, phase: str) -> None:
        processor, wall = spent(), time.time()
        _entries.append((name, phase, processor - self.processor, wall - self.wall, wall))
        self.processor, self.wall = processor, wall


_meter = _Meter()
_entries.append(("", "imports", _meter.processor, 0.0, _meter.wall))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Note the collection, with all imports."""
    _meter.note("", "collection")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: Any) -> Generator[None, Any, Any]:
    """Note what tests share. It is part of the set-up of the first of them, too."""
    if fixturedef.scope == "function":
        return (yield)
    before = spent()
    start = time.time()
    try:
        return (yield)
    finally:
        _entries.append(
            (
                f"{fixturedef.baseid}::{fixturedef.argname}",
                "fixture",
                spent() - before,
                time.time() - start,
                time.time(),
            )
        )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note what lies between two tests, and the set-up."""
    _meter.note(item.nodeid, "between")
    try:
        return (yield)
    finally:
        _meter.note(item.nodeid, "setup")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note the test itself."""
    try:
        return (yield)
    finally:
        _meter.note(item.nodeid, "call")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note the end."""
    try:
        return (yield)
    finally:
        _meter.note(item.nodeid, "teardown")


def pytest_unconfigure() -> None:
    """Write what was seen."""
    _meter.note("", "end")
    (Path(os.environ[FOLDER]) / f"{_WORKER}.json").write_text(json.dumps(_entries))
