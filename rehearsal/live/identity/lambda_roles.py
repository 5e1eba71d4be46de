"""What Lambda does with a function's role: network interfaces, logs, traces, dead letters, and its environment's key.

Lambda refuses to make a function whose role lacks what it needs. On AWS logs that the role does not allow are lost
without a word; here such a function is refused too, and if the role changes later, logs and dead letters are lost. See
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html and monitoring-cloudwatchlogs.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, Properties
from rehearsal.live.identity.emulator import lambda_service
from rehearsal.live.identity.keys import Keys, encryption_context
from rehearsal.live.identity.service_uses import guard
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.live.identity.roles import Roles
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.lambda_svc", "_functions"),
    Private(
        "services.lambda_svc",
        "_emit_lambda_logs",
        ("func", "request_id", "log_text", "error", "duration_ms", "log_source"),
    ),
    Private("services.lambda_svc", "_route_async_failure", ("target_arn", "func_name", "event", "result")),
)

LAMBDA = "lambda.amazonaws.com"
ON_INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
ON_NONE = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
TRACES = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
LATEST = "[$LATEST]"  # the part of a log stream's name that does not differ between processes
LETTERS = {"sns": "sns:Publish", "sqs": "sqs:SendMessage"}
FUNCTION = "AWS::Lambda::Function"


class LambdaRoles:
    """Asks what the role of a function allows Lambda.

    Args:
        roles: Decides.
        keys: Knows the customer's keys.
        region: Name of the Region.
        account: Id of the account.
    """

    def __init__(self, roles: Roles, keys: Keys, *, region: str, account: str) -> None:
        self._roles = roles
        self._keys = keys
        self._region = region
        self._account = account

    def refusal_to_create(self, name: str, properties: Properties) -> str | None:
        """Why Lambda does not make a function, or None.

        Args:
            name: Its name, unless the properties have it.
            properties: Its properties in CloudFormation's form.
        """
        function = str(properties.get("FunctionName") or name)
        role = str(properties.get("Role", ""))
        if fault := self._roles.trust_refusal(role, LAMBDA):
            return fault
        group = str((properties.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{function}")
        missing = self._missing_for_logs(role, function, group, LATEST)
        if (properties.get("VpcConfig") or {}).get("SubnetIds"):
            interfaces = f"arn:aws:ec2:{self._region}:{self._account}:network-interface/*"
            missing += [action for action in ON_INTERFACES if self._refused(role, function, action, interfaces)]
            subnets = [f"subnet/{subnet}" for subnet in properties["VpcConfig"]["SubnetIds"]]
            groups = [f"security-group/{group}" for group in properties["VpcConfig"].get("SecurityGroupIds") or ()]
            missing += [
                f"{ON_INTERFACES[0]} on {place}"
                for place in (*subnets, *groups)
                if self._refused(
                    role, function, ON_INTERFACES[0], f"arn:aws:ec2:{self._region}:{self._account}:{place}"
                )
            ]
            missing += [action for action in ON_NONE if self._refused(role, function, action, "*")]
        if (properties.get("TracingConfig") or {}).get("Mode") == "Active":
            missing += [action for action in TRACES if self._refused(role, function, action, "*")]
        letters = str((properties.get("DeadLetterConfig") or {}).get("TargetArn") or "")
        if letters and self._letter_refused(role, function, letters):
            missing.append(f"{_letter_action(letters)} on {letters}")
        if self._environment_refused(role, function, properties):
            missing.append(f"kms:Decrypt on {properties['KmsKeyArn']}")
        if not missing:
            return None
        return refusal(
            got=f"The provided execution role {role} does not have permissions to call {', '.join(missing)}",
            allowed=f"Lambda needs them for {function}",
            fix="Add them to a policy of the role",
        )

    def may_log(self, config: Mapping[str, Any], group: str, stream: str) -> bool:
        """Whether the role allows Lambda to write logs."""
        return not self._missing_for_logs(
            str(config.get("Role", "")), str(config.get("FunctionName", "")), group, stream
        )

    def _missing_for_logs(self, role: str, function: str, group: str, stream: str) -> list[str]:
        arn = f"arn:aws:logs:{self._region}:{self._account}:log-group:{group}:log-stream:{stream}"
        return [action for action in LOGS if self._refused(role, function, action, arn)]

    def may_send_letter(self, config: Mapping[str, Any], target: str) -> bool:
        """Whether the role allows Lambda to send a dead letter."""
        return not self._letter_refused(str(config.get("Role", "")), str(config.get("FunctionName", "")), target)

    def _environment_refused(self, role: str, function: str, properties: Properties) -> bool:
        key = self._keys.arn(str(properties.get("KmsKeyArn") or ""))
        if key is None or not (properties.get("Environment") or {}).get("Variables"):
            return False
        arn = f"arn:aws:lambda:{self._region}:{self._account}:function:{function}"
        context = {
            "kms:viaservice": f"lambda.{self._region}.amazonaws.com",
            "kms:calleraccount": self._account,
            **encryption_context({"aws:lambda:FunctionArn": arn}),
        }
        return self._refused(role, function, "kms:Decrypt", key, context)

    def _letter_refused(self, role: str, function: str, target: str) -> bool:
        return self._refused(role, function, _letter_action(target), target)

    def _refused(
        self, role: str, function: str, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> bool:
        refused = self._roles.refusal(role, action, resource, by=LAMBDA, session=function, context=context)
        return refused is not None


def _letter_action(target: str) -> str:
    return LETTERS.get(target.split(":")[2], "sqs:SendMessage")


def install(run: Run, roles: Roles, keys: Keys) -> LambdaRoles:
    """Ask when a function is made by CloudFormation, logs, or fails.

    Args:
        run: The rehearsal.
        roles: Decides.
        keys: Knows the customer's keys.
    """
    lambda_roles = LambdaRoles(roles, keys, region=run.region, account=run.account)
    guard(FUNCTION, lambda_roles.refusal_to_create)
    stock_logs, stock_failure = lambda_service._emit_lambda_logs, lambda_service._route_async_failure

    def emit_logs(func: dict[str, Any], request_id: str, *arguments: Any, **named: Any) -> None:
        config = func.get("config") or func
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}"
        if lambda_roles.may_log(config, group, LATEST):
            stock_logs(func, request_id, *arguments, **named)

    def route_failure(target_arn: str, func_name: str, *arguments: Any, **named: Any) -> None:
        config = (lambda_service._functions.get(func_name) or {}).get("config") or {}
        if lambda_roles.may_send_letter(config, target_arn):
            stock_failure(target_arn, func_name, *arguments, **named)

    lambda_service._emit_lambda_logs, lambda_service._route_async_failure = emit_logs, route_failure
    return lambda_roles
