"""Names are compared as widely as the service compares them: over all stacks and stages of an account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Annotations, Match

from elasticache_constructs import (
    Access,
    ConfigurationError,
    DefaultUser,
    Engine,
    IamUser,
    Permissions,
    ReplicationGroup,
)
from tests.conftest import FLAGS
from tests.unit.builders import LOGS_ELSEWHERE, NO_ALARMS, SMALL

if TYPE_CHECKING:
    from constructs import Construct

HERE = ("111111111111", "eu-west-1")
USER = IamUser("orders", Permissions.read_only("orders:*"))
NOBODY_ELSE = Access.users(default=DefaultUser.disabled(), users=[USER])
PASSWORDS = Access.users(default=DefaultUser.with_token())


def vpc_in(stack: cdk.Stack, region: str | None = None) -> ec2.IVpc:
    """A VPC of two Availability Zones."""
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=[f"{region or 'eu-west-1'}{letter}" for letter in "ab"],
        isolated_subnet_ids=["s-1", "s-2"],
    )


def _cache(
    scope: Construct,
    place: tuple[str | None, str | None] = HERE,
    access: Access = NOBODY_ELSE,
    *,
    stack_name: str | None = None,
) -> cdk.Stack:
    stack = cdk.Stack(scope, "Stack", env=cdk.Environment(account=place[0], region=place[1]), stack_name=stack_name)
    vpc = vpc_in(stack, place[1])
    given: dict[str, Any] = {"engine": Engine.VALKEY_8_2, "node_type": SMALL, "access": access}
    ReplicationGroup(stack, "Cache", vpc=vpc, alarms=NO_ALARMS, log_delivery=LOGS_ELSEWHERE, **given)
    return stack


def _stages(*names: str) -> list[cdk.Stage]:
    app = cdk.App(context=FLAGS, analytics_reporting=False, builtin_cloud_formation_validation=False)
    return [cdk.Stage(app, name) for name in names]


@pytest.mark.parametrize("outer", ["app", "stage"])
def test_iam_user_is_one_in_an_account_and_region(outer: str) -> None:
    """Two stages, or a stage and the app, that name one account and region share its user ids."""
    first, second = _stages("First", "Second")
    _cache(first if outer == "stage" else first.node.root)  # type: ignore[arg-type]

    with pytest.raises(
        ConfigurationError, match=r"IamUser\('orders'\) for Second/Stack/Cache: .*Stack/Cache has a user"
    ):
        _cache(second)


@pytest.mark.parametrize("other", [("222222222222", HERE[1]), (HERE[0], "eu-central-1"), (None, "eu-central-1")])
def test_iam_user_of_another_account_or_region_is_another(other: tuple[str | None, str]) -> None:
    """What is known to be elsewhere is no twin, and nothing is said."""
    first, second = _stages("First", "Second")
    _cache(first)

    stack = _cache(second, other)
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("unique in an account"))


@pytest.mark.parametrize("other", [(None, None), (HERE[0], None), (None, HERE[1])])
def test_iam_user_that_may_be_a_twin_is_warned_of(other: tuple[str | None, str | None]) -> None:
    """Stages whose account or region is not known may be deployed apart, or to one and the same."""
    first, second = _stages("First", "Second")
    _cache(first)

    stack = _cache(second, other)
    Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp(r"IamUser\('orders'\).*First/Stack/Cache"))


def test_generated_user_ids_are_compared_too() -> None:
    """Ids are generated from a stack's name: where two stacks have one name, so have their users."""
    first, second = _stages("First", "Second")
    _cache(first, access=PASSWORDS, stack_name="shop")

    with pytest.raises(ConfigurationError, match=r"the user id 'shop-.*-default' for Second/Stack/Cache"):
        _cache(second, access=PASSWORDS, stack_name="shop")


def test_an_iam_user_may_not_have_a_generated_id() -> None:
    """All user ids are of one kind, whether chosen or generated."""
    first, second = _stages("First", "Second")
    stack = _cache(first, access=PASSWORDS)
    ids = [each["Properties"]["UserId"] for each in _users(stack)]
    access = Access.users(default=DefaultUser.disabled(), users=[IamUser(ids[0], USER.permissions)])

    with pytest.raises(ConfigurationError, match=f"IamUser\\('{ids[0]}'\\)"):
        _cache(second, access=access)


def _users(stack: cdk.Stack) -> list[dict[str, dict[str, str]]]:
    resources = cdk.assertions.Template.from_stack(stack).find_resources("AWS::ElastiCache::User")
    return list(resources.values())  # type: ignore[arg-type]
