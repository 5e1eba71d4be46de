"""Pins are raised together, where they are written."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from tests.conftest import ROOT

PROJECT = """
[build-system]
requires = ["hatchling==1.33.0"]

[dependency-groups]
base = ["hatchling==1.33.0", "psycopg[binary]==3.3.9", "django>=5"]
all = [
  { include-group = "base" },
  "dogpile.cache==1.5.0",  # why
]
"""


def _module() -> Any:
    spec = spec_from_file_location("raise_pins", ROOT / ".ci" / "raise_pins.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


raise_pins = _module()


def test_pins_of_included_groups_count() -> None:
    """A group has the pins of those that it includes; what is no exact pin stays as it is."""
    assert {"hatchling": "1.33.0", "psycopg[binary]": "3.3.9", "dogpile.cache": "1.5.0"} == raise_pins.pins(
        PROJECT, "all"
    )


def test_pins_are_resolved_as_lower_bounds() -> None:
    """A resolver may choose anything newer, and keeps extras and comments."""
    relaxed = raise_pins.relaxed(PROJECT)

    assert "==" not in relaxed
    assert '"psycopg[binary]>=3.3.9"' in relaxed
    assert '"dogpile.cache>=1.5.0",  # why' in relaxed


def test_newer_versions_are_told_by_their_pins() -> None:
    """Names are compared as an index does, and what is at its newest is left out."""
    resolved = "dogpile-cache==1.6.0\nhatchling==1.33.0\npsycopg[binary]==3.4.0\nother==1\n"

    assert {
        "psycopg[binary]==3.3.9": "psycopg[binary]==3.4.0",
        "dogpile.cache==1.5.0": "dogpile.cache==1.6.0",
    } == raise_pins.newest(PROJECT, "all", resolved)


def test_this_project_has_pins_to_raise() -> None:
    """Each requirement of the groups is an exact pin: none is forgotten."""
    text = (ROOT / "pyproject.toml").read_text()

    for group in raise_pins.GROUPS:
        assert raise_pins.pins(text, group)
    assert {"aws-cdk-lib", "psycopg[binary]", "redis"} <= raise_pins.pins(text, "bench").keys()
