"""Snapshots keep the data, and new groups have it, whatever their shards are."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.extension import seam
from rehearsal.live.engines.snapshots import _owner_of

if TYPE_CHECKING:
    from rehearsal.live.caches.registry import Cache
    from tests.rehearsal.live.caches.conftest import Service

FUTURE = 4_000_000_000


def _fill(cache: Cache) -> None:
    owner = _owner_of(cache.group)
    for number in range(50):
        owner(f"string-{number}".encode()).client.set(f"string-{number}", number)
    owner(b"hash").client.hset("hash", mapping={"a": "1", "b": "2"})
    owner(b"board").client.zadd("board", {"ann": 3, "bob": 1})
    owner(b"binary").binary_client().set(b"binary", b"\x00\xff\r\n")
    owner(b"expires").client.set("expires", "later")
    owner(b"expires").client.expireat("expires", FUTURE)


def _contents(cache: Cache) -> dict[str, Any]:
    owner = _owner_of(cache.group)
    with closing(owner(b"binary").binary_client()) as binary:
        found: dict[str, Any] = {"binary": binary.get("binary")}
    return found | {
        "strings": [owner(f"string-{n}".encode()).client.get(f"string-{n}") for n in range(50)],
        "hash": owner(b"hash").client.hgetall("hash"),
        "board": owner(b"board").client.zrange("board", 0, -1, withscores=True),
        "expires": (owner(b"expires").client.get("expires"), owner(b"expires").client.expiretime("expires")),
        "keys": sum(shard.primary.client.dbsize() for shard in cache.group.shards),
    }


@pytest.mark.parametrize(
    ("source", "target"),
    [(0, 0), (2, 3), (2, 0)],
    ids=["one node", "more shards", "shards into one node"],
)
def test_a_new_group_has_the_data_of_a_snapshot(service: Service, source: int, target: int) -> None:
    """Values, types and times of expiry are those of the moment of the snapshot, on replicas too."""
    original = service.sharded("original", source) if source else service.group("original")
    _fill(original)
    expected = _contents(original)
    service("CreateSnapshot", ReplicationGroupId="original", SnapshotName="kept")
    _owner_of(original.group)(b"string-0").client.set("string-0", "changed")
    snapshot = {"SnapshotName": "kept"}
    restored = service.sharded("restored", target, 1, **snapshot) if target else service.group("restored", **snapshot)
    assert _contents(restored) == expected
    for shard in restored.group.shards:
        assert {node.client.dbsize() for node in shard.nodes} == {shard.primary.client.dbsize()}
    assert _contents(original)["strings"][0] == "changed"


def test_final_snapshots_of_deletion(service: Service) -> None:
    """Both the API's final snapshot and that of `DeletionPolicy: Snapshot` have the data of the deleted group."""
    handler = seam.handlers()["AWS::ElastiCache::ReplicationGroup"]
    for number, delete in enumerate((_delete_by_api, _delete_by_cloudformation)):
        cache = service.group(f"original-{number}")
        cache.group.nodes[0].client.set("kept", "value")
        name = delete(service, handler, f"original-{number}")
        restored = service.group(f"restored-{number}", SnapshotName=name)
        assert restored.group.nodes[0].client.get("kept") == "value"


def _delete_by_api(service: Service, _handler: Any, name: str) -> str:
    service("DeleteReplicationGroup", ReplicationGroupId=name, FinalSnapshotIdentifier="final")
    return "final"


def _delete_by_cloudformation(_service: Service, handler: Any, name: str) -> str:
    before = set(seam.elasticache._snapshots)
    handler["snapshot"](name, {})
    handler["delete"](name, {})
    made: str = (set(seam.elasticache._snapshots) - before).pop()
    return made


def test_a_killed_node_does_not_load_an_old_snapshot(service: Service) -> None:
    """A node without replicas comes back empty after a kill, as in AWS, also after a snapshot."""
    cache = service.group("single", NumCacheClusters="1", AutomaticFailoverEnabled="false")
    node = cache.group.nodes[0]
    node.client.set("old", "value")
    service("CreateSnapshot", ReplicationGroupId="single", SnapshotName="kept")
    cache.group.restart(node)
    assert node.client.dbsize() == 0


def test_snapshots_that_the_service_refuses(service: Service) -> None:
    """A snapshot is of one group or of one cluster that exists."""
    service.sharded("sharded", 1)
    for asked, code in (
        ({}, "InvalidParameterCombination"),
        ({"ReplicationGroupId": "none"}, "ReplicationGroupNotFoundFault"),
        ({"CacheClusterId": "none"}, "CacheClusterNotFound"),
        ({"CacheClusterId": "sharded-0001-001"}, "InvalidParameterCombination.*ReplicationGroupId=sharded"),
    ):
        with pytest.raises(Exception, match=code):
            service("CreateSnapshot", SnapshotName="refused", **asked)
    assert "refused" not in seam.elasticache._snapshots


def test_snapshots_in_s3_are_said_not_to_be_restored(service: Service) -> None:
    """The rehearsal has no data for SnapshotArns; the group is empty, and the report says why."""
    service.group("restored", SnapshotArns={"SnapshotArn.1": "arn:aws:s3:::bucket/orders.rdb"})
    assert service.control("engine-versions")["parameters_without_counterpart"] == {"restored": ["SnapshotArns"]}


def test_unknown_snapshot_is_not_restored(service: Service) -> None:
    """A group from a snapshot that does not exist is not created."""
    with pytest.raises(Exception, match=r"SnapshotNotFoundFault"):
        service.group("restored", SnapshotName="none")
    assert "restored" not in seam.elasticache._replication_groups
