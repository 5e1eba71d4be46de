"""Every identifier of the glossary is there."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any

import pytest

from tests.conftest import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
PACKAGES = ("elasticache_constructs", "elasticache_client")


def identifiers() -> list[str]:
    """The identifiers in the third column of the tables."""
    rows = [line.split("|") for line in GLOSSARY.splitlines() if line.startswith("| ")]
    spans = {span for row in rows for span in re.findall(r"`([^`]+)`", row[3])}
    return sorted(span for span in spans if not span.startswith("make "))


def resolve(identifier: str) -> Any:
    """What an identifier stands for: a module, a class, one of its members or one of its arguments.

    Raises:
        AttributeError: If there is no such thing.
    """
    path, _, argument = identifier.removesuffix("=)").partition("(")
    package, *names = path.split(".") if path.startswith(PACKAGES) else [PACKAGES[0], *path.split(".")]
    found: Any = import_module(package)
    for name in names:
        if inspect.isclass(found) and any(name in inspect.get_annotations(base) for base in found.__mro__):
            continue
        if inspect.ismodule(found) and not hasattr(found, name):
            import_module(f"{found.__name__}.{name}")
        found = getattr(found, name)
    if argument and argument not in inspect.signature(found.__init__ if inspect.isclass(found) else found).parameters:
        raise AttributeError(identifier)
    return found


@pytest.mark.parametrize("identifier", identifiers())
def test_identifier_exists(identifier: str) -> None:
    """A renamed class, member or argument is renamed in the glossary too."""
    assert resolve(identifier) is not None


def test_identifiers_are_found() -> None:
    """The tables are read, arguments among them."""
    assert {"Topology(shards=)", "IamUser", "elasticache_client.SecretCredentials"} <= set(identifiers())


@pytest.mark.parametrize("identifier", ["Topology(lost=)", "Topology.lost", "Lost", "elasticache_client.Lost"])
def test_lost_identifier_is_noticed(identifier: str) -> None:
    """An identifier that is not there cannot be resolved."""
    with pytest.raises((AttributeError, ModuleNotFoundError)):
        resolve(identifier)
