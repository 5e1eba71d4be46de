"""Serverless caches: one shard with cluster mode stands for each, behind both of its endpoints.

It has the engine, the users and the host name. It has neither the limits nor the durability of a serverless cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import REFUSED, Action, Private, Query, Response, ec2, elasticache, param
from rehearsal.live.caches import answers, events, registry
from rehearsal.live.caches.access import CacheAccess
from rehearsal.live.caches.names import HostNames
from rehearsal.live.caches.registry import Cache
from rehearsal.live.edge.edge import Endpoint, Target
from rehearsal.live.engines.group import Group, Shard
from rehearsal.live.engines.valkey import Administrator, EngineRefusalError

if TYPE_CHECKING:
    from rehearsal.live.caches.registry import Caches
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.ec2", "_subnets"),
    Private("services.elasticache", "_serverless_caches"),
    Private("services.elasticache", "_create_serverless_cache", ("p",)),
    Private("services.elasticache", "_modify_serverless_cache", ("p",)),
    Private("services.elasticache", "_delete_serverless_cache", ("p",)),
    Private("services.elasticache", "_serverless_cache_xml", ("c",)),
    Private("services.elasticache", "_xml", ("status", "root_tag", "inner")),
)

Record = dict[str, Any]
PORT, READER_PORT = 6379, 6380


def _creating(caches: Caches, stock: Action, delete: Action) -> Action:
    def create_serverless_cache(query: Query) -> Response:
        response = stock(query)
        if response[0] >= REFUSED:
            return response
        name = param(query, "ServerlessCacheName").lower()
        record = elasticache._serverless_caches[name]
        try:
            _start(caches, record)
        except EngineRefusalError as fault:
            delete({"ServerlessCacheName": name})
            return answers.engine_error(f"Serverless cache {name}", fault, "Change the users of its user group")
        except TimeoutError as fault:
            delete({"ServerlessCacheName": name})
            return answers.late(f"Serverless cache {name}", fault)
        inner = f"<ServerlessCache>{elasticache._serverless_cache_xml(record)}</ServerlessCache>"
        answer: Response = elasticache._xml(
            200, "CreateServerlessCacheResponse", f"<CreateServerlessCacheResult>{inner}</CreateServerlessCacheResult>"
        )
        return answer

    return create_serverless_cache


def _start(caches: Caches, record: Record) -> None:
    name = record["ServerlessCacheName"]
    names = HostNames(name, caches.run.region, encrypted=True)
    administrator = Administrator()
    record["_port"] = PORT
    node = caches.node(name, _zone(record), PORT, administrator)
    group = Group(
        name,
        [Shard("0001", [node], node)],
        cluster_mode=True,
        options={},
        host_of=lambda _: names.serverless,
        observer=caches,
        fails_over=lambda: False,
    )
    access = CacheAccess(name, f"serverlesscache:{name}")
    certificate = caches.run.authority.certificate(names.serverless)
    cache = Cache(record, group, names, access, certificate, events.SERVERLESS, administrator)
    caches.start(cache)
    for port, suffix in ((PORT, ""), (READER_PORT, "-reader")):
        caches.run.edge.open(
            Endpoint(
                name=f"{name}{suffix}",
                address=str(node.address),
                port=port,
                protocol="resp",
                upstream=str(node.socket),
                certificate=certificate,
                target=_target(record),
                login=access,
            )
        )
    record["Endpoint"] = {"Address": names.serverless, "Port": PORT}
    record["ReaderEndpoint"] = {"Address": names.serverless, "Port": READER_PORT}
    record["Status"] = "available"


def _zone(record: Record) -> str:
    subnet: Record = next((ec2._subnets[name] for name in record["SubnetIds"] if name in ec2._subnets), {})
    return str(subnet.get("AvailabilityZone", ""))


def _target(record: Record) -> Target:
    subnets = tuple(record["SubnetIds"])
    vpc = next((ec2._subnets[name]["VpcId"] for name in subnets if name in ec2._subnets), "")
    return Target(vpc, subnets, lambda: record["SecurityGroupIds"], f"serverless cache {record['ServerlessCacheName']}")


def _modifying(caches: Caches, stock: Action) -> Action:
    def modify_serverless_cache(query: Query) -> Response:
        response = stock(query)
        cache = caches.groups.get(param(query, "ServerlessCacheName").lower())
        if response[0] < REFUSED and cache is not None:
            cache.group.set_users(caches.users_of(cache))
        return response

    return modify_serverless_cache


def _deleting(caches: Caches, stock: Action) -> Action:
    def delete_serverless_cache(query: Query) -> Response:
        response = stock(query)
        cache = caches.groups.get(param(query, "ServerlessCacheName").lower())
        if response[0] < REFUSED and cache is not None:
            caches.run.edge.close(f"{cache.id}-reader")
            caches.end(cache)
        return response

    return delete_serverless_cache


def install(run: Run) -> None:
    """Replace creation, modification and deletion of serverless caches."""
    caches, delete = registry.of(run), elasticache._delete_serverless_cache
    elasticache._create_serverless_cache = _creating(caches, elasticache._create_serverless_cache, delete)
    elasticache._modify_serverless_cache = _modifying(caches, elasticache._modify_serverless_cache)
    elasticache._delete_serverless_cache = _deleting(caches, delete)
