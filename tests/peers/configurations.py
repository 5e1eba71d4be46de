"""The configurations that the best-known peers show in their examples, said with the constructs.

Each function makes one of them in a stack, with the network that the example has as well. `PEERS` in
`tests/peers/table.py` says where each comes from, and docs/peers.md compares the lines.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    Backups,
    CacheAlarm,
    CacheAlarms,
    CacheNetwork,
    DefaultUser,
    Engine,
    GlobalDatastore,
    IamUser,
    MemcachedCluster,
    Name,
    NodeType,
    PasswordUser,
    Permissions,
    ReplicationGroup,
    SecondaryReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    Topology,
)

SMALL = NodeType("cache.t4g.small")
ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
NO_LOGIN = Access.without_login(reason="The example has neither users nor a token.")
NAMED = "The example names its caches after its folder."
WINDOW = "sun:05:00-sun:09:00"


def tam_redis_replication_group(stack: cdk.Stack) -> None:
    """Redis OSS with an AUTH token and a parameter, open to its VPC."""
    network = CacheNetwork(stack, "Network", availability_zones=ZONES)
    cache = ReplicationGroup(
        stack,
        "Redis",
        name=Name("ex-redis-replication-group", NAMED),
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=SMALL,
        access=Access.auth_token(),
        maintenance_window=WINDOW,
        parameters={"latency-tracking": "yes"},
    )
    cache.connections.allow_default_port_from(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), "VPC traffic")


def tam_redis_cluster_mode(stack: cdk.Stack) -> None:
    """Redis OSS with two shards of four nodes, and users with passwords and IAM."""
    network = CacheNetwork(stack, "Network", availability_zones=ZONES)
    everything = Permissions.read_write("*")
    cache = ReplicationGroup(
        stack,
        "Redis",
        name=Name("ex-redis-cluster-mode", NAMED),
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=SMALL,
        topology=Topology(shards=2, replicas_per_shard=3),
        access=Access.users(
            default=DefaultUser.with_token(),
            users=[PasswordUser("moe", everything), IamUser("larry", everything), PasswordUser("curly", everything)],
        ),
        maintenance_window=WINDOW,
        parameters={"latency-tracking": "yes"},
    )
    cache.connections.allow_default_port_from(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), "VPC traffic")


def tam_redis_cluster(stack: cdk.Stack) -> None:
    """One node of Redis OSS, without a login."""
    network = CacheNetwork(stack, "Network", availability_zones=ZONES)
    cache = ReplicationGroup(
        stack,
        "Redis",
        name=Name("ex-redis-cluster", NAMED),
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=SMALL,
        topology=Topology(replicas_per_shard=0, no_failover_reason="It is a cache of one node, to try things."),
        access=NO_LOGIN,
        maintenance_window=WINDOW,
        parameters={"latency-tracking": "yes"},
    )
    cache.connections.allow_default_port_from(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), "VPC traffic")


def tam_redis_global(ireland: cdk.Stack, virginia: cdk.Stack) -> None:
    """Redis OSS in two Regions, each open to its VPC."""
    network = CacheNetwork(virginia, "Network", availability_zones=["us-east-1a", "us-east-1b", "us-east-1c"])
    primary = ReplicationGroup(
        virginia,
        "Redis",
        name=Name("ex-redis-global", NAMED),
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.r7g.large"),
        access=NO_LOGIN,
        auto_minor_version_upgrade=False,
        manual_upgrades_reason="All members of a global datastore are upgraded together.",
    )
    primary.connections.allow_default_port_from(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), "VPC traffic")
    datastore = GlobalDatastore(virginia, "Global", primary=primary, suffix="example")
    other = CacheNetwork(ireland, "Network", availability_zones=ZONES)
    secondary = SecondaryReplicationGroup(
        ireland,
        "Redis",
        name=Name("ex-redis-global", NAMED),
        global_datastore=datastore,
        vpc=other.vpc,
        vpc_subnets=other.cache_subnets,
        access=NO_LOGIN,
    )
    secondary.connections.allow_default_port_from(ec2.Peer.ipv4(other.vpc.vpc_cidr_block), "VPC traffic")


def tam_redis_with_cluster_replica(stack: cdk.Stack) -> None:
    """Two groups of Redis OSS, each with a replica; one with logs, the other with an AUTH token."""
    network = CacheNetwork(stack, "Network", availability_zones=ZONES)
    for name, access in {
        "Logged": NO_LOGIN,
        "WithToken": Access.auth_token(),
    }.items():
        cache = ReplicationGroup(
            stack,
            name,
            name=Name(f"ex-{name.lower()}", NAMED),
            vpc=network.vpc,
            vpc_subnets=network.cache_subnets,
            engine=Engine.REDIS_7_1,
            node_type=SMALL,
            topology=Topology(replicas_per_shard=1),
            access=access,
            maintenance_window=WINDOW,
            parameters={"latency-tracking": "yes"},
        )
        cache.connections.allow_default_port_from(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), "VPC traffic")


def tam_valkey_replication_group(stack: cdk.Stack) -> None:
    """Valkey with a token and a parameter, open to its VPC."""
    network = CacheNetwork(stack, "Network", availability_zones=ZONES)
    cache = ReplicationGroup(
        stack,
        "Valkey",
        name=Name("ex-valkey-replication-group", NAMED),
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_7_2,
        node_type=SMALL,
        access=Access.users(default=DefaultUser.with_token()),
        maintenance_window=WINDOW,
        parameters={"latency-tracking": "yes"},
    )
    cache.connections.allow_default_port_from(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), "VPC traffic")


def tam_memcached_cluster(stack: cdk.Stack) -> None:
    """Memcached with two nodes in two Availability Zones, and a parameter."""
    network = CacheNetwork(stack, "Network", availability_zones=ZONES)
    cache = MemcachedCluster(
        stack,
        "Memcached",
        name=Name("ex-memcached-cluster", NAMED),
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.MEMCACHED_1_6_17,
        node_type=SMALL,
        nodes=2,
        maintenance_window=WINDOW,
        parameters={"idle_timeout": "60"},
    )
    cache.connections.allow_default_port_from(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), "VPC traffic")


def tam_serverless_cache(stack: cdk.Stack) -> None:
    """Serverless Redis OSS with limits, snapshots, a key and a user who reads."""
    network = CacheNetwork(stack, "Network", availability_zones=ZONES)
    cache = ServerlessCache(
        stack,
        "Redis",
        name=Name("ex-serverless-cache", NAMED),
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=ServerlessEngine.REDIS_7,
        limits=ServerlessLimits(maximum_storage_gb=2, maximum_ecpu_per_second=1000),
        access=Access.users(
            default=DefaultUser.with_token(), users=[PasswordUser("redis", Permissions.read_only("*"))]
        ),
        backups=Backups(window="22:00-23:00", retention_days=7, short_retention_reason="The example keeps a week."),
        description="ex serverless cluster",
    )
    cache.connections.allow_default_port_from(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), "VPC traffic")


def cpr_complete(stack: cdk.Stack) -> None:
    """One node of Redis OSS that publishes events of keys, for a security group."""
    network = CacheNetwork(stack, "Network", cidr="172.16.0.0/16", availability_zones=["us-east-2a", "us-east-2b"])
    cache = ReplicationGroup(
        stack,
        "Redis",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.m6g.large"),
        topology=Topology(replicas_per_shard=0, no_failover_reason="The example has one node, to test the module."),
        access=NO_LOGIN,
        parameters={"notify-keyspace-events": "lK"},
    )
    clients = ec2.SecurityGroup(stack, "Clients", vpc=network.vpc)
    cache.connections.allow_default_port_from(clients)


def cpr_serverless(stack: cdk.Stack) -> None:
    """Serverless Redis OSS with limits, for a security group."""
    network = CacheNetwork(stack, "Network", cidr="172.16.0.0/16", availability_zones=["us-east-2a", "us-east-2b"])
    cache = ServerlessCache(
        stack,
        "Redis",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=ServerlessEngine.REDIS_7,
        limits=ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=5000),
        access=Access.without_login(reason="The example has no users."),
    )
    clients = ec2.SecurityGroup(stack, "Clients", vpc=network.vpc)
    cache.connections.allow_default_port_from(clients)


def cpr_simple(stack: cdk.Stack) -> None:
    """Redis OSS with a replica and no failover, thresholds of alarms, and events of keys."""
    network = CacheNetwork(stack, "Network", availability_zones=["us-east-2a", "us-east-2b"])
    ReplicationGroup(
        stack,
        "Redis",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.t4g.micro"),
        topology=Topology(replicas_per_shard=1, no_failover_reason="The example turns failover off."),
        access=NO_LOGIN,
        maintenance_window="wed:03:00-wed:04:00",
        parameters={"notify-keyspace-events": "lK"},
        alarms=CacheAlarms(thresholds={CacheAlarm.HOST_CPU: 75, CacheAlarm.DATABASE_MEMORY: 98}),
    )


def cpm_complete(stack: cdk.Stack) -> None:
    """One node of Memcached, for a security group."""
    network = CacheNetwork(stack, "Network", cidr="172.16.0.0/16", availability_zones=["us-east-2a", "us-east-2b"])
    cache = MemcachedCluster(
        stack,
        "Memcached",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        node_type=NodeType("cache.t4g.micro"),
        nodes=1,
    )
    clients = ec2.SecurityGroup(stack, "Clients", vpc=network.vpc)
    cache.connections.allow_default_port_from(clients)


def ps_replication_group(stack: cdk.Stack) -> None:
    """Redis OSS with one shard and a replica, a user with a password, slow log and outputs."""
    network = CacheNetwork(stack, "Network", max_azs=2)
    cache = ReplicationGroup(
        stack,
        "Redis",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_6_2,
        node_type=NodeType("cache.t3.small"),
        topology=Topology(shards=1, replicas_per_shard=1),
        access=Access.users(
            default=DefaultUser.with_token(), users=[PasswordUser("application", Permissions.read_write("*"))]
        ),
    )
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))
    cdk.CfnOutput(stack, "Secret", value=cache.secret("application").secret_arn)
