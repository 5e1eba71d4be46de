"""Customer managed KMS keys."""

from __future__ import annotations

from typing import Any

from aws_cdk import RemovalPolicy, Stack, Token
from aws_cdk import aws_kms as kms
from constructs import Construct

from elasticache_constructs.errors import ConfigurationError, reported_together
from elasticache_constructs.kinds import Kind, check_kind

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/at-rest-encryption.html"
_KEY = Kind(
    of=kms.IKey,
    method="grant_encrypt_decrypt",
    example="EncryptionKey(...).key, or kms.Key.from_key_arn(...)",
    rule="KMS-03",
)
# Everything a symmetric key's administrators and users may need, by name: scanners, and reviewers, want no wildcard.
_ACCOUNT_ACTIONS = [
    f"kms:{action}"
    for action in (
        "CancelKeyDeletion",
        "CreateAlias",
        "CreateGrant",
        "Decrypt",
        "DeleteAlias",
        "DescribeKey",
        "DisableKey",
        "DisableKeyRotation",
        "EnableKey",
        "EnableKeyRotation",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GetKeyPolicy",
        "GetKeyRotationStatus",
        "ListAliases",
        "ListGrants",
        "ListKeyPolicies",
        "ListKeyRotations",
        "ListResourceTags",
        "PutKeyPolicy",
        "ReEncryptFrom",
        "ReEncryptTo",
        "RetireGrant",
        "RevokeGrant",
        "RotateKeyOnDemand",
        "ScheduleKeyDeletion",
        "TagResource",
        "UntagResource",
        "UpdateAlias",
        "UpdateKeyDescription",
    )
]
_LOGS_ACTIONS = [
    f"kms:{action}"
    for action in (
        "Decrypt",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    )
]


class EncryptionKey(Construct):
    """A KMS key for a cache, its secrets and its logs: rotated every year, kept when the stack goes.

    Its policy lets the account's administrators delegate its use through IAM; lets CloudWatch Logs of this account and
    region use it for log groups, and CloudWatch alarms of this account for topics; and denies grants to anybody but AWS
    services acting for this account. A grant to a role is therefore written into the role's policy and never into the
    key's, so one key may serve several stacks without a cycle.

    A cache's key cannot be changed later: another key replaces the cache. Deleting the key loses what it encrypted,
    snapshots included, and so it outlives its stack; only a key whose first creation failed is removed.

    Costs 1 USD a month, and 1 USD a month more after each of its first two yearly rotations
    (https://aws.amazon.com/kms/pricing/, as of 2026-06).

    Args:
        scope: The parent.

        construct_id: The id in the parent.

        description: What the key is for, shown in the console.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/at-rest-encryption.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, description: str) -> None:
        super().__init__(scope, construct_id)
        resource = kms.CfnKey(
            self,
            "Resource",
            description=description,
            enable_key_rotation=True,
            key_policy=_key_policy(),
        )
        resource.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.key: kms.IKey = kms.Key.from_key_arn(self, "Key", resource.attr_arn)
        """The key, for whatever takes an ``IKey``."""


def check_encryption_key(key: kms.IKey, *, of: Construct) -> None:
    """Refuse a key that the service cannot encrypt a cache with. What is not known of an imported key is not judged.

    Raises:
        ConfigurationError: When it is of another region, not symmetric, or not for encryption.
    """
    check_kind("", "encryption_key", key, _KEY)
    with reported_together() as check:
        check(_check_region, key, of)
        check(_check_use, key)


def _check_region(key: kms.IKey, of: Construct) -> None:
    theirs, ours = key.env.region, Stack.of(of).region
    if theirs != ours and not Token.is_unresolved(theirs) and not Token.is_unresolved(ours):
        raise ConfigurationError(
            got=f"encryption_key of the region {theirs} in {ours}",
            allowed="a cache is encrypted with a key of its own region",
            fix=f"Use a key of {ours}, or leave it out",
            page=_PAGE,
            rule="KMS-03",
        )


def _check_use(key: kms.IKey) -> None:
    resource = key.node.default_child
    if not isinstance(resource, kms.CfnKey):
        return
    uses = {"key_spec": "SYMMETRIC_DEFAULT", "key_usage": "ENCRYPT_DECRYPT"}
    for name, needed in uses.items():
        value = getattr(resource, name)
        if value not in (None, needed) and not Token.is_unresolved(value):
            raise ConfigurationError(
                got=f"encryption_key with the {name} {value}",
                allowed="a cache is encrypted with a symmetric key that is for encryption",
                fix=f"Leave {name} out, or use EncryptionKey",
                page=_PAGE,
                rule="KMS-03",
            )


def _key_policy() -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountDelegatesThroughIam",
                "Effect": "Allow",
                "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
                "Action": _ACCOUNT_ACTIONS,
                "Resource": "*",
            },
            {
                "Sid": "GrantsOnlyForAwsServices",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "kms:CreateGrant",
                "Resource": "*",
                "Condition": {
                    "BoolIfExists": {"kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false"}
                },
            },
            {
                "Sid": "LogGroupsOfThisAccount",
                "Effect": "Allow",
                "Principal": {"Service": {"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}},
                "Action": _LOGS_ACTIONS,
                "Resource": "*",
                "Condition": {
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": {
                            "Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"
                        }
                    }
                },
            },
            {
                "Sid": "AlarmsOfThisAccount",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            },
        ],
    }
