"""Runs the Python blocks of the documents, each document in one namespace from top to bottom."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser


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
