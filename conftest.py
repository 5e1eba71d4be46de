"""Runs the Python blocks of the documents, each from top to bottom, and says which tests belong to one worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

if TYPE_CHECKING:
    from collections.abc import Iterable

_SYNTH = "synthesised"


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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """With several workers, keep the tests of a file together, and all that use the session's one synth."""
    for item in items:
        uses_synth = _SYNTH in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group(_SYNTH if uses_synth else str(item.path)))
