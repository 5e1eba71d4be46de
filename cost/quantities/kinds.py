"""Every type of resource that this project's templates have: priced, by use, free, or not priced with a reason.

A type that none of the tables has is shown as not priced, and a test fails until it is in one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cost.items import Charge
from cost.quantities import caches, scaling, surroundings
from cost.quantities.reading import Context

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from cost.items import Item
    from cost.quantities.reading import Reader
    from elasticache_rules.templates.app import Resource, Templates


@dataclass(frozen=True, slots=True)
class ByUse:
    """Nothing fixed: only use is charged.

    Args:
        text: What of it.
        page: Where AWS writes it.
    """

    text: str
    page: str


PRICED: Mapping[str, Reader] = {
    "AWS::CloudWatch::Alarm": surroundings.alarm,
    "AWS::CloudWatch::CompositeAlarm": surroundings.composite_alarm,
    "AWS::CloudWatch::Dashboard": surroundings.dashboard,
    "AWS::EC2::EIP": surroundings.public_address,
    "AWS::EC2::NatGateway": surroundings.nat_gateway,
    "AWS::EC2::VPCEndpoint": surroundings.vpc_endpoint,
    "AWS::ElastiCache::CacheCluster": caches.cache_cluster,
    "AWS::ElastiCache::ReplicationGroup": caches.replication_group,
    "AWS::ElastiCache::ServerlessCache": caches.serverless_cache,
    "AWS::KMS::Key": surroundings.kms_key,
    "AWS::KMS::ReplicaKey": surroundings.kms_key,
    "AWS::Lambda::Alias": surroundings.function_version,
    "AWS::Lambda::Version": surroundings.function_version,
    "AWS::RDS::DBInstance": surroundings.db_instance,
    "AWS::SSM::Parameter": surroundings.parameter,
    "AWS::SecretsManager::Secret": surroundings.secret,
}

_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_LOGS = "https://aws.amazon.com/cloudwatch/pricing/"

BY_USE: Mapping[str, ByUse] = {
    "AWS::ApiGatewayV2::Api": ByUse("requests", "https://aws.amazon.com/api-gateway/pricing/"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ByUse("the alarms that target tracking makes", _LOGS),
    "AWS::EC2::FlowLog": ByUse("vended logs", _LOGS),
    "AWS::Events::EventBus": ByUse("events", "https://aws.amazon.com/eventbridge/pricing/"),
    "AWS::Events::ApiDestination": ByUse("calls", "https://aws.amazon.com/eventbridge/pricing/"),
    "AWS::Lambda::Function": ByUse("requests and duration", _LAMBDA),
    "AWS::Logs::LogGroup": ByUse("data ingested, stored and scanned", _LOGS),
    "AWS::Logs::MetricFilter": ByUse("the custom metrics that it makes", _LOGS),
    "AWS::Logs::QueryDefinition": ByUse("data scanned by each query", _LOGS),
    "AWS::S3::Bucket": ByUse("storage and requests", "https://aws.amazon.com/s3/pricing/"),
    "AWS::SNS::Topic": ByUse("publications and deliveries", "https://aws.amazon.com/sns/pricing/"),
    "AWS::SQS::Queue": ByUse("requests", "https://aws.amazon.com/sqs/pricing/"),
    "AWS::SecretsManager::RotationSchedule": ByUse("calls", "https://aws.amazon.com/secrets-manager/pricing/"),
    # Functions of this app; `Custom::` names the resource, not the service.
    "AWS::CloudFormation::CustomResource": ByUse("requests and duration of its function", _LAMBDA),
    "Custom::": ByUse("requests and duration of its function", _LAMBDA),
}

_ELASTICACHE = "https://aws.amazon.com/elasticache/pricing/"
_VPC = "https://aws.amazon.com/vpc/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"

FREE: Mapping[str, str] = {
    "AWS::ApiGatewayV2::Integration": "https://aws.amazon.com/api-gateway/pricing/",
    "AWS::ApiGatewayV2::Route": "https://aws.amazon.com/api-gateway/pricing/",
    "AWS::ApiGatewayV2::Stage": "https://aws.amazon.com/api-gateway/pricing/",
    "AWS::ApplicationAutoScaling::ScalableTarget": "https://aws.amazon.com/autoscaling/pricing/",
    "AWS::CDK::Metadata": "https://aws.amazon.com/cloudformation/pricing/",
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration": "https://aws.amazon.com/chatbot/pricing/",
    "AWS::Chatbot::SlackChannelConfiguration": "https://aws.amazon.com/chatbot/pricing/",
    "AWS::CloudFormation::Stack": "https://aws.amazon.com/cloudformation/pricing/",
    "AWS::CloudWatch::AlarmMuteRule": _CLOUDWATCH,
    "AWS::EC2::EgressOnlyInternetGateway": _VPC,
    "AWS::EC2::InternetGateway": _VPC,
    "AWS::EC2::Route": _VPC,
    "AWS::EC2::RouteTable": _VPC,
    "AWS::EC2::SecurityGroup": _VPC,
    "AWS::EC2::SecurityGroupEgress": _VPC,
    "AWS::EC2::SecurityGroupIngress": _VPC,
    "AWS::EC2::Subnet": _VPC,
    "AWS::EC2::SubnetRouteTableAssociation": _VPC,
    "AWS::EC2::VPC": _VPC,
    "AWS::EC2::VPCCidrBlock": _VPC,
    "AWS::EC2::VPCGatewayAttachment": _VPC,
    "AWS::ElastiCache::ParameterGroup": _ELASTICACHE,
    "AWS::ElastiCache::SubnetGroup": _ELASTICACHE,
    "AWS::ElastiCache::User": _ELASTICACHE,
    "AWS::ElastiCache::UserGroup": _ELASTICACHE,
    "AWS::Events::Connection": "https://aws.amazon.com/eventbridge/pricing/",
    "AWS::Events::Rule": "https://aws.amazon.com/eventbridge/pricing/",
    "AWS::IAM::InstanceProfile": "https://aws.amazon.com/iam/",
    "AWS::IAM::ManagedPolicy": "https://aws.amazon.com/iam/",
    "AWS::IAM::Policy": "https://aws.amazon.com/iam/",
    "AWS::IAM::Role": "https://aws.amazon.com/iam/",
    "AWS::KMS::Alias": "https://aws.amazon.com/kms/pricing/",
    "AWS::Lambda::EventInvokeConfig": _LAMBDA,
    "AWS::Lambda::LayerVersion": _LAMBDA,
    "AWS::Lambda::Permission": _LAMBDA,
    "AWS::Logs::ResourcePolicy": _CLOUDWATCH,
    "AWS::RDS::DBParameterGroup": "https://aws.amazon.com/rds/postgresql/pricing/",
    "AWS::RDS::DBSubnetGroup": "https://aws.amazon.com/rds/postgresql/pricing/",
    "AWS::SNS::Subscription": "https://aws.amazon.com/sns/pricing/",
    "AWS::SNS::TopicInlinePolicy": "https://aws.amazon.com/sns/pricing/",
    "AWS::SNS::TopicPolicy": "https://aws.amazon.com/sns/pricing/",
    "AWS::S3::BucketPolicy": "https://aws.amazon.com/s3/pricing/",
    "AWS::SQS::QueuePolicy": "https://aws.amazon.com/sqs/pricing/",
    "AWS::SecretsManager::ResourcePolicy": "https://aws.amazon.com/secrets-manager/pricing/",
    "AWS::SecretsManager::SecretTargetAttachment": "https://aws.amazon.com/secrets-manager/pricing/",
}
"""Types on whose pages no charge is listed for them."""

NOT_PRICED: Mapping[str, str] = {
    "AWS::CloudWatch::AnomalyDetector": "its metrics have no exact key",
    "AWS::CloudWatch::LogAlarm": "what its query scans is use, and its own charge has no exact key",
    "AWS::CloudWatch::ResourceMetricsConfiguration": "the metrics that it adds have no exact key",
    "AWS::EC2::Instance": "instances are not part of a stage",
    "AWS::ElastiCache::GlobalReplicationGroup": "its members are priced in their Regions, the replication is traffic",
    "AWS::RDS::DBProxy": "its price is for each vCPU of the database, which no template has",
}

_CUSTOM = "Custom::"


def by_use(kind: str) -> ByUse | None:
    """What use is charged of a type; ``None`` if use is not all that is charged."""
    return BY_USE.get(_CUSTOM if kind.startswith(_CUSTOM) else kind)


def is_known(kind: str) -> bool:
    """Whether one of the tables has a type."""
    return kind in {*PRICED, *FREE, *NOT_PRICED} or by_use(kind) is not None


def why_not_priced(kind: str) -> str | None:
    """Why a type has no price; ``None`` if it has one, if it is free, or if use alone is charged."""
    if kind in NOT_PRICED:
        return NOT_PRICED[kind]
    return None if is_known(kind) else "this type is not known here"


def items(templates: Templates, resources: list[Resource], today: dt.date) -> Iterator[Item]:
    """All charges that have an exact key, in the order of the templates."""
    context = Context(templates=templates, targets=scaling.targets(templates), today=today)
    for resource in resources:
        if resource.kind in PRICED:
            found = PRICED[resource.kind](resource, context)
            yield from map(_conditional, found) if "Condition" in resource.body else found


def _conditional(item: Item) -> Item:
    """A charge that a parameter of the deployment decides is not a fixed one."""
    charge = Charge.UP_TO if item.charge is Charge.FIXED else item.charge
    return replace(item, charge=charge, text=f"{item.text}, if its condition is true")
