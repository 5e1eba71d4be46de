"""Copies of snapshots: what the function does at each state, and what the constructs refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from botocore.session import Session  # type: ignore[import-untyped]
from botocore.stub import Stubber  # type: ignore[import-untyped]

from elasticache_constructs import (
    AlarmTopic,
    ConfigurationError,
    EncryptionKey,
    NodeType,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    SnapshotCopies,
    SnapshotVault,
)
from elasticache_constructs.shared.snapshot_copies.runtime.copy_snapshots.handler import NEVER, Cache, Vault, copy
from tests.unit.builders import NO_ALARMS, app_of, replication_group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Bench

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NAME = "automatic.orders-2026-11-28-02-00"


class Pages:
    """A paginator with one item on each page, as the service may have them."""

    def __init__(self, key: str, items: list[Any]) -> None:
        self._key, self._items = key, items

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        """The pages; the last one has nothing."""
        prefix = request.get("Prefix", "")
        for item in self._items:
            if not prefix or item["Key"].startswith(prefix):
                yield {self._key: [item]}
        yield {} if self._key == "Contents" else {self._key: []}


class Storage:
    """Buckets, by name, with keys."""

    def __init__(self, **buckets: list[str]) -> None:
        self.buckets = {name: set(keys) for name, keys in buckets.items()}

    def get_paginator(self, _name: str) -> Any:
        """Lists the objects of a bucket."""
        storage = self

        class OfBucket:
            def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
                keys = [{"Key": key} for key in sorted(storage.buckets[Bucket])]
                return Pages("Contents", keys).paginate(Prefix=Prefix)

        return OfBucket()

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        """Delete an object."""
        self.buckets[Bucket].remove(Key)

    def copy(self, source: dict[str, str], bucket: str, key: str, **more: Any) -> None:
        """Copy an object within this Region, or from another one."""
        assert source["Key"] in more["SourceClient"].buckets[source["Bucket"]]
        self.buckets[bucket].add(key)


class ElastiCache:
    """Snapshots of a group of two shards, or of a serverless cache."""

    def __init__(self, *snapshots: tuple[str, str, float], is_serverless: bool = False) -> None:
        self._snapshots, self._is_serverless = snapshots, is_serverless
        self.exported: list[dict[str, str]] = []

    def get_paginator(self, name: str) -> Pages:
        """Lists the snapshots."""
        if self._is_serverless:
            assert name == "describe_serverless_cache_snapshots"
            found = [
                {"ServerlessCacheSnapshotName": name, "Status": status, "CreateTime": NOW - timedelta(hours=hours)}
                for name, status, hours in self._snapshots
            ]
            return Pages("ServerlessCacheSnapshots", found)
        assert name == "describe_snapshots"
        return Pages("Snapshots", [_of_group(*each) for each in self._snapshots])

    def copy_snapshot(self, **request: str) -> None:
        """Export a snapshot of a group."""
        self.exported.append(request)

    def export_serverless_cache_snapshot(self, **request: str) -> None:
        """Export a snapshot of a serverless cache."""
        self.exported.append(request)


def _of_group(name: str, status: str, hours: float) -> dict[str, Any]:
    times = {} if status == "creating" else {"SnapshotCreateTime": NOW - timedelta(hours=hours)}
    shards = [{"NodeGroupId": number, **times} for number in ("0001", "0002")]
    return {"SnapshotName": name, "SnapshotStatus": status, "NodeSnapshots": shards}


FILES = ["orders-2026-11-28-02-00-0001.rdb", "orders-2026-11-28-02-00-0002.rdb"]
YESTERDAY = "automatic.orders-2026-11-27-02-00"


def _run(service: ElastiCache, here: Storage, there: Storage, *, serverless: bool = False) -> float:
    cache = Cache(service, group=None if serverless else "orders", serverless="orders" if serverless else None)
    vaults = {
        "eu-west-1": (here, [Vault("near", "eu-west-1")]),
        "eu-central-1": (there, [Vault("far", "eu-central-1")]),
    }
    return copy(cache, here, "exports", vaults, NOW)


def test_a_new_snapshot_is_exported_under_its_time() -> None:
    """The newest one, under a name that S3 has not, since the export of another day is there."""
    service = ElastiCache((YESTERDAY, "available", 34), (NAME, "available", 10))
    here = Storage(exports=["orders-2026-11-27-02-00-0001.rdb"], near=[])

    assert 10 == _run(service, here, Storage(far=[]))
    (asked,) = service.exported
    expected = {"SourceSnapshotName": NAME, "TargetSnapshotName": "orders-2026-11-28-02-00", "TargetBucket": "exports"}
    assert expected == asked


@pytest.mark.parametrize("status", ["exporting", "copying"])
def test_an_export_is_waited_for(status: str) -> None:
    """While ElastiCache writes, nothing is copied or asked for again, not even if files are there."""
    service, here = ElastiCache((NAME, status, 1)), Storage(exports=FILES, near=[])

    assert 1 == _run(service, here, Storage(far=[]))
    assert ([], set()) == (service.exported, here.buckets["near"])


def test_a_snapshot_that_is_being_made_is_not_the_newest() -> None:
    """It has no time yet; the one before it counts."""
    service = ElastiCache((YESTERDAY, "available", 25), (NAME, "creating", 0))
    done = ["orders-2026-11-27-02-00-0001.rdb", "orders-2026-11-27-02-00-0002.rdb"]

    assert 0 == _run(service, Storage(exports=[], near=done), Storage(far=done))


def test_a_complete_export_is_copied_to_every_vault() -> None:
    """All files, in all Regions, and to no vault twice."""
    service, here, there = ElastiCache((NAME, "available", 2)), Storage(exports=FILES, near=FILES), Storage(far=[])

    assert 0 == _run(service, here, there)
    assert (set(FILES), []) == (there.buckets["far"], service.exported)


def test_half_a_copy_is_completed() -> None:
    """A vault that a call was cut off at gets what it lacks."""
    service, here, there = ElastiCache((NAME, "available", 2)), Storage(exports=FILES, near=FILES[:1]), Storage(far=[])

    assert 0 == _run(service, here, there)
    assert set(FILES) == here.buckets["near"] == there.buckets["far"]


def test_half_an_export_is_made_again() -> None:
    """ElastiCache writes over no file: what a failed export left is deleted first."""
    service, here = ElastiCache((NAME, "available", 2)), Storage(exports=FILES[:1], near=[])

    assert 2 == _run(service, here, Storage(far=[]))
    assert (set(), 1) == (here.buckets["exports"], len(service.exported))


def test_what_is_kept_is_not_exported_again() -> None:
    """The files have left the bucket of exports after a day."""
    service = ElastiCache((NAME, "available", 20))

    assert 0 == _run(service, Storage(exports=[], near=FILES), Storage(far=FILES))
    assert [] == service.exported


def test_missing_and_old_snapshots_are_told() -> None:
    """Without a new snapshot, what is kept is behind, although all of it is there."""
    done = Storage(exports=[], near=FILES), Storage(far=FILES)

    assert NEVER == _run(ElastiCache(), *done)
    assert 40 == _run(ElastiCache((NAME, "available", 40)), *done)


def test_serverless_snapshots_are_exported_and_copied() -> None:
    """Through their own calls; their files have the whole name."""
    service = ElastiCache((NAME, "available", 3), is_serverless=True)
    here, there = Storage(exports=[], near=[]), Storage(far=[])
    assert 3 == _run(service, here, there, serverless=True)
    assert [{"ServerlessCacheSnapshotName": NAME, "S3BucketName": "exports"}] == service.exported

    files = {f"{NAME}-0001.rdb", f"{NAME}-0002.rdb"}
    here.buckets |= {"exports": files, "near": {f"{NAME}-0001.rdb"}}
    assert 0 == _run(service, here, there, serverless=True)
    assert files == here.buckets["near"] == there.buckets["far"]


def _client(name: str) -> Any:
    session = Session()
    session.set_credentials("none", "none")
    return session.create_client(name, region_name="eu-west-1")


def test_calls_are_as_the_service_takes_them() -> None:
    """Names of parameters and answers are those of the API, for groups."""
    client = _client("elasticache")
    snapshot = {"SnapshotName": NAME, "SnapshotStatus": "available", "NodeSnapshots": [{"SnapshotCreateTime": NOW}]}
    with Stubber(client) as stub:
        request = {"ReplicationGroupId": "orders", "SnapshotSource": "system"}
        stub.add_response("describe_snapshots", {"Snapshots": [snapshot]}, request)
        export = {
            "SourceSnapshotName": NAME,
            "TargetSnapshotName": "orders-2026-11-28-02-00",
            "TargetBucket": "exports",
        }
        stub.add_response("copy_snapshot", {}, export)
        cache = Cache(client, group="orders", serverless=None)
        newest = cache.newest()
        assert newest is not None
        cache.export(newest, "exports")
        stub.assert_no_pending_responses()
    assert (NAME, NOW, True, 1) == (newest.name, newest.made, newest.is_available, newest.files)


def test_serverless_calls_are_as_the_service_takes_them() -> None:
    """Names of parameters and answers are those of the API, for serverless caches."""
    client = _client("elasticache")
    snapshot = {"ServerlessCacheSnapshotName": NAME, "Status": "AVAILABLE", "CreateTime": NOW}
    with Stubber(client) as stub:
        request = {"ServerlessCacheName": "orders", "SnapshotType": "automated"}
        stub.add_response("describe_serverless_cache_snapshots", {"ServerlessCacheSnapshots": [snapshot]}, request)
        export = {"ServerlessCacheSnapshotName": NAME, "S3BucketName": "exports"}
        stub.add_response("export_serverless_cache_snapshot", {}, export)
        cache = Cache(client, group=None, serverless="orders")
        newest = cache.newest()
        assert newest is not None
        cache.export(newest, "exports")
        stub.assert_no_pending_responses()
    assert newest.is_available


# The constructs


def _topic(bench: Bench) -> AlarmTopic:
    return AlarmTopic(bench.stack, "Alarms", key=EncryptionKey(bench.stack, "AlarmKey", description="Alarms"))


def _vault(bench: Bench, construct_id: str = "Vault", name: str = "orders-snapshots") -> SnapshotVault:
    return SnapshotVault(bench.stack, construct_id, name=name)


def test_vault_keeps_and_encrypts(bench: Bench) -> None:
    """Its own key, versions, a retention, nothing public; deleted with no stack."""
    SnapshotVault(bench.stack, "Vault", name="orders-snapshots", retention_days=90)
    bucket = bench.only("S3::Bucket")
    (key,) = bench.resources("KMS::Key")
    properties = bucket["Properties"]

    (rule,) = properties["LifecycleConfiguration"]["Rules"]
    assert (90, 7) == (rule["ExpirationInDays"], rule["NoncurrentVersionExpiration"]["NoncurrentDays"])
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    used = encryption["ServerSideEncryptionByDefault"]
    assert ("aws:kms", {"Fn::GetAtt": [key, "Arn"]}) == (used["SSEAlgorithm"], used["KMSMasterKeyID"])
    assert {True} == set(properties["PublicAccessBlockConfiguration"].values())
    assert "Enabled" == properties["VersioningConfiguration"]["Status"]
    assert ("RetainExceptOnCreate", "Retain") == (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"])


def test_elasticache_writes_to_the_bucket_of_exports_alone(bench: Bench) -> None:
    """The service of the stack's own Region, with the actions of AWS's page."""
    SnapshotCopies(
        bench.stack, "Copies", cache=replication_group(bench), vaults=[_vault(bench)], alarm_topic=_topic(bench)
    )
    statements = [
        (each["Properties"]["Bucket"]["Ref"], statement)
        for each in bench.resources("S3::BucketPolicy").values()
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    ((bucket, statement),) = statements
    principal = {"Fn::Join": ["", [{"Ref": "AWS::Region"}, ".elasticache-snapshot.amazonaws.com"]]}
    assert (True, {"Service": principal}) == ("Exports" in bucket, statement["Principal"])
    assert {
        "s3:GetBucketAcl",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    } == set(statement["Action"])


def _serverless(bench: Bench, engine: ServerlessEngine) -> ServerlessCache:
    limits = ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=1000)
    return ServerlessCache(bench.stack, "Cache", vpc=bench.vpc, engine=engine, limits=limits, alarms=NO_ALARMS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda bench: SnapshotVault(bench.stack, "V", name="Orders_Snapshots"),
            "SnapshotVault(name='Orders_Snapshots'): a bucket's name has 3 to 63 lower-case letters, digits and",
            id="a name of a bucket",
        ),
        pytest.param(
            lambda bench: SnapshotVault(bench.stack, "V", name="orders", retention_days=0),
            "SnapshotVault(retention_days=0): copies are kept 1 to 36500 days. Use retention_days=35",
            id="a retention",
        ),
        pytest.param(
            lambda bench: SnapshotCopies(
                bench.stack, "C", cache=replication_group(bench), vaults=[], alarm_topic=_topic(bench)
            ),
            "SnapshotCopies without a vault: copies are kept in one vault or more. Give it vaults=[SnapshotVault(...)]",
            id="no vault",
        ),
        pytest.param(
            lambda bench: SnapshotCopies(
                bench.stack,
                "C",
                cache=replication_group(bench),
                vaults=[SnapshotVault(cdk.Stack(app_of(bench), "Far"), "V", name="orders")],
                alarm_topic=_topic(bench),
            ),
            "SnapshotCopies(vaults=...) with Far/V, whose Region is not known: the Region of a vault in another stack "
            "is known at synth. Give the vault's stack an env with its region.",
            id="an unknown Region",
        ),
        pytest.param(
            lambda bench: SnapshotCopies(
                bench.stack,
                "C",
                cache=replication_group(bench),
                vaults=[_vault(bench), _vault(bench, "Again")],
                alarm_topic=_topic(bench),
            ),
            "SnapshotCopies(vaults=...) with ['orders-snapshots', 'orders-snapshots']: each vault is named once.",
            id="a vault twice",
        ),
        pytest.param(
            lambda bench: SnapshotCopies(
                bench.stack,
                "C",
                cache=_serverless(bench, ServerlessEngine.MEMCACHED_1_6),
                vaults=[_vault(bench)],
                alarm_topic=_topic(bench),
            ),
            "SnapshotCopies(cache=...) of Memcached: snapshots of Valkey and Redis OSS are exported. Leave it out.",
            id="Memcached",
        ),
        pytest.param(
            lambda bench: SnapshotCopies(
                bench.stack,
                "C",
                cache=replication_group(bench, node_type=NodeType("cache.r6gd.xlarge")),
                vaults=[_vault(bench)],
                alarm_topic=_topic(bench),
            ),
            "SnapshotCopies(cache=...) of a group of cache.r6gd.xlarge: snapshots of node types with data tiering are "
            "not exported.",
            id="data tiering",
        ),
    ],
)
def test_what_cannot_be_copied_is_refused(bench: Bench, make: Callable[[Bench], object], message: str) -> None:
    """Each refusal says what is allowed."""
    with pytest.raises(ConfigurationError) as refused:
        make(bench)
    assert message in str(refused.value)
