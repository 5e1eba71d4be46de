"""An alarm that a service update is overdue: no metric of AWS tells it, so a function counts them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aws_cdk import ArnFormat, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import stack_of
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.shared.encryption_key import EncryptionKey, checked_key
from elasticache_constructs.shared.notifications import admit_alarms_to, check_alarm_topic
from elasticache_constructs.shared.scheduled_function import alarm_of_function, call_on_schedule
from elasticache_constructs.shared.service_updates.find_overdue import METRIC, NAMESPACE
from elasticache_constructs.shared.vpc_function import allow, create_vpc_function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Self-Service-Updates.html"
_RUNBOOK = "docs/runbooks/service-updates.md"
_EVERY_HOURS = 6
_HTTPS = 443
# In the template, which takes 4096 characters: no asset to build for some lines.
_SOURCE = Path(__file__).with_name("find_overdue.py")
_TIMEOUT = Duration.minutes(1)
_COUNTS_AGAIN = "A count that is lost is made good by the next one, six hours later; kept, it would only repeat it."


class Network(Protocol):
    """A `CacheNetwork`, or one that is imported."""

    @property
    def vpc(self) -> ec2.IVpc:
        """The VPC."""

    @property
    def application_subnets(self) -> ec2.SubnetSelection:
        """The subnets of applications."""

    @property
    def endpoint_client_security_group(self) -> ec2.ISecurityGroup | None:
        """The group that interface endpoints admit."""

    def check_way_out(self, got: str, services: str) -> None:
        """Refuse a network from which the services cannot be reached."""


class ServiceUpdateAlarm(Construct):
    """An alarm that a service update of some caches is overdue: its recommended date has passed, and it is not applied.

    AWS publishes no metric of it. A function in the VPC asks `DescribeUpdateActions` every six hours, logs each overdue
    update with its severity and its date, and counts them. A second alarm reports that the function fails. Nothing is
    applied, and nothing happens to a cache.

    The function needs a route to the ElastiCache API: an interface endpoint, or NAT.

    Args:
        scope: The parent, for example the stack that has the other alarms of a stage.
        construct_id: The id in the parent.
        replication_group_ids: Ids of replication groups, ``cache.replication_group_id``. Default: none.
        cache_cluster_ids: Ids of Memcached clusters, ``cache.cluster_id``. Default: none.
        network: The network, in whose application subnets the function runs, in the security group that its endpoints
            admit. With NAT it gets a separate group, for HTTPS.
        alarm_topic: Receives both alarms.
        encryption_key: Encrypts the function's log and environment. Default: a separate key.
        no_reserved_concurrency_reason: Why no concurrency is reserved for the function, for example because the account
            has too little. Default: one execution is reserved.

    Raises:
        ConfigurationError: If there is no cache, the network has no way out, a topic or key cannot be used, or the
            reason says nothing.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Self-Service-Updates.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        replication_group_ids: Sequence[str] = (),
        cache_cluster_ids: Sequence[str] = (),
        network: Network,
        alarm_topic: sns.ITopic,
        encryption_key: kms.IKey | None = None,
        no_reserved_concurrency_reason: str | None = None,
    ) -> None:
        with reported_together() as check:
            check(_check_caches, [*replication_group_ids, *cache_cluster_ids])
            check(network.check_way_out, "ServiceUpdateAlarm(network=...)", "the ElastiCache API")
            check(check_alarm_topic, alarm_topic, of=scope, call="ServiceUpdateAlarm")
            if encryption_key is not None:
                check(checked_key, encryption_key, of=scope)
            if no_reserved_concurrency_reason is not None:
                what = "ServiceUpdateAlarm(no_reserved_concurrency_reason=...)"
                check(checked_reason, no_reserved_concurrency_reason, what=what)
        super().__init__(scope, construct_id)
        admit_alarms_to(alarm_topic, of=self)
        key = encryption_key or EncryptionKey(self, "Key", description="Log of the check for overdue service updates")
        groups, clusters = list(replication_group_ids), list(cache_cluster_ids)
        stack = stack_of(self)
        resources = [
            stack.format_arn(
                service="elasticache", resource=kind, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
            )
            for kind, names in (("replicationgroup", groups), ("cluster", clusters))
            for name in names
        ]
        self.function: lambda_.Function = create_vpc_function(
            self,
            description="Counts the overdue service updates of ElastiCache caches",
            code=lambda_.Code.from_inline(_SOURCE.read_text(encoding="utf-8")),
            handler="index.handler",
            statements=[
                *(allow(resource, "elasticache", "DescribeUpdateActions") for resource in resources),
                {  # for the function's environment
                    **allow(key.key_arn, "kms", "Decrypt"),
                    "Condition": {"StringEquals": {"kms:ViaService": f"lambda.{stack.region}.amazonaws.com"}},
                },
            ],
            vpc=network.vpc,
            vpc_subnets=network.application_subnets,
            security_groups=[network.endpoint_client_security_group or self._https(network.vpc)],
            environment={
                "ReplicationGroupIds": stack.to_json_string(groups),
                "CacheClusterIds": stack.to_json_string(clusters),
            },
            encryption_key=key,
            timeout=_TIMEOUT,
            memory_mib=256,
            concurrency=1,
            no_reserved_concurrency_reason=no_reserved_concurrency_reason,
            dead_letters=_COUNTS_AGAIN,
        )
        call_on_schedule(
            self,
            "Schedule",
            self.function,
            description="Counts the overdue service updates of ElastiCache caches",
            expression=f"rate({_EVERY_HOURS} hours)",
            no_dead_letters=_COUNTS_AGAIN,
        )
        self.overdue_alarm: cloudwatch.CfnAlarm = alarm_of_function(
            self,
            "Overdue",
            self.function,
            alarm_topic,
            namespace=NAMESPACE,
            metric=METRIC,
            period_seconds=_EVERY_HOURS * 3600,
            missing="ignore",
            meaning=f"A service update is overdue. The function's log names it. Runbook: {_RUNBOOK}",
        )
        alarm_of_function(
            self,
            "Failed",
            self.function,
            alarm_topic,
            namespace="AWS/Lambda",
            metric="Errors",
            period_seconds=3600,
            meaning=f"Overdue service updates are not counted: the function fails, see its log. Runbook: {_RUNBOOK}",
        )

    def _https(self, vpc: ec2.IVpc) -> ec2.SecurityGroup:
        """A group for the way out by NAT."""
        group = ec2.SecurityGroup(
            self, "Clients", vpc=vpc, description="Asks ElastiCache for service updates", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(_HTTPS), "The ElastiCache API")
        return group


def _check_caches(ids: Sequence[str]) -> None:
    if not ids:
        raise ConfigurationError(
            got="ServiceUpdateAlarm without a cache",
            allowed="it is about the service updates of replication groups and Memcached clusters",
            fix="Give it replication_group_ids=[cache.replication_group_id]",
            page=_PAGE,
        )
