"""Global datastores: one primary group that takes writes, and read-only secondaries in other Regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import RemovalPolicy, Resource
from aws_cdk import aws_elasticache as elasticache

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import check_same_place, place_of, stack_of
from elasticache_constructs.checks.whole_numbers import shown
from elasticache_constructs.replication_group.construct import ReplicationGroup
from elasticache_constructs.replication_group.membership import (
    RUNBOOK,
    check_account,
    checked_members,
    checked_topology,
    global_datastore_id,
    of_all_members,
)
from elasticache_constructs.replication_group.settings import SecondarySettings
from elasticache_constructs.shared.names import unique_name
from elasticache_constructs.values.engine import Engine
from elasticache_constructs.values.node_type import NodeType
from elasticache_constructs.values.parameters import create_parameter_group
from elasticache_constructs.values.ports import REDIS_PORT
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs.access import Access
    from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
    from elasticache_constructs.shared.monitoring.cache_alarms import CacheAlarms
    from elasticache_constructs.values.backups import Backups
    from elasticache_constructs.values.log_delivery import LogDelivery
    from elasticache_constructs.values.name import Name
    from elasticache_constructs.values.topology import Topology

_LONGEST_ID = 40
_MOST_SECONDARIES = facts.limit("secondaries_per_global_datastore").maximum
_LONGEST_DESCRIPTION = facts.limit("description_characters").maximum

_KINDS = {
    "suffix": Kind(of=str, example="'shop'", literal=True, rule="NAM-11"),
    "id_prefix": Kind(of=str | None, example="'ldgnf'", literal=True, rule="NAM-11"),
    "engine": Kind(of=Engine | None, example="Engine.VALKEY_8_2", rule="ENG-21"),
    "node_type": Kind(of=NodeType | None, example="NodeType('cache.r7g.large')", rule="NOD-01"),
    "description": Kind(of=str | None, example="'Sessions of the shop'", rule="NAM-16", free=True),
}


@dataclass(frozen=True, slots=True)
class _Stated:
    """The arguments of a global datastore whose types are checked."""

    suffix: str
    id_prefix: str | None
    engine: Engine | None
    node_type: NodeType | None
    description: str | None


class GlobalDatastore(Resource):
    """A global datastore: a primary group that takes writes, and up to two read-only secondaries in other Regions.

    ``store = GlobalDatastore(stack, "Global", primary=cache, suffix="shop")``, in the stack of the primary. Each
    secondary is a `SecondaryReplicationGroup` in a stack of another Region, which is deployed after this one.

    It decides what all members have in common: engine, version, node type, shards, parameters, encryption and
    failover. While a group is a member, the service refuses to change these on the group itself. So leave the
    arguments of the primary as they were when it joined, and state here what changed since. Each change is applied to
    all members, in place, in the way it is applied to a group. Secondaries replicate asynchronously: a promotion loses
    what was not replicated.

    The id is known before the deployment, because it is the prefix of the Region and ``suffix``. Nothing else passes
    between the stacks. The global datastore is kept if it is removed from its stack, as the service would otherwise
    dissolve it: docs/runbooks/global-datastore.md says how to remove it, how to make one of a running group, and how
    to promote a secondary.

    The primary gets the alarm ``CacheAlarm.GLOBAL_REPLICATION_LAG``, as each secondary has it: it has no data while the
    primary takes writes, and tells after a promotion that the primary, now a secondary, is behind. Its threshold is the
    default one, or that of the ``alarms`` of the primary, which also remove it with a reason. Alarms and metrics of the
    primary watch the nodes of ``shards``. Name them after this: a `CacheDashboard` shows what its caches have when it
    is made.

    Changed in place: ``engine``, ``node_type``, ``shards``, ``description``. Neither changed nor replaced, so that the
    gate stops it: another ``primary``, and another ``suffix`` or ``id_prefix``, which would replace the secondaries.
    ``make gate`` says what a change will do.

    Args:
        scope: The parent, in the Region of the primary.
        construct_id: The id in the parent.
        primary: The group that takes writes. It needs ``auto_minor_version_upgrade=False``: the service turns it off
            for members, so that all run the same version.
        suffix: The part of the id that follows the prefix of the Region: letters, digits and single hyphens.
        id_prefix: The prefix of the Region, five letters. Default: the one that AWS documents for the Region; for a
            Region that it does not document, it is required, and ``DescribeGlobalReplicationGroups`` shows it.
        engine: The version that all members were upgraded to since the primary joined. Default: that of the primary.
        node_type: The node type that all members were changed to since. Default: that of the primary.
        shards: The number of shards that all members were changed to since, in cluster mode; alone in its update.
            Default: that of the primary.
        description: What the console shows, at most 255 characters. Default: the construct id.

    Raises:
        ConfigurationError: If the service would refuse the global datastore, or the primary as its member.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Redis-Global-Datastore.html
    """

    global_datastore_id: str
    """The id, known before the deployment: the prefix of the Region, and the suffix."""

    primary: ReplicationGroup
    """The group that it was made with."""

    settings: ReplicationGroupSettings
    """What all members have in common: the settings of the primary, with what changed since."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        primary: ReplicationGroup,
        suffix: str,
        id_prefix: str | None = None,
        engine: Engine | None = None,
        node_type: NodeType | None = None,
        shards: int | None = None,
        description: str | None = None,
    ) -> None:
        region = place_of(scope).region
        with reported_together() as check:
            stated = _Stated(suffix, id_prefix, engine, node_type, description)
            for name, kind in _KINDS.items():
                check(check_kind, "GlobalDatastore", name, getattr(stated, name), kind)
            check(_check_type, primary)
        with reported_together() as check:
            check(
                check_same_place,
                "GlobalDatastore(primary=...)",
                primary,
                of=scope,
                allowed="a global datastore is made in the PLACE of its primary",
                fix="Make the GlobalDatastore in the stack of its primary",
                rule="GDS-03",
            )
            check(_check_free, primary)
            members = check(
                checked_members,
                primary.settings,
                region=region,
                suffix=suffix,
                id_prefix=id_prefix,
                engine=engine,
                node_type=node_type,
                shards=shards,
                description=description,
            )
        super().__init__(scope, construct_id)
        primary.join(self, members.topology)
        self.primary = primary
        self.global_datastore_id = global_datastore_id(region, suffix, id_prefix)
        self.settings = members
        self._secondaries: list[SecondaryReplicationGroup] = []
        self._resource = elasticache.CfnGlobalReplicationGroup(
            self,
            "Resource",
            # The service creates it with one member: https://github.com/awsdocs/aws-cloudformation-user-guide/issues/1120
            members=[_member(primary, "PRIMARY")],
            global_replication_group_id_suffix=suffix,
            global_replication_group_description=description or construct_id[:_LONGEST_DESCRIPTION],
            # At creation CloudFormation ignores these four, and the members have what the primary has. So they are
            # stated once they differ: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1539
            engine=engine.name if engine is not None and engine.name != primary.settings.engine.name else None,
            engine_version=engine.version if engine is not None else None,
            cache_node_type=node_type.name if node_type is not None else None,
            global_node_group_count=shards,
            cache_parameter_group_name=self._parameter_group_of_upgrade(),
        )
        # Without the resource, CloudFormation would call DeleteGlobalReplicationGroup, and whether it keeps the primary
        # is not documented.
        self._resource.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)

    def state_members(
        self, joined: Sequence[SecondaryReplicationGroup], *, promoted: SecondaryReplicationGroup | None = None
    ) -> None:
        """State the secondaries that have joined, and which member takes writes: from the second deployment on.

        The service creates a global datastore with its primary alone, so a deployment that creates it, or a secondary
        that has yet to be deployed, is refused with that secondary in the list. State them before anything else of
        the global datastore changes: then the list in the template is the one that the service has.

        Args:
            joined: The secondaries that are deployed, each made with this global datastore.
            promoted: The secondary that was promoted with the API, and takes writes now. State it before anything else
                of the global datastore changes: docs/runbooks/global-datastore-failover.md. Default: the primary takes
                writes.

        Raises:
            ConfigurationError: If a group is not a secondary of this global datastore, or the promoted one has not
                joined.
        """
        with reported_together() as check:
            for each in joined:
                check(self._check_own, each)
            if promoted is not None and promoted not in joined:
                check(_refuse_promotion, promoted)
        self._resource.members = [
            _member(self.primary, "PRIMARY" if promoted is None else "SECONDARY"),
            *(_member(each, "PRIMARY" if each is promoted else "SECONDARY", each.member_id) for each in joined),
        ]

    def check_secondary(self, scope: Construct, *, access: Access, replicas: int | None) -> Topology:
        """The topology of a secondary that the service takes. Called by `SecondaryReplicationGroup`.

        Args:
            scope: The parent of the secondary.
            access: Its access.
            replicas: Its number of replicas for each shard. ``None``: as many as the primary has.

        Raises:
            ConfigurationError: If it cannot be a member.
        """
        region, ours = place_of(scope).region, place_of(self).region
        taken = {ours: "its primary", **{place_of(each).region: each.node.path for each in self._secondaries}}
        with reported_together() as check:
            check(self._check_count)
            check(check_account, place_of(scope).account, place_of(self).account)
            return check(checked_topology, self.settings, access=access, replicas=replicas, region=region, taken=taken)

    def add_secondary(self, secondary: SecondaryReplicationGroup) -> None:
        """Take note of a secondary, whose stack is deployed after this one and removed before it.

        Args:
            secondary: The group.
        """
        self._secondaries.append(secondary)
        stack_of(secondary).add_stack_dependency(stack_of(self))

    def _parameter_group_of_upgrade(self) -> str | None:
        """The group that a major upgrade takes parameters from; the service makes a copy for each member."""
        old = self.primary.settings
        if self.settings.engine.family == old.engine.family:
            return None
        return create_parameter_group(
            self, self.settings.engine, old.all_parameters(), cluster_mode=old.topology.has_cluster_parameters
        )

    def _check_count(self) -> None:
        if len(self._secondaries) >= _MOST_SECONDARIES:
            raise ConfigurationError(
                got=f"a global datastore with {len(self._secondaries) + 1} secondaries",
                allowed=f"it has {_MOST_SECONDARIES} at most",
                fix="Leave one of them out",
                rule="GDS-03",
            )

    def _check_own(self, secondary: SecondaryReplicationGroup) -> None:
        if secondary not in self._secondaries:
            raise ConfigurationError(
                got=f"GlobalDatastore.state_members([...]) with {_name(secondary)}",
                allowed="the members are secondaries that were made with this global datastore",
                fix="Use SecondaryReplicationGroup(global_datastore=...) with this one, or leave it out",
                rule="GDS-03",
            )


