"""A network with IPv4 and IPv6, a cache that has both, and one with IPv6 addresses alone.

cdk synth -a 'python3 examples/valkey-dual-stack.py'
"""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    CacheNetwork,
    DefaultUser,
    Egress,
    EncryptionKey,
    Engine,
    IamUser,
    NetworkType,
    NodeType,
    Permissions,
    ReplicationGroup,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack: clients choose the addresses of the first cache, and reach the second over IPv6."""
    stack = cdk.Stack(app, "example-valkey-dual-stack", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(
        stack,
        "Network",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        egress=Egress.NONE,
        ip_protocol=ec2.IpProtocol.DUAL_STACK,
    )
    key = EncryptionKey(stack, "Key", description="Both caches of the example")
    for name, network_type, subnets in (
        ("Both", NetworkType.dual_stack(ip_discovery="ipv6"), network.cache_subnets),
        ("Ipv6", NetworkType.IPV6, network.ipv6_cache_subnets),
    ):
        user = IamUser(f"example-{name.lower()}-orders", Permissions.read_write("orders:*"))
        cache = ReplicationGroup(
            stack,
            name,
            vpc=network.vpc,
            vpc_subnets=subnets,
            network_type=network_type,
            engine=Engine.VALKEY_8_2,
            node_type=NodeType("cache.t4g.small"),
            access=Access.users(default=DefaultUser.disabled(), users=[user]),
            encryption_key=key,
        )
        cdk.CfnOutput(stack, f"{name}Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
