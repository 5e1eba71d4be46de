"""Invocations: in processes of this package, counted in metrics, with dead letters, and only as policies allow.

A service that invokes a function asks the function's resource policy: EventBridge, SNS and API Gateway. Asynchronous
invocations are tried three times; then the event goes to the function's dead letters, which its role must allow.
"""

from __future__ import annotations

import contextvars
import json
import threading
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, Response, responses, sns
from rehearsal.live import alarms, deliveries, identity
from rehearsal.live.functions import embedded_metrics, service_calls
from rehearsal.live.functions.seam import apigateway, eventbridge, lambda_runtime, lambda_service
from rehearsal.live.service_principals import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.apigateway", "_extract_lambda_ref_from_integration_uri", ("uri",)),
    Private(
        "services.apigateway",
        "_invoke_lambda_proxy",
        (
            "integration", "api_id", "stage", "path", "method", "headers", "body", "query_params", "route_key",
            "path_params", "authorizer_claims", "authorizer_scopes", "authorizer_lambda_context", "authorizer_iam",
            "owner_account_id", "owner_region", "raw_query_string",
        ),
    ),
    Private("core.lambda_runtime", "_lock"),
    Private("core.lambda_runtime", "_workers"),
    Private("services.eventbridge", "_dispatch_to_lambda", ("arn", "payload")),
    Private("services.eventbridge", "_invoke_target", ("target", "event", "rule", "view")),
    Private("services.lambda_svc", "_emit_lambda_metrics", ("function_name", "duration_ms", "error", "throttle")),
    Private("services.lambda_svc", "_execute_function_dispatch", ("func", "config", "event", "request_id", "started")),
    Private("services.lambda_svc", "_execute_function_warm", ("func", "event", "request_id")),
    Private("services.lambda_svc", "_execute_function_with_config_scope", ("func", "event")),
    Private("services.lambda_svc", "_route_async_failure", ("target_arn", "func_name", "event", "result")),
    Private("services.lambda_svc", "_xray_trace_id_for_invocation", ("config", "inbound_trace_header")),
    Private("services.lambda_svc", "invoke_async_with_retry", ("func", "event")),
    Private(
        "services.sns",
        "_deliver_to_lambda",
        ("endpoint", "envelope", "topic_arn", "sub_arn", "msg_id", "raw_message", "message_attributes"),
    ),
    Private(
        "services.sns",
        "_fanout",
        (
            "topic_arn", "msg_id", "message", "subject", "message_structure", "message_attributes", "message_group_id",
            "message_dedup_id",
        ),
    ),
)  # fmt: skip

NAMESPACE = "AWS/Lambda"
LAMBDA, SCHEDULER = "lambda.amazonaws.com", "scheduler.amazonaws.com"
RETRY_SECONDS = (1.0, 2.0)  # AWS waits one and two minutes
MAX_ERROR_MESSAGE = 1_024  # characters
MAX_IDLE = 2  # processes of functions, each of which takes 35 to 55 MB; Lambda ends idle ones too
HTTP_API_ERROR: Response = (500, {"Content-Type": "application/json"}, b'{"message":"Internal Server Error"}')

# The rule or schedule that EventBridge invokes a target for, and the role of the target.
_rule: contextvars.ContextVar[tuple[str, str]] = contextvars.ContextVar("rule", default=("", ""))


