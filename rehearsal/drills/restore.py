"""The drill of a restore: a snapshot, and the final snapshot of what was restored, become new groups."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rehearsal.drills.scene import NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Group

DESCRIPTION = "Restored by a drill from a snapshot of"
DEFAULT_PORT = 6379


def restore(scene: Scene) -> None:
    """Restore a snapshot of each group into a new one, delete that with a final snapshot, and restore the snapshot.

    The group of the stage is only read, apart from keys of the drill where its clients reach it.
    """
    if not scene.stage.groups:
        raise NotApplicableError("the stage has no replication group")
    for group in scene.require_clients(scene.stage.groups):
        _restore(scene, group)


def _restore(scene: Scene, group: Group) -> None:
    mark = f"drill-{secrets.token_hex(3)}"
    final = f"{mark}-final"
    with scene.contents(group) as contents, scene.snapshot(group, mark) as snapshot:
        contents.snapshot_made(snapshot)
        with scene.temporary_snapshot(final):
            with _group_from(scene, group, f"{mark}-a", snapshot) as restored:
                contents.expect_in(restored, "the snapshot")
                _delete(scene, restored, FinalSnapshotIdentifier=final)
            scene.wait_for_snapshot(final)
            with _group_from(scene, group, f"{mark}-b", final) as restored:
                contents.expect_in(restored, "the final snapshot")


@contextmanager
def _group_from(scene: Scene, group: Group, name: str, snapshot: str) -> Iterator[str]:
    """A group like the stage's from a snapshot, for as long as the block lasts."""
    client = scene.client("elasticache")
    like = _like(scene, group)
    command = f"aws elasticache delete-replication-group --replication-group-id {name}"
    with scene.made(f"the replication group {name}", lambda: _delete(scene, name), command):
        began = time.monotonic()
        with scene.uninterrupted():
            client.create_replication_group(ReplicationGroupId=name, SnapshotName=snapshot, **like)
        scene.available(name)
        scene.measure(f"seconds until {name} was restored from {snapshot}", time.monotonic() - began)
        yield name


def _delete(scene: Scene, name: str, **options: Any) -> None:
    """Delete a group if it exists, and wait until it is gone; one that is being made cannot be deleted before."""
    client = scene.client("elasticache")
    scene.until(lambda: _status(client, name) not in {"creating", "modifying"}, f"{name} can be deleted")
    if _status(client, name) not in {"", "deleting"}:
        with scene.uninterrupted():
            client.delete_replication_group(ReplicationGroupId=name, **options)
    scene.until(lambda: not _status(client, name), f"{name} is deleted")


def _status(client: Any, name: str) -> str:
    """The status of a group; empty if there is none."""
    try:
        described = client.describe_replication_groups(ReplicationGroupId=name)
    except client.exceptions.ReplicationGroupNotFoundFault:
        return ""
    status: str = described["ReplicationGroups"][0]["Status"]
    return status


def _like(scene: Scene, group: Group) -> dict[str, Any]:
    """The arguments of `CreateReplicationGroup` that make a group like another, with one node for each shard."""
    described = scene.stage.describe(group.name)
    member = scene.stage.member(described["MemberClusters"][0])
    arguments = {
        "ReplicationGroupDescription": f"{DESCRIPTION} {group.name}",
        "Engine": member["Engine"],
        "EngineVersion": member["EngineVersion"],
        "CacheNodeType": described["CacheNodeType"],
        "CacheParameterGroupName": member["CacheParameterGroup"]["CacheParameterGroupName"],
        "CacheSubnetGroupName": member["CacheSubnetGroupName"],
        "SecurityGroupIds": [item["SecurityGroupId"] for item in member["SecurityGroups"]],
        "Port": _port(described),
        "TransitEncryptionEnabled": described["TransitEncryptionEnabled"],
        "AtRestEncryptionEnabled": described["AtRestEncryptionEnabled"],
        "SnapshotRetentionLimit": 0,
        **{name: described[name] for name in ("KmsKeyId", "NetworkType", "IpDiscovery") if described.get(name)},
    }
    if users := described.get("UserGroupIds"):
        arguments["UserGroupIds"] = users
    elif described.get("AuthTokenEnabled"):
        arguments["AuthToken"] = scene.auth_token(group)
    if described.get("DataTiering") == "enabled":
        arguments["DataTieringEnabled"] = True
    if described.get("ClusterEnabled"):
        arguments |= {"NumNodeGroups": len(described["NodeGroups"]), "AutomaticFailoverEnabled": True}
    else:
        arguments |= {"NumCacheClusters": 1, "AutomaticFailoverEnabled": False}
    return arguments


def _port(described: Mapping[str, Any]) -> int:
    endpoint = described.get("ConfigurationEndpoint") or described["NodeGroups"][0].get("PrimaryEndpoint", {})
    return int(endpoint.get("Port", DEFAULT_PORT))
