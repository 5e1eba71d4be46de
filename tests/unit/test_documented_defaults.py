"""The docstrings of values tell their defaults as they are; tests/unit/test_settings.py does so for constructs."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

import pytest

import elasticache_constructs

VALUES = {
    name: value
    for name, value in vars(elasticache_constructs).items()
    if inspect.isclass(value) and dataclasses.is_dataclass(value)
}


def _told(value: Any) -> dict[str, str]:
    """What the entries of Args say after "Default:"."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", inspect.getdoc(value) or "", re.DOTALL | re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*?)(?=^    \w|\Z)", section[1] if section else "", re.DOTALL | re.MULTILINE)
    return {name: " ".join(text.split()).partition("Default: ")[2] for name, text in entries}


@pytest.mark.parametrize("name", VALUES)
def test_default_is_told_as_it_is(name: str) -> None:
    """A number or a text that is the default of an argument stands in its entry of Args."""
    told = _told(VALUES[name])
    wrong = [
        field.name
        for field in dataclasses.fields(VALUES[name])
        if field.init and isinstance(field.default, str | int) and not isinstance(field.default, bool)
        if field.name in told and str(field.default) not in told[field.name]
    ]

    assert [] == wrong


def test_defaults_are_found() -> None:
    """The values and their entries are read."""
    assert "02:00-03:00" in _told(VALUES["Backups"])["window"]