class Invocations:
    """The invocations of one run.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._asynchronous: set[threading.Thread] = set()

    def execute(self, record: Mapping[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        """Run a function in one of its processes.

        Args:
            record: The function, as the emulator has it.
            event: The payload.
            request_id: Id of the invocation.
        """
        config, code = record["config"], record.get("code_zip")
        name = config["FunctionName"]
        if not code:
            return _failure("Runtime.InvalidEntrypoint", f"{name} has no code")
        process, _how = lambda_runtime.acquire_worker(name, config, code, qualifier=config.get("Version", "$LATEST"))
        try:
            outcome: dict[str, Any] = process.invoke(
                event,
                request_id,
                trace_id=lambda_service._xray_trace_id_for_invocation(config),
                invoked_function_arn=config["FunctionArn"],
            )
        except Exception as error:  # noqa: BLE001 - a function that cannot start has failed, and says why
            return _failure(type(error).__name__, str(error))
        finally:
            lambda_runtime.release_worker(process)
            _end_idle_processes()
        return outcome

    def recorded(self, stock: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """Count and record what an execution came to.

        Args:
            stock: Executes a function.
        """

        def dispatch(func: Any, config: Any, event: Any, request_id: str, started: float) -> dict[str, Any]:
            outcome = stock(func, config, event, request_id, started)
            self._record(config["FunctionName"], request_id, (time.time() - started) * 1000, outcome)
            return outcome

        return dispatch

    def _record(self, name: str, request_id: str, milliseconds: float, outcome: Mapping[str, Any]) -> None:
        failed, log = bool(outcome.get("error")), str(outcome.get("log", ""))
        self._run.journal.write(
            "function",
            function=name,
            request=request_id,
            milliseconds=round(milliseconds),
            **_facts(outcome, failed=failed, log=log),
        )
        for metric, value, unit in (
            ("Invocations", 1.0, "Count"),
            ("Errors", float(failed), "Count"),
            ("Duration", milliseconds, "Milliseconds"),
        ):
            alarms.store(NAMESPACE, metric, (value,), unit=unit, dimensions={"FunctionName": name})
        for found in embedded_metrics.metrics_of(log):
            alarms.store(
                found.namespace, found.name, found.values, unit=found.unit, dimensions=found.dimensions, at=found.time
            )
        alarms.judge_all()

    def count_throttle(self, function_name: str, duration_ms: float, *, error: bool, throttle: bool) -> None:
        """Count a throttled invocation; `recorded` has counted the others.

        The emulator calls this twice for an invocation whose caller waits; the first call has `error=False`.

        Args:
            function_name: Name of the function.
            duration_ms: Not used.
            error: Whether it failed.
            throttle: Whether it was throttled.
        """
        del duration_ms
        if throttle and not error:
            reason = "TooManyRequestsException: its reserved concurrency (ReservedConcurrentExecutions) is used up"
            self._run.journal.write("function", function=function_name, failed=True, error=reason)
            alarms.record(NAMESPACE, "Throttles", (1.0,), unit="Count", dimensions={"FunctionName": function_name})

    def invoke_for(self, function: str, event: Any, source: Source) -> str | None:
        """Invoke a function asynchronously for an AWS service.

        Args:
            function: Its ARN.
            event: The payload.
            source: The service and what it acts for.

        Returns:
            Why it is not invoked, or None.
        """
        try:
            record = service_calls.record_of(function)
        except service_calls.InvocationError as error:
            return str(error)
        reason = service_calls.refusal(record, source)
        if reason is None:
            self.invoke_asynchronously(record, event)
        return reason

    def invoke_as_role(self, role: str, function: str, event: Any) -> str | None:
        """Invoke a function asynchronously under a role, as EventBridge Scheduler does.

        Args:
            role: ARN of the role.
            function: ARN of the function.
            event: The payload.

        Returns:
            Why it is not invoked, or None.
        """
        try:
            record = service_calls.record_of(function)
        except service_calls.InvocationError as error:
            return str(error)
        reason = identity.state().roles.refusal(role, service_calls.INVOKE, function, by=SCHEDULER)
        if reason is None:
            self.invoke_asynchronously(record, event)
        return reason

    def invoke_asynchronously(self, record: Mapping[str, Any], event: Any) -> None:
        """Invoke a function in a separate thread, with retries, and with dead letters if all fail.

        Args:
            record: The function, as the emulator has it.
            event: The payload.
        """

        def run() -> None:
            try:
                self._try(record, event)
            finally:
                with self._lock:
                    self._asynchronous.discard(threading.current_thread())

        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(run,), name="asynchronous-invocation", daemon=True)
        with self._lock:
            self._asynchronous.add(thread)
        thread.start()

    def wait(self, seconds: float) -> int:
        """Wait until the asynchronous invocations so far have ended.

        Args:
            seconds: The longest time.

        Returns:
            How many have not ended.
        """
        deadline = time.monotonic() + seconds
        with self._lock:
            threads = list(self._asynchronous)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return sum(thread.is_alive() for thread in threads)

    def _try(self, record: Mapping[str, Any], event: Any) -> None:
        config = record["config"]
        options = record.get("event_invoke_config") or (record.get("event_invoke_configs") or {}).get("$LATEST") or {}
        retries = options.get("MaximumRetryAttempts")
        outcome: dict[str, Any] = {}
        for pause in (0.0, *RETRY_SECONDS[: len(RETRY_SECONDS) if retries is None else int(retries)]):
            time.sleep(pause)
            outcome = lambda_service._execute_function_with_config_scope(record, event)
            if not outcome.get("error"):
                return
        if destination := ((options.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination"):
            lambda_service._route_async_failure(destination, config["FunctionName"], event, outcome)
        if target := (config.get("DeadLetterConfig") or {}).get("TargetArn"):
            self._send_dead_letter(config, target, event, outcome)

    def _send_dead_letter(self, config: Mapping[str, Any], target: str, event: Any, outcome: Mapping[str, Any]) -> None:
        """Send an event to the dead letters of a function, under the function's role."""
        name, service = config["FunctionName"], target.split(":")[2]
        action = {"sns": "sns:Publish", "sqs": "sqs:SendMessage"}[service]
        asked: list[tuple[str, str, dict[str, str]]] = [(action, target, {})]
        if service == "sns" and (key := deliveries.key_of(target)):
            via = {"kms:viaservice": f"sns.{target.split(':')[3]}.amazonaws.com"}
            asked += [(key_action, key, via) for key_action in deliveries.KEY_ACTIONS]
        roles = identity.state().roles
        for needed, resource, keys in asked:
            reason = roles.refusal(config["Role"], needed, resource, by=LAMBDA, session=name, context=keys)
            if reason:
                self._run.journal.write("delivery", topic=target, source=name, allowed=False, reason=reason)
                return
        message = json.dumps(event)
        kind, text = service_calls.error_of(outcome)
        attributes = {
            "ErrorCode": {"Type": "String", "Value": "200"},
            "ErrorMessage": {"Type": "String", "Value": f"{kind}: {text}"[:MAX_ERROR_MESSAGE]},
        }
        if service == "sns":
            sns._fanout(target, str(uuid.uuid4()), message, "", "", attributes)
        else:
            lambda_service._route_async_failure(target, name, event, dict(outcome))


