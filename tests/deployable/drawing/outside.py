"""What exists outside the app and is given to a cache: log groups, security groups, keys.

Each is a construct, made when a call is, in an app of its Region that is never synthesised. Of a call, the first
argument is what the service is told: a name, an id or an ARN.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from hypothesis import strategies as st

from elasticache_constructs.checks.errors import reported_together
from elasticache_constructs.network.security_groups import checked_additional_groups
from elasticache_constructs.shared.encryption_key import checked_key
from tests.deployable.written import Call, call

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME, ACCOUNT = "eu-west-1", "123456789012"
VPC, OTHER_VPC = "vpc-12345678", "vpc-87654321"
_IDS = ("sg-0123456789abcdef0", "sg-0123456789abcdef1", "sg-0123456789abcdef2")
MADE_IN = "sg-made-in-"
"""What the id of a security group of a known VPC begins with here; the VPC's id follows."""


def key_arn(region: str, *, service: str = "kms") -> str:
    """The ARN of a key, or of what looks like one."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:key/9876abcd-12ab-34cd-56ef-1234567890ab"


@functools.cache
def _stack(region: str) -> cdk.Stack:
    known = None if cdk.Token.is_unresolved(region) else cdk.Environment(region=region)
    return cdk.Stack(cdk.App(analytics_reporting=False), "Outside", env=known)


@functools.cache
def _vpc(vpc_id: str, region: str) -> ec2.IVpc:
    zones = [f"{HOME}a", f"{HOME}b"]
    return ec2.Vpc.from_vpc_attributes(_stack(region), vpc_id, vpc_id=vpc_id, availability_zones=zones)


def _id(construct_id: str) -> str:
    return construct_id.replace("/", "-").replace(":", "-")


@functools.cache
def log_group(name: str, region: str) -> logs.ILogGroup:
    """A log group by its name."""
    return logs.LogGroup.from_log_group_name(_stack(region), _id(name), name)


@functools.cache
def security_group(group_id: str, region: str) -> ec2.ISecurityGroup:
    """A security group by its id, whose VPC is not known."""
    return ec2.SecurityGroup.from_security_group_id(_stack(region), group_id, group_id)


@functools.cache
def group_in(group_id: str, region: str) -> ec2.ISecurityGroup:
    """A security group whose VPC is known."""
    return ec2.SecurityGroup(_stack(region), group_id, vpc=_vpc(group_id.removeprefix(MADE_IN), region))


@functools.cache
def key(arn: str, region: str) -> kms.IKey:
    """A key by its ARN."""
    return kms.Key.from_key_arn(_stack(region), _id(arn), arn)


@functools.cache
def alias(name: str, region: str) -> kms.IKey:
    """An alias of a key that is not known."""
    return kms.Alias.from_alias_name(_stack(region), _id(name), name)


@functools.cache
def signing_key(name: str, region: str) -> kms.IKey:
    """A key that encrypts nothing."""
    return kms.Key(_stack(region), name, key_spec=kms.KeySpec.RSA_2048, key_usage=kms.KeyUsage.SIGN_VERIFY)


def check(what: str, region: str, *, security_groups: Any = None, secrets_key: Any = None) -> None:
    """Refuse what the constructs would, which have a place where these are checked."""
    with reported_together() as checked:
        checked(checked_additional_groups, what, security_groups, vpc=_vpc(VPC, region))
        if secrets_key is not None:
            checked(checked_key, secrets_key, of=_stack(region), name="secrets_key")


def told(given: Mapping[str, Any]) -> tuple[list[str], str | None]:
    """What the service is told of these: the ids of the security groups, and the key of the secrets."""
    groups, of_secrets = given.get("security_groups") or [], given.get("secrets_key")
    return [each.arguments[0] for each in groups], of_secrets.arguments[0] if of_secrets else None


@functools.cache
def careful_log_groups(region: str) -> tuple[Call, ...]:
    """Log groups of the Region, whose names end with it."""
    named = HOME if cdk.Token.is_unresolved(region) else region
    return tuple(call(log_group, f"{name}/{named}", region) for name in ("/aws/elasticache/old", "caches.of_all"))


@functools.cache
def careless_log_groups() -> tuple[Call, ...]:
    """Log groups of the first Regions that come to mind."""
    return tuple(call(log_group, f"caches/{region}", region) for region in (HOME, "us-east-1", "eu-south-1"))


@st.composite
def careful(draw: st.DrawFn, region: str) -> dict[str, Any]:
    """Mostly nothing; security groups by their ids, and a key of the Region for secrets."""
    given: dict[str, Any] = {}
    named = HOME if cdk.Token.is_unresolved(region) else region
    if draw(st.integers(0, 3)) == 0:
        ids = draw(st.lists(st.sampled_from(_IDS), max_size=3, unique=True))
        given["security_groups"] = [call(security_group, each, region) for each in ids]
    if draw(st.integers(0, 3)) == 0:
        given["secrets_key"] = call(key, key_arn(named), region)
    return given


@st.composite
def careless(draw: st.DrawFn, region: str) -> dict[str, Any]:
    """Security groups of any VPC, and twice; keys of any Region, and what is no key to encrypt with."""
    groups = (
        *(call(security_group, each, region) for each in _IDS[:2]),
        *(call(group_in, f"{MADE_IN}{each}", region) for each in (VPC, OTHER_VPC)),
    )
    keys = (
        call(key, key_arn(HOME), region),
        call(key, key_arn("us-east-1"), region),
        call(key, key_arn(HOME, service="iam"), region),
        call(alias, "alias/app", region),
        call(alias, "alias/aws/secretsmanager", region),
        call(signing_key, "signing", region),
    )
    if draw(st.booleans()):
        return {"security_groups": draw(st.lists(st.sampled_from(groups), min_size=1, max_size=3))}
    return {"secrets_key": draw(st.sampled_from(keys))}
