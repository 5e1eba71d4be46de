"""What a message advises is followed, and what was refused builds: for every row, and for drawn configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from elasticache_constructs import ConfigurationError, Topology
from tests.deployable.drawing.members import joined
from tests.deployable.strategies import configurations
from tests.deployable.written import Call, call
from tests.rules.advice import Advice, all_advice, followed, refused_call
from tests.rules.rows import ROWS, refusal_of

if TYPE_CHECKING:
    from tests.rules.row import Row

_MOST_STEPS = 25


def _errors(written: object) -> list[ConfigurationError]:
    """What is refused of a call; nothing of what is a value already."""
    if not isinstance(written, Call):
        return []
    try:
        written.made()
    except ConfigurationError as refusal:
        return list(refusal.errors)
    return []


def _fixes(written: object, error: ConfigurationError) -> list[tuple[Advice, object]]:
    """Every way of following the advice about one mistake, and what it makes of the call."""
    assert isinstance(written, Call)
    ways = ((each, followed(written, each, error.got)) for each in all_advice(error.fix))
    return [(advice, result) for advice, result in ways if result is not None]


def _build(written: object, *, first: int = 0) -> tuple[int, list[ConfigurationError]]:
    """Follow advice after advice, and say how many steps it took and what is left that says nothing to follow.

    Args:
        written: The call.
        first: Which of several ways is taken at the first step. Later ones take the first way.
    """
    seen: set[str] = set()
    for step in range(_MOST_STEPS):
        found = _errors(written)
        ways = next(((error, ways) for error in found if (ways := _fixes(written, error))), None)
        if ways is None:
            return step, found
        error, choices = ways
        assert str(error) not in seen, f"after its advice was followed it is said again: {error}"
        seen.add(str(error))
        _, written = choices[min(first if step == 0 else 0, len(choices) - 1)]
    pytest.fail(f"{_MOST_STEPS} pieces of advice do not make {written} right")


_REASONS: dict[str, str] = {
    "it names another construct, not what to write in this one": "ENG-01 ENG-02 TLS-03 CCR-01 CCR-03",
    "which engine, node type, number or name is the reader's choice": (
        "ENG-06 NOD-03 NOD-04 NOD-05 NOD-06 NOD-07 NOD-08 DTI-01 TOP-19 IAM-01 RBC-22 "
        "NAM-01 NAM-02 NAM-16 NAM-17 NAM-14 LOG-07 SNP-18"
    ),
    "it is done in several deployments: a runbook is named": "ENG-10 ENG-12 TOP-23 ASC-03 ASC-08 DTI-03",
    "an argument of an argument is meant": "ASC-06 ASC-07 ASC-10 ASC-11 ASC-12 MEM-13",
    "a word of an access string, or of a list of users, is meant": (
        "RBC-05 RBC-10 RBC-11 RBC-12 RBC-13 RBC-14 IAM-03 NAM-05 NAM-08"
    ),
    "a part of it is for the reader to fill in": (
        "PGR-01 POS-07 SLS-04 SLS-07 SLS-09 SLS-10 SLS-12 AUT-15 NAM-06 NAM-10 RBC-07 SNP-20 CFN-15"
    ),
    "a text of another form is meant, shown by an example": "SNP-02 SNP-03 SNP-10 WIN-01 WIN-02 PGR-16",
    "a name or a value within parameters is meant": "PGR-03 PGR-04 PGR-06 PGR-20",
    "numbers and names of several shards are meant": "TOP-16 TOP-17",
    "it is about the VPC, a subnet, a topic, a key or a stack other than the cache's": (
        "NET-01 NET-02 NET-06 NET-10 NET-15 NET-18 NET-19 LOC-02 DUR-03 ASC-05 TOP-10 TAG-04 KMS-03 KMS-04 LOG-06 "
        "MEM-03 SLS-06 SLS-08 NAM-09"
    ),
    "it is about a global datastore: several constructs, in several stacks": (
        "ENG-21 GDS-01 GDS-02 GDS-03 GDS-07 GDS-11 GDS-12 GDS-14 NAM-11 NET-17 TOP-12"
    ),
}
IN_WORDS = {rule: reason for reason, rules in _REASONS.items() for rule in rules.split()}
"""Rules with a row whose advice is not followed automatically, and why. The unit tests of the last kind follow it."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_advice_of_a_row_is_followed_until_it_builds(row: Row) -> None:
    """Each way that the message names leads to something that is built, and to no other refusal."""
    refusal = refusal_of(row)
    for error in refusal.errors:
        written = refused_call(refusal)
        ways = [] if written is None else _fixes(written, error)
        for number in range(len(ways)):
            _, left = _build(written, first=number)
            assert [] == [str(each) for each in left]


def test_rows_that_are_not_followed_are_known() -> None:
    """By their rule, each with the reason; what can be followed does not stand among them."""
    words = set()
    for row in ROWS:
        refusal = refusal_of(row)
        refused = refused_call(refusal)
        if not refused or not _fixes(refused, refusal):
            words.add(row.rule)
    assert set(IN_WORDS) == words


def test_advice_is_followed_until_it_builds(*, exhaustive: bool) -> None:
    """Advice never leads back to what was refused, and ends where it builds, or where words are left."""
    # The same examples in every run.
    settings(max_examples=400 if exhaustive else 100, derandomize=True, database=None, deadline=None)(_is_followed)()


# Of the members of a global datastore each has what an advice may be about, in other words: a reader tells them apart.
@given(configurations().filter(lambda written: written.constructor is not joined))
def _is_followed(written: Call) -> None:
    steps, _ = _build(written)
    # Without a first step there is no other way to take it.
    if steps:
        _build(written, first=1)


def test_advice_that_leads_in_a_circle_is_noticed() -> None:
    """The largest group of all: no quota would do, and none is advised."""
    wide = call(Topology, shards=90, replicas_per_shard=5)
    assert [] == _fixes(wide, *_errors(wide))
    assert (1, []) == _build(call(Topology, shards=83, replicas_per_shard=5))
