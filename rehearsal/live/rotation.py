"""Rotation by Secrets Manager: the four steps of the secret's function, on versions that behave as AWS's do.

A rotation that fails leaves its version pending, and its steps are run again by the next RotateSecret, which is
refused, or when an hour passes. A schedule that does not rotate at once tests its configuration with the step
`testSecret`, on a version that has no value and is taken away again.
See https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html.
"""

from __future__ import annotations

import contextvars
import importlib
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import (
    HANDLERS,
    REFUSED,
    Private,
    Properties,
    Provisioned,
    Response,
    handlers,
    is_true,
    secretsmanager,
)
from rehearsal.live.functions import service_calls
from rehearsal.live.functions.service_calls import InvocationError
from rehearsal.live.service_principals import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.live.run import Run

core: Any = importlib.import_module("ministack.core.responses")

TOUCHES = (
    HANDLERS,
    Private("services.secretsmanager", "_describe_secret", ("data",)),
    Private("services.secretsmanager", "_get_secret_value", ("data",)),
    Private("services.secretsmanager", "_put_secret_value", ("data",)),
    Private("services.secretsmanager", "_remove_stage_everywhere", ("secret", "stage", "except_version_id")),
    Private("services.secretsmanager", "_resolve", ("secret_id", "use_arn_scope")),
    Private("services.secretsmanager", "_rotate_secret", ("data",)),
    Private("services.secretsmanager", "_secrets"),
)

SCHEDULE = "AWS::SecretsManager::RotationSchedule"
SERVICE = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
TEST = ("testSecret",)
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
DAY = 86_400
NO_PERMISSION = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the "
    f"principal {SERVICE}."
)

Secret = dict[str, Any]


