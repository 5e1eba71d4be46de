"""Secondaries of global datastores."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from elasticache_constructs.checks.errors import reported_together
from elasticache_constructs.replication_group.construct import ReplicationGroup
from elasticache_constructs.replication_group.settings import SecondarySettings
from elasticache_constructs.shared.names import unique_name
from elasticache_constructs.values.ports import REDIS_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs.access import Access
    from elasticache_constructs.replication_group.global_datastore import GlobalDatastore
    from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
    from elasticache_constructs.shared.monitoring.cache_alarms import CacheAlarms
    from elasticache_constructs.values.backups import Backups
    from elasticache_constructs.values.log_delivery import LogDelivery
    from elasticache_constructs.values.name import Name
    from elasticache_constructs.values.topology import Topology

_LONGEST_ID = 40
_NO_FAILOVER = "The members of a global datastore take failover from their primary, which has none."


class SecondaryReplicationGroup(ReplicationGroup):
    """A read-only group in another Region than its primary's, which replicates what is written there.

    It takes engine, version, node type, shards, parameters, encryption, TLS and failover from its global datastore,
    so they are no arguments here. The rest is its own, and of its Region: network, users or AUTH token with their
    secrets, key, snapshots, logs, topics and alarms. Its endpoint takes writes once it is promoted; until then they
    fail with ``READONLY``. An alarm is raised if it is behind its primary.

    Its stack is deployed after that of the global datastore. The service fills it with the data of the primary. It
    cannot be made of a group that exists.

    Changed in place: ``replicas_per_shard``, ``access``, ``backups``, ``maintenance_window``, ``log_delivery``,
    ``notification_topic``, ``description``. Another ``global_datastore``, ``vpc``, ``port`` or ``encryption_key`` would
    replace it, which its id prevents: the gate and CloudFormation stop it. Take it out of the global datastore, remove
    it, and make another. The service deletes no member: docs/runbooks/global-datastore.md.

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
        with reported_together() as check:
            topology = check(_topology, members.topology, replicas_per_shard)
            check(global_datastore.check_secondary, scope, access=access, topology=topology)
        self._joins = global_datastore.global_datastore_id
        super().__init__(
            scope,
            construct_id,
            vpc=vpc,
            engine=members.engine,
            node_type=members.node_type,
            access=access,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            topology=topology,
            port=port,
            backups=backups,
            maintenance_window=maintenance_window,
            parameters=members.parameters,
            unlisted_parameters=members.unlisted_parameters,
            transit_encryption=members.transit_encryption,
            log_delivery=log_delivery,
            encryption_key=encryption_key,
            secrets_key=secrets_key,
            notification_topic=notification_topic,
            alarms=alarms,
            alarm_topic=alarm_topic,
            auto_minor_version_upgrade=False,
            manual_upgrades_reason=members.manual_upgrades_reason,
            description=description,
            name=name,
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


def _topology(members: Topology, replicas: int | None) -> Topology:
    wanted = members.replicas_per_shard if replicas is None else replicas
    reason = members.no_failover_reason
    if not members.multi_az and wanted:
        reason = reason or _NO_FAILOVER
    return dataclasses.replace(members, replicas_per_shard=wanted, no_failover_reason=reason)
