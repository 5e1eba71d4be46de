"""Situations that policy packs object to, each with every pack's id for it: written once, accepted in one call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from aws_cdk import CfnResource

from elasticache_constructs.checks.acknowledgements import acknowledge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct

_SOLUTIONS, _SERVERLESS = "AwsSolutions", "Serverless"
_HIPAA, _NIST_4, _NIST_5, _PCI = "HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321"


@dataclass(frozen=True, slots=True)
class _Ids:
    """The ids of a situation: those that are acknowledged, and the checks that checkov skips."""

    acknowledged: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __or__(self, other: _Ids) -> _Ids:
        return _Ids(self.acknowledged + other.acknowledged, self.skipped + other.skipped)


def _nag(rule: str, *packs: str) -> _Ids:
    return _Ids(tuple(f"{pack}::{pack}-{rule}" for pack in packs))


def _control_tower(rule: str) -> _Ids:
    return _Ids((f"cdk-validator-cfnguard::{rule}",))


def _validate(rule: str) -> _Ids:
    """A posture rule of `elasticache.guard`, or a rule of cfn-lint: CDK's own engine runs both."""
    return _Ids((f"CloudFormation-Validate::{rule}",))


def _checkov(*checks: str) -> _Ids:
    return _Ids(skipped=checks)


