"""Replicas and shards are added and removed while data stays readable."""

from __future__ import annotations

import contextlib
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import redis

from local_servers.waiting import wait_until
from rehearsal.extension import seam
from rehearsal.live.engines import slots

if TYPE_CHECKING:
    from rehearsal.live.caches.registry import Cache
    from tests.rehearsal.live.caches.conftest import Service


def _values(cache: Cache, keys: range) -> list[str | None]:
    """What the primaries that own the keys have."""
    found = []
    for key in (f"key-{number}" for number in keys):
        slot = redis.crc.key_slot(key.encode())
        primaries = [shard.primary for shard in cache.group.shards]
        owner = next(node for node in primaries if any(first <= slot <= last for first, last in slots.owned(node)))
        found.append(owner.client.get(key))
    return found


def _write(cache: Cache, keys: range) -> None:
    for number in keys:
        slot = redis.crc.key_slot(f"key-{number}".encode())
        primaries = [shard.primary for shard in cache.group.shards]
        owner = next(node for node in primaries if any(first <= slot <= last for first, last in slots.owned(node)))
        owner.client.set(f"key-{number}", number)


class Load(threading.Thread):
    """A cluster client that writes a number to one of a few keys and reads it back, and counts wrong answers."""

    def __init__(self, service: Service, cache: Cache) -> None:
        super().__init__(daemon=True)
        self.answers, self.wrong = 0, list[tuple[str, int, Any]]()
        self._service, self._cache = service, cache
        self._end = threading.Event()

    def run(self) -> None:
        """Ask until the end; what fails is asked again by the next number."""
        addresses = self._service.run.addresses
        client = redis.RedisCluster(
            host=str(addresses.address_of(self._cache.names.configuration)),
            port=6379,
            address_remap=lambda node: (addresses.address_of(node[0]) or node[0], node[1]),
            ssl=True,
            ssl_ca_certs=str(self._service.run.authority.ca_file),
            ssl_check_hostname=False,
            decode_responses=True,
        )
        number = 0
        while not self._end.is_set():
            number += 1
            key = f"load-{number % 40}"
            with contextlib.suppress(redis.RedisError):
                client.set(key, number)
                found = client.get(key)
                self.answers += 1
                if found != str(number):
                    self.wrong.append((key, number, found))
        client.close()

    def stop(self) -> None:
        """End it."""
        self._end.set()
        self.join(30)


def test_shards_are_added_and_removed_with_their_keys(service: Service) -> None:
    """Under load no answer is wrong; slots move evenly, no key is lost; records, names and endpoints follow."""
    cache = service.sharded("sharded", 2)
    load = Load(service, cache)
    load.start()
    try:
        wait_until(lambda: load.answers > 20, "the load is answered")
        _scale(service, cache)
        seen = load.answers
        wait_until(lambda: load.answers > seen + 20, "the load is answered afterwards")
    finally:
        load.stop()
    assert load.wrong == []


def _scale(service: Service, cache: Cache) -> None:
    _write(cache, range(100))
    service(
        "ModifyReplicationGroupShardConfiguration",
        ReplicationGroupId="sharded",
        NodeGroupCount=3,
        ApplyImmediately="true",
    )
    service.available("sharded")
    assert sorted(slots.size(slots.owned(shard.primary)) for shard in cache.group.shards) == [5461, 5461, 5462]
    assert _values(cache, range(100)) == [str(number) for number in range(100)]
    described = service("DescribeReplicationGroups", ReplicationGroupId="sharded")
    assert service.texts(described, "NodeGroupId") == ["0001", "0002", "0003"]
    assert service.texts(described, "ClusterId") == ["sharded-0001-001", "sharded-0002-001", "sharded-0003-001"]
    with closing(service.connect(cache.names.node("sharded-0003-001"))) as client:
        assert client.ping()
    service(
        "ModifyReplicationGroupShardConfiguration",
        ReplicationGroupId="sharded",
        NodeGroupCount=1,
        ApplyImmediately="true",
        NodeGroupsToRemove={"NodeGroupToRemove.1": "0001", "NodeGroupToRemove.2": "0002"},
    )
    service.available("sharded")
    assert _values(cache, range(100)) == [str(number) for number in range(100)]
    assert [shard.id for shard in cache.group.shards] == ["0003"]
    assert "sharded-0001-001" not in seam.elasticache._clusters
    assert service.run.addresses.address_of(cache.names.node("sharded-0001-001")) is None


