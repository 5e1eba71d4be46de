"""Every node of a replication group, in both cluster modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .calls import call
from .errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_GOING = frozenset({"deleting", "deleted"})


@dataclass(frozen=True, slots=True)
class Node:
    """A node and its endpoint. The group's endpoints lead to any node, and hide one that lags."""

    name: str
    host: str
    port: int


class Nodes:
    """The nodes as ElastiCache lists them at this moment: failovers and scaling change them at any time."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def of(self, groups: Iterable[str]) -> tuple[Node, ...]:
        """The nodes of these groups.

        Raises:
            Busy: If a node is being created and has no endpoint yet.
        """
        return tuple(node for group in groups for node in self._of(group))

    def _of(self, group: str) -> Iterator[Node]:
        answer = call(self._client.describe_replication_groups, ReplicationGroupId=group)
        for member in answer["ReplicationGroups"][0]["MemberClusters"]:
            # Only this call has node endpoints in cluster mode too.
            found = call(self._client.describe_cache_clusters, CacheClusterId=member, ShowCacheNodeInfo=True)
            cluster = found["CacheClusters"][0]
            if cluster["CacheClusterStatus"] in _GOING:
                continue
            endpoints = [node["Endpoint"] for node in cluster.get("CacheNodes", ()) if "Endpoint" in node]
            if not endpoints:
                raise Busy(f"{member} is {cluster['CacheClusterStatus']} and has no endpoint yet")
            for endpoint in endpoints:
                yield Node(member, endpoint["Address"], endpoint["Port"])
