"""Snapshots with data: CreateSnapshot and final snapshots keep RDB files, and a new group gets their data back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.extension.seam import REFUSED, Action, Private, Query, Response, elasticache, param
from rehearsal.live.caches import answers, events, registry
from rehearsal.live.engines import snapshots as engine_snapshots
from verification.messages import refusal

if TYPE_CHECKING:
    from rehearsal.live.caches.registry import Cache, Caches
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_snapshots"),
    Private("services.elasticache", "_create_snapshot", ("p",)),
    Private("services.elasticache", "_delete_snapshot", ("p",)),
    Private("services.elasticache", "_snapshot_xml", ("snap",)),
    Private("services.elasticache", "_xml", ("status", "root_tag", "inner")),
)

FILES = "_rdb_files"  # of a snapshot's record
DIRECTORY = "snapshots"


def fault(name: str) -> Response | None:
    """The error of ElastiCache for a restore of a snapshot, or None."""
    if name in elasticache._snapshots:
        return None
    return answers.error("SnapshotNotFoundFault", f"Snapshot {name} not found", answers.NOT_FOUND)


def files_of(name: str) -> list[Path]:
    """The RDB files of a snapshot; none for one that was made without engines."""
    return [Path(file) for file in (elasticache._snapshots.get(name) or {}).get(FILES, ())]


def dump_for(cache: Cache, name: str) -> Path | None:
    """The file that the engine of a group without cluster mode loads by itself, or None."""
    files = files_of(name)
    return files[0] if len(files) == 1 and not cache.group.cluster_mode else None


def copy_into(caches: Caches, cache: Cache, name: str) -> None:
    """Copy a snapshot into a cache whose engine has not loaded it: the slots of its shards may differ."""
    if name and dump_for(cache, name) is None:
        engine_snapshots.copy(files_of(name), cache.group, caches.run.directory)


def _source(caches: Caches, query: Query) -> tuple[Cache | None, Response | None]:
    """The cache of a request, or the error of ElastiCache."""
    group, cluster = param(query, "ReplicationGroupId"), param(query, "CacheClusterId")
    if bool(group) == bool(cluster):
        message = refusal(
            got="ReplicationGroupId and CacheClusterId" if group else "neither ReplicationGroupId nor CacheClusterId",
            allowed="a snapshot is of one of them",
            fix="Set one of them",
        )
        return None, answers.error(answers.INVALID_COMBINATION, message)
    if cluster and cluster not in elasticache._clusters:
        return None, answers.error("CacheClusterNotFound", f"Cluster {cluster} not found", answers.NOT_FOUND)
    name = group or elasticache._clusters[cluster].get("ReplicationGroupId") or cluster
    cache = caches.groups.get(name)
    if cache is None and group:
        return None, answers.error(
            "ReplicationGroupNotFoundFault", f"Replication group {group} not found", answers.NOT_FOUND
        )
    if cluster and cache is not None and cache.group.cluster_mode:
        message = refusal(
            got=f"CacheClusterId={cluster} of a group with cluster mode",
            allowed="a snapshot of such a group has all its shards",
            fix=f"Set ReplicationGroupId={cache.id} instead",
        )
        return None, answers.error(answers.INVALID_COMBINATION, message)
    return cache, None


def _creating(caches: Caches, stock: Action) -> Action:
    def create_snapshot(query: Query) -> Response:
        cache, error = _source(caches, query)
        if error is not None:
            return error
        response = stock(query)
        if response[0] >= REFUSED or cache is None:
            return response
        name = param(query, "SnapshotName")
        record = elasticache._snapshots[name]
        directory = caches.run.directory / DIRECTORY / name
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        files = engine_snapshots.take(cache.group, directory)
        record[FILES] = [str(file) for file in files]
        size = sum(file.stat().st_size for file in files)
        for node in record["NodeSnapshots"]:
            node["CacheSize"] = f"{size / 1024**2:.0f} MB"
        source = cache.group.shards[0].primary.name
        message = f"Snapshot succeeded for snapshot with ID '{name}' of cache cluster with ID '{source}'"
        events.record(events.CLUSTER, source, message)
        events.publish(caches.run, cache.record, "SnapshotComplete", source)
        inner = f"<CreateSnapshotResult><Snapshot>{elasticache._snapshot_xml(record)}</Snapshot></CreateSnapshotResult>"
        answer: Response = elasticache._xml(200, "CreateSnapshotResponse", inner)
        return answer

    return create_snapshot


def _deleting(stock: Action) -> Action:
    def delete_snapshot(query: Query) -> Response:
        files = files_of(param(query, "SnapshotName"))
        response = stock(query)
        if response[0] < REFUSED:
            for file in files:
                file.unlink(missing_ok=True)
        return response

    return delete_snapshot


def install(run: Run) -> None:
    """Replace creation and deletion of snapshots."""
    elasticache._create_snapshot = _creating(registry.of(run), elasticache._create_snapshot)
    elasticache._delete_snapshot = _deleting(elasticache._delete_snapshot)