class SecondaryReplicationGroup(ReplicationGroup):
    """A read-only group in another Region than its primary's, which replicates what is written there.

    It takes engine, version, node type, shards, parameters, encryption, TLS and failover from its global datastore,
    so they are no arguments here. The rest is its own, and of its Region: network, users or AUTH token with their
    secrets, key, snapshots, logs, topics and alarms. Its endpoint takes writes once it is promoted; until then they
    fail with ``READONLY``. An alarm is raised if it is behind its primary.

    Its stack is deployed after that of the global datastore. The service fills it with the data of the primary. It
    cannot be made of a group that exists.

    Replaced, which the gate stops, if one of these changes: its construct path, ``global_datastore``, ``vpc``,
    ``vpc_subnets`` to another VPC, ``port``, ``encryption_key``, ``name``. Take it out of the global datastore, remove
    it, and make another: the service deletes no member, docs/runbooks/global-datastore.md. Changed in place:
    ``replicas_per_shard``, ``access`` (users and their permissions), ``security_groups``, ``backups``,
    ``maintenance_window``, ``log_delivery``, ``notification_topic``, ``description``. Around the group, and nothing
    about it: ``alarms``, ``alarm_topic``, ``secrets_key``.

    Args:
        scope: The parent, in a stack of another Region.
        construct_id: The id in the parent. It decides the logical id and the group's id.
        global_datastore: The global datastore that it joins.
        vpc: The VPC, in its own Region.
        access: Who may log in, of the same kind as at the primary. Passwords and secrets are of this Region.
        vpc_subnets: Which subnets. Default: the isolated ones; if there are none, the private ones.
        security_groups: Security groups of the VPC that it has besides its own. Default: none.
        replicas_per_shard: Number of replicas per shard, 0 to 5; at least 1 if the primary has failover. Default: as
            many as the primary has.
        port: The TCP port. Default: 6379.
        backups: Daily snapshots. Default: kept 35 days, taken from 02:00 UTC.
        maintenance_window: A weekly time in UTC. Default: ``sun:04:00-sun:05:00``.
        log_delivery: As for `ReplicationGroup`. Default: as JSON, to the group's own encrypted log groups.
        encryption_key: A key of its Region. Default: an `EncryptionKey` for this group.
        secrets_key: A key of its Region for its secrets. Default: ``encryption_key``.
        notification_topic: As for `ReplicationGroup`. Default: an `EventTopic` for this group.
        alarms: Changes to the alarms. Default: those of docs/runbooks/alarms/README.md.
        alarm_topic: As for `ReplicationGroup`. Default: an `AlarmTopic` for this group.
        description: What the console shows, at most 255 characters. Default: the construct id.
        name: A name for people to read, in place of the one that is made of its path. Default: none.

    Raises:
        ConfigurationError: If the service would refuse the group, or it would be less safe than promised.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Redis-Global-Datastores-Getting-Started.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        global_datastore: GlobalDatastore,
        vpc: ec2.IVpc,
        access: Access,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        replicas_per_shard: int | None = None,
        port: int = REDIS_PORT,
        backups: Backups | None = None,
        maintenance_window: str = "sun:04:00-sun:05:00",
        log_delivery: LogDelivery | None = None,
        encryption_key: kms.IKey | None = None,
        secrets_key: kms.IKey | None = None,
        notification_topic: sns.ITopic | None = None,
        alarms: CacheAlarms | None = None,
        alarm_topic: sns.ITopic | None = None,
        description: str | None = None,
        name: Name | None = None,
    ) -> None:
        members = global_datastore.settings
        topology = global_datastore.check_secondary(scope, access=access, replicas=replicas_per_shard)
        self._joins = global_datastore.global_datastore_id
        super().__init__(
            scope,
            construct_id,
            vpc=vpc,
            access=access,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            topology=topology,
            port=port,
            backups=backups,
            maintenance_window=maintenance_window,
            log_delivery=log_delivery,
            encryption_key=encryption_key,
            secrets_key=secrets_key,
            notification_topic=notification_topic,
            alarms=alarms,
            alarm_topic=alarm_topic,
            description=description,
            name=name,
            **of_all_members(members),
        )
        self._resource.global_replication_group_id = self._joins
        # A name that is known before the deployment: the global datastore, in another Region, lists its members by it.
        self._id = name.value if name is not None else unique_name(self, longest=_LONGEST_ID)
        self._resource.replication_group_id = self._id
        if members.existing is not None and not members.existing.encryption_at_rest.is_enabled:
            # Its primary was taken over without encryption, which no member has then.
            self._resource.kms_key_id = None
        # What the template does not state: `make cost` prices its nodes by it.
        self._resource.add_metadata(
            "GlobalDatastore",
            {
                "Engine": members.engine.name,
                "EngineVersion": members.engine.version,
                "CacheNodeType": members.node_type.name,
                "NumNodeGroups": members.topology.shards,
            },
        )
        self.global_datastore = global_datastore
        global_datastore.add_secondary(self)

    @property
    def member_id(self) -> str:
        """The group's id as a text that is known before the deployment, as its global datastore lists it."""
        return self._id

    @staticmethod
    def _settings_of(**arguments: Any) -> SecondarySettings:
        return SecondarySettings.of(**arguments)

    def _parameter_group(self, settings: ReplicationGroupSettings) -> None:
        """None: the service makes one of the primary's parameters."""


