"""The catalogue against what the installed botocore and cfn-lint know. Red after an upgrade: refresh it."""

from __future__ import annotations

import datetime as dt

import pytest

from elasticache_rules import facts
from elasticache_rules.facts import refresh
from elasticache_rules.facts.records import read


@pytest.fixture(name="found", scope="module")
def _found() -> refresh.Difference:
    recorded = read("offered")
    return refresh.difference(recorded, refresh.offered(recorded, dt.date(2026, 11, 22)))


def test_packages_know_nothing_more(found: refresh.Difference) -> None:
    """No version, family, node type or region of one is known to a package and not to the catalogue."""
    assert [] == found.new, "python -m elasticache_rules.facts --write"


def test_catalogue_knows_nothing_more_in_their_name(found: refresh.Difference) -> None:
    """What the catalogue has from the packages, they still say."""
    assert [] == found.gone, "python -m elasticache_rules.facts --write"


def test_file_is_as_it_would_be_written(found: refresh.Difference) -> None:
    """The file has the order and the form that the command writes."""
    assert not found.form


def test_what_else_is_known_has_a_page() -> None:
    """What the catalogue knows beyond the packages names a page, and no package, as its source."""
    beyond = set(facts.parameter_families()) - set(read("offered")["parameter_families"]["names"])

    assert {"valkey9"} == beyond
    for name in beyond:
        family = facts.parameter_family(name)
        assert family is not None
        assert [True] == [each.name in read("pages") for each in family.sources]
