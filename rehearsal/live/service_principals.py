"""What an AWS service may do in its own name, such as EventBridge invoke a function or CloudWatch publish an alarm."""

from __future__ import annotations

from dataclasses import dataclass

from rehearsal.live import identity


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


def refusal(source: Source, action: str, resource: str) -> str | None:
    """Why the policy of a resource does not allow a service an action, or None.

    Args:
        source: The service and what it acts for.
        action: The action, for example `sns:Publish`.
        resource: ARN of the resource.
    """
    keys = {"aws:sourcearn": source.arn, "aws:sourceaccount": source.account, "aws:sourceowner": source.account}
    return identity.state().roles.service_refusal(source.service, action, resource, keys)