def _end_idle_processes() -> None:
    """End the idle processes but those that were used last; a function whose process has ended gets another."""
    with lambda_runtime._lock:
        idle = [process for pool in lambda_runtime._workers.values() for process in pool if not process.in_use]
        running = sorted((process for process in idle if process.pid is not None), key=lambda item: item.last_used)
        surplus = running[: max(0, len(running) - MAX_IDLE)]
        for process in surplus:
            process.in_use = True  # no invocation gets it meanwhile
    for process in surplus:
        process.end()
        lambda_runtime.release_worker(process)


def _facts(outcome: Mapping[str, Any], *, failed: bool, log: str) -> dict[str, Any]:
    """What the journal tells of an outcome: of a failure, and of an HTTP answer that is one, the cause and the log."""
    missing = "".join(f"; it did not reach {place}" for place in outcome.get("unreachable", ()))
    tail = service_calls.tail_of(log)
    if failed:
        kind, message = service_calls.error_of(outcome)
        return {"failed": True, "error": f"{kind}: {message}{missing}", "log": tail}
    body = outcome.get("body")
    status = body.get("statusCode") if isinstance(body, dict) else None
    if isinstance(status, int) and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        end = tail.rpartition("\n")[2]
        last = f"; its log ends: {end}" if end else ""
        return {"failed": True, "error": f"it answered {status}{missing}{last}", "log": tail}
    return {"failed": False}


def _failure(kind: str, message: str) -> dict[str, Any]:
    return {"body": {"errorType": kind, "errorMessage": message}, "error": True, "log": ""}


