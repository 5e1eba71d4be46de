"""The minimum policy that is printed is enough for the drill, and has no action that the drill does not use."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.operations.conftest import Operator

# The services want these of their caller, and the emulator does not ask.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
# https://docs.aws.amazon.com/kms/latest/developerguide/services-elasticache.html
NOT_ASKED_FOR = {"lambda:InvokeFunction", "kms:CreateGrant", "kms:DescribeKey"}
# Depends on the stage: of a group with cluster mode, or with a site.
DEPENDS = {"cloudwatch:GetMetricStatistics", "apigateway:GET", "execute-api:Invoke"}


def as_role(operator: Operator, name: str, policy: dict[str, Any]) -> Operator:
    """The operator with the credentials of a role that has this policy and no other."""
    iam = operator.account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    iam.put_role_policy(RoleName=name, PolicyName="least", PolicyDocument=json.dumps(policy))
    arn = f"arn:aws:iam::000000000000:role/{name}"
    found = operator.account.client("sts").assume_role(RoleArn=arn, RoleSessionName="operator")["Credentials"]
    keys = {"AccessKeyId": "AWS_ACCESS_KEY_ID", "SecretAccessKey": "AWS_SECRET_ACCESS_KEY"}
    variables = {variable: found[key] for key, variable in {**keys, "SessionToken": "AWS_SESSION_TOKEN"}.items()}
    return replace(operator, credentials=variables)


@pytest.mark.parametrize("name", ["failover", "rotate", "restore"])
def test_the_policy_is_enough_and_no_more(name: str, operator: Operator) -> None:
    """A role with exactly it passes the drill, and was asked about every action in it."""
    printed = operator.drill(name, "--policy")
    policy = json.loads(printed.output)
    role = f"least-{name}"
    ended = as_role(operator, role, policy).drill(name, "--yes")
    assert ended.code == 0, ended.output
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert operator.actions(role) - allowed <= {"sts:GetCallerIdentity"}
    assert allowed - operator.actions(role) <= NOT_ASKED_FOR | DEPENDS


def test_what_cannot_be_deleted_is_named_with_the_command(operator: Operator) -> None:
    """A role that may not delete snapshots ends with 1; record and output say what is left and the command for it."""
    policy = json.loads(operator.drill("restore", "--policy").output)
    for statement in policy["Statement"]:
        statement["Action"] = [action for action in statement["Action"] if action != "elasticache:DeleteSnapshot"]
    policy["Statement"] = [statement for statement in policy["Statement"] if statement["Action"]]
    ended = as_role(operator, "least-undeleted", policy).drill("restore", "--yes")
    left = operator.made_by_drills()
    assert ended.code == 1
    assert len(left) == 2
    for name in left:
        command = f"aws elasticache delete-snapshot --snapshot-name {name}"
        assert re.search(
            rf"LEFT BEHIND: the snapshot {name} \(.*AccessDenied.*\)\. Delete it: {command}\n", ended.output
        )
        assert command in {item["command"] for item in operator.records[0]["left"]}
        operator.account.client("elasticache").delete_snapshot(SnapshotName=name)


def test_without_a_grant_it_says_where_the_policy_is(operator: Operator) -> None:
    """The refusal of AWS, and the option that prints what is needed."""
    other = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    stranger = as_role(operator, "least-nothing", {"Version": "2012-10-17", "Statement": [other]})
    ended = stranger.drill("failover", "--yes")
    assert ended.code == 1
    assert "not authorized to perform: cloudformation:DescribeStacks" in ended.output
    assert "ARGS=--policy prints the minimum policy that it needs" in ended.output
