"""AWS's documented evaluation of policies, case by case, on the emulator's evaluator as the live layer corrects it.

The cases follow these pages of the IAM User Guide: reference_policies_evaluation-logic (and its parts on one account,
on several, and on deny), reference_policies_elements_condition_operators, _condition_multi-value-conditions,
_principal, _notprincipal, _notaction, _notresource, _resource, reference_policies_variables,
access_policies_boundaries, and "Key policies" of the KMS Developer Guide.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

import pytest

from rehearsal.live.identity import evaluator
from rehearsal.live.identity.decisions import Kind

EvalContext: Any = importlib.import_module("ministack.core.iam_evaluator").EvalContext

ACCOUNT, OTHER = "111122223333", "444455556666"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/one"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
FOREIGN = f"arn:aws:iam::{OTHER}:user/bob"
FEDERATED = f"arn:aws:sts::{ACCOUNT}:federated-user/fay"
GROUP = f"arn:aws:elasticache:eu-west-1:{ACCOUNT}:replicationgroup:orders"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"

Document = dict[str, Any]


def policy(*statements: Document, version: str = "2012-10-17") -> Document:
    """A policy."""
    return {"Version": version, "Statement": list(statements)}


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> Document:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> Document:
    """A statement that denies."""
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def to(principal: Any, **more: Any) -> Document:
    """A statement of a resource's policy that allows some AWS principals."""
    return allow(Principal={"AWS": principal}, **more)


@dataclass(frozen=True)
class Case:
    """A request, the policies, and what AWS decides.

    Attributes:
        rule: What AWS documents.
        allowed: What it decides.
        identity: The policies of the user or role.
        principal: Who asks.
        action: What for.
        resource: On what.
        keys: Condition keys of the request, in lower case.
        boundary: The permissions boundary.
        session: The session policy.
        on_resource: The policy of the resource.
        owner: The account of the resource.
        required: Whether the resource's policy must allow, as a key's must.
    """

    rule: str
    allowed: bool
    identity: Document = field(default_factory=policy)
    principal: str = SESSION
    action: str = "elasticache:Connect"
    resource: str = GROUP
    keys: dict[str, Any] = field(default_factory=dict)
    boundary: Document | None = None
    session: Document | None = None
    on_resource: Document | None = None
    owner: str = ACCOUNT
    required: bool = False

    def judge(self) -> Any:
        """What the evaluator says."""
        kind = "User" if ":user/" in self.principal else "Root" if self.principal.endswith(":root") else "AssumedRole"
        kind = "FederatedUser" if ":federated-user/" in self.principal else kind
        context = EvalContext(
            principal_arn=self.principal,
            principal_type=kind,
            principal_account=self.principal.split(":")[4],
            action=self.action,
            resource_arn=self.resource,
            region="eu-west-1",
            source_ip="203.0.113.7",
            secure_transport=True,
            service_context=self.keys,
        )
        limits = [
            evaluator.Limits(kind, [evaluator.parsed(document)])
            for kind, document in ((Kind.BOUNDARY, self.boundary), (Kind.SESSION, self.session))
            if document is not None
        ]
        result = evaluator.evaluate(context, [evaluator.parsed(self.identity)], *limits)
        if self.on_resource is None:
            return result
        return evaluator.combine_resource_policy(
            result, context, self.on_resource, self.owner, required=self.required, limits=limits
        )


def when(rule: str, allowed: bool, operator: str, key: str, expected: Any, actual: Any = None, **more: Any) -> Case:  # noqa: FBT001, PLR0917 - columns of a table
    """A case of an Allow statement with one condition."""
    keys = {} if actual is None else {key.lower(): actual}
    return Case(rule, allowed, policy(allow(Condition={operator: {key: expected}})), keys=keys, **more)


