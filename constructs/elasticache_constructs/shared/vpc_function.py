"""A Lambda function, in a VPC or outside: role, policy, encrypted log and environment, acknowledged findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from elasticache_constructs.checks import situations
from elasticache_constructs.checks.acknowledgements import acknowledge
from elasticache_constructs.checks.locations import stack_of
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import asked_once
from elasticache_constructs.shared.logs import log_group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import Duration
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns
    from constructs import Construct

_WITHOUT_RESOURCE = (
    "ec2:Describe* and xray:Put* take no resource (Service Authorization Reference), and they read no data."
)
_NETWORK_INTERFACES = (
    "Lambda creates and deletes the function's network interfaces with its role. Their ids are not known before; the "
    "ARN is limited to this account and region (lambda/latest/dg/configuration-vpc.html)."
)
_IN_VPC = (
    "The function is in the VPC. The Guard rule follows Ref and GetAtt within one template only, and these subnets "
    "come from another stack."
)
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


def _vpc_statements(scope: Construct) -> list[dict[str, Any]]:
    """What a function in a VPC needs for its network interfaces.

    Lambda makes and removes the interfaces with the function's role. The function's code has the same role, and could
    take interfaces of others away or make some in any subnet of the account: calls that come from the code of a
    function carry ``lambda:SourceFunctionArn``, those of Lambda itself do not, and so the former are denied. The ARN
    says any function of this account, since the function's own would make role and function wait for each other; no
    other function has the role.

    See https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    stack = stack_of(scope)
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
    ]


class _Role(iam.Role):
    """A function's role whose statements stand in one managed policy: an inline one is what the packs forbid.

    What the CDK would add while it makes the function is left out, since the policy has it, narrower. What is granted
    to the function from then on is added to the policy.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        policy: The policy. It comes with the role, so that the function finds it there when Lambda makes its network
            interfaces.
    """

    def __init__(self, scope: Construct, construct_id: str, *, policy: iam.ManagedPolicy) -> None:
        super().__init__(
            scope, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), managed_policies=[policy]
        )
        self._policy = policy
        self._is_open = False

    def open(self) -> None:
        """From here on take grants: the function is made."""
        self._is_open = True

    def add_to_principal_policy(self, statement: iam.PolicyStatement) -> iam.AddToPrincipalPolicyResult:
        """Add a statement to the managed policy; grants of the CDK do so as well."""
        if self._is_open:
            self._policy.add_statements(statement)
        return iam.AddToPrincipalPolicyResult(statement_added=True, policy_dependable=self._policy)


