"""Memcached clusters."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING

import jsii
from aws_cdk import ArnFormat, RemovalPolicy, Resource
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache

from elasticache_constructs.access.grants import ApiAccess, ManagedCache
from elasticache_constructs.checks.argument_types import Kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import place_of, stack_of
from elasticache_constructs.checks.open_reasons import reasons_of, report_open_reasons
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import is_known, is_token, is_unresolved
from elasticache_constructs.checks.whole_numbers import shown, shown_list
from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.network.security_groups import (
    CacheSecurityGroups,
    checked_additional_groups,
    checked_connections,
    connections_from_consumers,
)
from elasticache_constructs.network.subnets import Spread, check_placed, choose_subnets, create_placement
from elasticache_constructs.shared.auto_scaling import create_scaling, unknown_nodes
from elasticache_constructs.shared.claims import claim_name
from elasticache_constructs.shared.connection_settings import connection_variables
from elasticache_constructs.shared.monitoring.alarms import MonitoredCache, WatchedCache
from elasticache_constructs.shared.monitoring.cache_alarms import CacheAlarms, chosen_thresholds
from elasticache_constructs.shared.monitoring.node_metrics import MemcachedMetrics
from elasticache_constructs.shared.notifications import (
    check_alarm_topic,
    check_event_topic,
    known_topic,
    topic_of_events,
)
from elasticache_constructs.shared.removal import refuse_for_imported, refuse_snapshot
from elasticache_constructs.values.auto_scaling import NODES
from elasticache_constructs.values.endpoint import Endpoint
from elasticache_constructs.values.engine import Engine
from elasticache_constructs.values.network_type import NetworkType
from elasticache_constructs.values.parameters import create_parameter_group
from elasticache_constructs.values.ports import MEMCACHED_PORT, PORT_LATER, checked_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from aws_cdk import aws_applicationautoscaling as appscaling
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs.network.subnets import ChosenSubnets
    from elasticache_constructs.values.auto_scaling import AutoScaling
    from elasticache_constructs.values.existing import ExistingMemcachedCluster
    from elasticache_constructs.values.name import Name
    from elasticache_constructs.values.node_type import NodeType

_ZONE = Kind(of=str, example="['eu-west-1a', 'eu-west-1b']", rule="NET-18")
_STATED = {
    RemovalPolicy.RETAIN: {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"},
    RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE: {
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
    },
}
_USUAL_PORT = (
    "Access is by security group and TLS, not by an obscure port; clients, tools and runbooks expect 11211. "
    "Another port can be chosen: MemcachedCluster(port=...)."
)
_NEWER = (
    "The CDK calls unknown what its own tables do not have. This came out later than they did, as unlisted=True says; "
    "the service knows whether it is there."
)

_RUNS = "The CDK's own tables have what new clusters can have. This one exists, and runs on what it was made with."


@jsii.implements(ec2.IConnectable)
class MemcachedClusterBase(Resource, ManagedCache, MemcachedMetrics, MonitoredCache):
    """What a Memcached cluster can do whether it was made here or imported."""

    cluster_id: str
    """The cluster's id."""

    configuration_endpoint: Endpoint
    """The configuration endpoint: clients with auto discovery ask it for the nodes."""

    client_security_group: ec2.ISecurityGroup | None
    """The group to join to reach the cluster. ``None`` on an imported one that was given none."""

    _connections: ec2.Connections
    _nodes: int
    _is_scaled = False

    @property
    def connections(self) -> ec2.Connections:
        """Network access, on the cluster's port by default.

        ``cache.connections.allow_default_port_from(function)`` works across stacks: the rules go into the function's.

        Raises:
            ConfigurationError: If the cluster was imported without security groups to add rules to.
        """
        return checked_connections(self._connections)

    @property
    def cluster_arn(self) -> str:
        """The cluster's ARN."""
        return stack_of(self).format_arn(
            service="elasticache",
            resource="cluster",
            resource_name=self.cluster_id,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def node_ids(self) -> Sequence[str]:
        """Ids of the nodes within the cluster: ``0001`` onward.

        Raises:
            ConfigurationError: If the cluster is scaled automatically.
        """
        if self._is_scaled:
            raise unknown_nodes("cluster")
        return [f"{node:04}" for node in range(1, self._nodes + 1)]

    def connection_settings(self) -> dict[str, str]:
        """Environment variables for a function or container that connects to the cluster; no login is needed."""
        return connection_variables(engine="memcached", endpoint=self.configuration_endpoint)

    def _api_access(self) -> ApiAccess:
        return ApiAccess.of_memcached_cluster(cluster_arn=self.cluster_arn)

    def _dimensions(self, node_id: str) -> dict[str, str]:
        return {"CacheClusterId": self.cluster_id, "CacheNodeId": node_id}


class MemcachedCluster(MemcachedClusterBase):
    """A Memcached cluster across several Availability Zones.

    TLS is always on: it can be chosen at creation only. Memcached has no logins on ElastiCache (no AUTH token, no
    users, no SASL) and no encryption at rest: only its client security group and TLS protect it, so store what every
    client may read. It keeps nothing: a replaced node begins empty, and there are no snapshots.

    Replaced, empty and with a new endpoint, if one of these changes: its construct path, ``vpc``, ``vpc_subnets`` to
    another VPC, ``port``, ``network_type``, ``name``, the id, subnet group and TLS of ``existing``. Changed in place,
    and emptied: ``engine``, ``node_type``. Changed in place: ``nodes`` (removed nodes lose their items),
    ``node_scaling``, ``availability_zones`` (of new nodes), ``parameters`` and ``unlisted_parameters`` that need no
    restart, ``maintenance_window``, ``notification_topic``, ``security_groups``, ``auto_minor_version_upgrade``, the
    rest of ``existing``. Around the cluster, and nothing about it: ``alarms``,
    ``alarm_topic``.

    Args:
        scope: The parent.
        construct_id: The id in the parent. It decides the logical id: changing it replaces the cluster.
        vpc: The VPC.
        node_type: The size of each node.
        engine: A Memcached engine, at least 1.6.12. Default: 1.6.22.
        nodes: 1 to 60. Two or more are spread across the Availability Zones of the subnets. Default: 2.
        node_scaling: The range in which the number of nodes is scaled automatically. ``nodes`` is then the number that
            the cluster is made with, and stays as it is: docs/runbooks/auto-scaling.md. When nodes are taken away, the
            last ones go with their items; clients need auto discovery. Default: the number is fixed.
        availability_zones: The Availability Zone of each node, in the order of the nodes. Nodes cannot be moved: if you
            change their number, or the subnets get another zone, keep the zones of existing nodes and add those of new
            nodes at the end. Default: the zones of the subnets in turn.
        security_groups: Security groups of the VPC that the cluster has besides its own, for example that of a scanner.
            Their rules are yours: none is added to them. Default: its own alone.
        vpc_subnets: Which subnets. Default: the isolated ones; if there are none, the private ones.
        port: The TCP port. Default: 11211.
        maintenance_window: A weekly time in UTC. Default: ``sun:04:00-sun:05:00``.
        parameters: Engine parameters that differ from the family's defaults. Default: none.
        unlisted_parameters: Parameters that are newer than this package knows, passed on unchecked. Default: none.
        network_type: IPv4, IPv6 or both. Default: IPv4.
        notification_topic: A topic for events, in the same account and region and *not* encrypted. The policy of a
            topic in the app is extended to allow ElastiCache; that of an imported topic must allow it already, and
            there is a warning. Default: an `EventTopic` for this cluster.
        alarms: Changes to the alarms that the cluster has by default: thresholds, and alarms that it does without.
            Nothing about the cluster changes with them. Default: the alarms of docs/runbooks/alarms/README.md, each of
            which notifies ``alarm_topic``, with thresholds that follow from the node type
            and parameters.
        alarm_topic: The topic that alarms are published to, in the same account and region. The policies of a topic in
            the app and of its key are extended to allow CloudWatch; those of imported ones must allow it already, and
            there is a warning. Default: an `AlarmTopic` for this cluster, with
            an `EncryptionKey`, which costs 1 USD a month.
        auto_minor_version_upgrade: Whether minor engine versions are installed automatically, in the maintenance
            window; may be changed in place. ``False`` needs a ``manual_upgrades_reason``. Default: True.
        manual_upgrades_reason: Why minor versions are installed by hand. Default: they are installed automatically.
        name: A name for people to read, in place of the generated one, with its reason: a cluster with a name cannot be
            replaced, and one that gets a name is a new cluster. Default: a name is generated.
        existing: A cluster that exists and is imported: what it cannot change, and what it keeps for now
            (docs/adopt.md). It stays when its stack is deleted, unless `apply_removal_policy` says otherwise. Default:
            the cluster is made.

    Raises:
        ConfigurationError: If the service would refuse the cluster, or it would be less safe than promised.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-mc.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        node_type: NodeType,
        engine: Engine = Engine.MEMCACHED_1_6_22,
        nodes: int = 2,
        node_scaling: AutoScaling | None = None,
        availability_zones: Sequence[str] | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        port: int = MEMCACHED_PORT,
        maintenance_window: str = "sun:04:00-sun:05:00",
        parameters: Mapping[str, str] | None = None,
        unlisted_parameters: Mapping[str, str] | None = None,
        network_type: NetworkType = NetworkType.IPV4,
        notification_topic: sns.ITopic | None = None,
        alarms: CacheAlarms | None = None,
        alarm_topic: sns.ITopic | None = None,
        auto_minor_version_upgrade: bool = True,
        manual_upgrades_reason: str | None = None,
        name: Name | None = None,
        existing: ExistingMemcachedCluster | None = None,
    ) -> None:
        with reported_together() as check:
            settings = check(
                MemcachedClusterSettings.of,
                engine=engine,
                node_type=node_type,
                nodes=nodes,
                node_scaling=node_scaling,
                port=port,
                maintenance_window=maintenance_window,
                parameters=parameters,
                unlisted_parameters=unlisted_parameters,
                network_type=network_type,
                auto_minor_version_upgrade=auto_minor_version_upgrade,
                manual_upgrades_reason=manual_upgrades_reason,
                name=name,
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
                    scaling=None if node_scaling is None else "MemcachedCluster(node_scaling=...)",
                    of=scope,
                    spread=Spread(f"nodes={nodes}", "nodes=1") if nodes != 1 else None,
                )
                if existing is None
                else check(check_placed, "MemcachedCluster", vpc, vpc_subnets, of=scope)
            )
            zones = check(
                _zones_of_nodes,
                availability_zones,
                nodes,
                subnets,
                least=2 if existing is None or existing.no_multi_az_reason is None else 1,
            )
            if notification_topic is not None:
                check(check_event_topic, notification_topic, of=scope)
            if alarm_topic is not None:
                check(check_alarm_topic, alarm_topic, of=scope, call="MemcachedCluster")
            additional = check(checked_additional_groups, "MemcachedCluster", security_groups, vpc=vpc)
            thresholds = check(chosen_thresholds, alarms, settings)

        super().__init__(scope, construct_id)
        report_open_reasons(self, reasons_of(settings))
        self._topic = topic_of_events(
            self, notification_topic, is_wanted=not (existing and existing.has_no_notification_topic)
        )
        subnet_group = existing.subnet_group_name if existing else create_placement(self, subnets).subnet_group_name
        claim_name(self, "names of cache clusters", name, rule="NAM-02")
        groups = CacheSecurityGroups(
            self,
            "Network",
            vpc=vpc,
            port=port,
            existing=existing.security_group_ids if existing else None,
            additional=additional,
        )
        resource = self._resource = elasticache.CfnCacheCluster(
            self,
            "Resource",
            **settings.properties(),
            # Without zones a later change of the number of nodes replaces the cluster.
            preferred_availability_zones=zones or None,
            cache_subnet_group_name=subnet_group,
            vpc_security_group_ids=groups.node_group_ids,
            cache_parameter_group_name=(existing and existing.parameter_group_name)
            or create_parameter_group(self, engine, settings.all_parameters()),
            notification_topic_arn=self._topic.topic_arn if self._topic else None,
        )
        _state_removal(resource, is_existing=existing is not None)
        self.cluster_id = resource.ref
        self.configuration_endpoint = Endpoint(resource.attr_configuration_endpoint_address, port)
        self.client_security_group = groups.clients
        self._connections = connections_from_consumers(self, [groups.nodes], port=port)
        self._nodes = nodes
        self._is_scaled = node_scaling is not None
        self.node_scaling: appscaling.ScalableTarget | None = create_scaling(
            self, "NodeScaling", settings.node_scaling, scaled=NODES, resource_id=f"cache-cluster/{self.cluster_id}"
        )
        usual_port = _USUAL_PORT if port == MEMCACHED_PORT else None
        newer = _NEWER if existing is None else _RUNS
        accept(
            resource,
            {
                Situation.CACHE_ON_DEFAULT_PORT: PORT_LATER if is_token(port) else usual_port,
                Situation.MEMCACHED_WITHOUT_TLS: existing.no_tls_reason if existing else None,
                Situation.MEMCACHED_IN_ONE_ZONE: existing.no_multi_az_reason if existing else None,
                Situation.UNLISTED_NODE_TYPE: newer if node_type.unlisted or node_type.previous_generation else None,
                Situation.UNLISTED_ENGINE_VERSION: newer if engine.unlisted else None,
                **settings.relaxed(),
            },
        )
        profile = settings.profile()
        self._watch(
            WatchedCache(
                profile=profile,
                cache_id=self.cluster_id,
                # Without CacheNodeId a metric is over the nodes that there are.
                nodes=[self._dimensions(node_id) for node_id in self.node_ids]
                if profile.watches_nodes
                else [{"CacheClusterId": self.cluster_id}],
                maintenance_window=settings.maintenance_window,
            ),
            thresholds,
            alarm_topic,
        )

    @property
    def notification_topic(self) -> sns.ITopic:
        """The topic of its events.

        Raises:
            ConfigurationError: If it is an existing cluster without one.
        """
        return known_topic(self._topic, of="MemcachedCluster")

    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Change what happens when the cluster is removed from its stack, or replaced. Default: it is deleted.

        Args:
            policy: ``DESTROY``, the default; ``RETAIN`` or ``RETAIN_ON_UPDATE_OR_DELETE``, which leave the cluster
                running and billed.

        Raises:
            ConfigurationError: If the policy is ``SNAPSHOT``: Memcached has no snapshots, and the deletion would fail.
        """
        refuse_snapshot(policy, noun="Memcached cluster", because="Memcached has no snapshots, and keeps nothing")
        super().apply_removal_policy(policy)
        for attribute, value in _STATED.get(policy, {}).items():
            self._resource.add_override(attribute, value)

    @classmethod
    def from_memcached_cluster_attributes(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        cluster_id: str,
        discovery_endpoint_address: str,
        security_groups: Sequence[ec2.ISecurityGroup],
        nodes: int,
        port: int = MEMCACHED_PORT,
        client_security_group: ec2.ISecurityGroup | None = None,
    ) -> MemcachedClusterBase:
        """An existing Memcached cluster, to connect to and watch. Nothing about it is changed.

        Args:
            scope: The parent.
            construct_id: The id in the parent.
            cluster_id: The cluster's id.
            discovery_endpoint_address: The host of its configuration endpoint.
            security_groups: The security groups of its nodes; rules for new clients are added to them.
            nodes: How many nodes it has, for metrics over all of them.
            port: The TCP port. Default: 11211.
            client_security_group: The group that its clients join. Default: none.

        Raises:
            ConfigurationError: If the port is not a valid TCP port.
        """
        checked_port(port, default=MEMCACHED_PORT)
        return _ImportedMemcachedCluster(
            scope,
            construct_id,
            cluster_id=cluster_id,
            configuration_endpoint=Endpoint(discovery_endpoint_address, port),
            security_groups=security_groups,
            client_security_group=client_security_group,
            nodes=nodes,
        )


def _state_removal(resource: elasticache.CfnCacheCluster, *, is_existing: bool) -> None:
    """What was there before its stack is there after it; any other cluster is deleted."""
    if is_existing:
        resource.apply_removal_policy(RemovalPolicy.RETAIN)
        return
    # The CDK wants a policy. Delete is CloudFormation's default: it stays unstated, so that no template changes.
    resource.apply_removal_policy(RemovalPolicy.DESTROY)
    resource.add_deletion_override("DeletionPolicy")
    resource.add_deletion_override("UpdateReplacePolicy")


def _zones_of_nodes(
    named: Sequence[str] | None, nodes: int, subnets: ChosenSubnets | None, *, least: int = 2
) -> list[str]:
    """The zone of each node; none where none is known."""
    known = () if subnets is None else subnets.zones
    if named is None:
        return list(islice(cycle(known), nodes)) if isinstance(nodes, int) else []
    zones = checked_list("MemcachedCluster", "availability_zones", named, _ZONE)
    strangers = [zone for zone in zones if is_known(zone) and all(map(is_known, known)) and zone not in known]
    if known and strangers:
        raise ConfigurationError(
            got=f"MemcachedCluster(availability_zones={shown_list(zones)})",
            allowed=f"the nodes are in zones that the cluster has subnets in: {', '.join(known)}",
            fix=f"Use availability_zones={list(islice(cycle(known), nodes))}, or choose subnets in {strangers[0]}",
            rule="NET-18",
        )
    if len(zones) != nodes or (nodes > 1 and len(set(zones)) < least):
        raise ConfigurationError(
            got=f"MemcachedCluster(nodes={shown(nodes)}, availability_zones={shown_list(zones)})",
            allowed="each node has its zone, and several nodes are in two zones at least",
            fix="Name one zone for each node, or leave availability_zones out",
            rule="MEM-03",
        )
    return list(zones)


class _ImportedMemcachedCluster(MemcachedClusterBase):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_id: str,
        configuration_endpoint: Endpoint,
        security_groups: Sequence[ec2.ISecurityGroup],
        client_security_group: ec2.ISecurityGroup | None,
        nodes: int,
    ) -> None:
        super().__init__(scope, construct_id)
        # The service lower-cases ids, and CloudWatch compares dimensions as they are.
        self.cluster_id = cluster_id if is_unresolved(cluster_id) else cluster_id.lower()
        self.configuration_endpoint = configuration_endpoint
        self.client_security_group = client_security_group
        self._connections = connections_from_consumers(self, security_groups, port=configuration_endpoint.port)
        self._nodes = nodes

    def apply_removal_policy(self, policy: RemovalPolicy) -> NoReturn:  # noqa: ARG002 - of the CDK
        """Refused: the app does not have the cluster.

        Raises:
            ConfigurationError: If it is called at all.
        """
        refuse_for_imported("cluster")
