"""The emulator's enforcement: all checks of a request, the root user, VPC endpoints, and the record of decisions."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live.identity.checks import Asked, Check
from rehearsal.live.identity.decisions import Decision, Kind, ResourcePolicy, decide, endpoint_decision
from rehearsal.live.identity.emulator import iam_actions, iam_evaluator, sts
from rehearsal.live.identity.endpoints import endpoint_of, function_of
from rehearsal.live.identity.evaluator import Judged, request_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.live.identity.grants import Grants

TOUCHES = (
    Private(
        "core.iam_evaluator",
        "enforce",
        ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
    ),
    Private(
        "core.iam_evaluator",
        "combine_resource_policy",
        ("identity", "ctx", "policy", "owner_account", "required", "limits"),
    ),
    Private("core.iam_evaluator", "evaluate", ("ctx", "policies")),
    Private("core.iam_evaluator", "is_root_access_key", ("access_key_id",)),
    Private("core.iam_evaluator", "_resource_policy", ("service", "resource_arn")),
    Private(
        "core.iam_evaluator",
        "resolve_credential",
        ("access_key_id", "account_id", "session_token"),
    ),
    Private("services.sts", "_sessions"),
    Private(
        "core.iam_actions",
        "access_denied_response",
        (
            *("service", "action", "principal_arn", "request_id", "error_code", "message"),
            *("headers", "resource_arn", "explicit_deny", "resource_policy_arn"),
        ),
    ),
)

REQUIRED = ("kms",)

_judged: ContextVar[Judged | None] = ContextVar("judged", default=None)
_refusal: ContextVar[str] = ContextVar("refusal", default="")
"""Why the present request is refused, for the message that its client gets."""


class Enforcement:
    """Asks the emulator's enforcement for every check of a request.

    Args:
        grants: Records the decisions.
    """

    def __init__(self, grants: Grants) -> None:
        self.grants = grants
        self._stock = iam_evaluator.enforce

    def enforce(  # noqa: PLR0917 - the emulator's signature
        self,
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Decide a request, as the emulator's function of this name does: None if it is allowed."""
        asked = resource_arn if isinstance(resource_arn, Asked) else Asked.about(resource_arn)
        context = {**asked.context, **(service_context or {}), **origin(access_key_id, service)}
        _refusal.set("")
        denied = self._check(access_key_id, Check(iam_action, str(asked), context), service, region)
        for check in asked.further if denied is None else ():
            denied = self._check(access_key_id, check, check.service, region)
            if denied is not None:
                break
        return denied

    def _check(self, access_key_id: str, check: Check, service: str, region: str) -> Any:
        _judged.set(None)
        denied = self._stock(
            access_key_id, check.action, service, region, resource_arn=check.resource, service_context=check.context
        )
        judged = _judged.get()
        if judged is None:  # it was not authenticated, no policy is asked for the action, or it is the root user
            return self._root(access_key_id, check, service, region) if denied is None else denied
        decision = judged.decision
        if decision.allowed and (refused := self._endpoint(judged, service)):
            decision, denied = refused, self._denied(judged, refused)
        self.grants.record(judged.request, decision)
        if not decision.allowed:
            _refusal.set(decision.reason(judged.request))
        return denied

    def _endpoint(self, judged: Judged, service: str) -> Decision | None:
        function = function_of(judged.request.principal.arn)
        endpoint = endpoint_of(function, service) if function else None
        if endpoint is None or judged.request.value("kms:viaservice"):  # a service calls KMS itself
            return None
        decision = endpoint_decision(judged.request, endpoint.get("PolicyDocument"))
        return None if decision.allowed else decision

    def _root(self, access_key_id: str, check: Check, service: str, region: str) -> Any:
        """The root user is refused by policies of resources only."""
        if not access_key_id or not iam_evaluator.is_root_access_key(access_key_id):
            return None
        found = iam_evaluator._resource_policy(service, check.resource)
        credential = iam_evaluator.resolve_credential(access_key_id)
        if found is None or not getattr(credential, "principal_arn", ""):
            return None
        context = iam_evaluator.EvalContext(
            credential.principal_arn,
            "Root",
            credential.account_id,
            check.action,
            check.resource,
            region,
            service_context={key.lower(): value for key, value in check.context.items()},
        )
        request = request_of(context)
        policy = ResourcePolicy(found[0], found[1] or credential.account_id, service in REQUIRED)
        decision = decide(request, None, (), policy)
        if decision.allowed:
            return None
        self.grants.record(request, decision)
        _refusal.set(decision.reason(request))
        return self._denied_of(request.principal.arn, decision, check.resource)

    def _denied(self, judged: Judged, decision: Decision) -> Any:
        return self._denied_of(judged.request.principal.arn, decision, judged.request.resource)

    def _denied_of(self, principal: str, decision: Decision, resource: str) -> Any:
        word = "Deny" if decision.explicit else "ImplicitDeny"
        by_resource = resource if decision.kind is Kind.RESOURCE and decision.explicit else ""
        return iam_evaluator.EvalResult(word, principal, decision.sid, str(decision.kind), by_resource)


def origin(access_key_id: str, service: str) -> dict[str, Any]:
    """The condition keys of a function's request: the function, and the VPC endpoint that the request passes.

    Args:
        access_key_id: Of the caller.
        service: The service that is called.
    """
    session = sts._sessions.get(access_key_id) or {}
    function = function_of(str(session.get("Arn", "")))
    if function is None:
        return {}
    keys = {"lambda:sourcefunctionarn": function["FunctionArn"]}
    if endpoint := endpoint_of(function, service):
        keys |= {"aws:sourcevpce": endpoint["VpcEndpointId"], "aws:sourcevpc": endpoint["VpcId"]}
    return keys


def _remembering(function: Any) -> Any:
    """Keep what was judged last in this request: a resource's policy is judged after the identity's."""

    def judge(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        _judged.set(result.judged)
        return result

    return judge


def install(grants: Grants) -> None:
    """Replace the emulator's enforcement, after its evaluator.

    Args:
        grants: Records the decisions.
    """
    iam_evaluator.enforce = Enforcement(grants).enforce
    iam_evaluator.evaluate = _remembering(iam_evaluator.evaluate)
    iam_evaluator.combine_resource_policy = _remembering(iam_evaluator.combine_resource_policy)
    stock = iam_actions.access_denied_response

    def access_denied_response(*arguments: Any, **named: Any) -> Any:
        reason = _refusal.get()
        if reason and not named.get("error_code") and not named.get("message"):
            named["message"] = reason
        return stock(*arguments, **named)

    iam_actions.access_denied_response = access_denied_response
