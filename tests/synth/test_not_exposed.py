"""What the constructs do not expose is in no template, and what docs/properties.md tells of the others is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.properties import LATER, NOT_MADE, NOT_SAID, SAID, arguments
from tests.rules.declared import DECLARED, How

if TYPE_CHECKING:
    from tests.conftest import Synthesised

WHERE = {
    *(each.where for each in DECLARED.values() if each.how in (How.NOT_EXPOSED, How.NO_PROPERTY)),
    *(f"AWS::ElastiCache::{kind}.{name}" for kind, names in NOT_SAID.items() for name in names),
    *(f"AWS::ElastiCache::{kind}" for kind in NOT_MADE),
}


@pytest.mark.parametrize("where", sorted(WHERE))
def test_what_is_not_exposed_is_in_no_template(where: str, synthesised: Synthesised) -> None:
    """No stage and no example has the property or the type."""
    kind, _, name = where.partition(".")
    resources = synthesised.everywhere(kind.removeprefix("AWS::"))

    assert [] == [path for path, each in resources.items() if not name or name in each.get("Properties", {})]


@pytest.mark.parametrize("kind", sorted(SAID))
def test_what_is_said_without_an_argument_is_in_a_template(kind: str, synthesised: Synthesised) -> None:
    """Some stage or example has each property that docs/properties.md tells by hand; none of them sets a tag."""
    found = {name for each in synthesised.everywhere(f"ElastiCache::{kind}").values() for name in each["Properties"]}

    later = LATER if kind == "GlobalReplicationGroup" else set()
    assert set() == set(SAID[kind]) - {*arguments().get(kind, {})} - found - {"Tags"} - later
