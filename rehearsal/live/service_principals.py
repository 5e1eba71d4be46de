"""What a resource's policy allows an AWS service, such as EventBridge to invoke a function or CloudWatch to publish."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private

if TYPE_CHECKING:
    from collections.abc import Mapping

TOUCHES = (
    Private("core.iam_evaluator", "evaluate_resource_policy", ("doc", "ctx", "service", "named_only", "direct_only")),
)

evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")


@dataclass(frozen=True)
class Source:
    """What an AWS service acts for.

    Attributes:
        service: The service principal, for example `events.amazonaws.com`.
        arn: ARN of the rule, secret, alarm or route.
        account: Account of that.
    """

    service: str
    arn: str
    account: str


def refusal(source: Source, action: str, resource: str, policy: str | Mapping[str, Any] | None) -> str | None:
    """Why a resource's policy does not allow a service an action, or None.

    Args:
        source: The service and what it acts for.
        action: The action, for example `sns:Publish`.
        resource: ARN of the resource.
        policy: The policy of the resource.
    """
    keys = {
        "aws:sourcearn": source.arn,
        "aws:sourceaccount": source.account,
        "aws:sourceowner": source.account,
        "aws:principalservicename": source.service,
        "aws:principalisawsservice": "true",
    }
    context = evaluator.EvalContext(
        principal_arn=source.service,
        principal_type="Service",
        principal_account=source.account,
        action=action,
        resource_arn=resource,
        region=resource.split(":")[3],
        service_context=keys,
    )
    decision = evaluator.evaluate_resource_policy(policy, context, service=source.service).decision
    if decision == "Allow":
        return None
    how = "denies" if decision == "Deny" else "does not allow"
    return f"the policy of {resource} {how} {source.service} {action} for {source.arn}"
