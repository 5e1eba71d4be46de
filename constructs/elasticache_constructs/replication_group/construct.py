"""Redis and Valkey replication groups."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from aws_cdk import Annotations, CfnUpdatePolicy, Names, RemovalPolicy, Resource
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache

from elasticache_constructs.access.attached import AttachedCache
from elasticache_constructs.access.resources import create_access, existing_token
from elasticache_constructs.checks.errors import ConfigurationError, reference, reported_together
from elasticache_constructs.checks.locations import place_of
from elasticache_constructs.checks.open_reasons import reasons_of, report_open_reasons
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.network.security_groups import (
    CacheSecurityGroups,
    checked_additional_groups,
    connections_from_consumers,
)
from elasticache_constructs.network.subnets import Spread, check_placed, choose_subnets, create_placement
from elasticache_constructs.replication_group.base import ImportedReplicationGroup, ReplicationGroupBase
from elasticache_constructs.replication_group.findings import findings
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
from elasticache_constructs.rotation.construct import Rotation, SecretRotation, check_own_users, create_rotations
from elasticache_constructs.shared.auto_scaling import create_scaling
from elasticache_constructs.shared.claims import claim_name
from elasticache_constructs.shared.encryption_key import EncryptionKey, checked_key
from elasticache_constructs.shared.logs import log_group
from elasticache_constructs.shared.monitoring.alarms import WatchedCache
from elasticache_constructs.shared.monitoring.cache_alarm import CacheAlarm
from elasticache_constructs.shared.monitoring.cache_alarms import CacheAlarms, chosen_thresholds
from elasticache_constructs.shared.monitoring.queries import CacheLog
from elasticache_constructs.shared.monitoring.table import LAG_SECONDS
from elasticache_constructs.shared.notifications import (
    AlarmTopic,
    check_alarm_topic,
    check_event_topic,
    known_topic,
    topic_of_events,
)
from elasticache_constructs.values.auto_scaling import REPLICAS, SHARDS
from elasticache_constructs.values.endpoint import Endpoint
from elasticache_constructs.values.network_type import NetworkType
from elasticache_constructs.values.parameters import create_parameter_group
from elasticache_constructs.values.ports import REDIS_PORT, checked_port
from elasticache_constructs.values.topology import Topology
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_cdk import aws_applicationautoscaling as appscaling
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs.access import Access
    from elasticache_constructs.shared.monitoring.table import CacheProfile
    from elasticache_constructs.values.backups import Backups
    from elasticache_constructs.values.durability import Durability
    from elasticache_constructs.values.engine import Engine
    from elasticache_constructs.values.existing import ExistingReplicationGroup
    from elasticache_constructs.values.log_delivery import LogDelivery
    from elasticache_constructs.values.name import Name
    from elasticache_constructs.values.node_type import NodeType
    from elasticache_constructs.values.restore import Snapshot
    from elasticache_constructs.values.transit_encryption import TransitEncryption

_LONGEST_NAME = 64
_LONGEST_DESCRIPTION = facts.limit("description_characters").maximum


class ReplicationGroup(ReplicationGroupBase):
    """A Redis or Valkey replication group, with or without cluster mode.

    With only ``vpc``, ``engine``, ``node_type`` and ``access`` set it has: required TLS, encryption at rest with a
    customer managed key, Multi-AZ with automatic failover, daily snapshots kept 35 days, a final snapshot when it is
    deleted or replaced, automatic minor version upgrades, slow and engine logs, an SNS topic for its events, and its
    own parameter group and security groups.

    Replaced, with a new endpoint and without its data (a final snapshot is taken), if one of these changes: its
    construct path, ``vpc``, ``vpc_subnets`` to another VPC, ``port``, ``encryption_key``, ``network_type``,
    ``restore_from``, ``name``, the placement of ``topology``, ``access`` to another kind, ``node_type`` to or from one
    with data tiering, the id, subnet group and encryption at rest of ``existing``. Changed in place: ``engine``,
    ``node_type``, ``topology`` (shards alone in their update), ``access`` (users and their permissions),
    ``transit_encryption``, ``security_groups``, ``backups``, ``maintenance_window``, ``parameters``,
    ``unlisted_parameters``, ``durability`` (alone in its update), ``log_delivery``, ``notification_topic``,
    ``auto_minor_version_upgrade``, ``description``, the rest of ``existing``. Around the group, and nothing about it:
    ``alarms``, ``alarm_topic``, ``secrets_key``. Cluster mode, TLS and failover take several deployments to turn on:
    docs/runbooks. ``make gate`` says what a change will do.

    Args:
        scope: The parent.
        construct_id: The id in the parent. It decides the logical id: changing it replaces the group.
        vpc: The VPC.
        engine: A Redis or Valkey engine.
        node_type: The size of each node.
        access: Who may log in.
        upgraded_from: The engine that runs today, for the one deployment that upgrades it: what only the new one can
            do, its logs and the modes of TLS and of the cluster, is left to the deployment after it
            (docs/runbooks/engine-upgrade.md). Default: the engine is not upgraded, or both can do the same.
        security_groups: Security groups of the VPC that the group has besides its own, for example that of a scanner.
            Their rules are yours: none is added to them. Default: its own alone.
        vpc_subnets: Which subnets. Default: the isolated ones; if there are none, the private ones.
        topology: Shards and replicas, and whether their numbers are scaled automatically. Default: one shard with one
            replica, in two Availability Zones.
        port: The TCP port. Default: 6379.
        backups: Daily snapshots. Default: kept 35 days, taken from 02:00 UTC.
        maintenance_window: A weekly time in UTC that does not overlap the snapshot window. Default:
            ``sun:04:00-sun:05:00``.
        parameters: Engine parameters that differ from the family's defaults. Default: none.
        unlisted_parameters: Parameters that are newer than this package knows, passed on unchecked. Default: none.
        transit_encryption: Whether clients use TLS. Default: TLS is required.
        network_type: IPv4, IPv6 or both. Default: IPv4.
        durability: Whether writes are kept in a log that spans Availability Zones, with Valkey 9.0 in cluster mode; may
            be changed in place (docs/runbooks/durability.md). Default: they are not.
        log_delivery: How the slow log and the engine log are written, where to, and how long they are kept. Default: as
            JSON, to the group's own encrypted CloudWatch log groups, for a year.
        restore_from: A snapshot or RDB files to begin with. Default: the group begins empty.
        encryption_key: Encrypts data at rest, secrets and logs. The policy of a key in the app is extended to allow
            CloudWatch Logs; that of an imported key must allow it already, and there is a warning. Default: an
            `EncryptionKey` for this group, which costs 1 USD a month.
        secrets_key: Encrypts the secrets of tokens and passwords, for example so that other people may read them than
            those who may use the data. Nothing about the group changes with it. Default: ``encryption_key``.
        notification_topic: A topic for events, in the same account and region and *not* encrypted. The policy of a
            topic in the app is extended to allow ElastiCache; that of an imported topic must allow it already, and
            there is a warning. Default: an `EventTopic` for this group.
        alarms: Changes to the alarms that the group has by default: thresholds, and alarms that it does without.
            Nothing about the group changes with them. Default: the alarms of docs/runbooks/alarms/README.md, each of
            which notifies ``alarm_topic``, with thresholds that follow from engine, node type
            and parameters.
        alarm_topic: The topic that alarms are published to, in the same account and region. The policies of a topic in
            the app and of its key are extended to allow CloudWatch; those of imported ones must allow it already, and
            there is a warning. Default: an `AlarmTopic` for this group.
        auto_minor_version_upgrade: Whether minor engine versions are installed automatically, in the maintenance
            window; may be changed in place. ``False`` needs a ``manual_upgrades_reason``. Default: True.
        manual_upgrades_reason: Why minor versions are installed by hand. Default: they are installed automatically.
        name: A name for people to read, in place of the generated one, with its reason: a group with a name cannot be
            replaced, and one that gets a name is a new group. Default: a name is generated.
        description: What the console shows, at most 255 characters. Default: the construct id.
        existing: A group that exists and is imported: what it cannot change, and what it keeps for now
            (docs/adopt.md). It stays when its stack is deleted, unless `apply_removal_policy` says otherwise, and
            ``encryption_key`` is for logs, secrets and alarms. Default: the group is made.

    Raises:
        ConfigurationError: If the service would refuse the group, or it would be less safe than promised.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Replication.html
    """

    settings: ReplicationGroupSettings
    """What it was made of, checked."""

    global_datastore: Resource | None = None
    """The global datastore that it is a member of. ``None`` if it is in none."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        engine: Engine,
        node_type: NodeType,
        access: Access,
        upgraded_from: Engine | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        topology: Topology | None = None,
        port: int = REDIS_PORT,
        backups: Backups | None = None,
        maintenance_window: str = "sun:04:00-sun:05:00",
        parameters: Mapping[str, str] | None = None,
        unlisted_parameters: Mapping[str, str] | None = None,
        transit_encryption: TransitEncryption | None = None,
        network_type: NetworkType = NetworkType.IPV4,
        durability: Durability | None = None,
        log_delivery: LogDelivery | None = None,
        restore_from: Snapshot | None = None,
        encryption_key: kms.IKey | None = None,
        secrets_key: kms.IKey | None = None,
        notification_topic: sns.ITopic | None = None,
        alarms: CacheAlarms | None = None,
        alarm_topic: sns.ITopic | None = None,
        auto_minor_version_upgrade: bool = True,
        manual_upgrades_reason: str | None = None,
        name: Name | None = None,
        description: str | None = None,
        existing: ExistingReplicationGroup | None = None,
    ) -> None:
        topology = topology or Topology()
        with reported_together() as check:
            settings = check(
                self._settings_of,
                name=name,
                description=description or construct_id[:_LONGEST_DESCRIPTION],
                engine=engine,
                upgraded_from=upgraded_from,
                node_type=node_type,
                topology=topology,
                access=access,
                port=port,
                backups=backups,
                maintenance_window=maintenance_window,
                parameters=parameters,
                unlisted_parameters=unlisted_parameters,
                transit_encryption=transit_encryption,
                network_type=network_type,
                durability=durability,
                log_delivery=log_delivery,
                restore_from=restore_from,
                auto_minor_version_upgrade=auto_minor_version_upgrade,
                manual_upgrades_reason=manual_upgrades_reason,
                region=place_of(scope).region,
                existing=existing,
            )
            subnets = (
                check(
                    choose_subnets,
                    vpc=vpc,
                    vpc_subnets=vpc_subnets,
                    network_type=network_type,
                    node_type=node_type,
                    scaling="Topology with automatic scaling" if topology.is_scaled else None,
                    durability=str(durability) if durability and durability.is_on else None,
                    placed=topology.zones,
                    of=scope,
                    spread=Spread(f"replicas_per_shard={topology.replicas_per_shard}", "replicas_per_shard=0")
                    if topology.multi_az
                    else None,
                )
                if existing is None
                else check(check_placed, "ReplicationGroup", vpc, vpc_subnets, of=scope)
            )
            if notification_topic is not None:
                check(check_event_topic, notification_topic, of=scope)
            if alarm_topic is not None:
                check(check_alarm_topic, alarm_topic, of=scope, call="ReplicationGroup")
            additional = check(checked_additional_groups, "ReplicationGroup", security_groups, vpc=vpc)
            thresholds = check(chosen_thresholds, alarms, settings)
            given_key = check(checked_key, encryption_key, of=scope) if encryption_key is not None else None
            of_secrets = check(checked_key, secrets_key, of=scope, name="secrets_key") if secrets_key else None
        super().__init__(scope, construct_id)
        report_open_reasons(self, reasons_of(settings))
        settings.backups.bind(self)
        claim_name(self, "ids of replication groups", name, rule="NAM-01")
        key = given_key or EncryptionKey(self, "Key", description=f"ElastiCache {construct_id}")
        topic = topic_of_events(
            self, notification_topic, is_wanted=not (existing and existing.has_no_notification_topic)
        )
        subnet_group = existing.subnet_group_name if existing else create_placement(self, subnets).subnet_group_name
        parameter_group = (existing and existing.parameter_group_name) or self._parameter_group(settings)
        groups = CacheSecurityGroups(
            self,
            "Network",
            vpc=vpc,
            port=port,
            existing=existing.security_group_ids if existing else None,
            additional=additional,
        )
        entry = (
            existing_token(self, existing.auth_token_secret)
            if existing and existing.auth_token_secret
            else create_access(self, access, engine=settings.engine_of_users, key=of_secrets or key)
        )
        cluster_mode = settings.topology.cluster_mode_enabled
        log_groups = _log_groups(self, settings, key)
        self._resource = elasticache.CfnReplicationGroup(
            self,
            "Resource",
            **settings.properties(),
            cache_subnet_group_name=subnet_group,
            security_group_ids=groups.node_group_ids,
            cache_parameter_group_name=parameter_group,
            kms_key_id=existing.encryption_at_rest.key_arn if existing else key.key_arn,
            auth_token=entry.auth_token,
            user_group_ids=entry.user_group_ids,
            log_delivery_configurations=_log_delivery(settings, log_groups) or None,
            notification_topic_arn=topic.topic_arn if topic else None,
        )
        # What was there before its stack is there after it.
        self._resource.apply_removal_policy(RemovalPolicy.RETAIN if existing else RemovalPolicy.SNAPSHOT)
        if cluster_mode:
            # Without it CloudFormation replaces the group to change its shards.
            self._resource.cfn_options.update_policy = CfnUpdatePolicy(use_online_resharding=True)

        self.settings = settings
        self.replication_group_id = self._resource.ref
        self.endpoint, self.reader_endpoint = _endpoints(self._resource, settings.topology, port)
        self.client_security_group: ec2.ISecurityGroup = groups.clients
        self._topic = topic
        self.encryption_key = key
        self._connections = connections_from_consumers(self, [groups.nodes], port=port)
        self._topology, self._access = settings.topology, access
        self._node_ids = existing.node_ids if existing else ()
        self._tls = settings.transit_encryption.mode is not None
        self._engine_name = engine.name
        delivery = settings.log_delivery
        self._logs = {kind: CacheLog(each, delivery.log(kind).log_format) for kind, each in log_groups.items()}
        self._passwords = {each.user_name: each for each in entry.passwords}
        self._has_existing_token = bool(existing and existing.auth_token_secret)
        self._attached = AttachedCache(
            path=self.node.path,
            cache_id=self.replication_group_id,
            is_serverless=False,
            user_group_id=entry.user_group_id,
            vpc=vpc,
            client_security_group=groups.clients,
            is_ipv6_only=self._resource.network_type == NetworkType.IPV6.name,
        )
        access.attach(self._attached)
        self.shard_scaling, self.replica_scaling = self._scaled(settings.topology)
        accept(self._resource, findings(settings))
        self._alarm_changes = alarms or CacheAlarms()
        self._watch(self._watched(settings.profile()), thresholds, alarm_topic, key=key)
        _warn(self, engine, upgraded_from)

    def join(self, global_datastore: Resource, topology: Topology) -> None:
        """Become the primary of a global datastore, with an alarm for when it follows. Called by `GlobalDatastore`.

        Args:
            global_datastore: The global datastore.
            topology: Its own topology, with the shards that the global datastore gives it.
        """
        self.global_datastore = global_datastore
        if topology.shards != self.settings.topology.shards:
            self._topology = topology
            profile = dataclasses.replace(self.settings.profile(), nodes=topology.nodes)
            self._watch_other_nodes(self._watched(profile), self._alarm_changes.chosen(profile))
        if CacheAlarm.GLOBAL_REPLICATION_LAG not in self._alarm_changes.removed:
            self._watch_also(CacheAlarm.GLOBAL_REPLICATION_LAG, LAG_SECONDS)

    def _watched(self, profile: CacheProfile) -> WatchedCache:
        return WatchedCache(
            profile=profile,
            cache_id=self.replication_group_id,
            nodes=[self._dimensions(node_id) for node_id in self.node_ids] if profile.watches_nodes else [],
            maintenance_window=self.settings.maintenance_window,
        )

    @property
    def notification_topic(self) -> sns.ITopic:
        """The topic of its events.

        Raises:
            ConfigurationError: If it is an existing group without one.
        """
        return known_topic(self._topic, of="ReplicationGroup")

    def _scaled(self, topology: Topology) -> Iterator[appscaling.ScalableTarget | None]:
        resource_id = f"replication-group/{self.replication_group_id}"
        yield create_scaling(self, "ShardScaling", topology.shard_scaling, scaled=SHARDS, resource_id=resource_id)
        yield create_scaling(self, "ReplicaScaling", topology.replica_scaling, scaled=REPLICAS, resource_id=resource_id)

    @staticmethod
    def _settings_of(**arguments: Any) -> ReplicationGroupSettings:
        """The checked settings: a secondary of a global datastore states fewer of them."""
        return ReplicationGroupSettings.of(**arguments)

    def _parameter_group(self, settings: ReplicationGroupSettings) -> str | None:
        """The name of the group's own parameter group; a secondary has none."""
        return create_parameter_group(
            self, settings.engine, settings.all_parameters(), cluster_mode=settings.topology.has_cluster_parameters
        )

    @classmethod
    def from_replication_group_attributes(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        replication_group_id: str,
        endpoint_address: str,
        security_groups: Sequence[ec2.ISecurityGroup],
        port: int = REDIS_PORT,
        reader_endpoint_address: str | None = None,
        client_security_group: ec2.ISecurityGroup | None = None,
        topology: Topology | None = None,
    ) -> ReplicationGroupBase:
        """An existing replication group, to connect to, grant access to and watch. Nothing about it is changed.

        Args:
            scope: The parent.
            construct_id: The id in the parent.
            replication_group_id: The group's id.
            endpoint_address: The host that clients connect to: the configuration endpoint in cluster mode, otherwise
                the primary endpoint.
            security_groups: The security groups of its nodes; rules for new clients are added to them.
            port: The TCP port. Default: 6379.
            reader_endpoint_address: The host of its reader endpoint. Default: none.
            client_security_group: The group that its clients join. Default: none.
            topology: Shards and replicas, for metrics over all nodes. A scaling that it names is not made. Default:
                unknown.

        Raises:
            ConfigurationError: If the port is not a valid TCP port.
        """
        checked_port(port, default=REDIS_PORT)
        return ImportedReplicationGroup(
            scope,
            construct_id,
            replication_group_id=replication_group_id,
            endpoint=Endpoint(endpoint_address, port),
            reader_endpoint=Endpoint(reader_endpoint_address, port) if reader_endpoint_address else None,
            security_groups=security_groups,
            client_security_group=client_security_group,
            topology=topology,
        )

    def apply_removal_policy(self, policy: RemovalPolicy, *, reason: str | None = None) -> None:
        """Change what happens when the group is removed from its stack, or replaced.

        Without a call, a final snapshot is taken, and the group is deleted. Changed in place.

        Args:
            policy: ``SNAPSHOT``, the default; ``RETAIN`` or ``RETAIN_ON_UPDATE_OR_DELETE``, which leave the group
                running and billed; ``DESTROY``, which deletes it with its data.
            reason: Why the data may be deleted, for ``DESTROY``. Default: ``DESTROY`` is refused.

        Raises:
            ConfigurationError: If the policy is ``DESTROY`` and there is no reason of at least 20 characters.

        See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
        """
        if policy is RemovalPolicy.DESTROY:
            call = "ReplicationGroup.apply_removal_policy(RemovalPolicy.DESTROY)"
            if reason is None:
                raise ConfigurationError(
                    got=call,
                    allowed="the data of a group is deleted for a reason only",
                    fix="Use RemovalPolicy.SNAPSHOT, which takes a final snapshot, or say why: reason='...'",
                    page="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html",
                )
            accept(self._resource, {Situation.GROUP_WITHOUT_FINAL_SNAPSHOT: checked_reason(reason, what=call)})
        super().apply_removal_policy(policy)

    def secret(self, user_name: str = "default") -> secretsmanager.ISecret:
        """The secret with a user's generated password, as ``{"username": ..., "password": ...}``.

        Args:
            user_name: The user. Default: ``default``, whose password is the AUTH token.

        Raises:
            ConfigurationError: If the user has no password: it is an IAM user, disabled, or does not exist.
        """
        return self._secret(user_name)

    def rotate_secrets(self, rotation: Rotation, *, alarm_topic: sns.ITopic | None = None) -> list[SecretRotation]:
        """Rotate every generated token and password of the group on a schedule, without a failed login.

        The policy packs have a finding about each secret that does not rotate. Nothing rotates at deployment.

        Args:
            rotation: When to rotate, and from which subnets.
            alarm_topic: The topic that is notified if a rotation fails or an old password is not removed. The policies
                of a topic in the app and of its key are extended to allow CloudWatch; those of imported ones must
                allow it already, and there is a warning. Default: an `AlarmTopic` for this group.

        Raises:
            ConfigurationError: If alarms could not be published to the topic, the function would be in another VPC, or
                the users are those of a `UserGroup`, which a `UserGroupRotation` rotates.
        """
        check_own_users(self._access, self._noun)
        if self._has_existing_token:
            raise ConfigurationError(
                got="rotate_secrets of a group with ExistingReplicationGroup(auth_token_secret=...)",
                allowed="the secret is its owner's, and so is its rotation",
                fix="Leave auth_token_secret out: a token is generated then, and the old one stays valid until the "
                "first rotation (docs/adopt.md)",
            )
        if alarm_topic is not None:
            check_alarm_topic(alarm_topic, of=self, call="rotate_secrets")
        return create_rotations(
            self,
            {f"Rotation{name}": password for name, password in self._passwords.items()},
            caches=[self._attached],
            encryption_key=self.encryption_key,
            rotation=rotation,
            alarm_topic=alarm_topic or AlarmTopic(self, "Alarms", key=self.encryption_key),
        )


