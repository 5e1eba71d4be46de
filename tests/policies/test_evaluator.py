"""The evaluator agrees with AWS's documents on how policies are evaluated, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.evaluator import Call, Caller, NotUnderstoodError, Target, is_allowed

OURS, THEIRS = "111122223333", "999988887777"
ROLE = f"arn:aws:iam::{OURS}:role/orders"
QUEUE = f"arn:aws:sqs:eu-west-1:{OURS}:orders"
SNS = "sns.amazonaws.com"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE}
DENY = {**ALLOW, "Effect": "Deny"}
ROOT = {"AWS": f"arn:aws:iam::{OURS}:root"}


def _allowed(
    *,
    identity: list[Any] | None = None,
    resource: list[Any] | None = None,
    is_key: bool = False,
    account: str = OURS,
    service: str = "",
    call: Call | None = None,
) -> bool:
    caller = (
        Caller(service=service)
        if service
        else Caller(account=account, arn=ROLE.replace(OURS, account), statements=tuple(identity or []))
    )
    statements = None if resource is None else tuple(resource)
    target = Target(account=OURS, statements=statements, is_key=is_key)
    return is_allowed(caller, call or Call(action="sqs:SendMessage", resource=QUEUE), target)


def _by(principal: Any, statement: dict[str, Any] = ALLOW) -> dict[str, Any]:
    return {**statement, "Principal": principal}


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        # Within an account: either policy is enough, and nothing is not.
        pytest.param(False, {}, id="nothing is an implicit denial"),
        pytest.param(True, {"identity": [ALLOW]}, id="the identity's policy alone"),
        pytest.param(True, {"resource": [_by({"AWS": ROLE})]}, id="the resource's policy alone, naming the role"),
        pytest.param(True, {"resource": [_by("*")]}, id="the resource's policy, naming every principal"),
        pytest.param(True, {"resource": [_by({"AWS": "*"})]}, id="every principal, in other words"),
        pytest.param(False, {"resource": [_by(ROOT)]}, id="the account alone leaves it to the identity's policy"),
        pytest.param(True, {"resource": [_by(ROOT)], "identity": [ALLOW]}, id="which may then allow it"),
        pytest.param(False, {"resource": [_by({"AWS": ROLE + "s"})]}, id="another role"),
        pytest.param(False, {"identity": [ALLOW, DENY]}, id="an explicit denial of the identity"),
        pytest.param(
            False, {"identity": [ALLOW], "resource": [_by("*", DENY)]}, id="an explicit denial of the resource"
        ),
        pytest.param(
            False, {"identity": [DENY], "resource": [_by({"AWS": ROLE})]}, id="of the identity, whatever else allows it"
        ),
        pytest.param(
            True, {"identity": [ALLOW], "resource": [_by({"AWS": ROLE + "s"}, DENY)]}, id="a denial of another role"
        ),
        pytest.param(False, {"identity": [ALLOW], "resource": [_by(ROOT, DENY)]}, id="a denial of the account"),
        # Between accounts both are needed.
        pytest.param(False, {"account": THEIRS, "identity": [ALLOW]}, id="from another account: the identity's alone"),
        pytest.param(False, {"account": THEIRS, "resource": [_by("*")]}, id="from another account: the resource's"),
        pytest.param(
            True, {"account": THEIRS, "identity": [ALLOW], "resource": [_by({"AWS": THEIRS})]}, id="both, by number"
        ),
        pytest.param(
            True,
            {"account": THEIRS, "identity": [ALLOW], "resource": [_by({"AWS": f"arn:aws:iam::{THEIRS}:root"})]},
            id="both, by root",
        ),
        pytest.param(False, {"account": THEIRS, "identity": [ALLOW], "resource": [_by(ROOT)]}, id="not our account"),
        # A key's policy must allow it, itself or by leaving it to the account.
        pytest.param(False, {"is_key": True, "identity": [ALLOW], "resource": []}, id="a key that says nothing"),
        pytest.param(True, {"is_key": True, "resource": [_by({"AWS": ROLE})]}, id="a key that names the role"),
        pytest.param(False, {"is_key": True, "resource": [_by(ROOT)]}, id="a key that leaves it to no principal"),
        pytest.param(
            True, {"is_key": True, "resource": [_by(ROOT)], "identity": [ALLOW]}, id="a key that leaves it to IAM"
        ),
        pytest.param(
            False,
            {"is_key": True, "resource": [_by(ROOT), _by("*", DENY)], "identity": [ALLOW]},
            id="a key that denies it",
        ),
        # Services have no identity policies.
        pytest.param(False, {"service": SNS}, id="a service that is not named"),
        pytest.param(True, {"service": SNS, "resource": [_by({"Service": "sns.amazonaws.com"})]}, id="one"),
        pytest.param(
            False,
            {"service": SNS, "resource": [_by({"Service": "s3.amazonaws.com"})]},
            id="another one",
        ),
        pytest.param(False, {"service": SNS, "resource": [_by(ROOT)]}, id="the account is no service"),
        pytest.param(True, {"service": SNS, "resource": [_by("*")]}, id="every principal includes it"),
    ],
)
def test_policies_are_combined(arguments: dict[str, Any], *, expected: bool) -> None:
    """Denials first; then who must allow it, which depends on accounts and on the kind of resource."""
    assert expected == _allowed(**arguments)


@pytest.mark.parametrize(
    ("expected", "statement"),
    [
        pytest.param(True, {"Action": "sqs:*"}, id="a wildcard"),
        pytest.param(True, {"Action": "SQS:sendmessage"}, id="case does not matter in actions"),
        pytest.param(True, {"Action": ["sqs:Receive*", "sqs:Send?essage"]}, id="one of several"),
        pytest.param(False, {"Action": "sqs:Send"}, id="a part of the name"),
        pytest.param(True, {"Action": "*"}, id="everything"),
        pytest.param(True, {"Resource": "*"}, id="everything to be called"),
        pytest.param(True, {"Resource": f"arn:aws:sqs:*:{OURS}:ord*"}, id="wildcards in parts of an ARN"),
        pytest.param(False, {"Resource": "arn:aws:sqs:*:orders"}, id="no wildcard reaches beyond its part"),
        pytest.param(False, {"Resource": QUEUE.upper()}, id="case matters in resources"),
        pytest.param(False, {"Resource": QUEUE + "[s]"}, id="a bracket is a bracket"),
    ],
)
def test_actions_and_resources_match(statement: dict[str, Any], *, expected: bool) -> None:
    """Names match with wildcards, ARNs part by part."""
    assert expected == _allowed(identity=[{**ALLOW, **statement}])


@pytest.mark.parametrize(
    ("expected", "statement"),
    [
        ({"NotAction": "sqs:Receive*"}, True),
        ({"NotAction": "sqs:Send*"}, False),
    ],
)
def test_exceptions_match_the_rest(expected: dict[str, Any], *, statement: bool) -> None:
    """NotAction is about every other action."""
    rest = {name: value for name, value in ALLOW.items() if name != "Action"}

    assert statement == _allowed(identity=[{**rest, **expected}])


KEYS: dict[str, str | list[str]] = {
    "aws:SourceAccount": OURS,
    "aws:SourceArn": QUEUE,
    "aws:TagKeys": ["a", "b"],
    "n": "5",
}


@pytest.mark.parametrize(
    ("expected", "condition"),
    [
        (True, {"StringEquals": {"aws:SourceAccount": OURS}}),
        (True, {"StringEquals": {"AWS:sourceaccount": OURS}}),
        (True, {"StringEquals": {"aws:SourceAccount": [THEIRS, OURS]}}),
        (False, {"StringEquals": {"aws:SourceAccount": THEIRS}}),
        (False, {"StringEquals": {"aws:SourceOwner": OURS}}),
        (True, {"StringEqualsIfExists": {"aws:SourceOwner": OURS}}),
        (False, {"StringEqualsIfExists": {"aws:SourceAccount": THEIRS}}),
        (True, {"StringNotEquals": {"aws:SourceAccount": THEIRS}}),
        (False, {"StringNotEquals": {"aws:SourceAccount": [THEIRS, OURS]}}),
        (True, {"StringNotEquals": {"aws:SourceOwner": OURS}}),
        (True, {"StringLike": {"aws:SourceAccount": "1111*"}}),
        (False, {"StringEquals": {"aws:SourceAccount": "1111*"}}),
        (False, {"StringNotLike": {"aws:SourceAccount": "1111*"}}),
        (True, {"ArnLike": {"aws:SourceArn": f"arn:*:sqs:*:{OURS}:*"}}),
        (False, {"ArnLike": {"aws:SourceArn": "arn:aws:*:orders"}}),
        (False, {"ArnNotLike": {"aws:SourceArn": f"arn:*:sqs:*:{OURS}:*"}}),
        (True, {"Null": {"aws:SourceOwner": "true"}}),
        (False, {"Null": {"aws:SourceArn": "true"}}),
        (True, {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}),
        (False, {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}),
        (True, {"ForAllValues:StringEquals": {"aws:Missing": ["a"]}}),
        (True, {"ForAnyValue:StringEquals": {"aws:TagKeys": ["b", "c"]}}),
        (False, {"ForAnyValue:StringEquals": {"aws:TagKeys": ["c"]}}),
        (False, {"ForAnyValue:StringEquals": {"aws:Missing": ["c"]}}),
        (True, {"NumericLessThan": {"n": "6"}}),
        (False, {"NumericGreaterThanEquals": {"n": "6"}}),
        (False, {"Bool": {"aws:SecureTransport": "true"}}),
        (True, {"BoolIfExists": {"aws:SecureTransport": "true"}}),
        # All operators and all keys must hold.
        (False, {"StringEquals": {"aws:SourceAccount": OURS}, "ArnLike": {"aws:SourceArn": "arn:aws:s3:::x"}}),
        (False, {"StringEquals": {"aws:SourceAccount": OURS, "aws:SourceArn": "x"}}),
        (True, {"StringEquals": {"aws:SourceArn": f"arn:aws:sqs:eu-west-1:{'${aws:SourceAccount}'}:orders"}}),
    ],
)
def test_conditions_hold(condition: dict[str, Any], *, expected: bool) -> None:
    """Each operator, with a key that is there and with one that is not."""
    call = Call(action="sqs:SendMessage", resource=QUEUE, context=KEYS)

    assert expected == _allowed(identity=[{**ALLOW, "Condition": condition}], call=call)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({**ALLOW, "Condition": {"DateLessThan": {"aws:CurrentTime": "2030"}}}, id="an operator"),
        pytest.param({**ALLOW, "Condition": {"Some:StringEquals": {"a": "b"}}}, id="a quantifier"),
        pytest.param({**ALLOW, "Resource": "arn:aws:s3:::${aws:username}"}, id="a variable that is not known"),
        pytest.param({**ALLOW, "Actions": "sqs:*"}, id="an element"),
        pytest.param({**ALLOW, "Effect": "allow"}, id="an effect"),
        pytest.param({"Effect": "Allow", "Action": "*"}, id="an identity's statement without a resource"),
    ],
)
def test_what_is_not_understood_is_no_answer(statement: dict[str, Any]) -> None:
    """A word that the evaluator does not know stops it."""
    with pytest.raises(NotUnderstoodError):
        _allowed(identity=[statement], call=Call(action="sqs:SendMessage", resource=QUEUE, context={"a": "b"}))


@pytest.mark.parametrize(
    "principal",
    [
        pytest.param({"Federated": "cognito-identity.amazonaws.com"}, id="a federated principal"),
        pytest.param({"CanonicalUser": "79a5"}, id="a canonical user"),
        pytest.param(None, id="none"),
    ],
)
def test_principals_that_are_not_understood_are_no_answer(principal: Any) -> None:
    """Neither is a kind of principal that it does not know."""
    with pytest.raises(NotUnderstoodError):
        _allowed(resource=[_by(principal)])
