"""Valkey in two Regions: a global datastore whose primary takes writes, and a secondary to read from and fail over to.

cdk synth -a 'python3 examples/valkey-global-datastore.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    CacheNetwork,
    DefaultUser,
    Engine,
    GlobalDatastore,
    IamUser,
    NodeType,
    Permissions,
    ReplicationGroup,
    SecondaryReplicationGroup,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """A stack in each Region; the secondary's is deployed after the primary's. Users have the same names in both."""
    shop = Access.users(
        default=DefaultUser.disabled(), users=[IamUser("example-global", Permissions.read_write("shop:*"))]
    )

    ireland = cdk.Stack(app, "example-global-ireland", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(ireland, "Network", availability_zones=["eu-west-1a", "eu-west-1b"])
    primary = ReplicationGroup(
        ireland,
        "Valkey",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.r7g.large"),
        access=shop,
        auto_minor_version_upgrade=False,
        manual_upgrades_reason="All members of a global datastore are upgraded together, by hand.",
    )
    datastore = GlobalDatastore(ireland, "Global", primary=primary, suffix="example-shop")

    frankfurt = cdk.Stack(app, "example-global-frankfurt", env=cdk.Environment(region="eu-central-1"))
    other = CacheNetwork(frankfurt, "Network", availability_zones=["eu-central-1a", "eu-central-1b"])
    secondary = SecondaryReplicationGroup(
        frankfurt,
        "Valkey",
        global_datastore=datastore,
        vpc=other.vpc,
        vpc_subnets=other.cache_subnets,
        access=shop,
    )
    cdk.CfnOutput(ireland, "Endpoint", value=str(primary.endpoint))
    cdk.CfnOutput(frankfurt, "Endpoint", value=str(secondary.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