class Rotations:
    """The rotations of one run.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], threading.Thread] = {}

    def rotate(self, data: Mapping[str, Any]) -> Response:
        """RotateSecret.

        Args:
            data: The request.
        """
        _key, secret = secretsmanager._resolve(data.get("SecretId"))
        if secret is None:
            return _error("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        if secret.get("DeletedDate"):
            return _error(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
            )
        function = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
        if not function:
            return _error("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
        if refusal := _refusal(secret, function):
            self._run.journal.write("rotation", secret=secret["ARN"], failed=True, reason=refusal)
            return _error("AccessDeniedException", NO_PERMISSION)
        secret.update(RotationEnabled=True, RotationLambdaARN=function)
        if rules := data.get("RotationRules"):
            secret["RotationRules"] = rules
        return self._start(secret, data.get("ClientRequestToken") or str(uuid.uuid4()), data.get("RotateImmediately"))

    def _start(self, secret: Secret, token: str, immediately: bool | None) -> Response:  # noqa: FBT001 - the request's
        answer = responses_json({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})
        if immediately is False:
            if pending_of(secret) is None:
                secret["Versions"][token] = _version()
                self._run_steps(secret, token, TEST)
            return answer
        pending = pending_of(secret)
        if pending is not None and pending != token:
            self._run_steps(secret, pending, STEPS)
            return _error(
                "InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted."
            )
        if CURRENT in secret["Versions"].get(token, {}).get("Stages", ()):
            return answer
        if pending is None:
            secretsmanager._remove_stage_everywhere(secret, PENDING)
            secret["Versions"][token] = _version()
        self._run_steps(secret, token, STEPS)
        return answer

    def retry(self) -> list[str]:
        """Run the steps of all rotations again that have failed; returns the ARNs of their secrets."""
        retried = []
        for secret in list(secretsmanager._secrets.values()):
            pending = pending_of(secret)
            if pending is not None and secret.get("RotationEnabled") and secret.get("RotationLambdaARN"):
                self._run_steps(secret, pending, STEPS)
                retried.append(str(secret["ARN"]))
        return retried

    def wait(self, seconds: float) -> int:
        """Wait until the rotations so far have ended.

        Args:
            seconds: The longest time.

        Returns:
            How many have not ended.
        """
        deadline = time.monotonic() + seconds
        with self._lock:
            threads = list(self._running.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return sum(thread.is_alive() for thread in threads)

    def _run_steps(self, secret: Secret, token: str, steps: tuple[str, ...]) -> None:
        """Run steps in a separate thread, unless they run already."""
        key = (str(secret["ARN"]), token)

        def run() -> None:
            try:
                self._take(secret, token, steps)
            finally:
                with self._lock:
                    self._running.pop(key, None)

        with self._lock:
            if key in self._running:
                return
            context = contextvars.copy_context()
            thread = threading.Thread(target=context.run, args=(run,), name="rotation", daemon=True)
            self._running[key] = thread
        thread.start()

    def _take(self, secret: Secret, token: str, steps: tuple[str, ...]) -> None:
        function = secret["RotationLambdaARN"]
        for step in steps:
            event = {
                "Step": step,
                "SecretId": secret["ARN"],
                "ClientRequestToken": token,
                "RotationToken": str(uuid.uuid4()),
            }
            started = time.monotonic()
            facts = {"secret": secret["ARN"], "version": token, "step": step, "function": function}
            try:
                service_calls.invoke(function, event, _source(secret))
            except InvocationError as error:
                self._run.journal.write(
                    "rotation", **facts, failed=True, seconds=round(time.monotonic() - started, 3), reason=str(error)
                )
                break
            self._run.journal.write("rotation", **facts, failed=False, seconds=round(time.monotonic() - started, 3))
        else:
            if steps == STEPS:
                secret["LastRotatedDate"] = int(time.time())
        if steps == TEST:
            secret["Versions"].pop(token, None)


def pending_of(secret: Secret) -> str | None:
    """The version of a rotation that is not complete, or None.

    Args:
        secret: The secret, as the emulator has it.
    """
    return next(
        (
            version
            for version, body in secret["Versions"].items()
            if PENDING in body["Stages"] and CURRENT not in body["Stages"]
        ),
        None,
    )


def _version() -> dict[str, Any]:
    return {"SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time()), "Stages": [PENDING]}


def _source(secret: Secret) -> Source:
    return Source(SERVICE, secret["ARN"], secret["ARN"].split(":")[4])


def _refusal(secret: Secret, function: str) -> str | None:
    try:
        return service_calls.refusal(service_calls.record_of(function), _source(secret))
    except InvocationError as error:
        return str(error)


def _error(code: str, message: str) -> Response:
    answer: Response = core.error_response_json(code, message, 400)
    return answer


def responses_json(answer: Mapping[str, Any]) -> Response:
    """A response with a JSON object.

    Args:
        answer: The object.
    """
    response: Response = core.json_response(dict(answer))
    return response


def _getting(stock: Callable[[Mapping[str, Any]], Response]) -> Callable[[Mapping[str, Any]], Response]:
    """GetSecretValue: a version without a value is not found, nor is one whose stage is on another version."""

    def get(data: Mapping[str, Any]) -> Response:
        response = stock(data)
        if response[0] >= REFUSED:
            return response
        answer, version, stage = json.loads(response[2]), data.get("VersionId"), data.get("VersionStage")
        valued = "SecretString" in answer or "SecretBinary" in answer
        if valued and not (version and stage and stage not in answer["VersionStages"]):
            return response
        which = f"VersionId: {version}" if version else f"staging label: {stage or CURRENT}"
        return _error(
            "ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for {which}."
        )

    return get


def _putting(stock: Callable[[Mapping[str, Any]], Response]) -> Callable[[Mapping[str, Any]], Response]:
    """PutSecretValue: a version gets one value, and a staging label is on one version."""

    def put(data: Mapping[str, Any]) -> Response:
        _key, secret = secretsmanager._resolve(data.get("SecretId"))
        token, stages = data.get("ClientRequestToken"), data.get("VersionStages")
        version = (secret or {"Versions": {}})["Versions"].get(token)
        if secret is not None and version is not None and _value(version) != (None, None):
            if _value(version) != _value(data):
                return _error(
                    "ResourceExistsException",
                    f"You can't use ClientRequestToken {token} because that value is already in use for a version of "
                    f"secret {secret['ARN']}.",
                )
            return responses_json(
                {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token, "VersionStages": version["Stages"]}
            )
        response = stock(data)
        if response[0] < REFUSED and secret is not None:
            for stage in stages or ():
                secretsmanager._remove_stage_everywhere(secret, stage, json.loads(response[2])["VersionId"])
        return response

    return put


def _describing(stock: Callable[[Mapping[str, Any]], Response]) -> Callable[[Mapping[str, Any]], Response]:
    """DescribeSecret has the dates of the last and of the next rotation; of a rate in days, as the next day it ends."""

    def describe(data: Mapping[str, Any]) -> Response:
        response = stock(data)
        _key, secret = secretsmanager._resolve(data.get("SecretId"))
        if response[0] >= REFUSED or secret is None:
            return response
        answer, last = json.loads(response[2]), secret.get("LastRotatedDate")
        days = (secret.get("RotationRules") or {}).get("AutomaticallyAfterDays")
        if last:
            answer["LastRotatedDate"] = last
        if secret.get("RotationEnabled") and days:
            answer["NextRotationDate"] = (last or secret["CreatedDate"]) + int(days) * DAY
        return responses_json(answer)

    return describe


def _value(version: Mapping[str, Any]) -> tuple[Any, Any]:
    return version.get("SecretString"), version.get("SecretBinary")


def _scheduling(
    rotations: Rotations, stock: Callable[[str, Properties, str], Provisioned]
) -> Callable[[str, Properties, str], Provisioned]:
    """A rotation schedule, which rotates at once unless told otherwise, and tests its configuration if so."""

    def create(logical_id: str, props: Properties, stack: str) -> Provisioned:
        secret_id, attributes = stock(logical_id, props, stack)
        data = {"SecretId": secret_id, "RotateImmediately": is_true(props.get("RotateImmediatelyOnUpdate", True))}
        status, _headers, body = rotations.rotate(data)
        if status >= REFUSED:
            answer = json.loads(body)
            _key, secret = secretsmanager._resolve(secret_id, use_arn_scope=True)
            why = _refusal(secret, secret["RotationLambdaARN"]) or ""
            raise ValueError(f"{logical_id}: {answer['__type']}: {answer['message']} {why}".rstrip())
        return secret_id, attributes

    return create


def _rescheduling(create: Callable[[str, Properties, str], Provisioned]) -> Callable[..., Provisioned]:
    """An update sets the schedule again; the rotation in between is not cancelled."""

    def update(physical_id: str, _old: Properties, new: Properties, stack: str) -> Provisioned:
        return create(physical_id, new, stack)

    return update


_installed: dict[str, Rotations] = {}  # one run for each process


def rotations_of_run() -> Rotations:
    """The rotations of this process's run."""
    return _installed["rotations"]


def _waiting(rotations: Rotations) -> Callable[..., Mapping[str, Any]]:
    def wait(seconds: float = 60.0) -> Mapping[str, Any]:
        return {"still_running": rotations.wait(seconds)}

    return wait


def install(run: Run) -> None:
    """Rotate by the secrets' functions, and add the command `wait-for-rotations`."""
    rotations = Rotations(run)
    _installed["rotations"] = rotations
    run.control.register("wait-for-rotations", _waiting(rotations))
    secretsmanager._rotate_secret = rotations.rotate
    secretsmanager._get_secret_value = _getting(secretsmanager._get_secret_value)
    secretsmanager._put_secret_value = _putting(secretsmanager._put_secret_value)
    secretsmanager._describe_secret = _describing(secretsmanager._describe_secret)
    schedule = handlers()[SCHEDULE]
    create = _scheduling(rotations, schedule["create"])
    schedule.update(create=create, update=_rescheduling(create))
