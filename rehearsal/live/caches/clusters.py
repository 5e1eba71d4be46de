"""Cache clusters: Memcached clusters, and single nodes of Redis or Valkey that CreateCacheCluster makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import REFUSED, Action, Private, Query, Response, elasticache, param
from rehearsal.live.caches import answers, events, registry, snapshots
from rehearsal.live.caches.access import CacheAccess
from rehearsal.live.caches.names import HostNames
from rehearsal.live.caches.registry import Cache, MemcachedCluster
from rehearsal.live.edge.edge import Endpoint
from rehearsal.live.engines import memcached
from rehearsal.live.engines.group import Group, Shard
from rehearsal.live.engines.memcached import MemcachedNode
from rehearsal.live.engines.valkey import Administrator, EngineRefusalError

if TYPE_CHECKING:
    from rehearsal.live.caches.registry import Caches
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_create_cache_cluster", ("p",)),
    Private("services.elasticache", "_modify_cache_cluster", ("p",)),
    Private("services.elasticache", "_delete_cache_cluster", ("p",)),
    Private("services.elasticache", "_create_snapshot", ("p",)),
)

Record = dict[str, Any]
MEMCACHED = "memcached"
NOT_INSTALLED = "memcached is not in PATH; install the system's package memcached"


def _creating(caches: Caches, stock: Action, delete: Action) -> Action:
    def create_cache_cluster(query: Query) -> Response:
        snapshot = param(query, "SnapshotName")
        if snapshot and (fault := snapshots.fault(snapshot)):
            return fault
        response = stock(query)
        name = param(query, "CacheClusterId")
        if response[0] >= REFUSED or param(query, "ReplicationGroupId"):
            return response
        record = elasticache._clusters[name]
        try:
            if record["Engine"] == MEMCACHED:
                _start_memcached(caches, record)
            else:
                cache = _single(caches, record)
                caches.start(cache, snapshots.dump_for(cache, snapshot))
                snapshots.copy_into(caches, cache, snapshot)
        except EngineRefusalError as fault:
            _end(caches, name)
            delete({"CacheClusterId": name})
            group = record["CacheParameterGroup"]["CacheParameterGroupName"]
            what = f"Cache cluster {name} with parameter group {group}"
            return answers.engine_error(what, fault, "Change the parameter group")
        except TimeoutError as fault:
            _end(caches, name)
            delete({"CacheClusterId": name})
            return answers.late(f"Cache cluster {name}", fault)
        events.publish(caches.run, record, "CacheClusterProvisioningComplete", name)
        return answers.cluster("CreateCacheCluster", record)

    return create_cache_cluster


def _single(caches: Caches, record: Record) -> Cache:
    name, port = record["CacheClusterId"], int(record["_endpoint"]["Port"])
    record["_port"] = port
    names = HostNames(name, caches.run.region, bool(record["TransitEncryptionEnabled"]))
    administrator = Administrator()
    node = caches.node(name, record["PreferredAvailabilityZone"], port, administrator)
    parameters = record["CacheParameterGroup"]["CacheParameterGroupName"]
    group = Group(
        name,
        [Shard("0001", [node], node)],
        cluster_mode=False,
        options=caches.options(name, parameters, record["CacheNodeType"]),
        host_of=lambda each: names.node(each.name),
        observer=caches,
        fails_over=lambda: False,
    )
    endpoint = record["_endpoint"] = {"Address": names.node(name), "Port": port}
    for each in record["CacheNodes"]:
        each["Endpoint"] = endpoint
    certificate = caches.run.authority.certificate(names.of_the_group) if names.encrypted else None
    access = CacheAccess(name, f"cluster:{name}")
    return Cache(record, group, names, access, certificate, events.CLUSTER, administrator)


def _start_memcached(caches: Caches, record: Record) -> None:
    name = record["CacheClusterId"]
    cluster = MemcachedCluster(record, HostNames(name, caches.run.region, bool(record["TransitEncryptionEnabled"])))
    record["_port"] = int(record["_endpoint"]["Port"])
    caches.memcached[name] = cluster
    if memcached.program() is None:
        caches.without_engine[name] = NOT_INSTALLED
        caches.run.journal.write("engine", cache=name, engine=MEMCACHED, missing=NOT_INSTALLED)
    _follow(caches, cluster)
    if cluster.nodes:
        path = str(memcached.program())
        caches.ran(MEMCACHED)
        caches.run.journal.write(
            "engine",
            cache=name,
            engine=MEMCACHED,
            version=memcached.version(path),
            nodes=[node.name for node in cluster.nodes.values()],
            without_counterpart=caches.without_counterpart.get(name, ()),
        )


def _follow(caches: Caches, cluster: MemcachedCluster) -> None:
    """Let the nodes that run and the names be those of the record."""
    record, names, port = cluster.record, cluster.names, int(cluster.record["_port"])
    wanted = {node["CacheNodeId"]: node for node in record["CacheNodes"]}
    before = set(cluster.nodes)
    for node_id in before - set(wanted):
        _end_node(caches, cluster, node_id)
    program = memcached.program()
    for node_id, described in wanted.items():
        described["Endpoint"] = {"Address": names.memcached_node(node_id), "Port": port}
        if program is not None and node_id not in cluster.nodes:
            cluster.nodes[node_id] = _start_node(
                caches, cluster, program, node_id, described["CustomerAvailabilityZone"]
            )
    record["_endpoint"] = {"Address": names.memcached_configuration, "Port": port}
    if cluster.nodes:
        first = cluster.nodes[min(cluster.nodes)]
        caches.run.addresses.point({names.memcached_configuration: first.address})
    if before and before != set(cluster.nodes):
        cluster.version += 1


def _start_node(caches: Caches, cluster: MemcachedCluster, program: str, node_id: str, zone: str) -> MemcachedNode:
    record, names = cluster.record, cluster.names
    name = f"{record['CacheClusterId']}-{node_id}"
    values = caches.parameter_values(record["CacheParameterGroup"]["CacheParameterGroupName"])
    arguments = memcached.arguments_for(values)
    caches.without_counterpart[record["CacheClusterId"]] = arguments.without_counterpart
    node = MemcachedNode(
        program,
        name,
        node_id,
        caches.run.engine_directory(name),
        address=caches.run.addresses.new(),
        zone=zone,
        arguments=arguments,
    )
    node.start()
    host = names.memcached_node(node_id)
    authority = caches.run.authority
    caches.run.edge.open(
        Endpoint(
            name=name,
            address=node.address,
            port=int(record["_port"]),
            protocol="memcached",
            upstream=str(node.socket),
            certificate=authority.certificate(host, names.memcached_configuration) if names.encrypted else None,
            target=caches.target(record, zone, f"cache cluster {record['CacheClusterId']}"),
            login=cluster,
        )
    )
    caches.run.addresses.point({host: node.address})
    return node


def _end_node(caches: Caches, cluster: MemcachedCluster, node_id: str) -> None:
    node = cluster.nodes.pop(node_id)
    caches.run.edge.close(node.name)
    caches.run.addresses.point({}, remove=[cluster.names.memcached_node(node_id)])
    node.kill()


def node_list(endpoint: Endpoint) -> bytes:
    """The version of the list of a cluster's nodes, and its nodes, as `config get cluster` answers."""
    cluster = endpoint.login
    if not isinstance(cluster, MemcachedCluster):
        return b"0\n\n"
    port = cluster.record["_port"]
    nodes = sorted(cluster.nodes.items())
    listed = " ".join(f"{cluster.names.memcached_node(node_id)}|{node.address}|{port}" for node_id, node in nodes)
    return f"{cluster.version}\n{listed}\n".encode()


