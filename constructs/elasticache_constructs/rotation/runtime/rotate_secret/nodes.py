"""Every place where a login can be tried: the nodes of replication groups, and the addresses of serverless caches."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .calls import call
from .errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .credential import State

_GOING = frozenset({"deleting", "deleted"})
# A serverless cache shows no nodes: each connection may reach another one.
_LOGINS_AT_AN_ADDRESS = 3


@dataclass(frozen=True, slots=True)
class Node:
    """A node and its endpoint. The group's endpoints lead to any node, and hide one that lags."""

    name: str
    host: str
    port: int
    address: str | None = None
    """Where to connect, if the host has several addresses; its certificate is of the host."""


class Nodes:
    """The nodes as ElastiCache lists them at this moment: failovers and scaling change them at any time."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def of(self, state: State) -> tuple[Node, ...]:
        """The nodes of all caches that accept the password.

        Raises:
            Busy: If a cache or node is being created and has no endpoint yet.
        """
        return (
            *(node for group in state.groups for node in self._of(group)),
            *(node for cache in state.serverless for node in self._of_serverless(cache)),
        )

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

    def _of_serverless(self, name: str) -> Iterator[Node]:
        answer = call(self._client.describe_serverless_caches, ServerlessCacheName=name)
        cache = answer["ServerlessCaches"][0]
        status = str(cache["Status"]).lower()
        if status in _GOING:
            return
        endpoints = [cache[each] for each in ("Endpoint", "ReaderEndpoint") if cache.get(each)]
        if not endpoints:
            raise Busy(f"{name} is {status} and has no endpoint yet")
        for endpoint in endpoints:
            host, port = endpoint["Address"], endpoint["Port"]
            for address in _addresses(name, host, port):
                for number in range(1, _LOGINS_AT_AN_ADDRESS + 1):
                    yield Node(f"{name} at {address}:{port} ({number})", host, port, address)


def _addresses(cache: str, host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Busy(f"the endpoint of {cache} has no address: {type(error).__name__}") from None
    return sorted({str(address[0]) for *_, address in found})