def test_shards_that_the_service_refuses(service: Service) -> None:
    """A request that ElastiCache would not take changes nothing."""
    service.sharded("sharded", 2)
    for asked, message in (
        ({"NodeGroupCount": 2}, "must be another number"),
        ({"NodeGroupCount": 3, "ApplyImmediately": "false"}, "ApplyImmediately"),
        ({"NodeGroupCount": 1}, "0 node groups to remove"),
        ({"NodeGroupCount": "many"}, "whole number"),
        ({"NodeGroupCount": 3, "ReplicationGroupId": "none"}, "ReplicationGroupNotFoundFault"),
    ):
        request = {"ReplicationGroupId": "sharded", "ApplyImmediately": "true", **asked}
        with pytest.raises(Exception, match=message):
            service("ModifyReplicationGroupShardConfiguration", **request)
    assert len(service.caches.groups["sharded"].group.shards) == 2


@pytest.mark.parametrize("sharded", [False, True], ids=["without cluster mode", "with cluster mode"])
def test_replicas_are_added_and_removed(service: Service, *, sharded: bool) -> None:
    """A new replica has the data and an endpoint; a removed one has neither process nor name, and is no primary."""
    cache = service.sharded("orders", 1, 1) if sharded else service.group("orders")
    _ = cache.group.nodes[0].client.set("kept", "value")
    prefix = "orders-0001" if sharded else "orders"
    request = {"ReplicationGroupId": "orders", "ApplyImmediately": "true"}
    service("IncreaseReplicaCount", NewReplicaCount=2, **request)
    service.available("orders")
    assert seam.elasticache._replication_groups["orders"]["MemberClusters"] == [f"{prefix}-{n:03d}" for n in (1, 2, 3)]
    third = cache.group.nodes[2]
    assert (third.name, third.is_synchronised) == (f"{prefix}-003", True)
    with closing(service.connect(cache.names.node(third.name))) as client:
        assert client.ping()
    service("TestFailover", ReplicationGroupId="orders", NodeGroupId="0001")
    service.available("orders")
    primary = cache.group.shards[0].primary
    service("DecreaseReplicaCount", NewReplicaCount=1, **request)
    service.available("orders")
    assert primary in cache.group.nodes
    assert len(cache.group.nodes) == 2
    assert primary.client.get("kept") == "value"
    described = service("DescribeReplicationGroups", ReplicationGroupId="orders")
    assert {"primary", "replica"} == set(service.texts(described, "CurrentRole"))
    with pytest.raises(Exception, match=r"at least 1"):
        service("DecreaseReplicaCount", NewReplicaCount=0, **request)


def test_cloudformation_waits_for_replicas(service: Service) -> None:
    """A stack that changes the number of nodes is updated when the engines are."""
    handler = seam.handlers()["AWS::ElastiCache::ReplicationGroup"]
    old = {
        "ReplicationGroupDescription": "x", "Engine": "valkey", "CacheNodeType": "cache.t4g.small",
        "ReplicationGroupId": "stacked", "NumCacheClusters": 1, "TransitEncryptionEnabled": True,
    }  # fmt: skip
    name, attributes = handler["create"]("Logical", old, "stack")
    assert attributes["PrimaryEndPoint.Address"] == service.caches.groups[name].names.primary
    handler["update"](name, old, {**old, "NumCacheClusters": 2}, "stack", "Logical")
    assert [node.is_running for node in service.caches.groups[name].group.nodes] == [True, True]
    handler["delete"](name, {})
    assert name not in service.caches.groups
