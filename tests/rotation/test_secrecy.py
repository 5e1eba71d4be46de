"""No password is ever told."""

from __future__ import annotations

import io
import json
import traceback
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest

from elasticache_constructs.rotation.runtime.rotate_secret.errors import RotationError
from elasticache_constructs.rotation.runtime.rotate_secret.secret import Login
from tests.rotation.rig import FOUR, GRACE
from tests.rotation.twin import Knobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
    from tests.rotation.rig import Rig

# Every call that carries or returns a password, and every error code that takes its own path.
CALLS = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
    "elasticache:ModifyUser",
    "elasticache:ModifyReplicationGroup",
)
CODES = ("Throttling", "InvalidUserState", "AccessDeniedException", "InvalidParameterValue", "ResourceExistsException")


def _everything_told(rig: Rig) -> str:
    """Logs, errors and their tracebacks of a rotation and its sweep, going on after each failure."""
    output = io.StringIO()
    token = rig.secrets.rotate()
    with redirect_stdout(output):
        for step in (*FOUR, "retire", "status", "abort"):
            if step == "retire":
                rig.clock.sleep(GRACE + 1)
            try:
                output.write(repr(rig.step(step, token if step in FOUR else None)))
            except RotationError as error:
                output.write("".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)))
    return output.getvalue()


def _told(rig: Rig) -> list[str]:
    text = _everything_told(rig)
    assert "createSecret" in text
    values = [json.loads(version.value)["password"] for version in rig.secrets.versions.values() if version.value]
    return [name for name in values if name in text]


@pytest.mark.parametrize("code", CODES)
def test_failing_calls_tell_no_password(kind: Kind, new_rig: Callable[[Kind], Rig], code: str) -> None:
    """Whatever call fails, and though the service's message quotes its arguments, no password is told."""
    for action in CALLS:
        rig = new_rig(kind)
        rig.seconds = 2.0
        rig.account.fail(action, code, 50)

        assert (action, []) == (action, _told(rig))


def test_nodes_that_refuse_tell_no_password(rig: Rig) -> None:
    """A login that fails is told by the node's name alone."""
    rig.seconds = 2.0
    rig.cache.knobs = Knobs(never=True)

    assert [] == _told(rig)


def test_unforeseen_errors_tell_no_password(rig: Rig) -> None:
    """An unforeseen exception is told by its kind and place, since its text may quote anything."""

    def explode() -> None:
        raise ValueError(rig.secrets.peek("AWSCURRENT"), rig.secrets.peek("AWSPENDING"))

    rig.account.watch = explode
    text = _everything_told(rig)

    assert "RotationError: ValueError in explode:" in text
    assert rig.first not in text


def test_reprs_tell_no_password() -> None:
    """The repr of a login has no password, nor anything else of the secret's value."""
    login = Login.parse('{"username": "app", "password": "planted-password", "other": "planted-other"}')

    assert "Login(username='app')" == repr(login)


def test_lines_are_json_with_metrics(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is JSON; what alarms watch is counted once, with the function as its dimension."""
    rig.rotate()
    rig.clock.sleep(2 * GRACE + 1)
    hand_made = rig.secrets.add({"username": rig.user_name, "password": "by-hand" * 9}, "AWSPENDING")
    assert "rotation-under-way" == rig.step("retire")
    rig.secrets.versions[hand_made].labels.clear()
    rig.step("retire")
    with pytest.raises(RotationError):
        rig.step("sleep")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [
        (definition["Namespace"], definition["Dimensions"], metric["Name"], line[metric["Name"]])
        for line in lines
        if "_aws" in line
        for definition in line["_aws"]["CloudWatchMetrics"]
        for metric in definition["Metrics"]
    ]

    assert {"rotate-orders"} == {line["FunctionName"] for line in lines}
    assert [
        ("ElastiCacheRotation", [["FunctionName"]], name, 1)
        for name in ("RotationPromoted", "RetireOverdue", "PreviousRetired", "RotationFailed")
    ] == metrics
