"""A cache's endpoint may change under other stacks once they hold it loosely, and not before."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import CrossStackReferences, ReferenceStrength
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template

from elasticache_constructs import ClusterMode, Topology
from elasticache_rules.change_gate import compare_stacks
from tests.conftest import new_bench
from tests.unit.builders import APP, replication_group

if TYPE_CHECKING:
    from elasticache_rules.change_gate import Changes

MODES = (ClusterMode.DISABLED, ClusterMode.COMPATIBLE, ClusterMode.ENABLED)


@functools.cache
def templates(mode: ClusterMode, strength: ReferenceStrength) -> dict[str, Any]:
    """A cache's stack, and one that hands its endpoint to an application."""
    bench = new_bench()
    cache = replication_group(bench, topology=Topology(replicas_per_shard=1, cluster_mode=mode))
    CrossStackReferences.of(cache).produce(strength)
    application = cdk.Stack(cdk.App.of(bench.stack), "Application")
    for name, value in cache.connection_settings(APP).items():
        ssm.CfnParameter(application, name, type="String", value=value)
    return {each.stack_name: Template.from_stack(each).to_json() for each in (bench.stack, application)}


def stopped(old: tuple[ClusterMode, ReferenceStrength], new: tuple[ClusterMode, ReferenceStrength]) -> list[str]:
    """What the gate says of the way from one to the other."""
    changes: Changes = compare_stacks(templates(*old), templates(*new))
    return [each.reason for each in changes.blocking()]


def test_an_endpoint_that_is_held_cannot_go() -> None:
    """The step to cluster mode takes the primary's endpoint away."""
    strong = ReferenceStrength.STRONG
    reasons = stopped((ClusterMode.COMPATIBLE, strong), (ClusterMode.ENABLED, strong))

    assert {"an export cannot be changed or removed while another stack imports it"} == set(reasons)


def test_references_cannot_be_loosened_at_once() -> None:
    """Exports go in the deployment after that in which others let go of them."""
    assert stopped((ClusterMode.DISABLED, ReferenceStrength.STRONG), (ClusterMode.DISABLED, ReferenceStrength.WEAK))


def test_an_endpoint_that_is_held_loosely_can() -> None:
    """Both deployments before the migration pass, and then all those of the migration."""
    disabled, weak = ClusterMode.DISABLED, ReferenceStrength.WEAK
    states = [
        (disabled, ReferenceStrength.STRONG),
        (disabled, ReferenceStrength.BOTH),
        *((mode, weak) for mode in MODES),
    ]

    assert [] == [reason for old, new in itertools.pairwise(states) for reason in stopped(old, new)]
