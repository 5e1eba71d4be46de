"""The entry point of the function."""

from __future__ import annotations

import os
import time
import traceback
from typing import TYPE_CHECKING, Any

from .auth_token import AuthToken
from .configuration import Configuration, Kind
from .deadline import Context, Deadline
from .errors import Refused, RotationError
from .log import Log, Metric
from .login import LoginProbe
from .nodes import Nodes
from .retirement import Retirement
from .secret import Secret
from .steps import Cache, Rotation
from .user_password import UserPassword

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret", "retire", "abort", "status")
_POLL_SECONDS = 2.0


def handle(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Answer a step of Secrets Manager, the sweep's ``{"Step": "retire"}``, or an operator.

    Raises:
        RotationError: If the step failed. Lambda reports it to the invoker.
    """
    secretsmanager, elasticache = make_clients()
    return answer(event, context, environment=os.environ, secretsmanager=secretsmanager, elasticache=elasticache)


def make_clients() -> tuple[Any, Any]:
    """Clients of Secrets Manager and ElastiCache without retries: the steps retry, after checking again."""
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - tests bring their own clients
    from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415

    config = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})
    return boto3.client("secretsmanager", config=config), boto3.client("elasticache", config=config)


def answer(
    event: Mapping[str, Any],
    context: Context,
    *,
    environment: Mapping[str, str],
    secretsmanager: Any,
    elasticache: Any,
    poll_seconds: float = _POLL_SECONDS,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Answer an event, with the environment, the clients and the time as arguments.

    Raises:
        RotationError: If the step failed.
    """
    log = Log(context.function_name, str(event.get("Step")))
    try:
        configuration = Configuration.from_environment(environment)
        step, token = _checked(event, configuration)
        deadline = Deadline(context, poll_seconds, sleep)
        rotation = Rotation(
            configuration=configuration,
            secret=Secret(secretsmanager, configuration.secret_arn),
            cache=Cache(
                credential=AuthToken(elasticache, configuration, deadline)
                if configuration.kind is Kind.AUTH_TOKEN
                else UserPassword(elasticache, configuration),
                nodes=Nodes(elasticache),
                login_probe=LoginProbe(configuration.ca_file),
            ),
            deadline=deadline,
            log=log,
            clock=clock,
        )
        outcome = deadline.run(lambda: _take(rotation, step, token))
    except RotationError as error:
        log.count(Metric.FAILED, type(error).__name__, reason=str(error), retriable=error.retriable)
        raise
    except Exception as error:  # noqa: BLE001 - its text may quote anything: only its type and location are logged
        places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        log.count(Metric.FAILED, type(error).__name__, reason=" ".join(places))
        raise RotationError(f"{type(error).__name__} in {places[-1]}") from None
    log.say("done", outcome=str(outcome))
    return {"Step": step, "Outcome": outcome}


def _take(rotation: Rotation, step: str, token: str) -> str | dict[str, str | float | None]:
    retirement = Retirement(rotation)
    steps: dict[str, Callable[[], str | dict[str, str | float | None]]] = {
        "createSecret": lambda: rotation.create(token),
        "setSecret": lambda: rotation.set(token),
        "testSecret": lambda: rotation.test(token),
        "finishSecret": lambda: rotation.finish(token),
        "retire": retirement.retire,
        "abort": retirement.abort,
        "status": retirement.status,
    }
    return steps[step]()


def _checked(event: Mapping[str, Any], configuration: Configuration) -> tuple[str, str]:
    step = event.get("Step")
    if step not in _STEPS:
        raise Refused(got=f"Step={step!r}", allowed=f"one of {', '.join(_STEPS)}", fix="Correct the event")
    if not step.endswith("Secret"):
        return step, ""
    if event.get("SecretId") != configuration.secret_arn:
        raise Refused(
            got=f"SecretId={event.get('SecretId')!r}",
            allowed=f"SECRET_ARN is {configuration.secret_arn!r}",
            fix="Give each secret its own function",
        )
    return step, str(event.get("ClientRequestToken"))
