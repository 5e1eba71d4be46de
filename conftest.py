"""Runs the Python blocks of the documents, each from top to bottom, and says which tests belong to one worker."""

from __future__ import annotations

import os
from typing import Any

import aws_cdk as cdk
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

_DEAR = ("accepted", "synthesised", "start", "running")
"""Fixtures of a session that take seconds: synths, databases, an emulated AWS. Each is made in one worker."""

_LONGEST = (
    "tests/deployable::accepted",
    "tests::synthesised",
    "tests/workloads::start",
    "tests/rehearsal/test_rehearsal.py",
    "tests/client/test_storm.py",
    "tests/client/caching/test_shards.py",
)
"""Groups that workers begin with, so that none is left with them in the end."""


def _setup(namespace: dict[str, Any]) -> None:
    namespace["documented"] = cdk.App()
    namespace["stack"] = cdk.Stack(namespace["documented"], "Documented")


def _teardown(namespace: dict[str, Any]) -> None:
    # What a document builds must synthesise as well.
    namespace["documented"].synth()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=_setup,
    teardown=_teardown,
).pytest()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Everything, when there is time: at night, and before a release."""
    parser.addoption(
        "--exhaustive",
        action="store_true",
        help="run every combination of client, engine and case, and random samples in their full size",
    )


def pytest_xdist_auto_num_workers() -> int:
    """Half as many workers again as there are cores: half of the tests wait for servers most of the time."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers, keep together what shares something dear, else the tests of a file; the longest first."""
    groups = {item: _group(item) for item in items}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    if hasattr(config, "workerinput"):
        place = {group: number for number, group in enumerate(_LONGEST)}
        items.sort(key=lambda item: place.get(groups[item], len(place)))


def _group(item: pytest.Item) -> str:
    fixtures = getattr(item, "fixturenames", ())
    for name in _DEAR:
        if name in fixtures:
            # Folders have fixtures of one name that differ.
            return f"{item._fixtureinfo.name2fixturedefs[name][-1].baseid}::{name}"  # type: ignore[attr-defined]  # noqa: SLF001 - pytest says it nowhere else
    return item.path.relative_to(item.config.rootpath).as_posix()