LOGIC = [
    Case("no policy: implicit deny", allowed=False),
    Case("an Allow of an identity policy allows", allowed=True, identity=policy(allow("elasticache:Connect", GROUP))),
    Case("another action is not allowed", allowed=False, identity=policy(allow("elasticache:DescribeUsers", GROUP))),
    Case("another resource is not allowed", allowed=False, identity=policy(allow(resource=GROUP + "2"))),
    Case("a Deny overrides an Allow, in any order", allowed=False, identity=policy(deny(), allow())),
    Case("a Deny overrides an Allow before it", allowed=False, identity=policy(allow(), deny("elasticache:*"))),
    Case("a Deny of something else denies nothing", allowed=True, identity=policy(allow(), deny("s3:*"))),
    Case("actions have no case", allowed=True, identity=policy(allow("ElastiCache:CONNECT"))),
    Case("resources have a case", allowed=False, identity=policy(allow(resource=GROUP.replace("orders", "Orders")))),
    Case("`*` in an action", allowed=True, identity=policy(allow("elasticache:Con*"))),
    Case("`?` in an action is one character", allowed=True, identity=policy(allow("elasticache:?onnect"))),
    Case("`?` is not no character", allowed=False, identity=policy(allow("elasticache:Connect?"))),
    Case("a list of actions", allowed=True, identity=policy(allow(["s3:*", "elasticache:Connect"]))),
    Case("a list of resources", allowed=True, identity=policy(allow(resource=["arn:aws:s3:::b", GROUP]))),
    Case(
        "NotAction allows the others",
        allowed=True,
        identity=policy({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
    ),
    Case(
        "NotAction leaves out what it names",
        allowed=False,
        identity=policy({"Effect": "Allow", "NotAction": "elasticache:*", "Resource": "*"}),
    ),
    Case(
        "Deny with NotAction denies the others",
        allowed=False,
        identity=policy(allow(), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}),
    ),
    Case(
        "Deny with NotAction spares what it names",
        allowed=True,
        identity=policy(allow(), {"Effect": "Deny", "NotAction": "elasticache:*", "Resource": "*"}),
    ),
    Case(
        "NotResource allows on the others",
        allowed=True,
        identity=policy({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::*"}),
    ),
    Case(
        "NotResource leaves out what it names",
        allowed=False,
        identity=policy({"Effect": "Allow", "Action": "*", "NotResource": GROUP}),
    ),
    Case(
        "Deny with NotResource denies on the others",
        allowed=False,
        identity=policy(allow(), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::*"}),
    ),
    Case(
        "Deny with NotResource spares what it names",
        allowed=True,
        identity=policy(allow(), {"Effect": "Deny", "Action": "*", "NotResource": GROUP}),
    ),
    Case(
        "a single statement need not be a list", allowed=True, identity={"Version": "2012-10-17", "Statement": allow()}
    ),
    Case(
        "a statement with another effect does not count", allowed=False, identity=policy(allow() | {"Effect": "allow"})
    ),
]

RESOURCES = [
    Case("`*` at the end of an ARN", allowed=True, identity=policy(allow(resource=GROUP[:-3] + "*"))),
    Case("`*` for the Region", allowed=True, identity=policy(allow(resource=GROUP.replace("eu-west-1", "*")))),
    Case(
        "`*` at the end of a segment reaches beyond its colon",
        allowed=True,
        identity=policy(allow(resource="arn:aws:elasticache:*")),
    ),
    Case("`*` within a segment does not", allowed=False, identity=policy(allow(resource="arn:aws:e*p:orders"))),
    Case(
        "the resource itself may have colons",
        allowed=True,
        identity=policy(allow(resource=f"arn:aws:elasticache:eu-west-1:{ACCOUNT}:r*p:orders")),
    ),
    Case("`?` in a resource", allowed=True, identity=policy(allow(resource=GROUP[:-1] + "?"))),
    Case(
        "a list of all users is on `user:*`, which one user's ARN does not match",
        allowed=False,
        resource=f"arn:aws:elasticache:eu-west-1:{ACCOUNT}:user:*",
        identity=policy(allow(resource=f"arn:aws:elasticache:eu-west-1:{ACCOUNT}:user:ann")),
    ),
    Case("an action on no resource needs `*`", allowed=False, resource="*", identity=policy(allow(resource=GROUP))),
    Case("an action on no resource, with `*`", allowed=True, resource="*", identity=policy(allow())),
    Case(
        "a dot of an ARN is a dot",
        allowed=False,
        resource="arn:aws:s3:::aXb",
        identity=policy(allow(resource="arn:aws:s3:::a.b")),
    ),
]

VARIABLES = [
    Case(
        "a variable in Resource",
        allowed=True,
        principal=USER,
        keys={"aws:username": "ann"},
        resource="arn:aws:s3:::b/ann",
        identity=policy(allow(resource="arn:aws:s3:::b/${aws:username}")),
    ),
    Case(
        "a variable with another value",
        allowed=False,
        principal=USER,
        keys={"aws:username": "ann"},
        resource="arn:aws:s3:::b/bob",
        identity=policy(allow(resource="arn:aws:s3:::b/${aws:username}")),
    ),
    Case(
        "a Deny with a variable denies",
        allowed=False,
        principal=USER,
        keys={"aws:username": "ann"},
        resource="arn:aws:s3:::b/ann",
        identity=policy(allow(), deny(resource="arn:aws:s3:::b/${aws:username}")),
    ),
    Case(
        "a variable without a value matches nothing",
        allowed=False,
        resource="arn:aws:s3:::b/",
        identity=policy(allow(resource="arn:aws:s3:::b/${aws:username}")),
    ),
    Case(
        "a default value",
        allowed=True,
        resource="arn:aws:s3:::b/none",
        identity=policy(allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/team, 'none'}")),
    ),
    Case(
        "the value before the default",
        allowed=False,
        resource="arn:aws:s3:::b/none",
        keys={"aws:principaltag/team": "red"},
        identity=policy(allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/team, 'none'}")),
    ),
    Case(
        "variables have no case",
        allowed=True,
        principal=USER,
        keys={"aws:username": "ann"},
        resource="arn:aws:s3:::b/ann",
        identity=policy(allow(resource="arn:aws:s3:::b/${AWS:UserName}")),
    ),
    Case(
        "no variables in version 2008-10-17",
        allowed=False,
        principal=USER,
        keys={"aws:username": "ann"},
        resource="arn:aws:s3:::b/ann",
        identity=policy(allow(resource="arn:aws:s3:::b/${aws:username}"), version="2008-10-17"),
    ),
    Case(
        "without a version there are no variables",
        allowed=False,
        keys={"aws:username": "ann"},
        resource="arn:aws:s3:::b/ann",
        identity={"Statement": allow(resource="arn:aws:s3:::b/${aws:username}")},
    ),
    Case(
        "`${*}` is an asterisk",
        allowed=False,
        resource="arn:aws:s3:::b/ann",
        identity=policy(allow(resource="arn:aws:s3:::b/${*}")),
    ),
    Case(
        "`${*}` matches an asterisk",
        allowed=True,
        resource="arn:aws:s3:::b/*",
        identity=policy(allow(resource="arn:aws:s3:::b/${*}")),
    ),
    Case(
        "`${$}` is a dollar",
        allowed=True,
        resource="arn:aws:s3:::b/$",
        identity=policy(allow(resource="arn:aws:s3:::b/${$}")),
    ),
    Case(
        "a value is no pattern",
        allowed=False,
        keys={"aws:principaltag/team": "*"},
        resource="arn:aws:s3:::b/ann",
        identity=policy(allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/team}")),
    ),
    Case(
        "a variable in a condition",
        allowed=True,
        keys={"aws:principaltag/team": "red", "aws:resourcetag/team": "red"},
        identity=policy(allow(Condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})),
    ),
    Case(
        "a variable in a condition with another value",
        allowed=False,
        keys={"aws:principaltag/team": "red", "aws:resourcetag/team": "blue"},
        identity=policy(allow(Condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})),
    ),
    Case(
        "a variable in ArnLike",
        allowed=True,
        keys={"aws:sourcearn": GROUP, "elasticache:name": "orders"},
        identity=policy(
            allow(Condition={"ArnLike": {"aws:SourceArn": GROUP.replace("orders", "${elasticache:name}")}})
        ),
    ),
    Case(
        "NotResource with a variable without a value is not understood: a Deny with it denies",
        allowed=False,
        identity=policy(
            allow(), {"Effect": "Deny", "Action": "*", "NotResource": GROUP.replace("orders", "${aws:username}")}
        ),
    ),
]

K = "elasticache:CacheNodeType"
CONDITIONS = [
    when("StringEquals", True, "StringEquals", K, "cache.t4g.micro", "cache.t4g.micro"),
    when("StringEquals has a case", False, "StringEquals", K, "Cache.t4g.micro", "cache.t4g.micro"),
    when("StringEquals has no wildcards", False, "StringEquals", K, "cache.*", "cache.t4g.micro"),
    when("several values: one must match", True, "StringEquals", K, ["a", "b"], "b"),
    when("keys have no case", True, "StringEquals", K.upper(), "a", "a"),
    when("an absent key does not match", False, "StringEquals", K, "a"),
    when("StringNotEquals", True, "StringNotEquals", K, "a", "b"),
    when("StringNotEquals with several values: none may match", False, "StringNotEquals", K, ["a", "b"], "b"),
    when("a negated operator holds for an absent key", True, "StringNotEquals", K, "a"),
    when("StringEqualsIgnoreCase", True, "StringEqualsIgnoreCase", K, "A", "a"),
    when("StringNotEqualsIgnoreCase", False, "StringNotEqualsIgnoreCase", K, "A", "a"),
    when("StringLike", True, "StringLike", K, "cache.*.micr?", "cache.t4g.micro"),
    when("StringLike has a case", False, "StringLike", K, "CACHE.*", "cache.t4g.micro"),
    when("StringNotLike", False, "StringNotLike", K, "cache.*", "cache.t4g.micro"),
    when("IfExists holds for an absent key", True, "StringEqualsIfExists", K, "a"),
    when("IfExists compares a key that exists", False, "StringEqualsIfExists", K, "a", "b"),
    when("Null true: the key must be absent", True, "Null", K, "true"),
    when("Null true, and the key exists", False, "Null", K, "true", "a"),
    when("Null false: the key must exist", True, "Null", K, "false", "a"),
    when("Null false, and the key is absent", False, "Null", K, "false"),
    when("Null takes a JSON boolean", True, "Null", K, True),
    when("NumericEquals", True, "NumericEquals", K, "3", "3.0"),
    when("NumericNotEquals", True, "NumericNotEquals", K, "3", "4"),
    when("NumericLessThan", False, "NumericLessThan", K, "3", "3"),
    when("NumericLessThanEquals", True, "NumericLessThanEquals", K, "3", "3"),
    when("NumericGreaterThan", True, "NumericGreaterThan", K, "3", "4"),
    when("NumericGreaterThanEquals", False, "NumericGreaterThanEquals", K, "3", "2.9"),
    when("a value of the policy may be a JSON number", True, "NumericLessThan", K, 3, "2"),
    when("what is not a number does not match", False, "NumericNotEquals", K, "3", "three"),
    when("DateGreaterThan", True, "DateGreaterThan", "aws:CurrentTime", "2020-04-01T00:00:00Z"),
    when("DateLessThan", False, "DateLessThan", "aws:CurrentTime", "2020-06-30T23:59:59Z"),
    when("a date in seconds since 1970", True, "DateLessThan", K, "1700000001", "2023-11-14T22:13:20Z"),
    when("a date without a time", True, "DateEquals", K, "2026-11-28", "2026-11-28T00:00:00Z"),
    when("DateNotEquals", False, "DateNotEquals", K, "2026-11-28T01:00:00+01:00", "2026-11-28T00:00:00Z"),
    when("aws:EpochTime is numeric", True, "NumericGreaterThan", "aws:EpochTime", "1700000000"),
    when("Bool", True, "Bool", "aws:SecureTransport", "true"),
    when("Bool false", False, "Bool", "aws:SecureTransport", "false"),
    when("Bool takes a JSON boolean", True, "Bool", "aws:SecureTransport", True),
    when("BinaryEquals", True, "BinaryEquals", K, "QmluYXJ5", "QmluYXJ5"),
    when("BinaryEquals of other bytes", False, "BinaryEquals", K, "QmluYXJ5", "QmluYXI="),
    when("IpAddress in a range", True, "IpAddress", "aws:SourceIp", "203.0.113.0/24"),
    when("IpAddress of one address", True, "IpAddress", "aws:SourceIp", "203.0.113.7"),
    when("IpAddress of another range", False, "IpAddress", "aws:SourceIp", ["198.51.100.0/24", "2001:db8::/32"]),
    when("NotIpAddress", False, "NotIpAddress", "aws:SourceIp", ["198.51.100.0/24", "203.0.113.0/24"]),
    when(
        "ArnEquals has wildcards like ArnLike",
        True,
        "ArnEquals",
        "aws:SourceArn",
        "arn:aws:sns:*:1:t*",
        "arn:aws:sns:eu-west-1:1:topic",
    ),
    when(
        "ArnLike compares the six components one by one",
        False,
        "ArnLike",
        "aws:SourceArn",
        "arn:aws:*",
        "arn:aws:sns:eu-west-1:1:topic",
    ),
    when(
        "a wildcard of ArnLike stays in its component",
        False,
        "ArnLike",
        "aws:SourceArn",
        "arn:aws:sns:*:topic:x",
        "arn:aws:sns:eu-west-1:1:topic:x",
    ),
    when(
        "ArnLike has a case",
        False,
        "ArnLike",
        "aws:SourceArn",
        "arn:aws:sns:eu-west-1:1:Topic",
        "arn:aws:sns:eu-west-1:1:topic",
    ),
    when("ArnNotLike", True, "ArnNotLike", "aws:SourceArn", "arn:aws:sns:*:2:*", "arn:aws:sns:eu-west-1:1:topic"),
    when("ArnNotEquals of an absent key", True, "ArnNotEquals", "aws:SourceArn", "arn:aws:sns:*:2:*"),
    when("ForAllValues: all are in the list", True, "ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], ["a"]),
    when("ForAllValues: one is not", False, "ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], ["a", "c"]),
    when("ForAllValues holds without the key", True, "ForAllValues:StringEquals", "aws:TagKeys", ["a"]),
    when("ForAllValues holds for an empty list", True, "ForAllValues:StringEquals", "aws:TagKeys", ["a"], []),
    when("ForAnyValue: one is in the list", True, "ForAnyValue:StringEquals", "aws:TagKeys", ["a"], ["a", "c"]),
    when("ForAnyValue: none is", False, "ForAnyValue:StringEquals", "aws:TagKeys", ["a"], ["c", "d"]),
    when("ForAnyValue does not hold without the key", False, "ForAnyValue:StringEquals", "aws:TagKeys", ["a"]),
    when(
        "ForAnyValue of a negated operator does not hold without the key",
        False,
        "ForAnyValue:StringNotEquals",
        "aws:TagKeys",
        ["a"],
    ),
    when("ForAllValues of a negated operator", False, "ForAllValues:StringNotEquals", "aws:TagKeys", ["a"], ["a", "b"]),
    when("ForAnyValue of a negated operator", True, "ForAnyValue:StringNotEquals", "aws:TagKeys", ["a"], ["a", "b"]),
    when("ForAllValues with StringLike", True, "ForAllValues:StringLike", "aws:TagKeys", ["a*"], ["a1", "a2"]),
    when("ForAllValues:...IfExists", True, "ForAllValues:StringEqualsIfExists", "aws:TagKeys", ["a"]),
    when("a key with one value and no set operator", True, "StringEquals", "aws:TagKeys", "a", ["a"]),
    when(
        "several values and no set operator: not defined, so not allowed",
        False,
        "StringEquals",
        "aws:TagKeys",
        "a",
        ["a", "b"],
    ),
    when("an operator that does not exist does not match", False, "StringMatches", K, "a", "a"),
    when("nor does a set operator that does not exist", False, "ForSomeValues:StringEquals", K, "a", "a"),
    when("aws:PrincipalArn of a session is the role's ARN", True, "ArnEquals", "aws:PrincipalArn", ROLE),
    when("aws:PrincipalArn of a session is not the session's", False, "ArnLike", "aws:PrincipalArn", SESSION),
    when("aws:PrincipalArn of a user", True, "StringEquals", "aws:PrincipalArn", USER, principal=USER),
    when("aws:PrincipalAccount", True, "StringEquals", "aws:PrincipalAccount", ACCOUNT),
    when("aws:PrincipalType", True, "StringEquals", "aws:PrincipalType", "AssumedRole"),
    when("aws:PrincipalIsAWSService of a role is false", True, "Bool", "aws:PrincipalIsAWSService", "false"),
    when("aws:ViaAWSService of a caller is false", True, "Bool", "aws:ViaAWSService", "false"),
    when("aws:RequestedRegion", True, "StringEquals", "aws:RequestedRegion", "eu-west-1"),
    when("aws:ResourceAccount", True, "StringEquals", "aws:ResourceAccount", ACCOUNT),
    Case(
        "all operators must hold",
        allowed=False,
        keys={"a:b": "1", "a:c": "2"},
        identity=policy(allow(Condition={"StringEquals": {"a:b": "1"}, "StringLike": {"a:c": "1"}})),
    ),
    Case(
        "all keys must hold",
        allowed=False,
        keys={"a:b": "1", "a:c": "2"},
        identity=policy(allow(Condition={"StringEquals": {"a:b": "1", "a:c": "1"}})),
    ),
    Case(
        "both hold",
        allowed=True,
        keys={"a:b": "1", "a:c": "2"},
        identity=policy(allow(Condition={"StringEquals": {"a:b": "1", "a:c": "2"}})),
    ),
    Case(
        "a Deny with a condition that holds",
        allowed=False,
        identity=policy(allow(), deny(Condition={"Bool": {"aws:SecureTransport": "true"}})),
    ),
    Case(
        "a Deny with a condition that does not",
        allowed=True,
        identity=policy(allow(), deny(Condition={"Bool": {"aws:SecureTransport": "false"}})),
    ),
    Case(
        "a Deny with an operator that does not exist denies",
        allowed=False,
        keys={"a:b": "1"},
        identity=policy(allow(), deny(Condition={"StringMatches": {"a:b": "2"}})),
    ),
    Case(
        "a Deny with several values and no set operator denies",
        allowed=False,
        keys={"aws:tagkeys": ["a", "b"]},
        identity=policy(allow(), deny(Condition={"StringEquals": {"aws:TagKeys": "c"}})),
    ),
    Case(
        "a Deny on a value that is not a number denies",
        allowed=False,
        keys={"a:b": "x"},
        identity=policy(allow(), deny(Condition={"NumericLessThan": {"a:b": "2"}})),
    ),
    Case(
        "a Deny of another's role spares a session of this role",
        allowed=True,
        identity=policy(allow(), deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": ROLE}})),
    ),
]

BOUNDARIES = [
    Case(
        "identity and boundary allow", allowed=True, identity=policy(allow()), boundary=policy(allow("elasticache:*"))
    ),
    Case("the boundary does not allow", allowed=False, identity=policy(allow()), boundary=policy(allow("s3:*"))),
    Case("a boundary alone allows nothing", allowed=False, boundary=policy(allow())),
    Case(
        "the boundary denies", allowed=False, identity=policy(allow()), boundary=policy(allow(), deny("elasticache:*"))
    ),
    Case(
        "identity and session policy allow",
        allowed=True,
        identity=policy(allow()),
        session=policy(allow("elasticache:*")),
    ),
    Case("the session policy does not allow", allowed=False, identity=policy(allow()), session=policy(allow("s3:*"))),
    Case("a session policy alone allows nothing", allowed=False, session=policy(allow())),
    Case("the session policy denies", allowed=False, identity=policy(allow()), session=policy(allow(), deny())),
    Case(
        "all three must allow",
        allowed=False,
        identity=policy(allow()),
        boundary=policy(allow()),
        session=policy(allow("s3:*")),
    ),
    Case("all three allow", allowed=True, identity=policy(allow()), boundary=policy(allow()), session=policy(allow())),
]

IN_ACCOUNT = [
    Case("a resource's policy allows a role alone", allowed=True, on_resource=policy(to(ROLE))),
    Case("a resource's policy allows a user alone", allowed=True, principal=USER, on_resource=policy(to(USER))),
    Case("a resource's policy for another principal", allowed=False, on_resource=policy(to(USER))),
    Case("naming the account delegates to identity policies", allowed=False, on_resource=policy(to(ROOT))),
    Case("naming the account by its id delegates as well", allowed=False, on_resource=policy(to(ACCOUNT))),
    Case("`*` names everyone", allowed=True, on_resource=policy(to("*"))),
    Case("Principal `*` names everyone", allowed=True, on_resource=policy(allow(Principal="*"))),
    Case("an identity policy suffices", allowed=True, identity=policy(allow()), on_resource=policy(to(USER))),
    Case(
        "a Deny of the resource's policy wins",
        allowed=False,
        identity=policy(allow()),
        on_resource=policy(deny(Principal="*")),
    ),
    Case(
        "a Deny for the account wins",
        allowed=False,
        identity=policy(allow()),
        on_resource=policy(deny(Principal={"AWS": ROOT})),
    ),
    Case(
        "a Deny for another principal does not",
        allowed=True,
        identity=policy(allow()),
        on_resource=policy(deny(Principal={"AWS": USER})),
    ),
    Case(
        "a Deny of the identity policy wins over the resource's",
        allowed=False,
        identity=policy(deny()),
        on_resource=policy(to(ROLE)),
    ),
    Case(
        "a role's ARN is limited by its boundary",
        allowed=False,
        boundary=policy(allow("s3:*")),
        on_resource=policy(to(ROLE)),
    ),
    Case(
        "a role's ARN is limited by its session policy",
        allowed=False,
        session=policy(allow("s3:*")),
        on_resource=policy(to(ROLE)),
    ),
    Case(
        "a session's ARN is not limited by the boundary",
        allowed=True,
        boundary=policy(allow("s3:*")),
        on_resource=policy(to(SESSION)),
    ),
    Case(
        "a session's ARN is not limited by its session policy",
        allowed=True,
        session=policy(allow("s3:*")),
        on_resource=policy(to(SESSION)),
    ),
    Case(
        "a session's ARN: a Deny of the boundary still denies",
        allowed=False,
        boundary=policy(deny()),
        on_resource=policy(to(SESSION)),
    ),
    Case(
        "a user's ARN is not limited by the boundary",
        allowed=True,
        principal=USER,
        boundary=policy(allow("s3:*")),
        on_resource=policy(to(USER)),
    ),
    Case(
        "the ARN of a federated user's session is not limited",
        allowed=True,
        principal=FEDERATED,
        session=policy(allow("s3:*")),
        on_resource=policy(to(FEDERATED)),
    ),
    Case("another session's ARN does not name this one", allowed=False, on_resource=policy(to(SESSION + "2"))),
    Case(
        "an ARN of a principal has no wildcards",
        allowed=False,
        on_resource=policy(to(f"arn:aws:iam::{ACCOUNT}:role/*")),
    ),
    Case("ARNs of principals have a case", allowed=False, on_resource=policy(to(ROLE.replace("app", "App")))),
    Case(
        "a service principal names no role",
        allowed=False,
        on_resource=policy(allow(Principal={"Service": "lambda.amazonaws.com"})),
    ),
    Case(
        "a condition on aws:PrincipalArn in a resource's policy",
        allowed=True,
        on_resource=policy(to("*", Condition={"ArnEquals": {"aws:PrincipalArn": ROLE}})),
    ),
    Case(
        "a condition of a resource's policy that does not hold",
        allowed=False,
        on_resource=policy(to("*", Condition={"ArnEquals": {"aws:PrincipalArn": USER}})),
    ),
    Case("a policy without Principal names no one", allowed=False, on_resource=policy(allow())),
    Case(
        "Deny with NotPrincipal denies the others",
        allowed=False,
        identity=policy(allow()),
        on_resource=policy(deny(NotPrincipal={"AWS": [USER, ROOT]})),
    ),
    Case(
        "Deny with NotPrincipal spares role, session and account",
        allowed=True,
        identity=policy(allow()),
        on_resource=policy(deny(NotPrincipal={"AWS": [ROLE, SESSION, ROOT]})),
    ),
    Case(
        "Deny with NotPrincipal without the account denies",
        allowed=False,
        identity=policy(allow()),
        on_resource=policy(deny(NotPrincipal={"AWS": [ROLE, SESSION]})),
    ),
    Case(
        "Deny with NotPrincipal without the session denies",
        allowed=False,
        identity=policy(allow()),
        on_resource=policy(deny(NotPrincipal={"AWS": [ROLE, ROOT]})),
    ),
    Case(
        "Deny with NotPrincipal spares a user with the account",
        allowed=True,
        principal=USER,
        identity=policy(allow()),
        on_resource=policy(deny(NotPrincipal={"AWS": [USER, ROOT]})),
    ),
    Case(
        "Allow with NotPrincipal is not supported", allowed=False, on_resource=policy(allow(NotPrincipal={"AWS": USER}))
    ),
]

ACROSS_ACCOUNTS = [
    Case("both must allow", allowed=True, principal=FOREIGN, identity=policy(allow()), on_resource=policy(to(FOREIGN))),
    Case(
        "the resource's policy alone is not enough", allowed=False, principal=FOREIGN, on_resource=policy(to(FOREIGN))
    ),
    Case(
        "the identity policy alone is not enough",
        allowed=False,
        principal=FOREIGN,
        identity=policy(allow()),
        on_resource=policy(to(USER)),
    ),
    Case(
        "a resource without a policy", allowed=False, principal=FOREIGN, identity=policy(allow()), on_resource=policy()
    ),
    Case(
        "the account may be named",
        allowed=True,
        principal=FOREIGN,
        identity=policy(allow()),
        on_resource=policy(to(OTHER)),
    ),
    Case(
        "the boundary of the caller limits",
        allowed=False,
        principal=FOREIGN,
        identity=policy(allow()),
        boundary=policy(allow("s3:*")),
        on_resource=policy(to(FOREIGN)),
    ),
    Case(
        "a Deny of the resource's policy wins across accounts too",
        allowed=False,
        principal=FOREIGN,
        identity=policy(allow()),
        on_resource=policy(to(OTHER), deny(Principal="*")),
    ),
    Case("`*` of a resource's policy is not enough", allowed=False, principal=FOREIGN, on_resource=policy(to("*"))),
]


def key(rule: str, allowed: bool, on_resource: Document, identity: Document | None = None, **more: Any) -> Case:  # noqa: FBT001 - columns of a table
    """A case of a KMS key."""
    return Case(
        rule,
        allowed,
        identity or policy(),
        action="kms:Decrypt",
        resource=KEY,
        on_resource=on_resource,
        required=True,
        **more,
    )


KEYS = [
    key(
        "a key policy that names the account lets identity policies allow",
        True,
        policy(to(ROOT)),
        policy(allow("kms:Decrypt", KEY)),
    ),
    key("and without such a policy the caller has nothing", False, policy(to(ROOT))),
    key(
        "without the account in the key policy an identity policy allows nothing",
        False,
        policy(to(USER)),
        policy(allow()),
    ),
    key("a key without a policy", False, policy(), policy(allow())),
    key("a key policy that names the role needs no identity policy", True, policy(to(ROLE))),
    key(
        "the account is named for other actions only",
        False,
        policy(to(ROOT) | {"Action": "kms:DescribeKey"}),
        policy(allow()),
    ),
    key(
        "a condition of the key policy",
        False,
        policy(to(ROOT, Condition={"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}})),
        policy(allow()),
        keys={"kms:viaservice": "sns.eu-west-1.amazonaws.com"},
    ),
    key(
        "a condition of the key policy holds",
        True,
        policy(to(ROOT, Condition={"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}})),
        policy(allow()),
        keys={"kms:viaservice": "secretsmanager.eu-west-1.amazonaws.com"},
    ),
    key(
        "a condition on the encryption context",
        True,
        policy(to(ROOT)),
        policy(allow(Condition={"StringEquals": {"kms:EncryptionContext:SecretARN": "arn:x"}})),
        keys={"kms:encryptioncontext:secretarn": "arn:x"},
    ),
    key("a Deny of the key policy wins", False, policy(to(ROOT), deny(Principal={"AWS": "*"})), policy(allow())),
    key(
        "a Deny only of requests that are not for a service",
        True,
        policy(to(ROOT), deny(Principal="*", Condition={"Null": {"kms:ViaService": "true"}})),
        policy(allow()),
        keys={"kms:viaservice": "sns.eu-west-1.amazonaws.com"},
    ),
    key("another account needs both", True, policy(to(OTHER)), policy(allow()), principal=FOREIGN),
    key("another account without an identity policy", False, policy(to(FOREIGN)), principal=FOREIGN),
]

CASES = [*LOGIC, *RESOURCES, *VARIABLES, *CONDITIONS, *BOUNDARIES, *IN_ACCOUNT, *ACROSS_ACCOUNTS, *KEYS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_as_aws_documents_it(case: Case) -> None:
    """The evaluator decides as AWS's page says."""
    assert (case.judge().decision == "Allow") is case.allowed


def test_there_are_as_many_cases_as_promised() -> None:
    """At least 80 different rules are tested."""
    assert len({case.rule for case in CASES}) == len(CASES) > 80
