"""An app with as many replication groups as its argument states, in one stack and one VPC."""

from __future__ import annotations

import sys

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    CacheNetwork,
    DefaultUser,
    Engine,
    IamUser,
    NodeType,
    Permissions,
    ReplicationGroup,
)
from elasticache_constructs.posture import add_posture_rules

app = cdk.App(analytics_reporting=False)
stack = cdk.Stack(app, "Groups")
network = CacheNetwork(stack, "Network")
for number in range(int(sys.argv[1])):
    user = IamUser(f"user-{number}", Permissions.read_write("app:*"))
    ReplicationGroup(
        stack,
        f"Redis{number}",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.t4g.small"),
        access=Access.users(default=DefaultUser.with_token(), users=[user]),
    )
add_posture_rules(app)
app.synth()
