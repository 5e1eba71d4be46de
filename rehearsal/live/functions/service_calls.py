"""Calls of functions by AWS services, which the function's resource policy must allow."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live import service_principals
from rehearsal.live.functions.seam import lambda_service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.live.service_principals import Source

TOUCHES = (
    Private("services.lambda_svc", "_execute_function_with_config_scope", ("func", "event")),
    Private("services.lambda_svc", "_execution_record_for_config", ("func", "config")),
    Private("services.lambda_svc", "_get_func_record_for_ref", ("function_ref",)),
)

INVOKE = "lambda:InvokeFunction"
TAIL_LINES = 12


class InvocationError(Exception):
    """A function could not be invoked, or failed; the message names the cause."""


def record_of(function: str) -> dict[str, Any]:
    """The record of a function as the emulator executes it.

    Args:
        function: Its name or ARN, with or without a version or alias.

    Raises:
        InvocationError: If it does not exist.
    """
    record, config, _name = lambda_service._get_func_record_for_ref(function)
    if record is None or config is None:
        raise InvocationError(f"ResourceNotFoundException: Function not found: {function}")
    found: dict[str, Any] = lambda_service._execution_record_for_config(record, config)
    return found


def refusal(record: Mapping[str, Any], source: Source) -> str | None:
    """Why the function's resource policy does not let a service invoke it, or None.

    Args:
        record: The function.
        source: The service and what it acts for.
    """
    return service_principals.refusal(source, INVOKE, record["config"]["FunctionArn"])


def invoke(function: str, event: Any, source: Source) -> Any:
    """Invoke a function as a service does, and return its result.

    Args:
        function: Its name or ARN.
        event: The payload.
        source: The service and what it acts for.

    Raises:
        InvocationError: If the function does not exist, its policy does not allow the call, or it fails.
    """
    record = record_of(function)
    if reason := refusal(record, source):
        raise InvocationError(f"AccessDeniedException: {reason}")
    # Not in the context of the request that led here: its caller is not the one who invokes.
    context = contextvars.copy_context()
    outcome = context.run(lambda_service._execute_function_with_config_scope, record, event)
    if outcome.get("error"):
        raise InvocationError(cause(record["config"]["FunctionName"], outcome))
    return outcome.get("body")


def error_of(outcome: Mapping[str, Any]) -> tuple[str, str]:
    """Type and message of a failure.

    Args:
        outcome: The outcome of the invocation, as the emulator has it.
    """
    body = outcome.get("body")
    error = body if isinstance(body, dict) else {"errorMessage": body}
    kind = error.get("errorType") or error.get("__type") or "Error"
    return str(kind), str(error.get("errorMessage") or error.get("message") or "")


def cause(name: str, outcome: Mapping[str, Any]) -> str:
    """Why a function failed, with the end of its log.

    Args:
        name: Name of the function.
        outcome: The outcome of the invocation, as the emulator has it.
    """
    kind, message = error_of(outcome)
    tail = tail_of(str(outcome.get("log", "")))
    return f"{name}: {kind}: {message}" + (f". The end of its log:\n{tail}" if tail else "")


def tail_of(log: str) -> str:
    """The last lines of a log.

    Args:
        log: The log.
    """
    return "\n".join(log.strip().splitlines()[-TAIL_LINES:])
