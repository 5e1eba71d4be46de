"""The caches that have engines: their nodes, endpoints, names and roles."""

from __future__ import annotations

import contextlib
import functools
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, elasticache
from rehearsal.live.caches import events
from rehearsal.live.edge.edge import Endpoint, Target
from rehearsal.live.engines import memcached
from rehearsal.live.engines.parameters import engine_options, memory_limit
from rehearsal.live.engines.valkey import Administrator, Node, Trial
from rehearsal.live.engines.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rehearsal.extension.seam import Query, Response
    from rehearsal.live.caches.access import CacheAccess
    from rehearsal.live.caches.names import HostNames
    from rehearsal.live.engines.group import Group, Shard
    from rehearsal.live.engines.memcached import MemcachedNode
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_param_group_params"),
    Private("services.elasticache", "_subnet_groups"),
)

Record = dict[str, Any]
ALWAYS_PASSED = frozenset({"maxmemory-policy"})  # its default differs from the engine's
PREFERRED = "preferred"


@dataclass(eq=False)
class Cache:
    """A cache of Redis or Valkey with its engines.

    Attributes:
        record: The record of the replication group or serverless cache in the emulator.
        group: Its engines.
        names: Its host names.
        access: Who may log in.
        certificate: File with its certificate; None without encryption in transit.
        source_type: Its kind, as events have it.
        administrator: The rehearsal's login.
    """

    record: Record
    group: Group
    names: HostNames
    access: CacheAccess
    certificate: Path | None
    source_type: str
    administrator: Administrator

    @property
    def id(self) -> str:
        """Its id."""
        return self.group.name

    @property
    def port(self) -> int:
        """The port of its endpoints."""
        return int(self.record["_port"])


@dataclass(eq=False)
class MemcachedCluster:
    """A Memcached cluster with its engines.

    Attributes:
        record: Its record in the emulator.
        names: Its host names.
        nodes: Its nodes by their ids.
        version: Version of the list of nodes that clients discover.
    """

    record: Record
    names: HostNames
    nodes: dict[str, MemcachedNode] = field(default_factory=dict)
    version: int = 1

    @property
    def name(self) -> str:
        """Its id."""
        return str(self.record["CacheClusterId"])

    @property
    def needs_replacement(self) -> bool:
        """Whether a node has ended that is to be replaced."""
        return any(not node.is_running and not node.held for node in tuple(self.nodes.values()))

    def supervise(self) -> None:
        """Replace nodes that have ended; the new ones are empty."""
        for node in tuple(self.nodes.values()):
            if not node.is_running and not node.held and node in self.nodes.values():
                events.record(events.CLUSTER, self.name, f"Recovering cache nodes {node.node_id}")
                node.start()
                events.record(events.CLUSTER, self.name, f"Finished recovery for cache nodes {node.node_id}")


