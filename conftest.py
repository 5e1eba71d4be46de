"""Runs the Python blocks of the documents, each from top to bottom, and deals the tests out to workers."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from tests.distribution import Groups, place

if TYPE_CHECKING:
    from collections.abc import Generator


def _setup(namespace: dict[str, Any]) -> None:
    import aws_cdk as cdk  # noqa: PLC0415 - the process that starts the workers needs none

    namespace["documented"] = cdk.App()
    namespace["stack"] = cdk.Stack(namespace["documented"], "Documented")


def _teardown(namespace: dict[str, Any]) -> None:
    # What a document builds must synthesise as well. A synth of nothing takes seconds too.
    if any(stack.node.children for stack in namespace["documented"].node.children):
        namespace["documented"].synth()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=_setup,
    teardown=_teardown,
).pytest()


def pytest_addoption(parser: pytest.Parser) -> None:
    """More, when there is time: at night, and before a release."""
    parser.addoption(
        "--exhaustive",
        action="store_true",
        help="run every combination of client, engine and case, and random samples in their full size",
    )
    parser.addoption(
        "--drawn",
        type=int,
        default=0,
        metavar="N",
        help="judge so many random configurations that are accepted: tests/deployable/test_properties.py",
    )


# Until tests begin there is little garbage and much that stays, which the collector would walk again and again.
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have the garbage collector leave alone what was imported, also at the end and in forked children."""
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """With ``-n auto`` twice as many workers as there are cores: half of the tests wait for servers most of the time.

    With ``-n logical`` as many as there are cores, for tests that wait for nothing: a worker more takes five seconds to
    import what it needs.
    """
    cores = os.cpu_count() or 1
    return max(2, cores if config.option.numprocesses == "logical" else 2 * cores)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    """Tests that share something dear stay together, and so do the tests of a file."""
    return Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers, the longest groups come first.

    Raises:
        pytest.UsageError: If the name of a test differs from worker to worker, which then run it several times.
    """
    if unstable := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        message = f"{unstable[0]}: a test's name must be the same in each worker. Give its parameters ids."
        raise pytest.UsageError(message)
    if hasattr(config, "workerinput"):
        items.sort(key=place)
