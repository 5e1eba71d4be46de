"""Tags of a stack go where CloudFormation takes them, and the one place where they must not go is warned of."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Annotations, Match

from elasticache_constructs import ServerlessCache, ServerlessLimits
from tests.conftest import FLAGS, Bench
from tests.unit.builders import NO_ALARMS, USERS, replication_group
from tests.unit.test_claims import vpc_in

EXPLICIT = "@aws-cdk/core:explicitStackTags"


def _bench(*, explicit: bool | None, tags: dict[str, str] | None = None) -> Bench:
    flags = {name: value for name, value in FLAGS.items() if name != EXPLICIT}
    context = flags if explicit is None else {**flags, EXPLICIT: explicit}
    app = cdk.App(context=context, analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Tagged", tags=tags)
    return Bench(stack, vpc_in(stack))


def _warnings(stack: cdk.Stack) -> list[str]:
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("has its own tags"))
    return [str(each.entry.data) for each in found]


@pytest.mark.parametrize("explicit", [None, False])
def test_tags_of_an_app_without_the_flag_are_warned_of(explicit: bool | None) -> None:  # noqa: FBT001
    """They become the stack's, and CloudFormation's user group has them too."""
    bench = _bench(explicit=explicit)
    replication_group(bench)
    cdk.Tags.of(bench.stack.node.root).add("team", "shop")

    (warning,) = _warnings(bench.stack)
    assert "the stack Tagged has its own tags (team)" in warning


@pytest.mark.parametrize("explicit", [None, True])
@pytest.mark.parametrize("kind", ["group", "serverless", "nested"])
def test_tags_of_a_stack_are_warned_of(explicit: bool | None, kind: str) -> None:  # noqa: FBT001
    """Whatever the flag says, and for each kind of cache."""
    bench = _bench(explicit=explicit, tags={"team": "shop"})
    scope = cdk.NestedStack(bench.stack, "Nested") if kind == "nested" else bench.stack
    if kind == "serverless":
        limits = ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=1000)
        ServerlessCache(scope, "Cache", vpc=bench.vpc, limits=limits, access=USERS, alarms=NO_ALARMS)
    else:
        replication_group(bench, scope=scope)

    assert 1 == len(_warnings(bench.stack))


def test_tags_that_leave_user_groups_out_are_not() -> None:
    """With the flag the tags of an app are those of its resources, and no warning is left."""
    bench = _bench(explicit=True)
    replication_group(bench)
    cdk.Tags.of(bench.stack.node.root).add("team", "shop")

    assert [] == _warnings(bench.stack)
    assert "Tags" not in bench.only("ElastiCache::UserGroup")["Properties"]
