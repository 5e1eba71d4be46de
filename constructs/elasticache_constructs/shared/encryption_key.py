"""Customer managed KMS keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Annotations, Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import check_arn, place_of, place_of_resource, stack_of
from elasticache_constructs.checks.tokens import is_unresolved

if TYPE_CHECKING:
    from constructs import Construct

_LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
_ALARMS = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
_KEY = Kind(
    of=kms.IKey,
    method="grant_encrypt_decrypt",
    example="EncryptionKey(...), or kms.Key.from_key_arn(...)",
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


class EncryptionKey(kms.Key):
    """A KMS key for a cache, its secrets and its logs: rotated every year, retained when the stack is deleted.

    Its policy allows the account's administrators to delegate its use through IAM, CloudWatch Logs of this account and
    region to use it for log groups, and CloudWatch alarms of this account for topics. It denies KMS grants to all
    principals but AWS services acting for this account. A CDK grant to a role of the account is written into the role's
    policy, so one key can serve several stacks without a cycle; a grant to an AWS service or another account is written
    into the key's policy.

    A cache's key cannot be changed: another key replaces the cache. Deleting the key loses all data that it encrypted,
    snapshots included, so it is retained when its stack is deleted; only a key whose creation failed is removed.

    Costs 1 USD a month, and 1 USD a month more after each of its first two yearly rotations
    (https://aws.amazon.com/kms/pricing/, as of 2026-06).

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        description: What the key is for, shown in the console.

    Raises:
        ConfigurationError: If the description is not a text, or has invisible characters.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/at-rest-encryption.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, description: str) -> None:
        check_kind("EncryptionKey", "description", description, Kind(of=str, example="'Orders'", free=True))
        super().__init__(
            scope,
            construct_id,
            description=description,
            enable_key_rotation=True,
            policy=iam.PolicyDocument.from_json(_key_policy()),
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )

    @property
    def key(self) -> kms.IKey:
        """The key itself, for arguments of type ``IKey``."""
        return self


def checked_key(key: kms.IKey, *, of: Construct, name: str = "encryption_key") -> kms.IKey:
    """The key that encrypts a cache, a log group or a topic; for an alias, the key behind it.

    Unknown properties of an imported key are not judged.

    Args:
        key: A key, or an alias of one.
        of: The construct that it encrypts, or its parent.
        name: The argument's name.

    Raises:
        ConfigurationError: If it is of another region, not symmetric, or not for encryption, or is an alias of a key
            that is not known.
    """
    check_kind("", name, key, _KEY)
    target = _target(key, of, name)
    region = place_of(of).region
    with reported_together() as check:
        check(_check_region, target, region, name)
        if not isinstance(target, EncryptionKey):
            check(check_arn, name, target.key_arn, service="kms", region=region, rule="KMS-03")
            check(_check_use, target, name)
    return target


def admit_logs(key: kms.IKey, *, of: Construct) -> None:
    """Allow CloudWatch Logs to use a key for the log groups of a stack; without, they cannot be created.

    A key of the app gets the statement. The policy of an imported key is not known: synth warns at the key.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    if isinstance(key, EncryptionKey):
        return  # its policy has the statement
    stack = stack_of(of)
    region = "${AWS::Region}" if is_unresolved(stack.region) else stack.region
    account = "${AWS::AccountId}" if is_unresolved(stack.account) else stack.account
    _admit(key, _logs_statement(region, account), service="CloudWatch Logs", what="log groups", page=_LOGS)


def admit_alarms(key: kms.IKey, *, of: Construct) -> None:
    """Allow CloudWatch alarms of a stack's account to use a key, so that they reach a topic that it encrypts.

    A key of the app gets the statement. The policy of an imported key is not known: synth warns at the key.

    See https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    if isinstance(key, EncryptionKey):
        return  # its policy has the statement
    statement = _alarms_statement(place_of(of).account)
    _admit(key, statement, service="CloudWatch", what="encrypted topics of alarms", page=_ALARMS)


