"""The package data: JSON files that are read once, when first needed."""

from __future__ import annotations

import datetime as dt
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA = Path(__file__).with_name("data")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact comes from.

    Args:
        name: Its key in the data, for example ``cfn-lint``.
        title: What it is, with its version or edition.
        url: Where to read it.
        as_of: The day a page was read, or the day of a package's own data.
    """

    name: str
    title: str
    url: str
    as_of: dt.date


@functools.cache
def read(name: str) -> Any:
    """The content of one data file. All callers share it, so it must not be changed."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


@functools.cache
def source(name: str) -> Source:
    """The source of that key.

    Raises:
        KeyError: If neither the pages nor the packages have one of that name.
    """
    known = {**read("pages"), **read("offered")["packages"]}[name]
    return Source(name, known["title"], known["url"], dt.date.fromisoformat(known["as_of"]))


def sources(names: Iterable[str]) -> tuple[Source, ...]:
    """The sources of those keys, each once, in that order."""
    return tuple(source(name) for name in dict.fromkeys(names))
