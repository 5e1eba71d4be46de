"""The password before a rotation is no difference until it is retired, and any other second password is one."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import pytest

from verification.assembly import Stack
from verification.posture import Knowledge, judge
from verification.readers import READERS
from verification.resolve import Deployment

_STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1"
_SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop-1"
_OTHER = f"{_SECRET}-other"
_USER = "AWS::ElastiCache::User"
_SCHEDULE = {"SecretId": {"Ref": "Secret"}, "RotationLambdaARN": {"Fn::GetAtt": ["Function", "Arn"]}}
_GRACE = {"GRACE_SECONDS": "3600"}


def _found(
    passwords: int,
    minutes: int | None,
    *,
    kind: str = "password",
    schedule: dict[str, Any] | None = None,
    variables: dict[str, str] | None = None,
) -> list[tuple[str, str]]:
    """What differs in a user of one password, whose secret was rotated so many minutes ago."""
    value = {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:password::}}"]]}
    resources = {
        "User": {
            "Type": _USER,
            "Properties": {"UserId": "u", "AuthenticationMode": {"Type": "password", "Passwords": [value]}},
        },
        "Schedule": {"Type": "AWS::SecretsManager::RotationSchedule", "Properties": schedule or _SCHEDULE},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Environment": {"Variables": _GRACE if variables is None else variables}},
        },
    }
    rotated = {} if minutes is None else {"LastRotatedDate": dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)}
    user = {"UserId": "u", "UserName": "u", "Engine": "redis", "AccessString": "on"}
    account = SimpleNamespace(
        key_arn=str,
        region="eu-west-1",
        user=lambda _name: {**user, "Authentication": {"Type": kind, "PasswordCount": passwords}},
        read=lambda _service, _operation, SecretId: rotated if SecretId == _SECRET else {},  # noqa: N803 - AWS's name
    )
    stack = Stack("shop", "shop", None, None, {"Resources": resources})
    ids = {"User": "u", "Secret": _SECRET, "Other": _OTHER, "Function": "f"}
    deployment = Deployment(stack, cast("Any", account), ids, {}, _STACK, {})
    knowledge = Knowledge(readers={_USER: READERS[_USER]}, rules={})
    return [(each.property, each.asked) for each in judge(deployment, stack.resources[0], knowledge) if not each.ok]


_ONE = '{"Passwords": 1, "Type": "password"}'


@pytest.mark.parametrize(("passwords", "minutes"), [(1, None), (1, 1), (2, 1), (2, 119), (1, 121)])
def test_a_password_waits_to_be_retired(passwords: int, minutes: int | None) -> None:
    """For an hour of grace, and for up to an hour until the schedule runs."""
    assert [] == _found(passwords, minutes)


@pytest.mark.parametrize(
    ("passwords", "minutes", "changes"),
    [
        (2, None, {}),  # never rotated
        (2, 121, {}),  # it should have been retired
        (2, 1, {"schedule": {**_SCHEDULE, "SecretId": {"Ref": "Other"}}}),
        (2, 1, {"schedule": {**_SCHEDULE, "RotationLambdaARN": "arn:aws:lambda:eu-west-1:111122223333:function:f"}}),
        (2, 1, {"variables": {}}),  # another function, which has no grace time
    ],
)
def test_any_other_second_password_is_a_difference(
    passwords: int, minutes: int | None, changes: dict[str, Any]
) -> None:
    """Of a user without a rotation, or after it."""
    assert [("AuthenticationMode", _ONE)] == _found(passwords, minutes, **changes)


@pytest.mark.parametrize(("passwords", "kind"), [(3, "password"), (0, "password"), (0, "no-password"), (0, "iam")])
def test_in_the_grace_time_no_other_number_or_kind_is_right(passwords: int, kind: str) -> None:
    """The message says until when there may be one more."""
    [(name, asked)] = _found(passwords, 1, kind=kind)
    assert name == "AuthenticationMode"
    assert asked.startswith("1 passwords, and the one before the rotation until 2")
