"""Encrypted log groups and topics: what the key's policy must allow the service itself.

CloudWatch Logs refuses a key whose policy does not allow it. See
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import HANDLERS, Properties, Provisioned, handlers
from rehearsal.live.identity.keys import Keys, encryption_context
from rehearsal.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.live.identity.roles import Roles
    from rehearsal.live.run import Run

TOUCHES = (HANDLERS,)

GROUP = "AWS::Logs::LogGroup"
ACTIONS = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
)


def install(run: Run, roles: Roles, keys: Keys) -> None:
    """Ask when CloudFormation makes or changes a log group with a key.

    Args:
        run: The rehearsal.
        roles: Decides.
        keys: Knows the customer's keys.
    """

    def check(group: str, properties: Properties) -> None:
        key = keys.arn(str(properties.get("KmsKeyId") or ""))
        if key is None:
            return
        service = f"logs.{run.region}.amazonaws.com"
        arn = f"arn:aws:logs:{run.region}:{run.account}:log-group:{group}"
        context = {**encryption_context({"aws:logs:arn": arn}), "aws:sourceaccount": run.account, "aws:sourcearn": arn}
        refused = [action for action in ACTIONS if roles.service_refusal(service, action, key, context)]
        if refused:
            raise ValueError(
                refusal(
                    got=f"KMS key {key} for the log group {group}",
                    allowed=f"its policy must allow {service} {', '.join(refused)}",
                    fix="Add a statement for this service to the key policy",
                )
            )

    handler = handlers()[GROUP]
    handler["create"] = _creating(handler["create"], check)
    handler["update"] = _updating(handler["update"], check)


def _creating(
    stock: Callable[..., Provisioned], check: Callable[[str, Properties], None]
) -> Callable[..., Provisioned]:
    def create(logical_id: str, properties: Properties, stack: str, *more: Any) -> Provisioned:
        check(str(properties.get("LogGroupName") or logical_id), properties)
        return stock(logical_id, properties, stack, *more)

    return create


def _updating(
    stock: Callable[..., Provisioned], check: Callable[[str, Properties], None]
) -> Callable[..., Provisioned]:
    def update(name: str, old: Properties, new: Properties, *more: Any) -> Provisioned:
        check(name, new)
        return stock(name, old, new, *more)

    return update