def _modifying(caches: Caches, stock: Action) -> Action:
    def modify_cache_cluster(query: Query) -> Response:
        response = stock(query)
        name = param(query, "CacheClusterId")
        if response[0] >= REFUSED:
            return response
        record = elasticache._clusters[name]
        if cluster := caches.memcached.get(name):
            added = (
                "AddCacheNodeComplete" if len(record["CacheNodes"]) > len(cluster.nodes) else "RemoveCacheNodeComplete"
            )
            if len(record["CacheNodes"]) != len(cluster.nodes):
                _follow(caches, cluster)
                events.publish(caches.run, record, added, name)
            return answers.cluster("ModifyCacheCluster", record)
        if (cache := caches.groups.get(name)) and (group := param(query, "CacheParameterGroupName")):
            caches.apply_options(cache, group)
        return response

    return modify_cache_cluster


def _deleting(caches: Caches, stock: Action) -> Action:
    def delete_cache_cluster(query: Query) -> Response:
        name, final = param(query, "CacheClusterId"), param(query, "FinalSnapshotIdentifier")
        if final:
            taken: Response = elasticache._create_snapshot({"SnapshotName": final, "CacheClusterId": name})
            if taken[0] >= REFUSED:
                return taken
        record = elasticache._clusters.get(name)
        response = stock(query)
        if response[0] < REFUSED and record is not None and not record.get("ReplicationGroupId"):
            _end(caches, name)
            events.publish(caches.run, record, "DeleteCacheClusterComplete", name)
        return response

    return delete_cache_cluster


def _end(caches: Caches, name: str) -> None:
    if cache := caches.groups.get(name):
        caches.end(cache)
    caches.without_engine.pop(name, None)
    if cluster := caches.memcached.pop(name, None):
        for node_id in tuple(cluster.nodes):
            _end_node(caches, cluster, node_id)
        caches.run.addresses.point({}, remove=[cluster.names.memcached_configuration])


def install(run: Run) -> None:
    """Replace creation, modification and deletion of cache clusters, and answer discovery of Memcached nodes."""
    caches, delete = registry.of(run), elasticache._delete_cache_cluster
    elasticache._create_cache_cluster = _creating(caches, elasticache._create_cache_cluster, delete)
    elasticache._modify_cache_cluster = _modifying(caches, elasticache._modify_cache_cluster)
    elasticache._delete_cache_cluster = _deleting(caches, delete)
    run.edge.decisions.cluster_nodes = node_list