def create_vpc_function(
    scope: Construct,
    *,
    code: lambda_.Code,
    handler: str,
    statements: Sequence[Mapping[str, Any]],
    vpc: ec2.IVpc | None = None,
    vpc_subnets: ec2.SubnetSelection | None = None,
    security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    outside_reason: str | None = None,
    environment: Mapping[str, str],
    encryption_key: kms.IKey,
    timeout: Duration,
    memory_mib: int,
    concurrency: int,
    no_reserved_concurrency_reason: str | None,
    description: str | None = None,
    dead_letters: sns.ITopic | str,
    also_acknowledged: Mapping[str, str] | None = None,
    has_ipv6: bool = False,
) -> lambda_.Function:
    """Make a function on Python 3.14 and arm64, with a policy, a role and a log group that only it has.

    The resources are children of ``scope``: ``Log``, ``Policy``, ``Role`` and ``Function``. Later grants to the
    function are added to ``Policy``. Nothing is checked here: callers check their arguments in their own words.

    Args:
        scope: The parent of all four.
        code: The function's code.
        handler: The entry point, ``package.module.function``.
        statements: What the function itself does. What Lambda needs to run it in the VPC is added.
        vpc: The VPC. Default: it is in none, for ``outside_reason``.
        vpc_subnets: The subnets of its network interfaces.
        security_groups: The groups that it joins.
        outside_reason: Why it is in no VPC.
        environment: Its environment variables.
        encryption_key: Encrypts log and environment.
        timeout: How long one execution may take.
        memory_mib: Memory, in MiB.
        concurrency: Executions at the same time that are reserved for it.
        no_reserved_concurrency_reason: Why none is reserved. ``None`` reserves them.
        description: The function's description.
        dead_letters: The topic for events that it could not handle, or the reason why there is none.
        also_acknowledged: More findings about the policy, with their reasons.
        has_ipv6: Whether it connects over IPv6 as well, which needs subnets with both. Default: over IPv4 alone.

    See https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    group = log_group(scope, "Log", key=encryption_key)
    document = {
        "Version": "2012-10-17",
        "Statement": [
            *statements,
            allow(group.log_group_arn, "logs", "CreateLogStream", "PutLogEvents"),
            *(_vpc_statements(scope) if vpc is not None else ()),
            allow("*", "xray", "PutTelemetryRecords", "PutTraceSegments"),
        ],
    }
    policy = iam.ManagedPolicy(scope, "Policy", document=iam.PolicyDocument.from_json(document))
    role = _Role(scope, "Role", policy=policy)
    function = lambda_.Function(
        scope,
        "Function",
        description=description,
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        code=code,
        handler=handler,
        timeout=timeout,
        memory_size=memory_mib,
        role=role,
        vpc=vpc,
        vpc_subnets=vpc_subnets,
        security_groups=None if security_groups is None else list(security_groups),
        log_group=group,
        environment=dict(environment),
        environment_encryption=encryption_key,
        dead_letter_topic=None if isinstance(dead_letters, str) else dead_letters,
        reserved_concurrent_executions=concurrency if no_reserved_concurrency_reason is None else None,
        tracing=lambda_.Tracing.ACTIVE,
        ipv6_allowed_for_dual_stack=True if has_ipv6 else None,
    )
    role.open()
    findings = _open_resources(scope) if vpc is not None else {situations.open_resource("*"): _WITHOUT_RESOURCE}
    acknowledge(policy, {**findings, **(also_acknowledged or {})})
    _acknowledge(
        function,
        vpc=vpc,
        outside_reason=outside_reason,
        no_dead_letters=dead_letters if isinstance(dead_letters, str) else None,
        no_reserved_concurrency=no_reserved_concurrency_reason,
    )
    return function


def open_resource(scope: Construct, resource: str) -> str:
    """The AWS Solutions pack's finding about a wildcard in a policy's resource.

    Args:
        scope: The policy's stack, or a construct in it.
        resource: The resource, with ``{partition}``, ``{region}`` and ``{account}`` where cdk-nag names them.
    """
    partition, region, account = _place_in_findings(stack_of(scope))
    return situations.open_resource(resource.format(partition=partition, region=region, account=account))


@asked_once
def _place_in_findings(stack: Stack) -> list[str]:
    place = stack.resolve([stack.partition, stack.region, stack.account])
    return [each if isinstance(each, str) else f"<{each['Ref']}>" for each in place]


def _open_resources(scope: Construct) -> dict[str, str]:
    return {
        situations.open_resource("*"): _WITHOUT_RESOURCE,
        open_resource(scope, "arn:{partition}:ec2:{region}:{account}:*/*"): _NETWORK_INTERFACES,
    }


def _acknowledge(
    function: lambda_.Function,
    *,
    vpc: ec2.IVpc | None,
    outside_reason: str | None,
    no_dead_letters: str | None,
    no_reserved_concurrency: str | None,
) -> None:
    elsewhere = vpc is not None and stack_of(vpc) is not stack_of(function)
    accept(
        function,
        {
            Situation.LAMBDA_WITHOUT_DEAD_LETTERS: no_dead_letters,
            Situation.LAMBDA_IN_VPC_OF_ANOTHER_STACK: _IN_VPC if elsewhere else None,
            Situation.LAMBDA_OUTSIDE_VPC: outside_reason,
            Situation.LAMBDA_WITHOUT_RESERVED_CONCURRENCY: no_reserved_concurrency,
        },
    )