def _by_rule(stock: Callable[..., None]) -> Callable[..., None]:
    """Let `_to_function` know for which rule or schedule EventBridge invokes a target."""

    def invoke_target(target: Mapping[str, Any], event: Any, rule: Mapping[str, Any], view: Any = None) -> None:
        token = _rule.set((str(rule.get("Arn", "")), str(target.get("RoleArn") or "")))
        try:
            stock(target, event, rule, view)
        finally:
            _rule.reset(token)

    return invoke_target


def _to_function(run: Run, invocations: Invocations) -> Callable[[str, str], None]:
    """EventBridge invokes a function: for a rule as the function's policy allows, for a schedule as its role does."""

    def dispatch(function: str, payload: str) -> None:
        arn, role = _rule.get()
        event = json.loads(payload)
        if arn.split(":")[2:3] == ["scheduler"]:
            reason = invocations.invoke_as_role(role, function, event)
        else:
            source = Source("events.amazonaws.com", arn, responses.get_account_id())
            reason = invocations.invoke_for(function, event, source)
        run.journal.write("schedule", source=arn, function=function, allowed=reason is None, reason=reason)

    return dispatch


def _from_topic(run: Run, invocations: Invocations) -> Callable[..., None]:
    """SNS invokes a subscribed function."""

    def deliver(endpoint: str, envelope: str, topic_arn: str, sub_arn: str, msg_id: str, *_: Any) -> None:
        message = {
            "EventVersion": "1.0",
            "EventSubscriptionArn": sub_arn,
            "EventSource": "aws:sns",
            "Sns": json.loads(envelope),
        }
        source = Source("sns.amazonaws.com", topic_arn, responses.get_account_id())
        if reason := invocations.invoke_for(endpoint, {"Records": [message]}, source):
            run.journal.write(
                "delivery",
                topic=topic_arn,
                message=msg_id,
                subscriber=f"lambda:{endpoint}",
                allowed=False,
                reason=reason,
            )

    return deliver


def _from_http_api(run: Run, stock: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    """API Gateway invokes a function; what a caller sees of a failure is what AWS shows, not the function's error."""

    async def invoke(
        integration: Mapping[str, Any], api_id: str, stage: str, path: str, method: str, *rest: Any, **more: Any
    ) -> Response:
        account = more.get("owner_account_id") or responses.get_account_id()
        region = more.get("owner_region") or responses.get_region()
        source = Source(
            "apigateway.amazonaws.com",
            f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage}/{method}{path}",
            account,
        )
        function = apigateway._extract_lambda_ref_from_integration_uri(integration.get("integrationUri", ""))
        with responses.request_scope(account, region):
            try:
                reason = service_calls.refusal(service_calls.record_of(function), source)
            except service_calls.InvocationError as error:
                reason = str(error)
        if reason:
            run.journal.write("function", function=function, failed=True, error=f"AccessDeniedException: {reason}")
            return HTTP_API_ERROR
        response = await stock(integration, api_id, stage, path, method, *rest, **more)
        return HTTP_API_ERROR if response[0] == HTTPStatus.BAD_GATEWAY and b'"errorType"' in response[2] else response

    return invoke


def install(run: Run) -> Invocations:
    """Run and count invocations here, and ask policies for those of services.

    Args:
        run: The run.
    """
    invocations = Invocations(run)
    lambda_service._execute_function_warm = invocations.execute
    lambda_service._execute_function_dispatch = invocations.recorded(lambda_service._execute_function_dispatch)
    lambda_service._emit_lambda_metrics = invocations.count_throttle
    lambda_service.invoke_async_with_retry = invocations.invoke_asynchronously
    eventbridge._invoke_target = _by_rule(eventbridge._invoke_target)
    eventbridge._dispatch_to_lambda = _to_function(run, invocations)
    sns._deliver_to_lambda = _from_topic(run, invocations)
    apigateway._invoke_lambda_proxy = _from_http_api(run, apigateway._invoke_lambda_proxy)
    return invocations
