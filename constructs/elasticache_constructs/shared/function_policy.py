"""What Lambda does with the role of a function in a VPC, and what the function's own code is kept from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import ArnFormat, Stack

if TYPE_CHECKING:
    from constructs import Construct

_MAKING = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
)
_SEEING = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")


def allow(resource: str, service: str, *actions: str) -> dict[str, Any]:
    """A statement that allows actions of one service on one resource."""
    return {"Effect": "Allow", "Action": [f"{service}:{action}" for action in actions], "Resource": resource}


def vpc_statements(scope: Construct) -> list[dict[str, Any]]:
    """What a function in a VPC needs for its network interfaces, and traces.

    Lambda makes and removes the interfaces with the function's role. The function's code has the same role, and could
    take interfaces of others away or make some in any subnet of the account: calls that come from the code of a
    function carry ``lambda:SourceFunctionArn``, those of Lambda itself do not, and so the former are denied. The ARN
    says any function of this account, since the function's own would make role and function wait for each other; no
    other function has the role.

    See https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    stack = Stack.of(scope)
    functions = stack.format_arn(
        service="lambda", resource="function", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    return [
        {
            "Effect": "Allow",
            "Action": list(_MAKING),
            "Resource": stack.format_arn(service="ec2", resource="*", resource_name="*"),
        },
        {"Effect": "Allow", "Action": list(_SEEING), "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": sorted([*_MAKING, *_SEEING, "ec2:DetachNetworkInterface"]),
            "Resource": "*",
            "Condition": {"ArnLike": {"lambda:SourceFunctionArn": functions}},
        },
        allow("*", "xray", "PutTelemetryRecords", "PutTraceSegments"),
    ]
