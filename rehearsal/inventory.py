"""List the existing resources of the types that a stage deploys, to find those that a destroy leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from verification.account import Account
    from verification.assembly import Stack


@dataclass(frozen=True, order=True)
class ExistingResource:
    """A resource that exists in the account.

    Attributes:
        type: Its CloudFormation type.
        name: Its physical id.
    """

    type: str
    name: str


@dataclass(frozen=True)
class Leftovers:
    """The difference that a deployment and its destroy made.

    Attributes:
        retained: Resources that exist because a template retains them.
        unexpected: Resources that exist although no template retains them.
        vanished: Resources that do not exist although a template retains them.
    """

    retained: tuple[ExistingResource, ...]
    unexpected: tuple[ExistingResource, ...]
    vanished: tuple[ExistingResource, ...]

    @property
    def ok(self) -> bool:
        """Whether exactly the retained resources exist."""
        return not self.unexpected and not self.vanished


@dataclass(frozen=True)
class Listing:
    """How to list the resources of one type.

    Attributes:
        type: The CloudFormation type.
        service: Name of the service, as boto3 has it.
        operation: Name of the method that lists the resources.
        key: The part of its answer that has the resources.
        name: Takes the physical id from a resource; None if the resource does not count.
        request: The arguments of the method. Default: no arguments.
    """

    type: str
    service: str
    operation: str
    key: str
    name: Callable[[Any], str | None]
    request: Mapping[str, Any] = field(default_factory=dict, hash=False)


def _not_default(item: Any) -> str | None:
    return None if item["CacheParameterGroupName"].startswith("default.") else item["CacheParameterGroupName"]


def _named(key: str) -> Callable[[Any], str | None]:
    return lambda item: str(item[key])


def _gateway(item: Any) -> str | None:
    return None if item["State"] == "deleted" else str(item["NatGatewayId"])


LISTINGS: Sequence[Listing] = (
    Listing(
        "AWS::ElastiCache::ReplicationGroup",
        "elasticache",
        "describe_replication_groups",
        "ReplicationGroups",
        _named("ReplicationGroupId"),
    ),
    Listing(
        "AWS::ElastiCache::CacheCluster",
        "elasticache",
        "describe_cache_clusters",
        "CacheClusters",
        _named("CacheClusterId"),
    ),
    Listing("AWS::ElastiCache::Snapshot", "elasticache", "describe_snapshots", "Snapshots", _named("SnapshotName")),
    Listing("AWS::ElastiCache::User", "elasticache", "describe_users", "Users", _named("UserId")),
    Listing("AWS::ElastiCache::UserGroup", "elasticache", "describe_user_groups", "UserGroups", _named("UserGroupId")),
    Listing(
        "AWS::ElastiCache::SubnetGroup",
        "elasticache",
        "describe_cache_subnet_groups",
        "CacheSubnetGroups",
        _named("CacheSubnetGroupName"),
    ),
    Listing(
        "AWS::ElastiCache::ParameterGroup",
        "elasticache",
        "describe_cache_parameter_groups",
        "CacheParameterGroups",
        _not_default,
    ),
    Listing("AWS::EC2::VPC", "ec2", "describe_vpcs", "Vpcs", _named("VpcId")),
    Listing("AWS::EC2::Subnet", "ec2", "describe_subnets", "Subnets", _named("SubnetId")),
    Listing("AWS::EC2::RouteTable", "ec2", "describe_route_tables", "RouteTables", _named("RouteTableId")),
    Listing(
        "AWS::EC2::InternetGateway",
        "ec2",
        "describe_internet_gateways",
        "InternetGateways",
        _named("InternetGatewayId"),
    ),
    Listing("AWS::EC2::NatGateway", "ec2", "describe_nat_gateways", "NatGateways", _gateway),
    Listing("AWS::EC2::EIP", "ec2", "describe_addresses", "Addresses", _named("PublicIp")),
    Listing("AWS::EC2::SecurityGroup", "ec2", "describe_security_groups", "SecurityGroups", _named("GroupId")),
    Listing("AWS::EC2::VPCEndpoint", "ec2", "describe_vpc_endpoints", "VpcEndpoints", _named("VpcEndpointId")),
    Listing("AWS::EC2::FlowLog", "ec2", "describe_flow_logs", "FlowLogs", _named("FlowLogId")),
    Listing("AWS::SecretsManager::Secret", "secretsmanager", "list_secrets", "SecretList", _named("ARN")),
    Listing("AWS::Logs::LogGroup", "logs", "describe_log_groups", "logGroups", _named("logGroupName")),
    Listing("AWS::RDS::DBInstance", "rds", "describe_db_instances", "DBInstances", _named("DBInstanceIdentifier")),
    Listing("AWS::RDS::DBSnapshot", "rds", "describe_db_snapshots", "DBSnapshots", _named("DBSnapshotIdentifier")),
    Listing(
        "AWS::RDS::DBSubnetGroup", "rds", "describe_db_subnet_groups", "DBSubnetGroups", _named("DBSubnetGroupName")
    ),
    Listing(
        "AWS::RDS::DBParameterGroup",
        "rds",
        "describe_db_parameter_groups",
        "DBParameterGroups",
        _named("DBParameterGroupName"),
    ),
    Listing("AWS::SNS::Topic", "sns", "list_topics", "Topics", _named("TopicArn")),
    Listing("AWS::SSM::Parameter", "ssm", "describe_parameters", "Parameters", _named("Name")),
    Listing("AWS::Lambda::Function", "lambda", "list_functions", "Functions", _named("FunctionName")),
    Listing("AWS::ApiGatewayV2::Api", "apigatewayv2", "get_apis", "Items", _named("ApiId")),
    Listing("AWS::CloudWatch::Dashboard", "cloudwatch", "list_dashboards", "DashboardEntries", _named("DashboardName")),
    Listing(
        "AWS::Logs::QueryDefinition",
        "logs",
        "describe_query_definitions",
        "queryDefinitions",
        _named("queryDefinitionId"),
    ),
    Listing("AWS::CloudWatch::Alarm", "cloudwatch", "describe_alarms", "MetricAlarms", _named("AlarmName")),
    Listing(
        "AWS::CloudWatch::CompositeAlarm",
        "cloudwatch",
        "describe_alarms",
        "CompositeAlarms",
        _named("AlarmName"),
        {"AlarmTypes": ["CompositeAlarm"]},
    ),
    Listing(
        "AWS::CloudWatch::AlarmMuteRule",
        "cloudwatch",
        "list_alarm_mute_rules",
        "AlarmMuteRuleSummaries",
        lambda item: str(item["AlarmMuteRuleArn"].rpartition(":")[2]),
    ),
    Listing("AWS::Events::Rule", "events", "list_rules", "Rules", _named("Name")),
    Listing("AWS::IAM::Role", "iam", "list_roles", "Roles", _named("RoleName")),
    Listing("AWS::IAM::ManagedPolicy", "iam", "list_policies", "Policies", _named("Arn")),
    Listing("AWS::CloudFormation::Stack", "cloudformation", "describe_stacks", "Stacks", _named("StackName")),
)

SNAPSHOTS = {
    "AWS::ElastiCache::ReplicationGroup": "AWS::ElastiCache::Snapshot",
    "AWS::RDS::DBInstance": "AWS::RDS::DBSnapshot",
}
SNAPSHOT_SUFFIX = "-final-snapshot"
RETAINING = frozenset({"Retain", "RetainExceptOnCreate"})


def take(account: Account) -> frozenset[ExistingResource]:
    """All resources that exist now, except KMS keys that are pending deletion."""
    resources = {
        ExistingResource(listing.type, name)
        for listing in LISTINGS
        for item in _all(account, listing)
        if (name := listing.name(item))
    }
    for item in account.read("kms", "list_keys")["Keys"]:
        metadata = account.read("kms", "describe_key", KeyId=item["KeyId"])["KeyMetadata"]
        if metadata["KeyManager"] == "CUSTOMER" and metadata["KeyState"] != "PendingDeletion":
            resources.add(ExistingResource("AWS::KMS::Key", item["KeyId"]))
    return frozenset(resources)


def _all(account: Account, listing: Listing) -> Iterable[Any]:
    client = account.client(listing.service)
    if client.can_paginate(listing.operation):
        pages = client.get_paginator(listing.operation).paginate(**listing.request)
        return [item for page in pages for item in page[listing.key]]
    answer: list[Any] = getattr(client, listing.operation)(**listing.request)[listing.key]
    return answer


def to_be_kept(stacks: Sequence[Stack], account: Account) -> frozenset[ExistingResource]:
    """The resources that the templates retain or snapshot; their stacks must still exist."""
    kept = set()
    listed = {listing.type for listing in LISTINGS} | {"AWS::KMS::Key"}
    for stack in stacks:
        made = account.resources(stack.name)
        for resource in (item for item in stack.resources if item.logical_id in made):
            name = made[resource.logical_id]["PhysicalResourceId"]
            if resource.deletion_policy in RETAINING and resource.type in listed:
                kept.add(ExistingResource(resource.type, name))
            if resource.deletion_policy == "Snapshot" and resource.type in SNAPSHOTS:
                kept.add(ExistingResource(SNAPSHOTS[resource.type], name + SNAPSHOT_SUFFIX))
    return frozenset(kept)


def leftovers(
    before: frozenset[ExistingResource], after: frozenset[ExistingResource], kept: frozenset[ExistingResource]
) -> Leftovers:
    """Compare the resources before a deployment with those after its destroy.

    Args:
        before: Resources before the deployment.
        after: Resources after the destroy.
        kept: Resources that the templates retain.
    """
    left = after - before
    return Leftovers(
        retained=tuple(sorted(left & kept)),
        unexpected=tuple(sorted(left - kept)),
        vanished=tuple(sorted(kept - left)),
    )
