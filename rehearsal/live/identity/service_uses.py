"""What services need when CloudFormation makes a resource: keys of log groups, roles of flow logs and databases.

CloudWatch Logs refuses a key whose policy does not allow it; flow logs and enhanced monitoring deliver nothing with a
role that lacks permissions, which is refused here at once. See
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html and
https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import HANDLERS, Properties, Provisioned, handlers
from rehearsal.live.identity.keys import Keys, encryption_context
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.live.identity.roles import Roles
    from rehearsal.live.run import Run

    Fault = Callable[[str, Properties], str | None]

TOUCHES = (HANDLERS,)

OF_LOGS = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
)
OF_FLOW_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams")
FLOW_LOGS, MONITORING = "vpc-flow-logs.amazonaws.com", "monitoring.rds.amazonaws.com"


class ServiceUses:
    """Asks what services need.

    Args:
        run: The rehearsal.
        roles: Decides.
        keys: Knows the customer's keys.
    """

    def __init__(self, run: Run, roles: Roles, keys: Keys) -> None:
        self._region = run.region
        self._account = run.account
        self._roles = roles
        self._keys = keys

    def log_group(self, name: str, properties: Properties) -> str | None:
        """Why CloudWatch Logs does not take the key of a log group, or None."""
        key = self._keys.arn(str(properties.get("KmsKeyId") or ""))
        if key is None:
            return None
        group = str(properties.get("LogGroupName") or name)
        service = f"logs.{self._region}.amazonaws.com"
        arn = f"arn:aws:logs:{self._region}:{self._account}:log-group:{group}"
        context = {
            **encryption_context({"aws:logs:arn": arn}),
            "aws:sourceaccount": self._account,
            "aws:sourcearn": arn,
        }
        refused = [action for action in OF_LOGS if self._roles.service_refusal(service, action, key, context)]
        if not refused:
            return None
        return refusal(
            got=f"KMS key {key} for the log group {group}",
            allowed=f"its policy must allow {service} {', '.join(refused)}",
            fix="Add a statement for this service to the key policy",
        )

    def flow_log(self, name: str, properties: Properties) -> str | None:
        """Why a flow log's role does not let it write, or None."""
        role = str(properties.get("DeliverLogsPermissionArn") or "")
        if not role:
            return None
        group = f"arn:aws:logs:{self._region}:{self._account}:log-group:{properties.get('LogGroupName')}"
        return self._role_fault(name, role, FLOW_LOGS, dict.fromkeys(OF_FLOW_LOGS, f"{group}:log-stream:eni-1-all"))

    def database(self, name: str, properties: Properties) -> str | None:
        """Why RDS does not take the role of its enhanced monitoring, or None."""
        role = str(properties.get("MonitoringRoleArn") or "")
        return self._role_fault(name, role, MONITORING, {}) if role else None

    def _role_fault(self, name: str, role: str, service: str, needs: dict[str, str]) -> str | None:
        if fault := self._roles.trust_refusal(role, service):
            return fault
        missing = [action for action, on in needs.items() if self._roles.refusal(role, action, on, by=service)]
        if not missing:
            return None
        return refusal(
            got=f"The role {role} of {name}",
            allowed=f"must allow {service} {', '.join(missing)}",
            fix="Add them to a policy of the role",
        )


def install(run: Run, roles: Roles, keys: Keys) -> None:
    """Ask when CloudFormation makes or changes such a resource.

    Args:
        run: The rehearsal.
        roles: Decides.
        keys: Knows the customer's keys.
    """
    uses = ServiceUses(run, roles, keys)
    guard("AWS::Logs::LogGroup", uses.log_group)
    guard("AWS::EC2::FlowLog", uses.flow_log)
    guard("AWS::RDS::DBInstance", uses.database)


def guard(resource_type: str, fault: Fault) -> None:
    """Refuse to make or change a resource of a type if there is a fault.

    Args:
        resource_type: The CloudFormation type.
        fault: Takes logical or physical id and properties, and returns why the service refuses, or None.
    """
    handler = handlers()[resource_type]
    stock_create, stock_update = handler["create"], handler["update"]

    def create(logical_id: str, properties: Properties, *more: Any) -> Provisioned:
        _refuse(fault(logical_id, properties))
        made: Provisioned = stock_create(logical_id, properties, *more)
        return made

    def update(name: str, old: Properties, new: Properties, *more: Any) -> Provisioned:
        _refuse(fault(name, new))
        made: Provisioned = stock_update(name, old, new, *more)
        return made

    handler["create"], handler["update"] = create, update


def _refuse(fault: str | None) -> None:
    if fault:
        raise ValueError(fault)