class Situation(Enum):
    """What is as it is for a reason, and which rules of which packs object to it.

    Some rules judge Redis OSS only and pass over Valkey. They are separate situations, since a finding that does
    not exist is not acknowledged.
    """

    CACHE_ON_DEFAULT_PORT = _nag("AEC5", _SOLUTIONS)
    """Or on a port that is known at deployment only."""
    CACHE_WITHOUT_MINOR_UPGRADES = _validate("elasticache_cache_takes_minor_upgrades")
    UNLISTED_NODE_TYPE = _validate("E3647")
    UNLISTED_ENGINE_VERSION = _validate("E9006")

    CACHE_WITHOUT_CUSTOMER_KEY = _validate("elasticache_cache_uses_customer_key") | _checkov("CKV_AWS_191")
    GROUP_WITHOUT_ENCRYPTION_AT_REST = (
        _nag("AEC3", _SOLUTIONS) | _validate("elasticache_replication_group_encrypts_at_rest") | _checkov("CKV_AWS_29")
    )
    REDIS_GROUP_WITHOUT_ENCRYPTION_AT_REST = _control_tower("elasticache_repl_grp_encrypted_at_rest_check")

    GROUP_WITHOUT_TLS = (
        _nag("AEC3", _SOLUTIONS)
        | _validate("elasticache_replication_group_encrypts_in_transit")
        | _checkov("CKV_AWS_30")
    )
    REDIS_GROUP_WITHOUT_TLS = _control_tower("elasticache_repl_grp_encrypted_in_transit_check")
    GROUP_WITHOUT_REQUIRED_TLS = _validate("elasticache_replication_group_requires_encryption_in_transit")
    GROUP_WITH_USERS = _nag("AEC6", _SOLUTIONS)
    GROUP_WITHOUT_LOGIN = (
        _nag("AEC6", _SOLUTIONS)
        | _validate("elasticache_replication_group_has_access_control")
        | _checkov("CKV_AWS_31")
    )
    REDIS_GROUP_WITHOUT_USERS = _control_tower("elasticache_repl_grp_rbac_auth_enabled_check")
    REDIS_GROUP_WITHOUT_AUTH_TOKEN = _control_tower("elasticache_repl_grp_redis_auth_enabled_check")
    GROUP_WITHOUT_FAILOVER = _nag("AEC4", _SOLUTIONS)
    """Or without Multi-AZ."""
    REDIS_GROUP_WITHOUT_FAILOVER = _control_tower("elasticache_repl_grp_auto_failover_enabled_check") | _validate(
        "E3026"
    )
    SECONDARY_OF_A_GLOBAL_DATASTORE = (
        _nag("AEC3", _SOLUTIONS) | _nag("AEC4", _SOLUTIONS) | _checkov("CKV_AWS_29", "CKV_AWS_30", "CKV_AWS_31")
    )
    """Encryption and failover are its primary's, and the service refuses to be told."""
    GROUP_WITH_SHORT_RETENTION = _nag("ElastiCacheRedisClusterAutomaticBackup", _HIPAA, _NIST_4, _NIST_5)
    GROUP_WITHOUT_BACKUPS = _nag("ElastiCacheRedisClusterAutomaticBackup", _HIPAA, _NIST_4, _NIST_5) | _validate(
        "elasticache_replication_group_is_backed_up"
    )
    """Or with a retention that is known at deployment only."""
    GROUP_WITHOUT_FINAL_SNAPSHOT = _validate("elasticache_replication_group_is_kept_or_snapshotted")
    GROUP_WITHOUT_SLOW_LOG = _validate("elasticache_replication_group_delivers_slow_log")
    GROUP_WITHOUT_ENGINE_LOG = _validate("elasticache_replication_group_delivers_engine_log")
    MEMCACHED_WITHOUT_TLS = _validate("elasticache_memcached_encrypts_in_transit")
    MEMCACHED_IN_ONE_ZONE = _validate("elasticache_memcached_spreads_over_zones")
    LOG_GROUP_WITH_SHORT_RETENTION = _checkov("CKV_AWS_338")
    LOG_GROUP_WITH_KEY_OF_ANOTHER_STACK = _control_tower("cloudwatch_log_group_encrypted_check")
    SERVERLESS_CACHE_WITHOUT_LOGIN = _validate("elasticache_serverless_cache_has_user_group")
    SERVERLESS_CACHE_PUBLIC = (
        _validate("elasticache_serverless_cache_is_not_public")
        | _validate("elasticache_subnets_are_stated")
        | _validate("elasticache_cache_states_security_groups")
        | _validate("F3002")
    )
    """It has neither subnets nor security groups; and the CDK's own tables are older than its ConnectionType."""
    USER_WITHOUT_GROUP = _validate("elasticache_user_belongs_to_a_user_group")
    SECRET_WITHOUT_ROTATION = _nag("SMG4", _SOLUTIONS) | _nag("SecretsManagerRotationEnabled", _HIPAA, _NIST_5)

    SECURITY_GROUP_PORT_UNKNOWN = _Ids(
        tuple(
            each
            for pack in (_HIPAA, _NIST_4, _NIST_5, _PCI)
            for rule in ("EC2RestrictedCommonPorts", "EC2RestrictedSSH")
            for each in _nag(rule, pack).acknowledged
        )
    )
    SUBNET_WITH_ROUTE_TO_INTERNET = _nag("VPCNoUnrestrictedRouteToIGW", _HIPAA, _NIST_5, _PCI)
    SUBNET_WITH_IPV6_ALONE = _nag("VPCSubnetAutoAssignPublicIpDisabled", _HIPAA, _NIST_5, _PCI)
    SUBNET_WITHOUT_ROUTE_TABLE_ID = _Ids(("Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId",))
    TOPIC_WITHOUT_ENCRYPTION = _nag("SNSEncryptedKMS", _HIPAA, _NIST_4, _NIST_5, _PCI) | _checkov("CKV_AWS_26")
    SUBSCRIPTION_WITHOUT_DEAD_LETTERS = _nag("SNSRedrivePolicy", _SERVERLESS)
    EVENT_RULE_WITHOUT_DEAD_LETTERS = _nag("EventBusDLQ", _SERVERLESS)

    BUCKET_WITHOUT_ACCESS_LOG = (
        _nag("S1", _SOLUTIONS)
        | _nag("S3BucketLoggingEnabled", _HIPAA, _NIST_4, _NIST_5, _PCI)
        | _control_tower("s3_bucket_logging_enabled_check")
        | _checkov("CKV_AWS_18")
    )
    BUCKET_WITHOUT_LOCK = _nag("S3BucketDefaultLockEnabled", _NIST_4) | _control_tower(
        "s3_bucket_object_lock_enabled_check"
    )
    BUCKET_WITHOUT_EVENTS = _control_tower("s3_event_notifications_enabled_check")
    BUCKET_WITHOUT_REPLICATION = _nag("S3BucketReplicationEnabled", _HIPAA, _NIST_4, _NIST_5, _PCI)
    BUCKET_WITHOUT_KEY = _nag("S3DefaultEncryptionKMS", _HIPAA, _NIST_5, _PCI) | _control_tower(
        "s3_bucket_default_encryption_kms_check"
    )
    BUCKET_WITHOUT_VERSIONS = (
        _nag("S3BucketVersioningEnabled", _HIPAA, _NIST_4, _NIST_5, _PCI)
        | _control_tower("s3_bucket_versioning_enabled_check")
        | _checkov("CKV_AWS_21")
    )

    LAMBDA_WITHOUT_DEAD_LETTERS = _nag("LambdaDLQ", _HIPAA, _NIST_5, _SERVERLESS) | _checkov("CKV_AWS_116")
    LAMBDA_WITHOUT_RESERVED_CONCURRENCY = _nag("LambdaConcurrency", _HIPAA, _NIST_5) | _checkov("CKV_AWS_115")
    LAMBDA_IN_VPC_OF_ANOTHER_STACK = _control_tower("lambda_inside_vpc_check")
    LAMBDA_OUTSIDE_VPC = (
        _nag("LambdaInsideVPC", _HIPAA, _NIST_4, _NIST_5, _PCI)
        | _control_tower("lambda_inside_vpc_check")
        | _checkov("CKV_AWS_117")
    )
    LAMBDA_OF_THE_CDK = _control_tower("lambda_inside_vpc_check") | _checkov(
        "CKV_AWS_115", "CKV_AWS_116", "CKV_AWS_117"
    )
    LAMBDA_PERMISSION_WITH_UNKNOWN_ACCOUNT = _control_tower("lambda_function_public_access_prohibited_check")
    """And an ARN that is joined, or of another stack."""

    DATABASE_ON_DEFAULT_PORT = _nag("RDS11", _SOLUTIONS) | _control_tower("rds_instance_no_default_ports_check")
    DATABASE_WITHOUT_EVERY_LOG = _control_tower("rds_instance_logging_enabled_check")
    DATABASE_OUTSIDE_BACKUP_PLAN = _nag("RDSInBackupPlan", _HIPAA, _NIST_4, _NIST_5)
    DATABASE_IN_ONE_ZONE = (
        _nag("RDS3", _SOLUTIONS)
        | _control_tower("rds_instance_multi_az_support_check")
        | _nag("RDSMultiAZSupport", _HIPAA, _NIST_4, _NIST_5)
        | _checkov("CKV_AWS_157")
    )
    DATABASE_WITHOUT_DELETION_PROTECTION = (
        _nag("RDS10", _SOLUTIONS)
        | _control_tower("rds_instance_deletion_protection_enabled_check")
        | _nag("RDSInstanceDeletionProtectionEnabled", _HIPAA, _NIST_4, _NIST_5)
    )
    DATABASE_MONITORED_BY_MANAGED_POLICY = _nag(
        "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole]", _SOLUTIONS
    )


