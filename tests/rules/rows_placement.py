"""Subnets and topics: what is seen only where there is a VPC or a stack."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from elasticache_constructs import MemcachedCluster, NetworkType, NodeType
from elasticache_constructs.network.security_groups import checked_additional_groups
from elasticache_constructs.network.subnets import Spread, choose_subnets
from elasticache_constructs.shared.encryption_key import checked_key
from elasticache_constructs.shared.notifications import check_event_topic
from tests.conftest import FLAGS, new_bench
from tests.rules.row import Row

_VPC = "vpc-12345"
_REPLICAS = Spread("replicas_per_shard=1", "replicas_per_shard=0")


def imported(
    zones: list[str],
    *,
    node_type: str = "cache.r5.large",
    spread: Spread | None = None,
    scaling: str | None = None,
    durability: str | None = None,
    placed: tuple[str, ...] = (),
    public: bool = False,
) -> object:
    """A placement in one imported subnet for each Availability Zone."""
    bench = new_bench()
    subnets = [
        ec2.Subnet.from_subnet_attributes(
            bench.stack, f"Subnet{number}", subnet_id=f"s-{number}", availability_zone=zone
        )
        for number, zone in enumerate(zones)
    ]
    vpc = ec2.Vpc.from_vpc_attributes(
        bench.stack,
        "Other",
        vpc_id=_VPC,
        availability_zones=["a"],
        public_subnet_ids=["s-a"],
        isolated_subnet_ids=["s-b"],
    )
    return choose_subnets(
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(
            subnet_type=ec2.SubnetType.PUBLIC if public else ec2.SubnetType.PRIVATE_ISOLATED
        )
        if not zones
        else ec2.SubnetSelection(subnets=subnets),
        spread=spread,
        node_type=NodeType(node_type),
        scaling=scaling,
        durability=durability,
        placed=placed,
    )


def made(network_type: NetworkType = NetworkType.IPV4, *, vpc_id: str = _VPC, **properties: Any) -> object:
    """A placement in one subnet that is made with it."""
    bench = new_bench()
    subnet = ec2.Subnet(bench.stack, "Subnet", availability_zone="eu-west-1a", vpc_id=vpc_id, cidr_block="10.0.0.0/24")
    for name, value in properties.items():
        setattr(subnet.node.default_child, name, value)
    return choose_subnets(
        vpc=bench.vpc, vpc_subnets=ec2.SubnetSelection(subnets=[subnet]), spread=None, network_type=network_type
    )


def _referenced(*, other: bool) -> object:
    """A placement in a subnet of a VPC that is made with it, or of another one."""
    bench = new_bench()
    ours, theirs = (ec2.CfnVPC(bench.stack, name, cidr_block="10.0.0.0/16") for name in ("Ours", "Theirs"))
    vpc = ec2.Vpc.from_vpc_attributes(bench.stack, "Other", vpc_id=ours.ref, availability_zones=["a"])
    subnet = ec2.Subnet(
        bench.stack,
        "Subnet",
        availability_zone="eu-west-1a",
        vpc_id=(theirs if other else ours).attr_vpc_id,
        cidr_block="10.0.0.0/24",
    )
    return choose_subnets(vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=[subnet]), spread=None)


def _filtered(*names: str) -> object:
    """A placement in the subnets of these ids among those of an imported VPC."""
    vpc = ec2.Vpc.from_vpc_attributes(
        new_bench().stack, "Other", vpc_id=_VPC, availability_zones=["a"], isolated_subnet_ids=["s-1"]
    )
    selection = ec2.SubnetSelection(subnet_filters=[ec2.SubnetFilter.by_ids([*names])])
    return choose_subnets(vpc=vpc, vpc_subnets=selection, spread=None)


def _stack() -> cdk.Stack:
    return cdk.Stack(cdk.App(context=FLAGS), "Test", env=cdk.Environment(account="111111111111", region="eu-west-1"))


def _topic(name: str) -> None:
    stack = _stack()
    check_event_topic(sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:{name}"), of=stack)


def _encrypted_topic(*, plain: bool) -> None:
    stack = _stack()
    check_event_topic(sns.Topic(stack, "Topic", master_key=None if plain else kms.Key(stack, "Key")), of=stack)


def _imported_key(region: str) -> None:
    stack = _stack()
    checked_key(kms.Key.from_key_arn(stack, "Key", f"arn:aws:kms:{region}:111111111111:key/a"), of=stack)


def _key(**properties: Any) -> None:
    stack = _stack()
    checked_key(kms.Key(stack, "Key", **properties), of=stack)


def _alias(name: str, *, target: bool = False) -> None:
    stack = _stack()
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111111111111:key/a")
    known = kms.Alias.from_alias_attributes(stack, "Known", alias_name=name, alias_target_key=key)
    checked_key(known if target else kms.Alias.from_alias_name(stack, "Alias", name), of=stack)


def _cluster(**arguments: Any) -> None:
    bench = new_bench()
    MemcachedCluster(bench.stack, "Cache", vpc=bench.vpc, node_type=NodeType("cache.t4g.small"), **arguments)


def _in_groups(*, elsewhere: bool = False, times: int = 1) -> None:
    stack = _stack()
    ours, theirs = (ec2.Vpc(stack, name, nat_gateways=0, max_azs=1) for name in ("Ours", "Theirs"))
    group = ec2.SecurityGroup(stack, "Scanner", vpc=theirs if elsewhere else ours)
    checked_additional_groups("MemcachedCluster", [group] * times, vpc=ours)


_IPV6 = {"ipv6_cidr_block": "2001:db8::/64"}

ROWS = (
    Row(
        "NET-01",
        lambda: imported(["a"] * 21),
        "21 subnets: a subnet group has 20 at most. Choose fewer with vpc_subnets, one in each zone say.",
        lambda: imported(["a"] * 20),
    ),
    Row(
        "NET-01",
        lambda: _filtered("s-2"),
        (
            "vpc_subnets without a subnet: a subnet group has 1 to 20 subnets. Choose subnets that the VPC has: look "
            "at the zones, names and filters of vpc_subnets."
        ),
        lambda: _filtered("s-1"),
    ),
    Row(
        "NET-02",
        lambda: made(vpc_id="vpc-67890"),
        (
            "vpc_subnets with Test/Subnet/Subnet, a subnet of another VPC: all subnets of a cache are in the VPC "
            "that it is given. Choose subnets of that VPC, or give the cache the other vpc."
        ),
        lambda: made(vpc_id=_VPC),
    ),
    Row(
        "NET-02",
        lambda: _referenced(other=True),
        (
            "vpc_subnets with Test/Subnet/Subnet, a subnet of another VPC: all subnets of a cache are in the VPC "
            "that it is given. Choose subnets of that VPC, or give the cache the other vpc."
        ),
        lambda: _referenced(other=False),
    ),
    Row(
        "NET-06",
        lambda: imported(["us-west-2a", "us-west-2-lax-1a"]),
        (
            "subnets in us-west-2-lax-1a and us-west-2a: a subnet group has subnets in Local Zones or in zones of"
            " the region, not in both. Choose subnets of one kind with vpc_subnets."
        ),
        lambda: imported(["us-west-2-lax-1a", "us-west-2-lax-1b"]),
    ),
    Row(
        "LOC-02",
        lambda: imported(["us-west-2-lax-1a"], node_type="cache.r7g.large"),
        (
            "NodeType('cache.r7g.large') in us-west-2-lax-1a: Local Zones do not offer it. Use cache.m5.large or "
            "cache.r5.large, or subnets in zones of the region."
        ),
        lambda: imported(["us-west-2-lax-1a"], node_type="cache.r5.large"),
    ),
    Row(
        "ASC-05",
        lambda: imported(["us-west-2-lax-1a"], scaling="MemcachedCluster(node_scaling=...)"),
        (
            "MemcachedCluster(node_scaling=...) in us-west-2-lax-1a: caches in Local Zones are not scaled "
            "automatically. Leave the scaling out, or choose subnets in zones of the region."
        ),
        lambda: imported(["us-west-2-lax-1a"]),
    ),
    Row(
        "DUR-03",
        lambda: imported(["us-west-2-lax-1a"], durability="Durability.sync()"),
        (
            "Durability.sync() in us-west-2-lax-1a: caches in Local Zones have no durability. Leave the durability "
            "out, or choose subnets in zones of the region."
        ),
        lambda: imported(["us-west-2-lax-1a"]),
    ),
    Row(
        "NET-18",
        lambda: imported(["eu-west-1a", "eu-west-1b"], placed=("eu-west-1a", "eu-west-1c")),
        (
            "Topology(placement=...) in eu-west-1c: the nodes are in zones that the cache has subnets in: eu-west-1a, "
            "eu-west-1b. Choose subnets in eu-west-1c, or place the nodes elsewhere."
        ),
        lambda: imported(["eu-west-1a", "eu-west-1b"], placed=("eu-west-1b", "eu-west-1a")),
    ),
    Row(
        "NET-10",
        lambda: _in_groups(elsewhere=True),
        (
            "MemcachedCluster(security_groups=...) with Test/Scanner, a security group of another VPC than Test/Ours: "
            "the security groups of a cache are of the VPC that it runs in. Use a security group of Test/Ours, or "
            "leave it out."
        ),
        _in_groups,
    ),
    Row(
        "NET-10",
        lambda: _in_groups(times=2),
        (
            "MemcachedCluster(security_groups=...) with Test/Scanner twice: each security group is named once. Leave "
            "the second one out."
        ),
        _in_groups,
    ),
    Row(
        "NET-15",
        lambda: made(NetworkType.dual_stack()),
        (
            "NetworkType dual_stack in Test/Subnet/Subnet: it needs subnets with both IPv4 and IPv6 addresses. "
            "Make the VPC with ip_protocol=ec2.IpProtocol.DUAL_STACK, or use NetworkType.IPV4."
        ),
        lambda: made(NetworkType.dual_stack(), **_IPV6),
    ),
    Row(
        "NET-15",
        lambda: made(NetworkType.IPV6, **_IPV6),
        (
            "NetworkType ipv6 in Test/Subnet/Subnet: it needs subnets with IPv6 addresses and no others. Choose "
            "subnets with ipv6_native=True, or use NetworkType.dual_stack()."
        ),
        lambda: made(NetworkType.IPV6, **_IPV6, ipv6_native=True),
    ),
    Row(
        "NET-19",
        lambda: imported([], public=True),
        (
            "vpc_subnets with public subnets: caches belong in subnets without a route to the internet. Use "
            "vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)."
        ),
        lambda: imported([]),
    ),
    Row(
        "TOP-10",
        lambda: imported(["a", "a"], spread=_REPLICAS),
        (
            "subnets in one Availability Zone (a) for replicas_per_shard=1: nodes in several Availability Zones need "
            "subnets in at least two "
            "of them. Choose subnets of a second zone, or have a single node: replicas_per_shard=0."
        ),
        lambda: imported(["a", "b"], spread=_REPLICAS),
    ),
    Row(
        "TAG-04",
        lambda: _topic("eu-west-1:222222222222:events"),
        (
            "notification_topic of the account 222222222222 in 111111111111: a cache publishes its events to "
            "topics in the same account. Leave it out, and subscribe the other account to the cache's "
            "notification_topic."
        ),
        lambda: _topic("eu-west-1:111111111111:events"),
    ),
    Row(
        "TAG-04",
        lambda: _topic("us-east-1:111111111111:events"),
        (
            "notification_topic of the region us-east-1 in eu-west-1: a cache publishes its events to topics in the "
            "same region. Leave it out, and subscribe the other region to the cache's notification_topic."
        ),
        lambda: _topic("eu-west-1:111111111111:events"),
    ),
    Row(
        "TAG-04",
        lambda: _topic("eu-west-1:111111111111:events.fifo"),
        (
            "notification_topic that is a FIFO topic: a cache publishes its events to standard topics. Use a topic "
            "without fifo=True, or leave it out."
        ),
        lambda: _topic("eu-west-1:111111111111:events"),
    ),
    Row(
        "TAG-04",
        lambda: _encrypted_topic(plain=False),
        (
            "notification_topic that is encrypted: a cache cannot publish to an encrypted topic, and every event would "
            "be lost. Use a topic without master_key, or leave it out."
        ),
        lambda: _encrypted_topic(plain=True),
    ),
    Row(
        "KMS-04",
        lambda: _alias("alias/orders"),
        (
            "encryption_key that is the alias alias/orders of a key that is not known: policies name keys, and one "
            "that names an alias allows nothing. Use encryption_key=kms.Key.from_lookup(self, 'Key', "
            "alias_name='alias/orders')."
        ),
        lambda: _alias("alias/orders", target=True),
    ),
    Row(
        "KMS-04",
        lambda: _alias("alias/aws/elasticache"),
        (
            "encryption_key that is the alias alias/aws/elasticache of a key that is not known: policies name keys, "
            "and one that names an alias allows nothing. Use encryption_key=EncryptionKey(...): AWS's own keys admit "
            "one service each."
        ),
        _key,
    ),
    Row(
        "KMS-03",
        lambda: _imported_key("us-east-1"),
        (
            "encryption_key of the region us-east-1 in eu-west-1: a cache is encrypted with a key of its own region. "
            "Use a key of eu-west-1, or leave it out."
        ),
        lambda: _imported_key("eu-west-1"),
    ),
    Row(
        "KMS-03",
        lambda: _key(key_spec=kms.KeySpec.RSA_2048),
        (
            "encryption_key with the key_spec RSA_2048: a cache is encrypted with a symmetric key that is for "
            "encryption. Leave key_spec out, or use EncryptionKey."
        ),
        _key,
    ),
    Row(
        "KMS-03",
        lambda: _key(key_spec=kms.KeySpec.HMAC_256, key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC),
        (
            "encryption_key with the key_spec HMAC_256: a cache is encrypted with a symmetric key that is for "
            "encryption. Leave key_spec out, or use EncryptionKey."
        ),
        lambda: _key(key_spec=kms.KeySpec.SYMMETRIC_DEFAULT, key_usage=kms.KeyUsage.ENCRYPT_DECRYPT),
    ),
    Row(
        "NET-18",
        lambda: _cluster(availability_zones=["eu-west-1a", "eu-west-1c"]),
        (
            "MemcachedCluster(availability_zones=['eu-west-1a', 'eu-west-1c']): the nodes are in zones that the "
            "cluster has subnets in: eu-west-1a, eu-west-1b. Use availability_zones=['eu-west-1a', 'eu-west-1b'], or "
            "choose subnets in eu-west-1c."
        ),
        lambda: _cluster(availability_zones=["eu-west-1b", "eu-west-1a"]),
    ),
    Row(
        "MEM-03",
        lambda: _cluster(nodes=3, availability_zones=["eu-west-1a", "eu-west-1b"]),
        (
            "MemcachedCluster(nodes=3, availability_zones=['eu-west-1a', 'eu-west-1b']): each node has its zone, and "
            "several nodes are in two zones at least. Name one zone for each node, or leave availability_zones out."
        ),
        lambda: _cluster(nodes=3, availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1b"]),
    ),
)
