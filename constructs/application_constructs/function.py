"""Lambda functions of the reference applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import Duration, Stack, triggers
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from elasticache_constructs.checks.errors import reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.network.security_groups import check_groups
from elasticache_constructs.network.subnets import check_vpc, select
from elasticache_constructs.shared.encryption_key import checked_key
from elasticache_constructs.shared.vpc_function import allow, create_vpc_function

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_kms as kms

_CALLER_WAITS = (
    "Callers invoke the function synchronously and receive its errors. Lambda sends dead letters of asynchronous "
    "invocations only, and there are none (lambda/latest/dg/invocation-async-retain-records.html)."
)
_CDK_OWN_FUNCTION = (
    "The CDK's own custom resource, which calls the function at deployment: it needs no way into the VPC, holds no "
    "data, and its failure fails the deployment, so there are no dead letters and no concurrency to reserve."
)


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class WorkloadFunction(Construct):
    """A Lambda function on Python 3.14 and arm64 in a VPC, invoked synchronously.

    It has its own policy, and grants add to it: ``cache.grant_connect(function, user)``. Its code may not create or
    delete network interfaces, although Lambda does so with the same role. Environment and log are encrypted with a
    customer managed key, tracing is on, and concurrency is reserved, which limits both the connections to a cache or
    database and the cost.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        code: The function's code, for example `PythonBundle.code`.
        handler: The entry point, ``package.module.function``.
        vpc: The VPC.
        vpc_subnets: The application subnets.
        security_groups: Groups to join: the client groups of what it connects to, and of interface endpoints.
        environment: The ``connection_settings`` of caches and databases, and other variables.
        encryption_key: Encrypts environment and log. The policy of a key of the app is extended for CloudWatch Logs;
            that of an imported key must allow it already, and synth warns.
        timeout: Default: 29 seconds, within the 30 that API Gateway waits.
        concurrency: Executions at the same time. Default: 10.
        no_reserved_concurrency_reason: Why no concurrency is reserved, for example because the account has too little.
            Default: it is reserved.
        has_ipv6: Whether it connects over IPv6 as well, as to a cache with ``NetworkType.IPV6``; the subnets then have
            both. Default: over IPv4 alone.

    Raises:
        ConfigurationError: If the VPC or the key is of another region, the VPC has no such subnets, a security group
            is of another VPC, or the reason says nothing.

    See https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: lambda_.Code,
        handler: str,
        vpc: ec2.IVpc,
        vpc_subnets: ec2.SubnetSelection,
        security_groups: Sequence[ec2.ISecurityGroup],
        environment: Mapping[str, str],
        encryption_key: kms.IKey,
        timeout: Duration | None = None,
        concurrency: int = 10,
        no_reserved_concurrency_reason: str | None = None,
        has_ipv6: bool = False,
    ) -> None:
        with reported_together() as check:
            check(check_vpc, vpc, of=scope)
            check(select, vpc, vpc_subnets)
            check(check_groups, "security_groups", security_groups, vpc=vpc)
            key = check(checked_key, encryption_key, of=scope)
            if no_reserved_concurrency_reason is not None:
                check(
                    checked_reason,
                    no_reserved_concurrency_reason,
                    what="WorkloadFunction(no_reserved_concurrency_reason=...)",
                )
        super().__init__(scope, construct_id)
        self.function: lambda_.Function = create_vpc_function(
            self,
            code=code,
            handler=handler,
            statements=[allow(key.key_arn, "kms", "Decrypt")],
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            environment=environment,
            encryption_key=key,
            timeout=timeout or Duration.seconds(29),
            memory_mib=512,
            concurrency=concurrency,
            no_reserved_concurrency_reason=no_reserved_concurrency_reason,
            dead_letters=_CALLER_WAITS,
            has_ipv6=has_ipv6,
        )
        """The function itself. Grants to it are added to its policy."""

    @property
    def connections(self) -> ec2.Connections:
        """Network access from the function."""
        return self.function.connections

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The function's role. Grants to it are added to the function's policy."""
        return self.function.grant_principal

    def run_at_deployment(self) -> triggers.Trigger:
        """Call the function once at every deployment that changes it; its failure fails the deployment.

        Returns:
            The trigger, for other constructs to depend on.
        """
        trigger = triggers.Trigger(self, "AtDeployment", handler=self.function, timeout=Duration.minutes(5))
        provider = Stack.of(self).node.find_child("AWSCDK.TriggerCustomResourceProviderCustomResourceProvider")
        handler = provider.node.find_child("Handler")
        accept(provider, {Situation.LAMBDA_OF_THE_CDK: _CDK_OWN_FUNCTION}, resource=handler)
        return trigger
