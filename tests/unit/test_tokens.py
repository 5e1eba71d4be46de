"""Tokens are recognised as the CDK recognises them, without asking it about plain values."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import Token

from elasticache_constructs.checks.tokens import is_unresolved

STACK = cdk.Stack(cdk.App(), "Tokens")
NUMBER = cdk.CfnParameter(STACK, "Number", type="Number").value_as_number
LIST = cdk.CfnParameter(STACK, "List", type="CommaDelimitedList").value_as_list
VALUES = {
    "a text": "plain",
    "a text like one": "${Token}",
    "a token": cdk.Aws.REGION,
    "a text with a token": f"a-{cdk.Aws.REGION}-b",
    "a number": 6379,
    "a negative number": -1,
    "a truth value": True,
    "a number that is a token": NUMBER,
    "a list": ["a", "b"],
    "an empty list": [],
    "a list with a token": ["a", cdk.Aws.REGION],
    "a list that is a token": LIST,
    "an intrinsic function": cdk.Fn.get_azs(),
    "a mapping with a token": {"a": cdk.Aws.REGION},
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_answer_is_that_of_the_cdk(value: object) -> None:
    """Every encoding of a token, and plain values of the same types."""
    assert bool(Token.is_unresolved(value)) is is_unresolved(value)


def test_the_cdk_is_not_asked_about_plain_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of what is checked is plain, and each question to the CDK goes to another process."""
    monkeypatch.setattr(Token, "is_unresolved", lambda _: pytest.fail("asked"))

    assert [False] * 4 == [*map(is_unresolved, ("cache.r7g.large", 6379, False, ["a"]))]
