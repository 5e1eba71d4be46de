"""A cache in a VPC that exists, and a client in it whose security group may connect.

    cdk synth -a 'python3 examples/existing-vpc.py'

``CacheNetwork.from_lookup(stack, "Network", vpc_id="vpc-...")`` finds the subnets by itself; it needs a stack with an
explicit account and region, and credentials at the first synth.
"""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    CacheNetwork,
    DefaultUser,
    Engine,
    NodeType,
    ReplicationGroup,
    Rotation,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack, in subnets named by hand."""
    stack = cdk.Stack(app, "example-existing-vpc", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork.from_attributes(
        stack,
        "Network",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        cache_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        # Where functions reach Secrets Manager and the ElastiCache API, by NAT or by interface endpoints.
        application_subnet_ids=["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
    )
    cache = ReplicationGroup(
        stack,
        "Redis",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.t4g.small"),
        access=Access.users(default=DefaultUser.with_token()),
    )
    cache.rotate_secrets(Rotation.in_network(network))
    client = ec2.SecurityGroup.from_security_group_id(stack, "Application", "sg-0123456789abcdef0")
    cache.connections.allow_default_port_from(client, "From the application")


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