def open_resource(arn: str) -> str:
    """The AWS Solutions pack's finding about a wildcard in the resource of a policy.

    Args:
        arn: The resource as cdk-nag writes it, with ``<AWS::Region>`` and the like for what is a CDK token.
    """
    return _nag(f"IAM5[Resource::{arn}]", _SOLUTIONS).acknowledged[0]


def accept(
    construct: IConstruct, reasons: Mapping[Situation, str | None], *, resource: IConstruct | None = None
) -> None:
    """Accept situations: acknowledge every pack's finding, and let checkov, which reads templates, skip its checks.

    Args:
        construct: The construct that the findings are about.
        reasons: Why each situation is right here. ``None`` for one that is not the case.
        resource: The resource whose metadata checkov reads. Default: the construct, or its default child.

    Raises:
        ConfigurationError: If a reason has fewer than 20 characters.
    """
    given = [(situation.value, reason) for situation, reason in reasons.items() if reason is not None]
    found = {rule: reason for ids, reason in given for rule in ids.acknowledged}
    if found:
        acknowledge(construct, found)
    skips = [{"id": check, "comment": reason} for ids, reason in given for check in ids.skipped]
    if skips:
        of = resource or (construct if CfnResource.is_cfn_resource(construct) else construct.node.default_child)
        of.add_metadata("checkov", {"skip": skips})  # type: ignore[union-attr]
