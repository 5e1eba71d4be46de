"""Reasons say something."""

from __future__ import annotations

import pytest

from elasticache_constructs import ConfigurationError
from elasticache_constructs.checks.reasons import checked_reason


@pytest.mark.parametrize("reason", ["x" * 20, "Rebuilt from the database within minutes."])
def test_reason_of_twenty_characters_is_accepted(reason: str) -> None:
    """Twenty characters are enough."""
    assert reason == checked_reason(reason, what="this")


@pytest.mark.parametrize("reason", ["", "x" * 19, " " * 30, f"  {'x' * 19}  "], ids=repr)
def test_shorter_reason_is_refused(reason: str) -> None:
    """Fewer are not, and blanks around them do not count."""
    with pytest.raises(ConfigurationError) as refusal:
        checked_reason(reason, what="acknowledging CKV_1")

    expected = (
        f"acknowledging CKV_1 with the reason {reason!r}: a reason has 20 characters at least. "
        "Write why this is right here, so that it can be reviewed."
    )
    assert expected == str(refusal.value)
