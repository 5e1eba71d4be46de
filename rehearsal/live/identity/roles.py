"""What a role is allowed when a service acts with it, and what a service is allowed in its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live.identity.decisions import Decision, Kind, Layer, ResourcePolicy, decide, service_decision, trusts
from rehearsal.live.identity.emulator import iam, iam_evaluator
from rehearsal.live.identity.evaluator import tags_of
from rehearsal.live.identity.grants import statements_of
from rehearsal.live.identity.policies import Principal, Request, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.live.identity.grants import Grants

TOUCHES = (
    Private("core.iam_evaluator", "_resource_policy", ("service", "resource_arn")),
    Private("core.iam_evaluator", "_permissions_boundary", ("store", "name", "account_id")),
    Private("services.iam", "_roles"),
)

REQUIRED = ("kms",)
ARN_ACCOUNT = 4


class Roles:
    """Decides for services; every decision is recorded with the role that was used.

    Args:
        grants: Records the decisions.
        region: Name of the Region.
    """

    def __init__(self, grants: Grants, region: str) -> None:
        self.grants = grants
        self.region = region

    def refusal(
        self,
        role: str,
        action: str,
        resource: str = "*",
        *,
        by: str,
        session: str = "service",
        context: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Why a service cannot do something with a role, or None.

        Args:
            role: ARN of the role.
            action: The action.
            resource: ARN of the resource. Default: the action is on none.
            by: The service, for example `lambda.amazonaws.com`.
            session: Name of the session. Of a function, its name.
            context: Further condition keys, by name in lower case.
        """
        account, name = role.split(":")[ARN_ACCOUNT], role.rsplit("/", 1)[-1]
        record = iam._roles.get_scoped(account, None, name)
        arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
        bounded = bool((record or {}).get("PermissionsBoundary"))
        request = Request(
            Principal(arn, account, "AssumedRole", role, bounded),
            action,
            resource,
            self._values(role, resource, context),
        )
        statements = statements_of(record, account) if record else []
        limits = [
            Layer(Kind.BOUNDARY, tuple(statement for policy in layer for statement in policy))
            for layer in (iam_evaluator._permissions_boundary(iam._roles, name, account) if record else [])
        ]
        decision = decide(request, Layer(Kind.IDENTITY, tuple(statements)), limits, _policy(action, resource))
        self.grants.record(request, decision, by=by)
        return None if decision.allowed else decision.reason(request)

    def trust_refusal(self, role: str, service: str, context: Mapping[str, Any] | None = None) -> str | None:
        """Why a service cannot assume a role, or None.

        Args:
            role: ARN of the role.
            service: The service principal.
            context: Condition keys, by name in lower case, such as `aws:sourceaccount`.
        """
        account, name = role.split(":")[ARN_ACCOUNT], role.rsplit("/", 1)[-1]
        record = iam._roles.get_scoped(account, None, name)
        values = {"aws:sourceaccount": account, **(context or {})}
        request = Request(
            Principal(service, "", "Service"),
            "sts:AssumeRole",
            role,
            self._values(service, role, values, is_service=True),
        )
        if record and trusts(record.get("AssumeRolePolicyDocument"), request):
            return None
        decision = Decision(allowed=False, explicit=False, kind=Kind.RESOURCE)
        self.grants.record(request, decision, by=service)
        return f"{service} cannot assume {role}: its trust policy does not allow it"

    def service_refusal(
        self, service: str, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> str | None:
        """Why a service cannot do something in its own name, which only the policy of the resource allows, or None.

        Args:
            service: The service principal, for example `cloudwatch.amazonaws.com`.
            action: The action.
            resource: ARN of the resource.
            context: Condition keys, by name in lower case, such as `aws:sourcearn`.
        """
        policy = _policy(action, resource) or ResourcePolicy(None, "")
        values = self._values(service, resource, context, is_service=True)
        request = Request(Principal(service, "", "Service"), action, resource, values)
        decision = service_decision(request, policy)
        if decision.allowed:
            return None
        self.grants.record(request, decision, by=service)
        return decision.reason(request)

    def _values(
        self, principal: str, resource: str, context: Mapping[str, Any] | None, *, is_service: bool = False
    ) -> Callable[[str], Value]:
        known = {
            "aws:principalarn": principal,
            "aws:principaltype": "Service" if is_service else "AssumedRole",
            "aws:principalisawsservice": str(is_service).lower(),
            "aws:viaawsservice": "false",
            "aws:securetransport": "true",
            "aws:requestedregion": self.region,
        }
        if is_service:
            known["aws:principalservicename"] = principal
        else:
            known["aws:principalaccount"] = principal.split(":")[ARN_ACCOUNT]
        parts = resource.split(":")
        if len(parts) > ARN_ACCOUNT and parts[ARN_ACCOUNT]:
            known["aws:resourceaccount"] = parts[ARN_ACCOUNT]
        values = {**known, **{key.lower(): value for key, value in (context or {}).items()}}

        def value(key: str) -> Value:
            if ":resourcetag/" in key:
                return tags_of(resource).get(key.partition("/")[2])
            found: Value = values.get(key)
            return found

        return value


def _policy(action: str, resource: str) -> ResourcePolicy | None:
    service = action.partition(":")[0]
    found = iam_evaluator._resource_policy(service, resource)
    return ResourcePolicy(found[0], found[1] or "", service in REQUIRED) if found else None
