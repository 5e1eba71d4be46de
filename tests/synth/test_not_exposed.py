"""What the constructs do not expose is in no template."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rules.declared import DECLARED, How

if TYPE_CHECKING:
    from tests.conftest import Synthesised

WHERE = {each.where for each in DECLARED.values() if each.how in (How.NOT_EXPOSED, How.NO_PROPERTY)}


@pytest.mark.parametrize("where", sorted(WHERE))
def test_what_is_not_exposed_is_in_no_template(where: str, synthesised: Synthesised) -> None:
    """No stage and no example has the property or the type."""
    kind, _, name = where.partition(".")
    resources = synthesised.everywhere(kind.removeprefix("AWS::"))

    assert [] == [path for path, each in resources.items() if not name or name in each.get("Properties", {})]
