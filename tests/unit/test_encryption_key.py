"""The customer managed key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_iam as iam

from elasticache_constructs import Access, EncryptionKey
from tests.unit.builders import other_stack, replication_group

if TYPE_CHECKING:
    import aws_cdk as cdk

    from tests.conftest import Bench


def _statement(bench: Bench, sid: str) -> dict[str, Any]:
    statements = bench.only("KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
    (statement,) = (each for each in statements if each["Sid"] == sid)
    found: dict[str, Any] = statement
    return found


@pytest.fixture(name="key")
def _key(bench: Bench) -> EncryptionKey:
    return EncryptionKey(bench.stack, "Key", description="Orders")


def _role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


@pytest.mark.usefixtures("key")
def test_key_is_rotated(bench: Bench) -> None:
    """The service rotates the key's material every year."""
    assert True is bench.only("KMS::Key")["Properties"]["EnableKeyRotation"]


@pytest.mark.usefixtures("key")
def test_key_has_its_description(bench: Bench) -> None:
    """The console shows what the key is for."""
    assert "Orders" == bench.only("KMS::Key")["Properties"]["Description"]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("policy", "kept"),
    [("DeletionPolicy", {"Retain", "RetainExceptOnCreate"}), ("UpdateReplacePolicy", {"Retain"})],
)
def test_key_is_kept(bench: Bench, policy: str, kept: set[str]) -> None:
    """A lost key is lost data: it is kept when it is deleted, and when it is replaced."""
    assert bench.only("KMS::Key")[policy] in kept


@pytest.mark.usefixtures("key")
def test_no_action_has_a_wildcard(bench: Bench) -> None:
    """Every action of the policy is named."""
    statements = bench.only("KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
    actions = [
        action
        for each in statements
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    ]
    assert [] == [action for action in actions if "*" in action or not action.startswith("kms:")]


@pytest.mark.usefixtures("key")
def test_account_delegates_use_through_iam(bench: Bench) -> None:
    """The account's root may do whatever administrators and users need, and so IAM policies decide."""
    statement = _statement(bench, "AccountDelegatesThroughIam")

    root = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    assert ("Allow", root) == (statement["Effect"], statement["Principal"])
    assert {"kms:Decrypt", "kms:GenerateDataKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} <= set(
        statement["Action"]
    )


@pytest.mark.usefixtures("key")
def test_grants_are_for_aws_services_only(bench: Bench) -> None:
    """A grant may be made only by an AWS service or through one."""
    statement = _statement(bench, "GrantsOnlyForAwsServices")

    condition = {"BoolIfExists": {"kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false"}}
    assert ("Deny", {"AWS": "*"}, "kms:CreateGrant", condition) == (
        statement["Effect"],
        statement["Principal"],
        statement["Action"],
        statement["Condition"],
    )


@pytest.mark.usefixtures("key")
def test_logs_use_it_for_log_groups_of_the_account(bench: Bench) -> None:
    """CloudWatch Logs of this region may use the key, for log groups of this account and region alone."""
    statement = _statement(bench, "LogGroupsOfThisAccount")

    assert {"Service": {"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}} == statement["Principal"]
    assert {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": {
                "Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"
            }
        }
    } == statement["Condition"]


@pytest.mark.usefixtures("key")
def test_logs_may_not_administer_it(bench: Bench) -> None:
    """CloudWatch Logs encrypts and decrypts, and nothing else."""
    expected = {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    }
    assert expected == set(_statement(bench, "LogGroupsOfThisAccount")["Action"])


@pytest.mark.usefixtures("key")
def test_alarms_of_this_account_may_use_it(bench: Bench) -> None:
    """CloudWatch tells encrypted topics of alarms, for this account alone and with nothing but what that takes."""
    statement = _statement(bench, "AlarmsOfThisAccount")

    assert ("Allow", {"Service": "cloudwatch.amazonaws.com"}, ["kms:Decrypt", "kms:GenerateDataKey"]) == (
        statement["Effect"],
        statement["Principal"],
        statement["Action"],
    )
    assert {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}} == statement["Condition"]


def test_grant_is_written_into_the_roles_policy(bench: Bench, key: EncryptionKey) -> None:
    """A grant to a role is in the role's policy and names the key."""
    key.key.grant_decrypt(_role(bench.stack))

    (statement,) = bench.only("IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
    ((name, _),) = bench.resources("KMS::Key").items()
    assert ("kms:Decrypt", {"Fn::GetAtt": [name, "Arn"]}) == (statement["Action"], statement["Resource"])


def test_grant_leaves_the_keys_policy_alone(bench: Bench, key: EncryptionKey) -> None:
    """A grant to a role adds nothing to the key's own policy."""
    key.key.grant_encrypt_decrypt(_role(bench.stack))

    statements = bench.only("KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
    assert [
        *("AccountDelegatesThroughIam", "GrantsOnlyForAwsServices"),
        *("LogGroupsOfThisAccount", "AlarmsOfThisAccount"),
    ] == [each["Sid"] for each in statements]


def test_two_stacks_share_a_key_without_a_cycle(bench: Bench, key: EncryptionKey) -> None:
    """A key serves a cache and a role of another stack, and its own stack needs nothing of that one."""
    other = other_stack(bench)
    replication_group(bench, scope=other, encryption_key=key.key, access=Access.auth_token())
    key.key.grant_decrypt(_role(other))

    bench.template(other)
    assert {} == bench.resources("KMS::Key", other)
    assert ([], [bench.stack.node.path]) == (
        [each.node.path for each in bench.stack.dependencies],
        [each.node.path for each in other.dependencies],
    )
