"""What a replication group can do whether it was made here or imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import Resource
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs.access.grants import ApiAccess, ManagedCache
from elasticache_constructs.access.logins import Logins
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.network.security_groups import checked_connections, connections_from_consumers
from elasticache_constructs.shared.auto_scaling import unknown_nodes
from elasticache_constructs.shared.connection_settings import connection_variables
from elasticache_constructs.shared.monitoring.alarms import MonitoredCache
from elasticache_constructs.shared.monitoring.node_metrics import ReplicationMetrics
from elasticache_constructs.shared.monitoring.queries import LoggedCache
from elasticache_constructs.shared.removal import refuse_for_imported

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from aws_cdk import RemovalPolicy
    from constructs import Construct

    from elasticache_constructs.values.endpoint import Endpoint
    from elasticache_constructs.values.topology import Topology


@jsii.implements(ec2.IConnectable)
class ReplicationGroupBase(Resource, Logins, ManagedCache, ReplicationMetrics, MonitoredCache, LoggedCache):
    """What a replication group can do whether it was made here or imported."""

    replication_group_id: str
    """The group's id."""

    endpoint: Endpoint
    """Where clients connect to read and write: the configuration endpoint in cluster mode, else the primary's."""

    reader_endpoint: Endpoint | None
    """Where reads may be spread over the replicas. ``None`` in cluster mode: clients find the replicas there."""

    client_security_group: ec2.ISecurityGroup | None
    """The group to join to reach the cache. ``None`` on an imported one that was given none."""

    _connections: ec2.Connections
    _topology: Topology | None
    _node_ids: Sequence[str] = ()
    """Of an existing group whose nodes are numbered otherwise."""
    _tls = True
    _noun = "group"
    _engine_name = "redis"  # of an imported group it is not known, and clients talk to both alike

    @property
    def connections(self) -> ec2.Connections:
        """Network access, on the cache's port by default.

        ``cache.connections.allow_default_port_from(function)`` works across stacks: the rules go into the function's.

        Raises:
            ConfigurationError: If the group was imported without security groups to add rules to.
        """
        return checked_connections(self._connections)

    @property
    def replication_group_arn(self) -> str:
        """The group's ARN."""
        return self._arn("replicationgroup", self.replication_group_id)

    @property
    def node_ids(self) -> Sequence[str]:
        """Ids of all nodes: ``<group>-001`` onward, in cluster mode ``<group>-0001-001`` onward.

        Raises:
            ConfigurationError: If the group was imported without its topology, or is scaled automatically.
        """
        if self._topology is None:
            raise ConfigurationError(
                got="metrics over all nodes of an imported group",
                allowed="its nodes are known when its topology is",
                fix="Import it with from_replication_group_attributes(topology=Topology(...)), or name a node_id",
            )
        if self._topology.is_scaled:
            raise unknown_nodes("group")
        if self._node_ids:
            return self._node_ids
        nodes = range(1, self._topology.nodes_per_shard + 1)
        if not self._topology.cluster_mode_enabled:
            return [f"{self.replication_group_id}-{node:03}" for node in nodes]
        shards = range(1, self._topology.shards + 1)
        return [f"{self.replication_group_id}-{shard:04}-{node:03}" for shard in shards for node in nodes]

    def _variables(
        self, *, iam_user: str | None = None, secret_user: str | None = None, secret_arn: str | None = None
    ) -> dict[str, str]:
        return connection_variables(
            engine=self._engine_name,
            endpoint=self.endpoint,
            reader=self.reader_endpoint,
            cluster_mode=self._topology is not None and self._topology.cluster_mode_enabled,
            cache_name=self.replication_group_id,
            iam_user=iam_user,
            secret_user=secret_user,
            secret_arn=secret_arn,
            tls=self._tls,
        )

    def _api_access(self) -> ApiAccess:
        return ApiAccess.of_group(
            group_arn=self.replication_group_arn,
            nodes_arn=self._arn("cluster", f"{self.replication_group_id}-*"),
            snapshots_arn=self._arn("snapshot", "*"),
        )

    @property
    def _cache_arn(self) -> str:
        return self.replication_group_arn

    def _dimensions(self, node_id: str) -> dict[str, str]:
        return {"CacheClusterId": node_id}


class ImportedReplicationGroup(ReplicationGroupBase):
    """A group that exists; made by `ReplicationGroup.from_replication_group_attributes`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        replication_group_id: str,
        endpoint: Endpoint,
        reader_endpoint: Endpoint | None,
        security_groups: Sequence[ec2.ISecurityGroup],
        client_security_group: ec2.ISecurityGroup | None,
        topology: Topology | None,
    ) -> None:
        super().__init__(scope, construct_id)
        # The service lower-cases ids, and IAM compares the ARN as it is.
        self.replication_group_id = (
            replication_group_id if is_unresolved(replication_group_id) else replication_group_id.lower()
        )
        self.endpoint = endpoint
        self.reader_endpoint = reader_endpoint
        self.client_security_group = client_security_group
        self._connections = connections_from_consumers(self, security_groups, port=endpoint.port)
        self._topology = topology
        self._is_imported = True

    def apply_removal_policy(self, policy: RemovalPolicy) -> NoReturn:  # noqa: ARG002 - of the CDK
        """Refused: the app does not have the group.

        Raises:
            ConfigurationError: If it is called at all.
        """
        refuse_for_imported(self._noun)
