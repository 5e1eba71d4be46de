"""Numbers that a configuration is made of."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from elasticache_constructs.checks.whole_numbers import is_whole_number, shown


@pytest.fixture(name="token")
def _token() -> Any:
    return cdk.CfnParameter(cdk.Stack(), "Count", type="Number").value_as_number


@pytest.mark.parametrize("value", [0, 1, 5])
def test_whole_number_within_its_limits(value: int) -> None:
    """Every whole number between the limits is one, both limits included."""
    assert is_whole_number(value, 0, 5)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(-1, id="below"),
        pytest.param(6, id="above"),
        pytest.param(1.0, id="not an integer, although whole"),
        pytest.param(1.5, id="a fraction"),
        pytest.param(float("nan"), id="no number"),
        pytest.param(True, id="true"),
        pytest.param(False, id="false"),
        pytest.param("1", id="text"),
        pytest.param(None, id="nothing"),
        pytest.param([1], id="a list"),
    ],
)
def test_anything_else_is_none(value: Any) -> None:
    """What lies beyond the limits, or is of another type, is no whole number."""
    assert not is_whole_number(value, 0, 5)


def test_token_is_none_yet(token: Any) -> None:
    """A token looks like a huge negative number; no limits make it a whole one."""
    assert not is_whole_number(token, -(10**400), 10**400)


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (2.0, "2.0"), ("3", "'3'"), (True, "True"), (None, "None")])
def test_value_is_shown_as_its_author_wrote_it(value: object, text: str) -> None:
    """In a message text has its quotes, so that it differs from a number."""
    assert text == shown(value)


def test_token_is_shown_as_what_it_is(token: Any) -> None:
    """In a message a token is no number."""
    assert "<a token, known at deployment only>" == shown(token)
