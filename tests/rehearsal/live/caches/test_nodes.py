"""Nodes that fail, fail over and restart: promotions lose nothing, names and roles follow, and events say so."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_servers.waiting import wait_until
from rehearsal.extension import seam
from rehearsal.live.control import ControlError
from rehearsal.live.engines import slots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.live.caches.registry import Cache
    from rehearsal.live.engines.group import Shard
    from tests.rehearsal.live.caches.conftest import Service


class Writer(threading.Thread):
    """Writes numbers to the primary, whichever it is, and keeps the last one that was acknowledged by the replica."""

    def __init__(self, service: Service, cache: Cache) -> None:
        super().__init__(daemon=True)
        self.acknowledged = 0
        self._service, self._cache = service, cache
        self._end = threading.Event()

    def run(self) -> None:
        """Write until the end."""
        number = 0
        while not self._end.is_set():
            try:
                with closing(self._service.connect(self._cache.names.primary, socket_timeout=5)) as client:
                    while not self._end.is_set():
                        number += 1
                        client.set("number", number)
                        self.acknowledged = number
            except redis.RedisError:
                continue

    def stop(self) -> None:
        """End it."""
        self._end.set()
        self.join(20)


@contextmanager
def _writing(service: Service, cache: Cache) -> Iterator[Writer]:
    writer = Writer(service, cache)
    writer.start()
    wait_until(lambda: writer.acknowledged > 10, "some writes are acknowledged")
    try:
        yield writer
    finally:
        writer.stop()


def _whole(cache: Cache) -> bool:
    """Whether all nodes run, and each shard has one primary, from which all others have the data."""
    group = cache.group
    if not all(node.is_running for node in group.nodes):
        return False
    try:
        return all(
            shard.primary.is_primary
            and all(node.is_synchronised and shard.primary.streams_to(node) for node in shard.replicas)
            for shard in group.shards
        )
    except redis.RedisError:
        return False


def test_planned_failover_loses_nothing(service: Service) -> None:
    """TestFailover under writes keeps every acknowledged one; roles, names and events follow, and SNS is told."""
    topic = _topic()
    cache = service.group("orders", NotificationTopicArn=topic)
    before = service.run.addresses.address_of(cache.names.primary)
    with _writing(service, cache) as writer, _published() as messages:
        answer = service("TestFailover", ReplicationGroupId="orders", NodeGroupId="0001")
        assert service.texts(answer, "Status")[0] == "modifying"
        service.available("orders")
        seen = writer.acknowledged
        wait_until(lambda: writer.acknowledged > seen, "writes go on")
        wait_until(lambda: _whole(cache), "the old primary is a replica")
    with closing(service.connect(cache.names.primary, decode_responses=True)) as client:
        assert int(client.get("number") or 0) >= writer.acknowledged
    assert service.run.addresses.address_of(cache.names.primary) != before
    assert service.run.addresses.address_of(cache.names.reader) == before
    described = service("DescribeReplicationGroups", ReplicationGroupId="orders")
    assert ["replica", "primary"] == service.texts(described, "CurrentRole")
    completed = "Failover from primary node orders-001 to replica node orders-002 completed"
    assert service.events("orders")[-2:] == ["Test Failover API called for node group 0001", completed]
    assert service.events("orders-001") == [
        completed, "Recovering cache nodes 0001", "Finished recovery for cache nodes 0001",
    ]  # fmt: skip
    assert messages == [
        (topic, '{"ElastiCache:FailoverComplete": "orders-002"}'),
        (topic, '{"ElastiCache:CacheNodeReplaceStarted": "orders-001"}'),
        (topic, '{"ElastiCache:CacheNodeReplaceComplete": "orders-001"}'),
    ]


def _topic() -> str:
    seam.sns._create_topic({"Name": "cache-events"})
    return f"arn:aws:sns:{seam.responses.get_region()}:{seam.responses.get_account_id()}:cache-events"


@contextmanager
def _published() -> Iterator[list[tuple[str, str]]]:
    messages: list[tuple[str, str]] = []
    stock = seam.sns._fanout

    def fanout(topic: str, number: str, message: str, *rest: Any, **more: Any) -> None:
        messages.append((topic, message))
        stock(topic, number, message, *rest, **more)

    seam.sns._fanout = fanout
    try:
        yield messages
    finally:
        seam.sns._fanout = stock


@pytest.mark.parametrize(
    ("changes", "asked", "code"),
    [
        ({}, {"ReplicationGroupId": "none", "NodeGroupId": "0001"}, "ReplicationGroupNotFoundFault"),
        ({}, {"ReplicationGroupId": "orders", "NodeGroupId": "0002"}, "NodeGroupNotFoundFault"),
        (
            {"AutomaticFailoverEnabled": "false"},
            {"ReplicationGroupId": "orders", "NodeGroupId": "0001"},
            "InvalidReplicationGroupState.*AutomaticFailover",
        ),
    ],
)
def test_failover_that_the_service_refuses(
    service: Service, changes: dict[str, str], asked: dict[str, str], code: str
) -> None:
    """TestFailover needs a group, a shard of it, and automatic failover."""
    service.group("orders", **changes)
    with pytest.raises(Exception, match=code):
        service("TestFailover", **asked)


def test_killed_primary_is_replaced(service: Service) -> None:
    """A replica takes over, with all that it had acknowledged; the dead node comes back as its replica."""
    cache = service.group("orders")
    old = cache.group.shards[0].primary
    with closing(service.connect(cache.names.primary)) as client:
        client.set("kept", "value")
        assert client.wait(1, 5000) == 1
    killed = service.control("kill-node", node=old.name)
    assert killed["pid"] is not None
    wait_until(lambda: service.run.addresses.address_of(cache.names.primary) != old.address, "the name leads elsewhere")
    with closing(service.connect(cache.names.primary)) as client:
        assert client.get("kept") == "value"
        client.set("after", "value")
    wait_until(lambda: _whole(cache), "the group is whole")
    with closing(service.connect(cache.names.node(old.name))) as client:
        wait_until(lambda: client.get("after") == "value", "the replica has what was written meanwhile")
    assert service.control("node-roles", cache="orders") == {
        "orders": {"0001": {"orders-001": "replica", "orders-002": "primary"}}
    }
    promotion = service.journal("promotion")[-1]
    assert (promotion["old"], promotion["new"], promotion["planned"]) == ("orders-001", "orders-002", False)


def test_primary_without_automatic_failover_gets_its_data_back(service: Service) -> None:
    """It stays the primary, as ElastiCache replaces it and copies the data of a replica."""
    cache = service.group("orders", AutomaticFailoverEnabled="false")
    with closing(service.connect(cache.names.primary)) as client:
        client.set("kept", "value")
        assert client.wait(1, 5000) == 1
    service.control("kill-node", node="orders-001")
    wait_until(lambda: "Finished recovery for cache nodes 0001" in service.events("orders-001"), "it is back")
    assert cache.group.shards[0].primary.name == "orders-001"
    with closing(service.connect(cache.names.primary)) as client:
        assert client.get("kept") == "value"
        assert client.set("writable", "1")


def test_killed_primaries_of_a_cluster_are_replaced(service: Service) -> None:
    """With two shards no majority is left to vote; a replica takes over all the same, with the data."""
    cache = service.sharded("sharded", 2, 1)
    keys = _fill(cache)
    _acknowledged(cache)
    for shard in cache.group.shards:
        service.control("kill-node", node=shard.primary.name)
        wait_until(lambda: _whole(cache), "the cluster is whole")
    assert _readable(cache) == keys
    roles = service.control("node-roles", cache="sharded")["sharded"]
    assert roles == {
        number: {f"sharded-{number}-001": "replica", f"sharded-{number}-002": "primary"} for number in ("0001", "0002")
    }


def _fill(cache: Cache, count: int = 60) -> dict[str, str]:
    keys = {f"key-{number}": str(number) for number in range(count)}
    for key, value in keys.items():
        _owner(cache, key).client.set(key, value)
    return keys


def _owner(cache: Cache, key: str) -> Any:
    slot = redis.crc.key_slot(key.encode())
    primaries = [shard.primary for shard in cache.group.shards]
    return next(node for node in primaries if any(first <= slot <= last for first, last in slots.owned(node)))


def _all_acknowledge(shard: Shard) -> bool:
    return all(shard.primary.streams_to(node) for node in shard.replicas)


def _acknowledged(cache: Cache) -> None:
    for shard in cache.group.shards:
        wait_until(partial(_all_acknowledge, shard), "replicas acknowledge")


def _readable(cache: Cache) -> dict[str, str]:
    wait_until(lambda: all(slots.is_available(node) for node in cache.group.nodes), "the cluster is available")
    return {key: _owner(cache, key).client.get(key) for key in (f"key-{number}" for number in range(60))}


def test_clients_are_told_host_names_in_cluster_mode(service: Service) -> None:
    """CLUSTER SLOTS names the nodes and the port of the endpoint; ElastiCache reboots no such node."""
    cache = service.sharded("sharded", 2, 1, Port="7001")
    expected = {
        (cache.names.node(f"sharded-{shard}-{node}"), 7001) for shard in ("0001", "0002") for node in ("001", "002")
    }
    with closing(service.connect(cache.names.configuration, 7001)) as client:
        # Nodes learn of each other's replicas by gossip.
        wait_until(
            lambda: (
                {tuple(node[:2]) for slots in client.execute_command("CLUSTER", "SLOTS") for node in slots[2:]}
                == expected
            ),
            "each node is named",
        )
    assert cache.names.configuration.startswith("clustercfg.sharded.")
    with pytest.raises(Exception, match="InvalidCacheClusterState"):
        service("RebootCacheCluster", CacheClusterId="sharded-0001-001")


def test_a_zone_is_lost_and_comes_back(service: Service) -> None:
    """Nodes of a lost Availability Zone stay away, primaries fail over; back again, the nodes are replicas."""
    cache = service.group("orders", PreferredCacheClusterAZs=["eu-west-1a", "eu-west-1b"])
    assert [node.zone for node in cache.group.nodes] == ["eu-west-1a", "eu-west-1b"]
    assert service.control("stop-zone", zone="eu-west-1a")["nodes"] == ["orders-001"]
    wait_until(lambda: cache.group.shards[0].primary.name == "orders-002", "it has failed over")
    with closing(service.connect(cache.names.primary)) as client:
        client.set("meanwhile", "value")
    assert service.control("node-roles")["orders"]["0001"] == {"orders-001": "down", "orders-002": "primary"}
    assert service.run.addresses.address_of(cache.names.reader) == cache.group.nodes[1].address
    service.control("start-zone", zone="eu-west-1a")
    wait_until(lambda: _whole(cache), "the group is whole")
    with closing(service.connect(cache.names.node("orders-001"))) as client:
        wait_until(lambda: client.get("meanwhile") == "value", "the replica has what was written meanwhile")


def test_reboot_and_rolling_restart_keep_the_data(service: Service) -> None:
    """RebootCacheCluster restarts one process; a rolling restart all of them, the replica first."""
    cache = service.group("orders")
    with closing(service.connect(cache.names.primary)) as client:
        client.set("kept", "value")
    before = [node.pid for node in cache.group.nodes]
    answer = service("RebootCacheCluster", CacheClusterId="orders-002")
    assert service.texts(answer, "CacheClusterStatus") == ["rebooting cache cluster nodes"]
    cluster = seam.elasticache._clusters["orders-002"]
    wait_until(lambda: cluster["CacheClusterStatus"] == "available", "it is available")
    after = [node.pid for node in cache.group.nodes]
    assert (after[0], after[1] != before[1]) == (before[0], True)
    assert service.control("rolling-restart", cache="orders")["nodes"] == ["orders-002", "orders-001"]
    assert not {node.pid for node in cache.group.nodes} & set(after)
    with closing(service.connect(cache.names.primary)) as client:
        assert client.get("kept") == "value"


def test_readers_leave_a_lost_zone(service: Service) -> None:
    """The reader endpoint leads to the primary while the only replica is away."""
    cache = service.group("orders", PreferredCacheClusterAZs=["eu-west-1a", "eu-west-1b"])
    replica = cache.group.nodes[1]
    assert service.run.addresses.address_of(cache.names.reader) == replica.address
    service.control("stop-zone", zone="eu-west-1b")
    assert service.run.addresses.address_of(cache.names.reader) == cache.group.nodes[0].address
    service.control("start-zone", zone="eu-west-1b")
    wait_until(lambda: service.run.addresses.address_of(cache.names.reader) == replica.address, "the replica is back")


@pytest.mark.parametrize("change", [{"EngineVersion": "9.0"}, {"CacheNodeType": "cache.m7g.large"}], ids=str)
def test_another_version_or_node_type_replaces_all_nodes(service: Service, change: dict[str, str]) -> None:
    """All processes are new, one after another, and the data is kept; the engine's memory is the new node type's."""
    cache = service.group("orders")
    with closing(service.connect(cache.names.primary)) as client:
        client.set("kept", "value")
    before = {node.pid for node in cache.group.nodes}
    answer = service("ModifyReplicationGroup", ReplicationGroupId="orders", ApplyImmediately="true", **change)
    assert service.texts(answer, "Status")[0] == "modifying"
    service.available("orders")
    assert not before & {node.pid for node in cache.group.nodes}
    with closing(service.connect(cache.names.primary)) as client:
        assert client.get("kept") == "value"
    limits = {node.client.config_get("maxmemory")["maxmemory"] for node in cache.group.nodes}
    gib = 6.38 if "CacheNodeType" in change else 1.37
    assert limits == {str(int(gib * 1024**3 * 0.75))}


def test_unknown_node_is_named(service: Service) -> None:
    """A control command for a node that does not exist says which there are."""
    service.group("orders", NumCacheClusters="1", AutomaticFailoverEnabled="false")
    with pytest.raises(ControlError, match=r"node 'orders-009': must be one of orders-001\."):
        service.control("kill-node", node="orders-009")


def test_no_port_without_a_login_and_no_secret_in_arguments(service: Service) -> None:
    """The internal port answers nothing without the administrator's password, which other users cannot read."""
    cache = service.group("orders")
    node = cache.group.nodes[0]
    stranger = redis.Redis(host=str(node.address), port=node.replication_port, retry=Retry(NoBackoff(), 0))
    with closing(stranger), pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert node.administrator.password.encode() not in Path(f"/proc/{node.pid}/cmdline").read_bytes()
    for name in ("engine.conf", "users.acl"):
        assert (node.directory / name).stat().st_mode & 0o077 == 0