class Caches:
    """All caches of a run.

    Args:
        run: The run.

    Attributes:
        run: The run.
        trial: The engine that is asked before a cache exists.
        groups: Caches of Redis and Valkey by id.
        memcached: Memcached clusters by id.
        without_engine: Why a cache has no engine, by id.
        without_counterpart: Parameters that the engine does not have, by cache.
        actions: Actions of the API that the emulator lacks, by name.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.trial = Trial(run.engine_directory("trial"))
        self.groups: dict[str, Cache] = {}
        self.memcached: dict[str, MemcachedCluster] = {}
        self.without_engine: dict[str, str] = {}
        self.without_counterpart: dict[str, tuple[str, ...]] = {}
        self.actions: dict[str, Callable[[Query], Response]] = {}
        self._ran: set[str] = set()

    @functools.cached_property
    def watcher(self) -> Watcher:
        """The watch over all nodes."""
        return Watcher(self._watched, self.run.in_account)

    def _watched(self) -> list[Group | MemcachedCluster]:
        return [*(cache.group for cache in tuple(self.groups.values())), *tuple(self.memcached.values())]

    # Engines

    def parameter_values(self, parameter_group: str, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """The values of a parameter group that the engine gets.

        Args:
            parameter_group: Its name.
            changes: Values that it is to have besides.
        """
        known = elasticache._param_group_params.get(parameter_group) or {}
        values = {
            name: str(value["Value"])
            for name, value in known.items()
            if value.get("Source") == "user" or name in ALWAYS_PASSED
        }
        return {**values, **(changes or {})}

    def options(self, cache: str, parameter_group: str, node_type: str) -> Mapping[str, Sequence[str]]:
        """The options of a cache's engines; what has no counterpart is kept for the report."""
        values = self.parameter_values(parameter_group)
        found = engine_options(values, self.trial.defaults)
        self.without_counterpart[cache] = found.without_counterpart
        return {**memory_limit(node_type, values), **found.options}

    def apply_options(self, cache: Cache, parameter_group: str) -> None:
        """Let the engines of a cache have the values of a parameter group; what the group no longer sets is as before.

        Raises:
            EngineRefusalError: If an engine refuses a value.
        """
        wanted = self.options(cache.id, parameter_group, cache.record["CacheNodeType"])
        defaults = self.trial.defaults
        unset = {
            name: defaults[name].split() for name in cache.group.options if name not in wanted and name in defaults
        }
        later = cache.group.set_options({**unset, **wanted})
        self.run.journal.write("engine", cache=cache.id, parameters_after_restart=later)
        events.publish(self.run, cache.record, "CacheClusterParametersChanged", cache.id)

    def node(self, name: str, zone: str, port: int, administrator: Administrator) -> Node:
        """A new node, which has not started, in an empty directory."""
        shutil.rmtree(self.run.engine_directory(name))
        return Node(
            name,
            self.run.engine_directory(name),
            address=self.run.addresses.new(),
            port=port,
            administrator=administrator,
            zone=zone,
        )

    def start(self, cache: Cache, dump: Path | None = None) -> None:
        """Start the engines of a cache, and let clients reach them.

        Args:
            cache: The cache.
            dump: RDB file with its data. Default: it starts empty.

        Raises:
            EngineRefusalError: If an engine refuses its configuration or its users.
            TimeoutError: If they do not serve in time.
        """
        start = time.monotonic()
        self.point_names(cache)  # nodes in cluster mode name each other to clients
        try:
            cache.group.start(self.users_of(cache), dump)
            for node in cache.group.nodes:
                self.open_endpoint(cache, node)
        except BaseException:
            self.end(cache)
            raise
        self.point_names(cache)
        self.groups[cache.id] = cache
        self.ran("valkey")
        self.run.journal.write(
            "engine",
            cache=cache.id,
            engine="valkey",
            version=self.trial.version,
            nodes=[node.name for node in cache.group.nodes],
            seconds=round(time.monotonic() - start, 3),
            without_counterpart=self.without_counterpart.get(cache.id, ()),
        )

    def end(self, cache: Cache) -> None:
        """End the engines of a cache; its names lead nowhere."""
        self.groups.pop(cache.id, None)
        for node in cache.group.nodes:
            self.run.edge.close(node.name)
        self.run.addresses.point({}, remove=self.names_of(cache))
        cache.group.stop()
        self.without_counterpart.pop(cache.id, None)

    def users_of(self, cache: Cache) -> list[Any]:
        """Who may log in to a cache at this moment."""
        record = cache.record
        groups = record.get("UserGroupIds") or ([record["UserGroupId"]] if record.get("UserGroupId") else [])
        tokens, optional = record.get("_auth_tokens") or [], bool(record.get("_auth_optional"))
        return cache.access.users(groups, tokens, optional=optional)

    # Endpoints and names

    def target(self, record: Record, zone: str, what: str) -> Target:
        """The place of a node in the network: the subnets of its subnet group in its Availability Zone."""
        placed = elasticache._subnet_groups.get(record.get("CacheSubnetGroupName", "")) or {}
        subnets = placed.get("Subnets", [])
        here = [each for each in subnets if each["SubnetAvailabilityZone"]["Name"] == zone] or subnets
        return Target(
            vpc=placed.get("VpcId", ""),
            subnets=tuple(each["SubnetIdentifier"] for each in here),
            security_groups=lambda: [each["SecurityGroupId"] for each in record.get("SecurityGroups") or []],
            what=what,
        )

    def open_endpoint(self, cache: Cache, node: Node) -> None:
        """Listen on the address of a node."""
        kind = cache.source_type.replace("-", " ")
        self.run.edge.open(
            Endpoint(
                name=node.name,
                address=str(node.address),
                port=cache.port,
                protocol="resp",
                upstream=str(node.socket),
                certificate=cache.certificate,
                target=self.target(cache.record, node.zone, f"{kind} {cache.id}"),
                login=cache.access,
                also_plaintext=cache.record.get("TransitEncryptionMode") == PREFERRED,
            )
        )

    def names_of(self, cache: Cache) -> dict[str, str]:
        """The addresses that the names of a cache lead to."""
        names, group = cache.names, cache.group
        if cache.source_type == events.SERVERLESS:
            return {names.serverless: str(group.shards[0].primary.address)}
        found = {names.node(node.name): str(node.address) for node in group.nodes}
        first = group.shards[0]
        if group.cluster_mode:
            running = next((shard.primary for shard in group.shards if shard.primary.is_running), first.primary)
            return {**found, names.configuration: str(running.address)}
        if cache.source_type == events.CLUSTER:
            return found
        reading = next((node for node in first.replicas if node.is_running), first.primary)
        return {**found, names.primary: str(first.primary.address), names.reader: str(reading.address)}

    def point_names(self, cache: Cache) -> None:
        """Let the names of a cache lead to its nodes as their roles are, and describe them so."""
        self.run.addresses.point(self.names_of(cache))
        if cache.source_type == events.GROUP:
            _describe(cache)

    # Observer of the groups

    def promoted(self, group: Group, shard: Shard, old: Node, seconds: float, *, planned: bool) -> None:
        """Names lead to the new primary, and the events of ElastiCache are recorded."""
        new = shard.primary
        with self._changed(group) as cache:
            self.run.journal.write(
                "promotion",
                cache=group.name,
                shard=shard.id,
                old=old.name,
                new=new.name,
                planned=planned,
                seconds=seconds,
            )
            message = f"Failover from primary node {old.name} to replica node {new.name} completed"
            events.record(events.CLUSTER, old.name, message)
            events.record(cache.source_type, cache.id, message)
            events.publish(self.run, cache.record, "FailoverComplete", new.name)

    def recovering(self, group: Group, node: Node) -> None:
        """The replacement of a node begins."""
        with self._changed(group) as cache:
            events.record(events.CLUSTER, node.name, "Recovering cache nodes 0001")
            events.publish(self.run, cache.record, "CacheNodeReplaceStarted", node.name)

    def recovered(self, group: Group, node: Node) -> None:
        """A node is in service again."""
        with self._changed(group) as cache:
            self.run.journal.write("engine", cache=group.name, node=node.name, recovered=True)
            events.record(events.CLUSTER, node.name, "Finished recovery for cache nodes 0001")
            events.publish(self.run, cache.record, "CacheNodeReplaceComplete", node.name)

    @contextlib.contextmanager
    def _changed(self, group: Group) -> Any:
        cache = self.groups.get(group.name)
        if cache is None:
            raise RuntimeError(f"{group.name} is not served")
        with self.run.in_account():
            self.point_names(cache)
            yield cache

    # Facts for the report

    def engine_versions(self) -> dict[str, Any]:
        """The true versions of the engines that ran, and what could not be run or handed over."""
        versions = {"valkey": self.trial.version} if "valkey" in self._ran else {}
        path = memcached.program()
        if "memcached" in self._ran and path is not None:
            versions["memcached"] = memcached.version(path)
        dropped = {cache: list(names) for cache, names in self.without_counterpart.items() if names}
        return {
            "versions": versions,
            "without_engine": dict(self.without_engine),
            "parameters_without_counterpart": dropped,
        }

    def ran(self, engine: str) -> None:
        """Note that an engine runs, and watch over its nodes from now on."""
        self._ran.add(engine)
        self.watcher.start()

    def stop(self) -> None:
        """End all engines, and the watch."""
        if "watcher" in self.__dict__:
            self.watcher.stop()
        for cache in tuple(self.groups.values()):
            self.end(cache)
        for cluster in self.memcached.values():
            for node in cluster.nodes.values():
                node.kill()
        self.trial.stop()


