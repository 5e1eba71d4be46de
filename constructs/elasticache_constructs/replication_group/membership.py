"""What the service refuses of a global datastore and of its members."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.features import check_feature
from elasticache_constructs.checks.locations import differ
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticache_constructs.access import Access
    from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
    from elasticache_constructs.values.engine import Engine
    from elasticache_constructs.values.node_type import NodeType
    from elasticache_constructs.values.topology import Topology

RUNBOOK = "docs/runbooks/global-datastore.md"

_NO_FAILOVER = "The members of a global datastore take failover from their primary, which has none."
_SUFFIX = re.compile(r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*")
_PREFIX = re.compile(r"[a-z]{5}")
_CHINA = frozenset(("cn-north-1", "cn-northwest-1"))
_MOST_SHARDS = facts.limit("nodes_per_cluster_on_request").maximum
_LONGEST_DESCRIPTION = facts.limit("description_characters").maximum


def global_datastore_id(region: str, suffix: str, prefix: str | None) -> str:
    """The id of a global datastore, known before the deployment.

    Args:
        region: The Region of the primary.
        suffix: The part of the id after the prefix.
        prefix: The prefix of the Region; None for the one that AWS documents.
    """
    return f"{prefix or facts.global_datastore_prefix(region)}-{suffix}"


def checked_members(
    primary: ReplicationGroupSettings,
    *,
    region: str,
    suffix: str,
    id_prefix: str | None,
    engine: Engine | None,
    node_type: NodeType | None,
    shards: int | None,
    description: str | None,
) -> ReplicationGroupSettings:
    """What all members of a global datastore have in common: the settings of the primary, with what changed since.

    Args:
        primary: The settings of the primary.
        region: The Region of the primary.
        suffix: The part of the id after the prefix.
        id_prefix: The prefix of the Region; None for the one that AWS documents.
        engine: What all members were upgraded to; None if they were not.
        node_type: What all members were changed to; None if they were not.
        shards: The number of shards that all members were changed to; None if they were not.
        description: The description; None for the construct id.

    Raises:
        ConfigurationError: If the service would refuse the global datastore.
    """
    with reported_together() as check:
        check(check_suffix, suffix)
        check(check_description, description)
        check(check_region_of_member, "GlobalDatastore", region)
        check(check_prefix, id_prefix, region)
        check(check_primary, primary)
        check(check_engine, primary, engine)
        check(check_shards, primary, shards)
        # Availability Zones are of the primary's Region.
        topology = check(
            dataclasses.replace,
            primary.topology,
            shards=primary.topology.shards if shards is None else shards,
            placement=None,
            placed=False,
        )
        members = check(
            dataclasses.replace,
            primary,
            engine=engine or primary.engine,
            node_type=node_type or primary.node_type,
            topology=topology,
            upgraded_from=None,
            restore_from=None,
        )
        check(check_node_type, members.node_type)
    return members


def checked_topology(
    members: ReplicationGroupSettings,
    *,
    access: Access,
    replicas: int | None,
    region: str,
    taken: Mapping[str, str],
) -> Topology:
    """The topology of a secondary.

    Args:
        members: What all members have in common.
        access: The access of the secondary.
        replicas: Its number of replicas for each shard. ``None``: as many as the primary has.
        region: Its Region.
        taken: What each Region has that has a member: the primary's first.

    Raises:
        ConfigurationError: If the service would refuse the secondary.
    """
    with reported_together() as check:
        topology = check(_topology, members.topology, replicas)
        check(check_region_of_member, "SecondaryReplicationGroup", region)
        check(check_region_is_free, region, taken)
        check(check_kind_of_login, access, members.access)
        check(check_replicas, topology, members.topology)
        check(check_partition, region, next(iter(taken)))
    return topology


def _topology(members: Topology, replicas: int | None) -> Topology:
    wanted = members.replicas_per_shard if replicas is None else replicas
    reason = members.no_failover_reason
    if not members.multi_az and wanted:
        reason = reason or _NO_FAILOVER
    return dataclasses.replace(members, replicas_per_shard=wanted, no_failover_reason=reason)


def of_all_members(members: ReplicationGroupSettings) -> dict[str, Any]:
    """The arguments of a secondary that its global datastore decides.

    Args:
        members: What all members have in common.
    """
    return {
        "engine": members.engine,
        "node_type": members.node_type,
        "parameters": members.parameters,
        "unlisted_parameters": members.unlisted_parameters,
        "transit_encryption": members.transit_encryption,
        "auto_minor_version_upgrade": False,
        "manual_upgrades_reason": members.manual_upgrades_reason,
    }


def check_region_is_free(region: str, taken: Mapping[str, str]) -> None:
    """Refuse a Region that has another member.

    Args:
        region: The Region of a secondary.
        taken: What each Region has that has a member.

    Raises:
        ConfigurationError: If it is.
    """
    if region in taken:
        raise ConfigurationError(
            got=f"SecondaryReplicationGroup in {region}",
            allowed=f"each member of a global datastore has a Region to itself, and {region} has {taken[region]}",
            fix="Put it into a stack of another Region: Stack(..., env=Environment(region='...'))",
            rule="GDS-03",
        )


def check_region_of_member(what: str, region: str) -> None:
    """Refuse a Region that is not known, or has no global datastores.

    Args:
        what: The construct.
        region: The Region of its stack.

    Raises:
        ConfigurationError: If it is.
    """
    if is_unresolved(region):
        raise ConfigurationError(
            got=f"{what} in a stack without a Region",
            allowed="the Regions of all members are known at synth",
            fix="Use Stack(..., env=Environment(account='...', region='eu-west-1'))",
            rule="GDS-03",
        )
    if region in facts.regions() and region not in facts.global_datastore_regions():
        raise ConfigurationError(
            got=f"{what} in {region}",
            allowed="that Region has no global datastores",
            fix=f"Use another Region, for example {_near(region)}",
            rule="GDS-12",
        )


def _near(region: str) -> str:
    there = sorted(facts.global_datastore_regions())
    return next((each for each in there if each.split("-")[:2] == region.split("-")[:2]), "eu-west-1")


def check_suffix(suffix: str) -> None:
    """Refuse a suffix that cannot end the id of a global datastore.

    Args:
        suffix: The part of the id after the prefix.

    Raises:
        ConfigurationError: If it is.
    """
    if not _SUFFIX.fullmatch(suffix):
        raise ConfigurationError(
            got=f"GlobalDatastore(suffix={suffix!r})",
            allowed="a suffix has letters, digits and single hyphens between them",
            fix=f"Use suffix={'-'.join(re.findall('[a-zA-Z0-9]+', suffix)) or 'shop'!r}",
            rule="NAM-11",
        )


def check_description(description: str | None) -> None:
    """Refuse a description that is too long.

    Args:
        description: The description; None for the construct id.

    Raises:
        ConfigurationError: If it is.
    """
    if description is not None and not is_unresolved(description) and len(description) > _LONGEST_DESCRIPTION:
        raise ConfigurationError(
            got=f"GlobalDatastore with a description of {len(description)} characters",
            allowed=f"it has {_LONGEST_DESCRIPTION} at most",
            fix="Shorten it",
            rule="NAM-16",
        )


def check_prefix(prefix: str | None, region: str) -> None:
    """Refuse a prefix that is not the Region's, and a Region whose prefix is not known, without one.

    Args:
        prefix: The prefix that was given; None for the one that AWS documents.
        region: The Region of the primary.

    Raises:
        ConfigurationError: If it is.
    """
    known = facts.global_datastore_prefix(region)
    if prefix is None and (known is not None or is_unresolved(region)):
        return
    if prefix is None:
        raise ConfigurationError(
            got=f"GlobalDatastore in {region} without id_prefix",
            allowed=f"AWS documents no prefix for {region}, or two, and secondaries are made with the whole id",
            fix="Add id_prefix='...': the five letters before the hyphen of any global datastore of the Region, as "
            "aws elasticache describe-global-replication-groups shows it",
            rule="NAM-11",
        )
    if not _PREFIX.fullmatch(prefix) or (known is not None and prefix != known):
        raise ConfigurationError(
            got=f"GlobalDatastore(id_prefix={prefix!r}) in {region}",
            allowed=f"the prefix of that Region is {known}" if known else "a prefix is five lower-case letters",
            fix="Leave id_prefix out" if known else "Use what aws elasticache describe-global-replication-groups shows",
            rule="NAM-11",
        )


def check_primary(primary: ReplicationGroupSettings) -> None:
    """Refuse a group that cannot be a member of a global datastore.

    Args:
        primary: Its settings.

    Raises:
        ConfigurationError: If it is.
    """
    with reported_together() as check:
        check(
            check_feature,
            primary.engine,
            "global_datastore",
            got=f"GlobalDatastore(primary=...) with {primary.engine}",
            fix="Upgrade the group first: docs/runbooks/engine-upgrade.md",
            rule="GDS-02",
        )
        check(_check_network_type, primary)
        check(_check_durability, primary)
        check(_check_scaling, primary)
        check(_check_minor_upgrades, primary)


def _check_network_type(primary: ReplicationGroupSettings) -> None:
    if primary.network_type.needs_ipv6:
        raise ConfigurationError(
            got=f"GlobalDatastore(primary=...) with NetworkType {primary.network_type.name}",
            allowed="global datastores have no IPv6",
            fix="Use NetworkType.IPV4",
            rule="GDS-11",
        )


def _check_durability(primary: ReplicationGroupSettings) -> None:
    if primary.durability is not None and primary.durability.is_on:
        raise ConfigurationError(
            got=f"GlobalDatastore(primary=...) with {primary.durability}",
            allowed="global datastores have no durable members",
            fix="Turn durability off first: docs/runbooks/durability.md",
            rule="GDS-11",
        )


def _check_scaling(primary: ReplicationGroupSettings) -> None:
    if primary.topology.is_scaled:
        raise ConfigurationError(
            got="GlobalDatastore(primary=...) with automatic scaling",
            allowed="members of a global datastore are not scaled automatically",
            fix="Leave the scaling out of the primary's topology: docs/runbooks/auto-scaling.md",
            rule="ASC-05",
        )


def _check_minor_upgrades(primary: ReplicationGroupSettings) -> None:
    if primary.auto_minor_version_upgrade:
        raise ConfigurationError(
            got="GlobalDatastore(primary=...) with auto_minor_version_upgrade=True",
            allowed="the service turns it off for members, so that all run the same version",
            fix="Add auto_minor_version_upgrade=False, manual_upgrades_reason='...' to the primary; for a group that "
            f"is deployed: {RUNBOOK}",
            rule="ENG-21",
        )


def check_node_type(node_type: NodeType) -> None:
    """Refuse a node type that members cannot have.

    Args:
        node_type: The node type of all members.

    Raises:
        ConfigurationError: If it is.
    """
    family = node_type.family
    if family is not None and not family.global_datastore:
        raise ConfigurationError(
            got=f"a global datastore with NodeType({node_type.name!r})",
            allowed="members have node types of large or more, of the families "
            + ", ".join(name for name in facts.node_families() if _can_be_member(name)),
            fix="Change the group's node type first, for example to cache.r7g.large: docs/runbooks/node-type.md",
            rule="GDS-01",
        )


def _can_be_member(family: str) -> bool:
    known = facts.node_family(family)
    return known is not None and known.global_datastore


def check_engine(primary: ReplicationGroupSettings, engine: Engine | None) -> None:
    """Refuse a version that members cannot be upgraded to.

    Args:
        primary: The settings of the primary.
        engine: What all members were upgraded to; None if they were not.

    Raises:
        ConfigurationError: If it is.
    """
    if engine is None:
        return
    old = primary.engine
    newer = engine.name == old.name and engine.is_at_least(old.version) and engine.version != old.version
    if newer or (old.name, engine.name) == ("redis", "valkey"):
        return
    raise ConfigurationError(
        got=f"GlobalDatastore(engine={engine}) with a primary that joined with {old}",
        allowed="members are upgraded to a newer version, or from Redis to Valkey",
        fix="Leave engine out, or use a newer one",
        rule="ENG-21",
    )


def check_shards(primary: ReplicationGroupSettings, shards: int | None) -> None:
    """Refuse a number of shards that members cannot have.

    Args:
        primary: The settings of the primary.
        shards: What all members were changed to; None if they were not.

    Raises:
        ConfigurationError: If it is.
    """
    if shards is None:
        return
    if not is_whole_number(shards, 1, _MOST_SHARDS):
        raise ConfigurationError(
            got=f"GlobalDatastore(shards={shown(shards)}){other_type(shards)}",
            allowed=f"a member has 1 to {_MOST_SHARDS} shards",
            fix="Use a whole number, or leave it out",
            rule="TOP-19",
        )
    if not primary.topology.cluster_mode_enabled:
        raise ConfigurationError(
            got=f"GlobalDatastore(shards={shards}) with a primary without cluster mode",
            allowed="shards are for members in cluster mode",
            fix="Leave shards out",
            rule="TOP-12",
        )


def check_partition(region: str, ours: str) -> None:
    """Refuse a secondary in a Region that the primary's does not replicate to.

    Args:
        region: The Region of the secondary.
        ours: The Region of the primary.

    Raises:
        ConfigurationError: If it is.
    """
    if is_unresolved(region):
        return
    china, gov = ({each in _CHINA for each in (region, ours)}, {"-gov-" in each for each in (region, ours)})
    if len(china) > 1 or len(gov) > 1:
        raise ConfigurationError(
            got=f"SecondaryReplicationGroup in {region} of a primary in {ours}",
            allowed="data is replicated between the two Regions in China, between the two GovCloud Regions, and "
            "between all others",
            fix="Use a Region of the same partition",
            rule="GDS-03",
        )


def check_account(account: str, ours: str) -> None:
    """Refuse a secondary in another account than its primary's.

    Args:
        account: The account of the secondary.
        ours: The account of the primary.

    Raises:
        ConfigurationError: If it is.
    """
    if differ(account, ours):
        raise ConfigurationError(
            got=f"SecondaryReplicationGroup in the account {account} of a primary in {ours}",
            allowed="all members are in one account",
            fix="Use the account of the primary for both stacks",
            rule="GDS-11",
        )


def check_kind_of_login(access: Access, ours: Access) -> None:
    """Refuse a secondary with another kind of login than its primary's.

    Args:
        access: The access of the secondary.
        ours: The access of the primary.

    Raises:
        ConfigurationError: If it is.
    """

    def kind(of: Access) -> str:
        return "users" if of.has_users else "an AUTH token" if of.is_auth_token else "no login"

    if kind(access) != kind(ours):
        raise ConfigurationError(
            got=f"SecondaryReplicationGroup with {kind(access)} of a primary with {kind(ours)}",
            allowed="all members have the same kind of login; its users, tokens and secrets are of each Region",
            fix=f"Use an Access with {kind(ours)}, with the names that clients use in both Regions",
            rule="GDS-14",
        )


def check_replicas(topology: Topology, ours: Topology) -> None:
    """Refuse a secondary without a replica, if its primary fails over automatically.

    Args:
        topology: Shards and replicas of the secondary.
        ours: Those of the primary.

    Raises:
        ConfigurationError: If it is.
    """
    if ours.multi_az and topology.replicas_per_shard == 0:
        raise ConfigurationError(
            got="SecondaryReplicationGroup(replicas_per_shard=0) of a primary with automatic failover",
            allowed="a secondary takes failover from its primary, and needs a replica for it",
            fix="Use replicas_per_shard=1 or more",
            rule="GDS-07",
        )
