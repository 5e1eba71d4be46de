"""The kinds of cache, each with its construct, its settings and what its arguments become in a template."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_elasticache as elasticache

from elasticache_constructs import (
    GlobalDatastore,
    MemcachedCluster,
    ReplicationGroup,
    SecondaryReplicationGroup,
    ServerlessCache,
)
from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings, SecondarySettings
from elasticache_constructs.serverless_cache.settings import ServerlessCacheSettings
from elasticache_constructs.shared.settings import settings_of

if TYPE_CHECKING:
    import dataclasses
    from collections.abc import Mapping

    from elasticache_constructs.shared.settings import CacheSettings


@dataclass(frozen=True)
class Cache:
    """A kind of cache, as its construct and its settings have it."""

    construct: Any
    settings: type[CacheSettings]
    l1: Any
    resources: Mapping[str, str | tuple[str, ...]]
    """Arguments that are other resources, or follow from them, by what they become: arguments of the L1 construct."""
    around: frozenset[str]
    """Arguments that make or change resources around a cache: they become nothing of the cache itself."""

    @property
    def declared(self) -> dict[str, dataclasses.Field[Any]]:
        """The settings by name."""
        return {each.name: each for each in settings_of(self.settings)}

    @property
    def signature(self) -> dict[str, inspect.Parameter]:
        """The named arguments of the construct."""
        parameters = inspect.signature(self.construct.__init__).parameters.values()
        return {each.name: each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}

    @property
    def documented(self) -> dict[str, str]:
        """The entries of the docstring's Args."""
        section = re.search(r"^Args:\n(.*?)^\S", inspect.getdoc(self.construct) or "", re.DOTALL | re.MULTILINE)
        assert section is not None
        found = re.findall(r"^    (\w+): (.*?)(?=^    \w|\Z)", section[1], re.DOTALL | re.MULTILINE)
        return {name: " ".join(text.split()) for name, text in found if name not in ("scope", "construct_id")}

    def arguments_of(self, name: str) -> list[str]:
        """The arguments of the L1 construct that an argument becomes."""
        if name in self.resources:
            becomes = self.resources[name]
            return [becomes] if isinstance(becomes, str) else [*becomes]
        metadata = self.declared[name].metadata
        l1 = metadata.get("l1", {})
        return [*([l1] if isinstance(l1, str) else l1), *metadata.get("made_by_construct", ())]

    def sentences(self, beginning: str) -> set[str]:
        """The arguments that are named in the sentences of the docstring that begin so."""
        text = " ".join((inspect.getdoc(self.construct) or "").split("Args:")[0].split())
        sentences = [each for each in re.split(r"(?<=\.) (?=[A-Z])", text) if each.startswith(beginning)]
        return {name for each in sentences for name in re.findall(r"``(\w+)``", each)}


CACHES = [
    Cache(
        ReplicationGroup,
        ReplicationGroupSettings,
        elasticache.CfnReplicationGroup,
        {
            "vpc": "cache_subnet_group_name",
            "vpc_subnets": "cache_subnet_group_name",
            "encryption_key": "kms_key_id",
            "notification_topic": "notification_topic_arn",
            "security_groups": "security_group_ids",
        },
        frozenset({"alarms", "alarm_topic", "secrets_key"}),
    ),
    Cache(
        MemcachedCluster,
        MemcachedClusterSettings,
        elasticache.CfnCacheCluster,
        {
            "vpc": "cache_subnet_group_name",
            "vpc_subnets": "cache_subnet_group_name",
            "availability_zones": "preferred_availability_zones",
            "notification_topic": "notification_topic_arn",
            "security_groups": "vpc_security_group_ids",
        },
        frozenset({"alarms", "alarm_topic"}),
    ),
    Cache(
        ServerlessCache,
        ServerlessCacheSettings,
        elasticache.CfnServerlessCache,
        {
            "vpc": "subnet_ids",
            "vpc_subnets": "subnet_ids",
            "max_azs": "subnet_ids",
            "encryption_key": "kms_key_id",
            "security_groups": "security_group_ids",
        },
        frozenset({"alarms", "alarm_topic", "secrets_key"}),
    ),
]

MEMBERS = [
    Cache(
        GlobalDatastore,
        ReplicationGroupSettings,
        elasticache.CfnGlobalReplicationGroup,
        {
            "primary": "members",
            "suffix": "global_replication_group_id_suffix",
            "id_prefix": (),
            "engine": ("engine", "engine_version", "cache_parameter_group_name"),
            "node_type": "cache_node_type",
            "shards": "global_node_group_count",
            "description": "global_replication_group_description",
        },
        frozenset(),
    ),
    Cache(
        SecondaryReplicationGroup,
        SecondarySettings,
        elasticache.CfnReplicationGroup,
        {
            **CACHES[0].resources,
            "global_datastore": "global_replication_group_id",
            "replicas_per_shard": ("num_cache_clusters", "replicas_per_node_group"),
        },
        CACHES[0].around,
    ),
]
"""Global datastores and their secondaries, whose settings are for a part those of another group."""
