"""Copy the newest automatic snapshot of a cache to S3, in as many calls as it takes.

Each call looks where the copy stands, and does the next thing: it has ElastiCache export the snapshot to a bucket of
the cache's Region, or, once the export is complete, copies its files to the vaults. Nothing is remembered, so a call
may be repeated, doubled or cut off. Each call ends by saying how many hours the vaults are behind.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMESPACE, METRIC = "ElastiCacheSnapshotCopies", "HoursBehind"
FRESH_HOURS = 36
"""Automatic snapshots are daily: one that is older says that no newer one was made."""
NEVER = 10_000
"""The hours behind of a cache without a snapshot."""

_AVAILABLE, _PREFIX = "available", "automatic."
_PART_BYTES = 512 * 2**20
"""S3 copies at most 5 GB in one request, and several parts at the same time."""


@dataclass(frozen=True)
class Snapshot:
    """An automatic snapshot.

    Attributes:
        name: Its name.
        made: When it was made.
        is_available: Whether it can be exported; not while it is made, or exported.
        files: How many files its export has at least: one for each shard.
    """

    name: str
    made: datetime
    is_available: bool
    files: int

    @property
    def prefix(self) -> str:
        """What the names of its files in S3 begin with."""
        return self.name.removeprefix(_PREFIX)


@dataclass(frozen=True)
class Vault:
    """A bucket that keeps copies."""

    name: str
    region: str


class Cache:
    """The snapshots of a replication group, or of a serverless cache."""

    def __init__(self, client: Any, *, group: str | None, serverless: str | None) -> None:
        self._client = client
        self._group, self._serverless = group, serverless

    def newest(self) -> Snapshot | None:
        """The newest automatic snapshot; None if there is none."""
        found = self._of_group() if self._group else self._of_serverless()
        return max(found, key=lambda each: each.made, default=None)

    def export(self, snapshot: Snapshot, bucket: str) -> None:
        """Have ElastiCache write the files of a snapshot, which takes minutes after the call."""
        if self._group:
            self._client.copy_snapshot(
                SourceSnapshotName=snapshot.name, TargetSnapshotName=snapshot.prefix, TargetBucket=bucket
            )
        else:
            self._client.export_serverless_cache_snapshot(
                ServerlessCacheSnapshotName=snapshot.name, S3BucketName=bucket
            )

    def _of_group(self) -> list[Snapshot]:
        pages = self._client.get_paginator("describe_snapshots").paginate(
            ReplicationGroupId=self._group, SnapshotSource="system"
        )
        return [
            Snapshot(
                each["SnapshotName"],
                min(node["SnapshotCreateTime"] for node in each["NodeSnapshots"]),
                each["SnapshotStatus"] == _AVAILABLE,
                len(each["NodeSnapshots"]),
            )
            for page in pages
            for each in page["Snapshots"]
            # While a snapshot is made, its nodes have no time.
            if each.get("NodeSnapshots") and all("SnapshotCreateTime" in node for node in each["NodeSnapshots"])
        ]

    def _of_serverless(self) -> list[Snapshot]:
        pages = self._client.get_paginator("describe_serverless_cache_snapshots").paginate(
            ServerlessCacheName=self._serverless, SnapshotType="automated"
        )
        # How many files its export has is not told.
        return [
            Snapshot(each["ServerlessCacheSnapshotName"], each["CreateTime"], each["Status"].lower() == _AVAILABLE, 1)
            for page in pages
            for each in page["ServerlessCacheSnapshots"]
        ]


def copy(
    cache: Cache, storage: Any, exports: str, vaults: Mapping[str, tuple[Any, Sequence[Vault]]], now: datetime
) -> float:
    """Do the next thing for the newest snapshot, and say how many hours the vaults are behind.

    Args:
        cache: The cache.
        storage: A client for S3 in the cache's Region.
        exports: The bucket that ElastiCache exports to.
        vaults: By Region, a client for S3 there and the vaults.
        now: The time.
    """
    snapshot = cache.newest()
    if snapshot is None:
        return NEVER
    age = (now - snapshot.made).total_seconds() / 3600
    files = _files(storage, exports, snapshot)
    wanted = max(snapshot.files, len(files))
    lacking = [
        (client, vault)
        for client, found in vaults.values()
        for vault in found
        if len(_files(client, vault.name, snapshot)) < wanted
    ]
    if lacking and snapshot.is_available:
        if len(files) < snapshot.files:
            for key in files:  # of an export that failed; a second one would be refused while they are there
                storage.delete_object(Bucket=exports, Key=key)
            cache.export(snapshot, exports)
        else:
            for client, vault in lacking:
                for key in files:
                    _copy_file(storage, exports, key, client, vault)
            lacking = []
    return age if lacking or age > FRESH_HOURS else 0.0


def _files(storage: Any, bucket: str, snapshot: Snapshot) -> list[str]:
    """The files of a snapshot: ElastiCache adds a shard's number and .rdb to the name that it was given."""
    # That of a serverless cache is exported under its own name.
    for prefix in (f"{snapshot.prefix}-", snapshot.name):
        pages = storage.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = [each["Key"] for page in pages for each in page.get("Contents", ())]
        if found:
            return found
    return []


def _copy_file(storage: Any, bucket: str, key: str, client: Any, vault: Vault) -> None:
    from boto3.s3.transfer import TransferConfig  # type: ignore[import-untyped]  # noqa: PLC0415 - Lambda has it

    client.copy(
        {"Bucket": bucket, "Key": key},
        vault.name,
        key,
        SourceClient=storage,
        Config=TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES),
    )


def handle(_event: object, context: Any) -> float:
    """Do the next thing, and log the hours as a metric."""
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - Lambda has it, and a machine that synthesises may not

    here = os.environ["AWS_REGION"]
    vaults: dict[str, tuple[Any, list[Vault]]] = {}
    for name, region in json.loads(os.environ["VAULTS"]):
        if region not in vaults:
            vaults[region] = (boto3.client("s3", region_name=region), [])
        vaults[region][1].append(Vault(name, region))
    cache = Cache(
        boto3.client("elasticache"),
        group=os.environ.get("SNAPSHOTS_OF_GROUP"),
        serverless=os.environ.get("SNAPSHOTS_OF_SERVERLESS_CACHE"),
    )
    storage = boto3.client("s3", region_name=here)
    hours = copy(cache, storage, os.environ["EXPORTS"], vaults, datetime.now(UTC))
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": METRIC, "Unit": "None"}],
    }
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    line = {"FunctionName": context.function_name, METRIC: round(hours, 1), "_aws": metadata}
    sys.stdout.write(json.dumps(line) + "\n")
    return hours
