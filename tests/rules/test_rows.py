"""Each enforced rule refuses a bad input in exact words, and lets its good neighbour pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from elasticache_rules.rules import rules
from tests.rules import in_code
from tests.rules.coverage import checked_by
from tests.rules.rows import ROWS, refusal_of

if TYPE_CHECKING:
    from tests.rules.row import Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_bad_input_is_refused_in_these_words(row: Row) -> None:
    """What the service would refuse is refused with this message and no other."""
    assert row.message == str(refusal_of(row))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_good_neighbour_is_accepted(row: Row) -> None:
    """What lies on the other side of the limit is accepted."""
    row.good()


def test_every_enforced_rule_has_a_row() -> None:
    """No rule is refused without a row that shows it."""
    enforced = {rule for rule in rules() if checked_by(rule) is not None}

    assert enforced == {row.rule for row in ROWS}


def test_messages_carry_the_id_of_the_check() -> None:
    """A message ends with its rule's id, or with that of the rule whose check keeps this one too."""
    assert [] == [row.rule for row in ROWS if checked_by(row.rule) != (row.carries or row.rule)]


def test_every_message_is_one_line() -> None:
    """A mistake is one line."""
    assert [] == [row.message for row in ROWS if len(row.message.splitlines()) != 1]


def test_refusals_are_found_in_the_code() -> None:
    """The search for rules in the source finds those that values and constructs raise."""
    assert {"TOP-06", "RBC-12", "NOD-04", "ENG-03"} <= set(in_code.refused())
