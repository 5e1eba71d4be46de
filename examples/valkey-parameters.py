"""Valkey whose connection settings are parameters of Systems Manager, and a stack of another team that reads them.

cdk synth -a 'python3 examples/valkey-parameters.py'
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from elasticache_constructs import (
    Access,
    CacheNetwork,
    ConnectionParameters,
    DefaultUser,
    Engine,
    IamUser,
    NodeType,
    Permissions,
    ReplicationGroup,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check

PATH = "/example/orders"
ORDERS = IamUser("example-parameters-orders", Permissions.read_write("orders:*"))


def build(app: cdk.App) -> None:
    """A stack with the cache and its parameters, and a stack that knows their path and nothing else of it."""
    environment = cdk.Environment(region="eu-west-1")
    stack = cdk.Stack(app, "example-valkey-parameters", env=environment)
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b"])
    cache = ReplicationGroup(
        stack,
        "Orders",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.t4g.small"),
        access=Access.users(default=DefaultUser.disabled(), users=[ORDERS]),
    )
    ConnectionParameters(stack, "Parameters", cache=cache, path=PATH, user=ORDERS)

    # The other team's app. There is no reference from stack to stack, so this one is deployed after the first.
    consumer = cdk.Stack(app, "example-valkey-parameters-consumer", env=environment)
    parameters = ConnectionParameters.from_path(consumer, "Cache", path=PATH)
    imported = ReplicationGroup.from_replication_group_attributes(
        consumer,
        "Orders",
        replication_group_id=parameters.parameter("cache_name").string_value,
        endpoint_address=parameters.parameter("host").string_value,
        security_groups=[],
        client_security_group=parameters.client_security_group,
    )
    role = iam.Role(consumer, "OrdersRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    policy = iam.ManagedPolicy(consumer, "OrdersPolicy", roles=[role])
    parameters.grant_read(policy)
    imported.grant_connect(policy, ORDERS)
    group = parameters.parameter("client_security_group").string_value
    cdk.CfnOutput(consumer, "Endpoint", value=str(imported.endpoint), description="Where tasks connect")
    cdk.CfnOutput(consumer, "ClientSecurityGroup", value=group, description="What tasks that connect are members of")
    consumer.add_stack_dependency(stack)


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
