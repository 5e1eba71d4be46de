"""Managed policies for operators and tools that call the ElastiCache API. Data access is by the cache's users."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aws_cdk import aws_iam as iam

from elasticache_constructs.shared.grants import attach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

# These list names and settings of all caches of the account, but no data and no secrets.
_SURROUNDINGS = (
    "DescribeCacheEngineVersions",
    "DescribeCacheParameterGroups",
    "DescribeCacheParameters",
    "DescribeCacheSubnetGroups",
    "DescribeEvents",
    "DescribeServiceUpdates",
)
_USERS = ("DescribeUserGroups", "DescribeUsers")


@dataclass(frozen=True, slots=True)
class Allowed:
    """Actions of the ElastiCache API on one resource."""

    actions: Sequence[str]
    resource_arn: str

    def statement(self) -> iam.PolicyStatement:
        """The statement of a policy."""
        return iam.PolicyStatement(
            actions=[f"elasticache:{action}" for action in self.actions], resources=[self.resource_arn]
        )


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """What auditors and operators may call for one cache.

    The resource of each action is of a type that the action takes:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticache.html
    """

    audit: Sequence[Allowed]
    operate: Sequence[Allowed]

    @classmethod
    def of_group(cls, *, group_arn: str, nodes_arn: str, snapshots_arn: str) -> ApiAccess:
        """Of a replication group: fail over, reboot a node, take a snapshot, apply a service update."""
        own = (
            "DescribeReplicationGroups",
            "DescribeUpdateActions",
            "ListAllowedNodeTypeModifications",
            "ListTagsForResource",
        )
        return cls(
            audit=[
                Allowed(own, group_arn),
                Allowed(("DescribeCacheClusters", "ListTagsForResource"), nodes_arn),
                Allowed(sorted((*_SURROUNDINGS, *_USERS, "DescribeSnapshots")), "*"),
            ],
            operate=[
                Allowed(("BatchApplyUpdateAction", "CreateSnapshot", "TestFailover"), group_arn),
                Allowed(("CreateSnapshot", "RebootCacheCluster"), nodes_arn),
                Allowed(("CreateSnapshot",), snapshots_arn),
            ],
        )

    @classmethod
    def of_memcached_cluster(cls, *, cluster_arn: str) -> ApiAccess:
        """Of a Memcached cluster, which has no users, snapshots or failover: reboot nodes, apply a service update."""
        return cls(
            audit=[
                Allowed(("DescribeCacheClusters", "DescribeUpdateActions", "ListTagsForResource"), cluster_arn),
                Allowed(_SURROUNDINGS, "*"),
            ],
            operate=[Allowed(("BatchApplyUpdateAction", "RebootCacheCluster"), cluster_arn)],
        )

    @classmethod
    def of_serverless_cache(cls, *, cache_arn: str, snapshots_arn: str) -> ApiAccess:
        """Of a serverless cache, whose nodes and updates are the service's: take a snapshot."""
        return cls(
            audit=[
                Allowed(("DescribeServerlessCaches", "ListTagsForResource"), cache_arn),
                Allowed(sorted(("DescribeEvents", *_USERS, "DescribeServerlessCacheSnapshots")), "*"),
            ],
            operate=[
                Allowed(("CreateServerlessCacheSnapshot",), cache_arn),
                Allowed(("CreateServerlessCacheSnapshot",), snapshots_arn),
            ],
        )


class ManagedCache:
    """The grants of the ElastiCache API for a cache of any kind."""

    _audit: iam.ManagedPolicy | None = None
    _operate: iam.ManagedPolicy | None = None

    def grant_audit(self, identity: iam.IIdentity) -> iam.ManagedPolicy:
        """Let a role, user or group read the cache's configuration through the ElastiCache API. It opens no data.

        Args:
            identity: Of the cache's own account.

        Returns:
            The policy, made at the first call and attached at each.

        Raises:
            ConfigurationError: If the policy could not be attached.

        See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/IAM.html
        """
        self._audit = self._audit or self._policy(
            "Audit", "Read the configuration of one ElastiCache cache", self._api_access().audit
        )
        attach("grant_audit", identity, self._audit, of=cast("Construct", self))
        return self._audit

    def grant_operate(self, identity: iam.IIdentity) -> iam.ManagedPolicy:
        """Let a role, user or group operate the cache through the ElastiCache API, where it has what is operated.

        It may take a snapshot of a replication group or serverless cache, reboot nodes and apply service updates of a
        replication group or Memcached cluster, and fail a replication group over. It may neither change nor delete the
        cache, and gives no data access. A reboot empties a node of Memcached.

        Args:
            identity: Of the cache's own account.

        Returns:
            The policy, made at the first call and attached at each.

        Raises:
            ConfigurationError: If the policy could not be attached.

        See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/IAM.html
        """
        self._operate = self._operate or self._policy(
            "Operate", "Operate one ElastiCache cache without changing or deleting it", self._api_access().operate
        )
        attach("grant_operate", identity, self._operate, of=cast("Construct", self))
        return self._operate

    def _policy(self, construct_id: str, description: str, allowed: Sequence[Allowed]) -> iam.ManagedPolicy:
        return iam.ManagedPolicy(
            cast("Construct", self),
            construct_id,
            description=description,
            statements=[each.statement() for each in allowed],
        )

    @abstractmethod
    def _api_access(self) -> ApiAccess:
        """What may be called for this cache."""
