"""Quotas of the account, and limits of the service that are numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from elasticache_rules.facts.records import Source, read, source

Name = Literal[
    "auto_scaled_shards",
    "description_characters",
    "memcached_nodes",
    "nodes_per_cluster",
    "nodes_per_cluster_of_old_engines",
    "nodes_per_cluster_on_request",
    "nodes_per_region",
    "replica_cpu_target_percent",
    "replicas_per_shard",
    "secondaries_per_global_datastore",
    "serverless_caches",
    "serverless_ecpu_per_second",
    "serverless_storage_gb",
    "serverless_subnets",
    "snapshot_retention_days",
    "subnets_per_group",
    "user_groups",
    "users",
    "users_per_group",
]


@dataclass(frozen=True, slots=True)
class Limit:
    """The smallest and the largest number of something that ElastiCache accepts.

    Args:
        name: What it limits. Groups, users and serverless caches are counted per region.
        minimum: The smallest.
        maximum: The largest. A quota is that of a new account: Service Quotas may have raised it.
        quota: The code of the quota in Service Quotas, where one is known.
        source: Where it is written.
    """

    name: str
    minimum: int
    maximum: int
    quota: str | None
    source: Source


def limits() -> tuple[Name, ...]:
    """The names of the limits."""
    return get_args(Name)


def limit(name: Name) -> Limit:
    """The limit of that name."""
    known = read("quotas")[name]
    return Limit(name, known["minimum"], known["maximum"], known.get("quota"), source(known["source"]))
