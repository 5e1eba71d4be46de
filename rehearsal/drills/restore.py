"""The drill of a restore: a final snapshot becomes a new group that has every value."""

from __future__ import annotations

import secrets
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rehearsal.drills.clients import CacheClient
from rehearsal.drills.scene import NotApplicableError, NotRunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Group

KEYS = 200
PREFIX = "app:drill-restore"


def restore(scene: Scene) -> None:
    """Restore a snapshot of each group into a new one, delete that with a final snapshot, and restore the snapshot.

    The group of the stage is only read, apart from keys of the drill.
    """
    if not scene.stage.groups:
        raise NotApplicableError("the stage has no replication group")
    groups = [group for group in scene.stage.groups if group.secret]
    if not groups:
        raise NotRunError("no template has a secret with a password for the group, which the clients of the drill need")
    for group in groups:
        _restore(scene, group)


def _restore(scene: Scene, group: Group) -> None:
    client = scene.client("elasticache")
    mark = secrets.token_hex(3)
    first, final = f"drill-{mark}", f"drill-{mark}-final"
    with closing(CacheClient(scene.stage.settings(group))) as original:
        for number in range(KEYS):
            original.write(f"{PREFIX}:{number}", number + 1)
        with _snapshot(scene, first):
            client.create_snapshot(ReplicationGroupId=group.name, SnapshotName=first)
            _wait_for_snapshot(scene, first)
            original.write(f"{PREFIX}:0", KEYS + 1)  # after the snapshot, which must not have it
            with _group_from(scene, group, f"drill-{mark}-a", first, final) as restored:
                _compare(scene, group, restored, "the snapshot")
        with _snapshot(scene, final):
            _wait_for_snapshot(scene, final)
            with _group_from(scene, group, f"drill-{mark}-b", final, None) as restored:
                _compare(scene, group, restored, "the final snapshot")


def _compare(scene: Scene, group: Group, name: str, what: str) -> None:
    settings = scene.stage.settings(group, name=name)
    with closing(CacheClient(settings)) as restored:
        versions = [restored.read(f"{PREFIX}:{number}") for number in range(KEYS)]
    same = sum(version == number + 1 for number, version in enumerate(versions))
    scene.expect(f"values that {what} has brought back", KEYS, same, of=group.resource)


@contextmanager
def _snapshot(scene: Scene, name: str) -> Iterator[None]:
    client = scene.client("elasticache")
    try:
        yield
    finally:
        with suppress(client.exceptions.SnapshotNotFoundFault):
            client.delete_snapshot(SnapshotName=name)


def _wait_for_snapshot(scene: Scene, name: str) -> None:
    client = scene.client("elasticache")
    scene.until(
        lambda: client.describe_snapshots(SnapshotName=name)["Snapshots"][0]["SnapshotStatus"] == "available",
        f"the snapshot {name} is available",
    )


@contextmanager
def _group_from(scene: Scene, group: Group, name: str, snapshot: str, final: str | None) -> Iterator[str]:
    """A group like the stage's from a snapshot, for as long as the block lasts; then it may leave a final snapshot."""
    client = scene.client("elasticache")
    described = scene.stage.describe(group.name)
    client.create_replication_group(ReplicationGroupId=name, SnapshotName=snapshot, **_like(scene, described))
    try:
        scene.available(name)
        yield name
    finally:
        client.delete_replication_group(
            ReplicationGroupId=name, **({"FinalSnapshotIdentifier": final} if final else {})
        )
        scene.until(lambda: _is_gone(client, name), f"{name} is deleted")


def _is_gone(client: Any, name: str) -> bool:
    try:
        client.describe_replication_groups(ReplicationGroupId=name)
    except client.exceptions.ReplicationGroupNotFoundFault:
        return True
    return False


def _like(scene: Scene, described: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `CreateReplicationGroup` that make a group like another, with one node for each shard."""
    member = scene.stage.member(described["MemberClusters"][0])
    arguments = {
        "ReplicationGroupDescription": "Restored by a drill",
        "Engine": member["Engine"],
        "EngineVersion": member["EngineVersion"],
        "CacheNodeType": described["CacheNodeType"],
        "CacheParameterGroupName": member["CacheParameterGroup"]["CacheParameterGroupName"],
        "CacheSubnetGroupName": member["CacheSubnetGroupName"],
        "SecurityGroupIds": [group["SecurityGroupId"] for group in member["SecurityGroups"]],
        "TransitEncryptionEnabled": described["TransitEncryptionEnabled"],
        "AtRestEncryptionEnabled": described["AtRestEncryptionEnabled"],
    }
    if users := described.get("UserGroupIds"):
        arguments["UserGroupIds"] = users
    if key := described.get("KmsKeyId"):
        arguments["KmsKeyId"] = key
    if described.get("ClusterEnabled"):
        arguments |= {"NumNodeGroups": len(described["NodeGroups"]), "AutomaticFailoverEnabled": True}
    else:
        arguments |= {"NumCacheClusters": 1, "AutomaticFailoverEnabled": False}
    return arguments
