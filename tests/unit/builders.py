"""The caches that the unit tests build, each with as little said as possible."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    CacheAlarms,
    DefaultUser,
    Engine,
    IamUser,
    LogDelivery,
    MemcachedCluster,
    NodeType,
    PasswordUser,
    Permissions,
    ReplicationGroup,
)
from tests.conftest import Bench, new_bench

if TYPE_CHECKING:
    from constructs import Construct

GUIDE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg"
NO_ALARMS = CacheAlarms(no_alarms_reason="This test is about the cache itself; alarms take time to build")
LOGS_ELSEWHERE = LogDelivery(firehose_stream="elsewhere")
"""For tests about neither logs nor whole templates: two log groups are a fifth of the time that a group takes."""
SMALL = NodeType("cache.t4g.small")
APP = IamUser("orders-app", Permissions.read_write("orders:*"))
LEGACY = PasswordUser("legacy", Permissions.read_only("orders:*"))
USERS = Access.users(default=DefaultUser.with_token(), users=[APP, LEGACY])


def replication_group(
    bench: Bench, construct_id: str = "Redis", *, scope: Construct | None = None, **changes: Any
) -> ReplicationGroup:
    """A replication group of Redis 7.1 with every kind of user, and with changes."""
    arguments: dict[str, Any] = {
        "vpc": bench.vpc,
        "engine": Engine.REDIS_7_1,
        "node_type": SMALL,
        "access": USERS,
        "alarms": NO_ALARMS,
        **changes,
    }
    return ReplicationGroup(scope or bench.stack, construct_id, **arguments)


@dataclass
class Seen(Bench):
    """A bench with a finished cache on it, only to be looked at."""

    cache: ReplicationGroup

    @functools.cached_property
    def _template(self) -> dict[str, Any]:
        return super().template()

    def template(self, stack: cdk.Stack | None = None) -> dict[str, Any]:
        """The template of the stack, which nothing changes any more."""
        return self._template if stack is None else super().template(stack)


@functools.cache
def seen_group(**changes: Any) -> Seen:
    """A replication group that is built once for all tests that only look at it."""
    bench = new_bench()
    return Seen(bench.stack, bench.vpc, replication_group(bench, **changes))


def memcached_cluster(
    bench: Bench, construct_id: str = "Memcached", *, scope: Construct | None = None, **changes: Any
) -> MemcachedCluster:
    """A Memcached cluster with changes."""
    arguments: dict[str, Any] = {"vpc": bench.vpc, "node_type": SMALL, "alarms": NO_ALARMS, **changes}
    return MemcachedCluster(scope or bench.stack, construct_id, **arguments)


def app_of(bench: Bench) -> cdk.App:
    """The bench's app."""
    app = bench.stack.node.scope
    assert isinstance(app, cdk.App)
    return app


def other_stack(bench: Bench, name: str = "Other") -> cdk.Stack:
    """A second stack in the bench's app."""
    return cdk.Stack(app_of(bench), name)


def client_of(stack: cdk.Stack, vpc: ec2.IVpc, construct_id: str = "Client") -> ec2.SecurityGroup:
    """A security group that may reach nothing of its own accord, in place of a function's."""
    return ec2.SecurityGroup(stack, construct_id, vpc=vpc, allow_all_outbound=False)
