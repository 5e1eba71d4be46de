"""Rotation by Secrets Manager: steps, pending versions, failures, retries, and a schedule at deployment."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.extension import seam
from rehearsal.extension.secrets import SECRET
from rehearsal.live import journal, rotation
from rehearsal.live.functions import service_calls
from rehearsal.live.rotation import SCHEDULE, rotations_of_run

if TYPE_CHECKING:
    from rehearsal.live.run import Run

Steps = list[str]
FUNCTION = "arn:aws:lambda:eu-west-1:000000000000:function:rotate"


def _call(action: str, **data: Any) -> dict[str, Any]:
    status, _headers, body = getattr(seam.secretsmanager, f"_{action}")(data)
    return {"status": status, **json.loads(body)}


@pytest.fixture
def secret(installed: Run) -> str:
    """ARN of a secret with the value `old`."""
    del installed
    arn, _ = seam.handlers()[SECRET]["create"]("Secret", {"Name": "token", "SecretString": "old"}, "stack")
    return str(arn)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """The steps that a function has been called for; a step named here before it is called fails."""
    taken: Steps = []

    def invoke(_function: str, event: dict[str, Any], _source: Any) -> None:
        step, token, arn = event["Step"], event["ClientRequestToken"], event["SecretId"]
        if f"fail {step}" in taken:
            raise service_calls.InvocationError(f"rotate: RotationError: {step} did not work")
        taken.append(step)
        if step == "createSecret":
            asked = {"SecretId": arn, "VersionId": token, "VersionStage": "AWSPENDING"}
            if "SecretString" in _call("get_secret_value", **asked):
                return
            assert _call("get_secret_value", **asked)["__type"] == "ResourceNotFoundException"
            put = {"SecretId": arn, "ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
            _call("put_secret_value", **put, SecretString="new")
        if step == "finishSecret":
            versions = _call("describe_secret", SecretId=arn)["VersionIdsToStages"]
            current = next(version for version, stages in versions.items() if "AWSCURRENT" in stages)
            moved = {"VersionStage": "AWSCURRENT", "MoveToVersionId": token, "RemoveFromVersionId": current}
            _call("update_secret_version_stage", SecretId=arn, **moved)

    monkeypatch.setattr(service_calls, "invoke", invoke)
    monkeypatch.setattr(rotation, "_refusal", lambda *_: None)
    return taken


def _rotate(secret: str, **more: Any) -> dict[str, Any]:
    answer = _call("rotate_secret", SecretId=secret, RotationLambdaARN=FUNCTION, **more)
    assert rotations_of_run().wait(30) == 0
    return answer


def _current(secret: str) -> str:
    return str(_call("get_secret_value", SecretId=secret)["SecretString"])


def test_four_steps_make_the_new_value_current(secret: str, steps: Steps) -> None:
    """The function is called for each step, with a version that has no value before the first; dates are told."""
    answer = _rotate(secret, ClientRequestToken="t" * 32, RotationRules={"AutomaticallyAfterDays": 30})
    assert answer["VersionId"] == "t" * 32
    assert steps == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert _current(secret) == "new"
    told = _call("describe_secret", SecretId=secret)
    assert told["RotationEnabled"]
    assert told["NextRotationDate"] == told["LastRotatedDate"] + 30 * 86_400
    assert abs(told["LastRotatedDate"] - time.time()) < 60


def test_a_failed_rotation_stays_pending_and_is_run_again(secret: str, steps: Steps, installed: Run) -> None:
    """The value in use stays; RotateSecret is refused and runs the same version again, and so does an hour."""
    steps.append("fail setSecret")
    version = _rotate(secret)["VersionId"]
    assert _current(secret) == "old"
    assert _call("describe_secret", SecretId=secret)["VersionIdsToStages"][version] == ["AWSPENDING"]
    failed = journal.read(installed.journal.path, "rotation")[-1]
    assert (failed["step"], failed["failed"]) == ("setSecret", True)
    assert "setSecret did not work" in failed["reason"]
    again = _rotate(secret)
    assert again["__type"] == "InvalidRequestException"
    assert "A previous rotation isn't complete" in again["message"]
    assert _current(secret) == "old"
    steps.clear()
    assert rotations_of_run().retry() == [secret]
    assert rotations_of_run().wait(30) == 0
    assert _current(secret) == "new"
    assert rotations_of_run().retry() == []


@pytest.mark.parametrize(
    ("more", "expected", "values"),
    [({"RotateImmediatelyOnUpdate": "false"}, ["testSecret"], ["old"]), ({}, list(rotation.STEPS), ["old", "new"])],
)
def test_a_schedule_rotates_at_once_unless_told_otherwise(
    secret: str, steps: Steps, more: dict[str, str], expected: Steps, values: list[str]
) -> None:
    """With RotateImmediatelyOnUpdate=false the configuration is tested, on a version that is taken away again."""
    asked = {"SecretId": secret, "RotationLambdaARN": FUNCTION, "RotationRules": {"AutomaticallyAfterDays": 30}, **more}
    seam.handlers()[SCHEDULE]["create"]("Schedule", asked, "stack")
    assert rotations_of_run().wait(30) == 0
    assert steps == expected
    assert len(_call("describe_secret", SecretId=secret)["VersionIdsToStages"]) == len(values)
    assert _current(secret) == values[-1]


def test_a_schedule_whose_function_does_not_admit_secrets_manager_fails(secret: str) -> None:
    """The deployment fails, as on AWS, and the message says why."""
    asked = {"SecretId": secret, "RotationLambdaARN": FUNCTION}
    with pytest.raises(ValueError, match=r"AccessDeniedException: .*principal secretsmanager.amazonaws.com"):
        seam.handlers()[SCHEDULE]["create"]("Schedule", asked, "stack")


@pytest.mark.parametrize(
    ("data", "code"),
    [({"SecretId": "none"}, "ResourceNotFoundException"), ({}, "InvalidRequestException")],
)
def test_requests_that_cannot_work_are_refused(secret: str, data: dict[str, Any], code: str) -> None:
    """RotateSecret needs a secret and a function."""
    assert _call("rotate_secret", **{"SecretId": secret, **data})["__type"] == code


def test_a_version_gets_one_value_and_a_label_has_one_version(secret: str) -> None:
    """The same token with another value is refused, with the same value does nothing; a label moves."""
    first, second = "a" * 32, "b" * 32
    put = {"SecretId": secret, "ClientRequestToken": first, "VersionStages": ["AWSPENDING"]}
    assert _call("put_secret_value", **put, SecretString="one")["status"] == 200
    assert _call("put_secret_value", **put, SecretString="one")["VersionStages"] == ["AWSPENDING"]
    assert _call("put_secret_value", **put, SecretString="two")["__type"] == "ResourceExistsException"
    assert _call("put_secret_value", **{**put, "ClientRequestToken": second}, SecretString="two")["status"] == 200
    stages = _call("describe_secret", SecretId=secret)["VersionIdsToStages"]
    assert stages[second] == ["AWSPENDING"]
    assert "AWSPENDING" not in stages.get(first, [])
    asked = {"SecretId": secret, "VersionId": second, "VersionStage": "AWSCURRENT"}
    assert _call("get_secret_value", **asked)["__type"] == "ResourceNotFoundException"
