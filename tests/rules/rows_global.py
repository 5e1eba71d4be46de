"""Global datastores: what the service refuses of their ids, their primary and their secondaries."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from elasticache_constructs import Access, AutoScaling, DefaultUser, Durability, Engine, NetworkType, NodeType, Topology
from elasticache_constructs.replication_group.membership import (
    check_account,
    check_description,
    check_engine,
    check_kind_of_login,
    check_node_type,
    check_partition,
    check_prefix,
    check_primary,
    check_region_of_member,
    check_replicas,
    check_shards,
    check_suffix,
)
from tests.rules.row import Row, group

if TYPE_CHECKING:
    from elasticache_constructs.replication_group.settings import ReplicationGroupSettings

_BY_HAND = {"auto_minor_version_upgrade": False, "manual_upgrades_reason": "All members are upgraded together."}
_USERS = Access.users(default=DefaultUser.with_token())
_SHARDED = Topology(shards=2)
_OLD = {"access": Access.auth_token(), "node_type": NodeType("cache.m5.large")}


def _primary(**changes: Any) -> ReplicationGroupSettings:
    return group(**{**_BY_HAND, **changes})


ROWS = (
    Row(
        "NAM-11",
        lambda: check_suffix("shop_prod"),
        (
            "GlobalDatastore(suffix='shop_prod'): a suffix has letters, digits and single hyphens between them. "
            "Use suffix='shop-prod'."
        ),
        lambda: check_suffix("shop-prod"),
    ),
    Row(
        "NAM-11",
        lambda: check_prefix("sgaui", "us-east-1"),
        ("GlobalDatastore(id_prefix='sgaui') in us-east-1: the prefix of that Region is ldgnf. Leave id_prefix out."),
        lambda: check_prefix("ldgnf", "us-east-1"),
    ),
    Row(
        "NAM-11",
        lambda: check_prefix("virxk-", "us-west-1"),
        (
            "GlobalDatastore(id_prefix='virxk-') in us-west-1: a prefix is five lower-case letters. "
            "Use what aws elasticache describe-global-replication-groups shows."
        ),
        lambda: check_prefix("virxk", "us-west-1"),
    ),
    Row(
        "NAM-11",
        lambda: check_prefix(None, "us-west-1"),
        (
            "GlobalDatastore in us-west-1 without id_prefix: AWS documents no prefix for us-west-1, or two, and "
            "secondaries are made with the whole id. Add id_prefix='...': the five letters before the hyphen of any "
            "global datastore of the Region, as aws elasticache describe-global-replication-groups shows it."
        ),
        lambda: check_prefix(None, "us-west-2"),
    ),
    Row(
        "NAM-16",
        lambda: check_description("d" * 256),
        "GlobalDatastore with a description of 256 characters: it has 255 at most. Shorten it.",
        lambda: check_description("d" * 255),
    ),
    Row(
        "GDS-12",
        lambda: check_region_of_member("GlobalDatastore", "ap-southeast-6"),
        (
            "GlobalDatastore in ap-southeast-6: that Region has no global datastores. "
            "Use another Region, for example ap-southeast-1."
        ),
        lambda: check_region_of_member("GlobalDatastore", "ap-southeast-5"),
    ),
    Row(
        "GDS-03",
        lambda: check_region_of_member("SecondaryReplicationGroup", "${Token[AWS.Region.4]}"),
        (
            "SecondaryReplicationGroup in a stack without a Region: the Regions of all members are known at synth. "
            "Use Stack(..., env=Environment(account='...', region='eu-west-1'))."
        ),
        lambda: check_region_of_member("SecondaryReplicationGroup", "eu-west-1"),
    ),
    *(
        Row(
            "GDS-03",
            functools.partial(check_partition, region, ours),
            (
                f"SecondaryReplicationGroup in {region} of a primary in {ours}: data is replicated between the two "
                "Regions in China, between the two GovCloud Regions, and between all others. "
                "Use a Region of the same partition."
            ),
            functools.partial(check_partition, near, ours),
        )
        for region, ours, near in (
            ("eu-west-1", "cn-north-1", "cn-northwest-1"),
            ("us-west-2", "us-gov-west-1", "us-gov-east-1"),
            ("us-gov-east-1", "us-east-1", "eu-west-1"),
        )
    ),
    Row(
        "GDS-11",
        lambda: check_account("111122223333", "444455556666"),
        (
            "SecondaryReplicationGroup in the account 111122223333 of a primary in 444455556666: all members are in "
            "one account. Use the account of the primary for both stacks."
        ),
        lambda: check_account("111122223333", "111122223333"),
    ),
    Row(
        "GDS-11",
        lambda: check_primary(_primary(network_type=NetworkType.dual_stack())),
        (
            "GlobalDatastore(primary=...) with NetworkType dual_stack: global datastores have no IPv6. "
            "Use NetworkType.IPV4."
        ),
        lambda: check_primary(_primary()),
    ),
    Row(
        "GDS-11",
        lambda: check_primary(
            _primary(engine=Engine.VALKEY_9_0, topology=_SHARDED, durability=Durability.asynchronous())
        ),
        (
            "GlobalDatastore(primary=...) with Durability.asynchronous(): global datastores have no durable members. "
            "Turn durability off first: docs/runbooks/durability.md."
        ),
        lambda: check_primary(_primary(engine=Engine.VALKEY_9_0, topology=_SHARDED, durability=Durability.disabled())),
    ),
    Row(
        "NET-17",
        lambda: check_primary(_primary(network_type=NetworkType.dual_stack(ip_discovery="ipv6"))),
        (
            "GlobalDatastore(primary=...) with NetworkType dual_stack: global datastores have no IPv6. "
            "Use NetworkType.IPV4."
        ),
        lambda: check_primary(_primary()),
        carries="GDS-11",
    ),
    Row(
        "GDS-02",
        # No engine that new groups can have is older: the check is of what a group of long ago runs.
        lambda: check_primary(_primary(engine=Engine("redis", "5.0.5", unlisted=True), **_OLD)),
        (
            "GlobalDatastore(primary=...) with redis 5.0.5: a global datastore needs at least Redis OSS 5.0.6 or "
            "Valkey 7.2. Upgrade the group first: docs/runbooks/engine-upgrade.md."
        ),
        lambda: check_primary(_primary(engine=Engine.REDIS_5_0_6, **_OLD)),
    ),
    Row(
        "ASC-05",
        lambda: check_primary(_primary(topology=Topology(shards=2, shard_scaling=AutoScaling(minimum=2, maximum=4)))),
        (
            "GlobalDatastore(primary=...) with automatic scaling: members of a global datastore are not scaled "
            "automatically. Leave the scaling out of the primary's topology: docs/runbooks/auto-scaling.md."
        ),
        lambda: check_primary(_primary(topology=_SHARDED)),
    ),
    Row(
        "ENG-21",
        lambda: check_primary(group()),
        (
            "GlobalDatastore(primary=...) with auto_minor_version_upgrade=True: the service turns it off for members, "
            "so that all run the same version. Add auto_minor_version_upgrade=False, manual_upgrades_reason='...' to "
            "the primary; for a group that is deployed: docs/runbooks/global-datastore.md."
        ),
        lambda: check_primary(_primary()),
    ),
    Row(
        "ENG-21",
        lambda: check_engine(_primary(), Engine.REDIS_7_0),
        (
            "GlobalDatastore(engine=redis 7.0) with a primary that joined with redis 7.1: members are upgraded to a "
            "newer version, or from Redis to Valkey. Leave engine out, or use a newer one."
        ),
        lambda: check_engine(_primary(), Engine.VALKEY_8_2),
    ),
    Row(
        "GDS-01",
        lambda: check_node_type(NodeType("cache.t4g.medium")),
        (
            "a global datastore with NodeType('cache.t4g.medium'): members have node types of large or more, of the "
            "families c7gn, c8gn, m5, m6g, m7g, m8g, r5, r6g, r6gd, r7g, r8g. Change the group's node type first, for "
            "example to cache.r7g.large: docs/runbooks/node-type.md."
        ),
        lambda: check_node_type(NodeType("cache.r6gd.xlarge")),
    ),
    Row(
        "TOP-19",
        lambda: check_shards(_primary(topology=_SHARDED), 0),
        "GlobalDatastore(shards=0): a member has 1 to 500 shards. Use a whole number, or leave it out.",
        lambda: check_shards(_primary(topology=_SHARDED), 3),
    ),
    Row(
        "TOP-12",
        lambda: check_shards(_primary(), 3),
        (
            "GlobalDatastore(shards=3) with a primary without cluster mode: shards are for members in cluster mode. "
            "Leave shards out."
        ),
        lambda: check_shards(_primary(), None),
    ),
    Row(
        "GDS-14",
        lambda: check_kind_of_login(Access.auth_token(), _USERS),
        (
            "SecondaryReplicationGroup with an AUTH token of a primary with users: all members have the same kind of "
            "login; its users, tokens and secrets are of each Region. Use an Access with users, with the names that "
            "clients use in both Regions."
        ),
        lambda: check_kind_of_login(_USERS, _USERS),
    ),
    Row(
        "GDS-07",
        lambda: check_replicas(Topology(replicas_per_shard=0), Topology()),
        (
            "SecondaryReplicationGroup(replicas_per_shard=0) of a primary with automatic failover: a secondary takes "
            "failover from its primary, and needs a replica for it. Use replicas_per_shard=1 or more."
        ),
        lambda: check_replicas(Topology(replicas_per_shard=2), Topology()),
    ),
)