def admit_eventbridge(key: kms.IKey) -> None:
    """Allow EventBridge to use a key, so that events reach a topic that it encrypts.

    A key of the app gets the statement. The policy of an imported key is not known: synth warns at the key. There is no
    condition: SNS does not pass one on for EventBridge.

    See https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    statement = {
        "Sid": "EventsOfEventBridge",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
    }
    _admit(key, statement, service="EventBridge", what="encrypted topics of events", page=_ALARMS)


def _admit(key: kms.IKey, statement: dict[str, Any], *, service: str, what: str, page: str) -> None:
    if not key.add_to_resource_policy(iam.PolicyStatement.from_json(statement), True).statement_added:
        # At the key, where it is said once for all that it encrypts.
        Annotations.of(key).add_warning_v2(
            f"elasticache-constructs:key-admits-{service.lower().replace(' ', '-')}",
            f"The policy of an imported key is not known. It must let {service} use the key for {what}: see {page}. "
            "Acknowledge this warning once it does, or use EncryptionKey",
        )


def _target(key: kms.IKey, of: Construct, name: str) -> kms.IKey:
    # The service would take an alias, and no policy does: IAM compares ARNs of keys.
    while hasattr(key, "alias_name"):
        alias: Any = key
        try:
            key = alias.alias_target_key
        except RuntimeError:
            raise _unknown_alias(alias.alias_name, of, name) from None
    return key


def _unknown_alias(alias: str, of: Construct, name: str) -> ConfigurationError:
    written = "" if is_unresolved(alias) else f" {alias}"
    stack = stack_of(of)
    if alias.startswith("alias/aws/"):
        fix = f"Use {name}=EncryptionKey(...): AWS's own keys admit one service each"
    elif is_unresolved(stack.account) or is_unresolved(stack.region) or not written:
        fix = f"Use {name}=kms.Key.from_key_arn(...) with the ARN of the key itself"
    else:
        fix = f"Use {name}=kms.Key.from_lookup(self, 'Key', alias_name={alias!r})"
    return ConfigurationError(
        got=f"{name} that is the alias{written} of a key that is not known",
        allowed="policies name keys, and one that names an alias allows nothing",
        fix=fix,
        rule="KMS-04",
    )


def _check_region(key: kms.IKey, ours: str, name: str) -> None:
    theirs = place_of_resource(key).region
    if theirs != ours and not is_unresolved(theirs) and not is_unresolved(ours):
        raise ConfigurationError(
            got=f"{name} of the region {theirs} in {ours}",
            allowed="a cache is encrypted with a key of its own region",
            fix=f"Use a key of {ours}, or leave it out",
            rule="KMS-03",
        )


def _check_use(key: kms.IKey, argument: str) -> None:
    resource = key.node.default_child
    if not isinstance(resource, kms.CfnKey):
        return
    uses = {"key_spec": "SYMMETRIC_DEFAULT", "key_usage": "ENCRYPT_DECRYPT"}
    for name, needed in uses.items():
        value = getattr(resource, name)
        if value not in (None, needed) and not is_unresolved(value):
            raise ConfigurationError(
                got=f"{argument} with the {name} {value}",
                allowed="a cache is encrypted with a symmetric key that is for encryption",
                fix=f"Leave {name} out, or use EncryptionKey",
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
            {"Sid": "LogGroupsOfThisAccount", **_logs_statement("${AWS::Region}", "${AWS::AccountId}")},
            {"Sid": "AlarmsOfThisAccount", **_alarms_statement(Aws.ACCOUNT_ID)},
        ],
    }


def _logs_statement(region: str, account: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": {"Fn::Sub": f"logs.{region}.${{AWS::URLSuffix}}"}},
        "Action": _LOGS_ACTIONS,
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": {"Fn::Sub": f"arn:${{AWS::Partition}}:logs:{region}:{account}:*"}
            }
        },
    }


def _alarms_statement(account: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