def _member(group: ReplicationGroup, role: str, member_id: str | None = None) -> Any:
    return elasticache.CfnGlobalReplicationGroup.GlobalReplicationGroupMemberProperty(
        replication_group_id=member_id or group.replication_group_id,
        replication_group_region=place_of(group).region,
        role=role,
    )


def _name(group: object) -> str:
    return group.node.path if isinstance(group, ReplicationGroup) else shown(group)


def _check_type(primary: object) -> None:
    if not isinstance(primary, ReplicationGroup):
        raise ConfigurationError(
            got=f"GlobalDatastore(primary={shown(primary)}) of type {type(primary).__name__}",
            allowed="the primary is a ReplicationGroup of this app",
            fix=f"Take the group over first, and make it the primary then: {RUNBOOK}",
            rule="GDS-03",
        )


def _check_free(primary: ReplicationGroup) -> None:
    if primary.global_datastore is not None:
        raise ConfigurationError(
            got=f"GlobalDatastore(primary=...) with {primary.node.path}",
            allowed=f"it is a member of {primary.global_datastore.node.path}, and a group is in one global datastore",
            fix="Use another group",
            rule="GDS-03",
        )


def _refuse_promotion(promoted: SecondaryReplicationGroup) -> None:
    raise ConfigurationError(
        got=f"GlobalDatastore.state_members([...], promoted={promoted.node.path})",
        allowed="only a member can be promoted",
        fix="Add it to the list",
        rule="GDS-03",
    )