def _describe(cache: Cache) -> None:
    """Set the endpoints and roles of a replication group as DescribeReplicationGroups returns them."""
    record, names, port = cache.record, cache.names, cache.port
    configuration = {"Address": names.configuration, "Port": port} if cache.group.cluster_mode else None
    record["ConfigurationEndpoint"] = configuration
    shards = {shard.id: shard for shard in cache.group.shards}
    for described in record["NodeGroups"]:
        shard = shards.get(described["NodeGroupId"])
        if shard is None:
            continue
        described["PrimaryEndpoint"] = configuration or {"Address": names.primary, "Port": port}
        described["ReaderEndpoint"] = configuration or {"Address": names.reader, "Port": port}
        for member in described["NodeGroupMembers"]:
            primary = member["CacheClusterId"] == shard.primary.name
            member["CurrentRole"] = "primary" if primary else "replica"
            endpoint = member["ReadEndpoint"] = {"Address": names.node(member["CacheClusterId"]), "Port": port}
            cluster = elasticache._clusters.get(member["CacheClusterId"])
            if cluster is not None:
                cluster["_endpoint"] = endpoint
                for node in cluster["CacheNodes"]:
                    node["Endpoint"] = endpoint


@functools.cache
def of(run: Run) -> Caches:
    """The caches of a run."""
    return Caches(run)
