"""docs/properties.md knows every property of the installed CDK, and says of each what is so."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tests.docs.properties import (
    ATTRIBUTES,
    DOCUMENT,
    NOT_MADE,
    NOT_SAID,
    SAID,
    UnknownPropertyError,
    arguments,
    kinds,
    told,
    written,
)
from tests.docs.test_glossary import resolve

KINDS = {kind.name: kind for kind in kinds()}
TEXTS = [text for table in (SAID, NOT_SAID, ATTRIBUTES) for rows in table.values() for text in rows.values()]
IDENTIFIERS = {each for text in TEXTS for each in re.findall(r"`([A-Z]\w+(?:\.[a-z]\w+|\(\w+=\)))`", text)}


def test_document_is_up_to_date() -> None:
    """The tables are those that `python -m tests.docs` writes."""
    assert written() == DOCUMENT.read_text(encoding="utf-8"), "run: python -m tests.docs"


def test_new_property_is_noticed() -> None:
    """A property that a newer CDK brings has to be told."""
    kind = dataclasses.replace(KINDS["ReplicationGroup"], properties=("Newest",))

    with pytest.raises(UnknownPropertyError, match=r"AWS::ElastiCache::ReplicationGroup\.Newest"):
        told(kind, "Newest", arguments())


def test_contradiction_is_noticed() -> None:
    """A property that an argument becomes is not told to be left out."""
    with pytest.raises(UnknownPropertyError, match="PrimaryClusterId"):
        told(KINDS["ReplicationGroup"], "PrimaryClusterId", {"ReplicationGroup": {"PrimaryClusterId": ["`it`"]}})


def test_nothing_is_told_of_what_is_not_there() -> None:
    """Each type, property and attribute that is told about exists in the CDK."""
    properties = {(kind.name, name) for kind in KINDS.values() for name in kind.properties}
    attributes = {(kind.name, name) for kind in KINDS.values() for name in kind.attributes}

    assert set() == {(kind, name) for table in (SAID, NOT_SAID) for kind in table for name in table[kind]} - properties
    assert set() == {(kind, name) for kind in ATTRIBUTES for name in ATTRIBUTES[kind]} - attributes
    assert set() == set(NOT_MADE) - set(KINDS)
    assert set() == set(NOT_MADE) & {*SAID, *NOT_SAID, *ATTRIBUTES}


@pytest.mark.parametrize("identifier", sorted(IDENTIFIERS))
def test_named_identifier_exists(identifier: str) -> None:
    """A renamed member or argument is renamed in the texts too."""
    assert resolve(identifier) is not None
