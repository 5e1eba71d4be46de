"""How long backups are kept, and when they are taken."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from elasticache_constructs import Backups, ConfigurationError
from elasticache_constructs.checks.errors import reference

REASON = "The cache is rebuilt from the database within minutes."


def test_longest_retention_is_the_default() -> None:
    """Snapshots are kept 35 days, the longest that the service offers, and taken at two in the morning."""
    assert Backups(retention_days=35, window="02:00-03:00", short_retention_reason=None) == Backups()


@pytest.mark.parametrize("days", [15, 16, 35])
def test_retention_that_policies_accept(days: int) -> None:
    """15 to 35 days need no reason, and policy packs have no finding."""
    assert (days, False) == (
        Backups(retention_days=days).retention_days,
        Backups(retention_days=days).below_policy_floor,
    )


@pytest.mark.parametrize("days", [1, 14])
def test_short_retention_with_a_reason(days: int) -> None:
    """Down to one day is accepted with a reason; policy packs have a finding then."""
    assert Backups(retention_days=days, short_retention_reason=REASON).below_policy_floor


def _other_type(days: object) -> str:
    return "" if type(days) is int else f" of type {type(days).__name__}"


@pytest.mark.parametrize("days", [14, 1, 0, -1, 36, 35.0, 20.5, True, "30", None], ids=repr)
def test_retention_out_of_its_limits_is_refused(days: Any) -> None:
    """Without a reason fewer than 15 days are refused, and always more than 35 and what is no whole number."""
    with pytest.raises(ConfigurationError) as refusal:
        Backups(retention_days=days)

    expected = (
        f"Backups(retention_days={days!r}){_other_type(days)}: snapshots are kept 15 to 35 days. "
        "Use retention_days=35, or say why a shorter time is enough: short_retention_reason='...'. "
        f"{reference('SNP-01')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize("days", [0, -1, 36, 1.0, True], ids=repr)
def test_no_reason_lifts_the_limits_of_the_service(days: Any) -> None:
    """With a reason too, backups are never off and never kept longer than the service can."""
    with pytest.raises(ConfigurationError) as refusal:
        Backups(retention_days=days, short_retention_reason=REASON)

    expected = (
        f"Backups(retention_days={days}){_other_type(days)}: snapshots are kept 1 to 35 days. Use retention_days=35. "
        f"{reference('SNP-01')}"
    )
    assert expected == str(refusal.value)


def test_tokens_pass_through() -> None:
    """A retention and a window that are known at deployment only are not checked, and packs have no finding yet."""
    stack = cdk.Stack()
    days: Any = cdk.CfnParameter(stack, "Days", type="Number").value_as_number
    window = cdk.CfnParameter(stack, "Window").value_as_string
    backups = Backups(retention_days=days, window=window)

    assert (days, window, False) == (backups.retention_days, backups.window, backups.below_policy_floor)


def test_reason_has_to_say_something() -> None:
    """A reason of a word or two is refused."""
    with pytest.raises(ConfigurationError) as refusal:
        Backups(retention_days=1, short_retention_reason="dev only")

    expected = (
        "Backups(short_retention_reason=...) with the reason 'dev only': a reason has 20 characters at least. "
        "Write why this is right here, so that it can be reviewed."
    )
    assert expected == str(refusal.value)


def test_window_is_checked() -> None:
    """A window that the service would refuse is refused where it is written."""
    with pytest.raises(ConfigurationError, match=r"^snapshot window '2:00-3:00': "):
        Backups(window="2:00-3:00")