def _endpoints(
    resource: elasticache.CfnReplicationGroup, topology: Topology, port: int
) -> tuple[Endpoint, Endpoint | None]:
    # The attribute of the other mode fails the deployment or gives nonsense.
    if topology.cluster_mode_enabled:
        return Endpoint(resource.attr_configuration_end_point_address, port), None
    return (
        Endpoint(resource.attr_primary_end_point_address, port),
        Endpoint(resource.attr_reader_end_point_address, port),
    )


def _log_groups(scope: Construct, settings: ReplicationGroupSettings, key: kms.IKey) -> dict[str, logs.ILogGroup]:
    """The log groups by type of log, the group's own unless another is named; none for what goes to Firehose."""
    delivery, unique = settings.log_delivery, Names.unique_resource_name(scope, max_length=_LONGEST_NAME, separator="-")
    found: dict[str, logs.ILogGroup] = {}
    for kind in settings.logs():
        log = delivery.log(kind)
        if log.firehose_stream is None:
            found[kind] = log.log_group or log_group(
                scope,
                kind.title().replace("-", ""),
                key=key,
                vended_name=f"{unique}/{kind}",
                retention_days=delivery.retention_days,
            )
            if log.log_group is None:
                accept(found[kind], {Situation.LOG_GROUP_WITH_SHORT_RETENTION: delivery.short_retention_reason})
    return found


