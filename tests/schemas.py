"""The schemas of resource types that cfn-lint ships, read without importing it: each worker would take a second."""

from __future__ import annotations

import functools
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def data() -> Path:
    """The folder with cfn-lint's data."""
    package = find_spec("cfnlint")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "data" / "schemas"


@functools.cache
def _files() -> dict[str, str]:
    found: dict[str, str] = json.loads((data() / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    return found


def kinds() -> list[str]:
    """All resource types."""
    return [*_files()]


@functools.cache
def schema(kind: str) -> dict[str, Any]:
    """The schema of a resource type, for example ``AWS::SNS::Topic``."""
    found: dict[str, Any] = json.loads((data() / "resources" / f"{_files()[kind]}.json").read_text(encoding="utf-8"))
    return found
