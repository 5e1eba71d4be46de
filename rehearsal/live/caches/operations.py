"""Actions that the emulator lacks or answers without effect, and what the drills do to nodes by the control socket."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from rehearsal.extension.seam import Action, Private, Query, Response, elasticache, param
from rehearsal.live.caches import answers, background, events, groups, registry, scaling
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rehearsal.live.caches.registry import Cache, Caches
    from rehearsal.live.engines.memcached import MemcachedNode
    from rehearsal.live.engines.valkey import Node
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_reboot_cache_cluster", ("p",)),
    Private("services.elasticache", "_DOCKER_BACKED_ACTIONS"),
)

# Actions that wait for engines: the emulator runs them in a thread, as it does those that wait for Docker.
WAITING = frozenset(
    {
        *("CreateSnapshot", "CreateUser", "DeleteUser", "ModifyCacheParameterGroup", "ModifyUser", "ModifyUserGroup"),
        *("ResetCacheParameterGroup",),
    }
)
NEW: Mapping[str, Callable[[Caches, Query], Response]] = {
    "ModifyReplicationGroupShardConfiguration": scaling.modify_shards,
    "TestFailover": groups.test_failover,
}
REBOOTING = "rebooting cache cluster nodes"

Handle = "Callable[..., Awaitable[Response]]"


class NoSuchNodeError(Exception):
    """No node has the name; the message says which there are."""


def _handling(caches: Caches, stock: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    async def handle_request(method: str, path: str, headers: Any, body: bytes, query_params: Query) -> Response:
        background.is_api_request.set(True)
        form = parse_qs(body.decode(errors="replace")) if method == "POST" and body else {}
        query = {**query_params, **form}
        action = param(query, "Action")
        if (new := NEW.get(action)) is not None:
            return await asyncio.to_thread(new, caches, query)
        if (added := caches.actions.get(action)) is not None:
            return await asyncio.to_thread(added, query)
        return await stock(method, path, headers, body, query_params)

    return handle_request


def _rebooting(caches: Caches, stock: Action) -> Action:
    def reboot_cache_cluster(query: Query) -> Response:
        name = param(query, "CacheClusterId")
        cluster = elasticache._clusters.get(name)
        if cluster is None:
            return stock(query)
        cache = caches.groups.get(cluster.get("ReplicationGroupId") or name)
        if cache is not None and cache.group.cluster_mode:
            message = refusal(
                got=f"RebootCacheCluster of {name}, in a group with cluster mode enabled",
                allowed="ElastiCache does not reboot nodes of such a group",
                fix="Use TestFailover, which replaces the primary of a shard",
            )
            return answers.error("InvalidCacheClusterState", message)
        if cluster["CacheClusterStatus"] != background.AVAILABLE:
            message = f"Cache cluster {name} has status {cluster['CacheClusterStatus']}"
            return answers.error("InvalidCacheClusterState", message)
        response = stock(query)
        if cache is not None and (node := cache.group.node(name)) is not None:
            _reboot(caches, cache, node, cluster)
            return answers.cluster("RebootCacheCluster", cluster)
        if cluster["Engine"] == "memcached" and name in caches.memcached:
            for each in caches.memcached[name].nodes.values():
                each.kill()
                each.start()
        return response

    return reboot_cache_cluster


def _reboot(caches: Caches, cache: Cache, node: Node, cluster: dict[str, Any]) -> None:
    cluster["CacheClusterStatus"] = REBOOTING

    def go() -> None:
        try:
            with caches.run.in_account():
                cache.group.restart(node)
                events.record(events.CLUSTER, node.name, "Cache node 0001 restarted")
                events.publish(caches.run, cache.record, "CacheNodesRebooted", node.name)
        finally:
            cluster["CacheClusterStatus"] = background.AVAILABLE

    if background.is_api_request.get():
        threading.Thread(target=go, name=f"reboot-{node.name}", daemon=True).start()
    else:
        go()


class Nodes:
    """The control commands about nodes.

    Args:
        caches: All caches.
    """

    def __init__(self, caches: Caches) -> None:
        self._caches = caches

    def _all(self) -> list[Node | MemcachedNode]:
        caches = self._caches
        nodes: list[Node | MemcachedNode] = [node for cache in caches.groups.values() for node in cache.group.nodes]
        return [*nodes, *(node for cluster in caches.memcached.values() for node in cluster.nodes.values())]

    def kill(self, node: str) -> Mapping[str, Any]:
        """Kill the process of a node; it is replaced.

        Args:
            node: Id of the node's cache cluster.

        Raises:
            NoSuchNodeError: If no node has this name.
        """
        found = next((each for each in self._all() if each.name == node), None)
        if found is None:
            names = ", ".join(sorted(each.name for each in self._all())) or "none"
            raise NoSuchNodeError(
                refusal(got=f"node {node!r}", allowed=f"must be one of {names}", fix="Name one of these")
            )
        pid = found.pid
        found.kill()
        return {"node": node, "pid": pid}

    def stop_zone(self, zone: str) -> Mapping[str, Any]:
        """Kill all nodes of an Availability Zone, which stay away until it is started.

        Args:
            zone: Its name.
        """
        stopped = [node for node in self._all() if node.zone == zone]
        for node in stopped:
            node.held = True
        for node in stopped:
            node.kill()
        with self._caches.run.in_account():
            for cache in tuple(self._caches.groups.values()):
                self._caches.point_names(cache)  # of reader endpoints; primaries are replaced
        return {"zone": zone, "nodes": [node.name for node in stopped]}

    def start_zone(self, zone: str) -> Mapping[str, Any]:
        """Let the nodes of an Availability Zone come back.

        Args:
            zone: Its name.
        """
        started = [node for node in self._all() if node.zone == zone and node.held]
        for node in started:
            node.held = False
        return {"zone": zone, "nodes": [node.name for node in started]}

    def hold_cache(self, cache: str, status: str) -> Mapping[str, Any]:
        """Give a cache a status, in which it stays; its engines run on.

        Args:
            cache: Id of the cache.
            status: The status, for example `modifying`.
        """
        with self._caches.run.in_account():
            self._caches.groups[cache].record["Status"] = status
        return {"cache": cache, "status": status}

    def roles(self, cache: str = "") -> Mapping[str, Any]:
        """The role of each node as its engine says, `down` if it does not run.

        Args:
            cache: Id of the cache. Default: all.
        """
        found = [each for each in self._caches.groups.values() if cache in {"", each.id}]
        return {
            each.id: {shard.id: {node.name: _role(node) for node in shard.nodes} for shard in each.group.shards}
            for each in found
        }

    def rolling_restart(self, cache: str) -> Mapping[str, Any]:
        """Restart each node of a cache, the replicas of a shard before its primary, as an engine upgrade does.

        Args:
            cache: Id of the cache.

        Raises:
            NoSuchNodeError: If no cache has this id.
        """
        found = self._caches.groups.get(cache)
        if found is None:
            names = ", ".join(sorted(self._caches.groups)) or "none"
            raise NoSuchNodeError(
                refusal(got=f"cache {cache!r}", allowed=f"must be one of {names}", fix="Name one of these")
            )
        return {"cache": cache, "nodes": found.group.restart_all()}


def _role(node: Node) -> str:
    if not node.is_running:
        return "down"
    return "primary" if node.is_primary else "replica"


def install(run: Run) -> None:
    """Add the actions and the control commands."""
    caches = registry.of(run)
    elasticache.handle_request = _handling(caches, elasticache.handle_request)
    elasticache._reboot_cache_cluster = _rebooting(caches, elasticache._reboot_cache_cluster)
    elasticache._DOCKER_BACKED_ACTIONS = elasticache._DOCKER_BACKED_ACTIONS | WAITING
    nodes = Nodes(caches)
    run.control.register("kill-node", nodes.kill)
    run.control.register("stop-zone", nodes.stop_zone)
    run.control.register("start-zone", nodes.start_zone)
    run.control.register("hold-cache", nodes.hold_cache)
    run.control.register("node-roles", nodes.roles)
    run.control.register("rolling-restart", nodes.rolling_restart)
    run.control.register("engine-versions", caches.engine_versions)