def _log_delivery(
    settings: ReplicationGroupSettings, log_groups: Mapping[str, logs.ILogGroup]
) -> list[elasticache.CfnReplicationGroup.LogDeliveryConfigurationRequestProperty]:
    return [
        _delivered(
            kind,
            log.log_format,
            log_groups[kind].log_group_name if log.firehose_stream is None else None,
            log.firehose_stream,
        )
        for kind, log in ((kind, settings.log_delivery.log(kind)) for kind in settings.logs())
    ]


def _delivered(
    kind: str, log_format: str, group_name: str | None, stream: str | None
) -> elasticache.CfnReplicationGroup.LogDeliveryConfigurationRequestProperty:
    group = elasticache.CfnReplicationGroup
    details = (
        group.DestinationDetailsProperty(
            cloud_watch_logs_details=group.CloudWatchLogsDestinationDetailsProperty(log_group=group_name)
        )
        if group_name is not None
        else group.DestinationDetailsProperty(
            kinesis_firehose_details=group.KinesisFirehoseDestinationDetailsProperty(delivery_stream=str(stream))
        )
    )
    return group.LogDeliveryConfigurationRequestProperty(
        log_type=kind,
        log_format=log_format,
        destination_type="kinesis-firehose" if group_name is None else "cloudwatch-logs",
        destination_details=details,
    )


def _warn(group: ReplicationGroup, engine: Engine, upgraded_from: Engine | None) -> None:
    if upgraded_from is not None:
        Annotations.of(group).add_warning_v2(
            "elasticache-constructs:upgraded-from",
            f"upgraded_from={upgraded_from} leaves to the next deployment what only {engine} can do. Take it out once "
            "the upgrade is deployed: docs/runbooks/engine-upgrade.md",
        )
    if engine.standard_support_ends is not None:
        rule = "ENG-18" if engine.is_at_least("6.0") else "ENG-17"
        Annotations.of(group).add_warning_v2(
            f"elasticache-constructs:{rule}",
            f"{engine}: AWS's standard support ends on {engine.standard_support_ends}; then it bills extended support, "
            "and in the end upgrades the group by itself. Upgrade it first: docs/runbooks/engine-upgrade.md. "
            f"{reference(rule)}",
        )
