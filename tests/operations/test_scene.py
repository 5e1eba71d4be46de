"""What the scene of AWS reads from metrics, events and snapshots, in place of nodes that it cannot reach."""

from __future__ import annotations

import os
import signal
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from elasticache_rules.terminal import Interrupted
from operations import preconditions
from operations.interruptions import interruptions
from operations.item_counts import ItemCounts
from operations.scene import AwsScene
from operations.target import RefusedError
from rehearsal.drills import restore
from rehearsal.drills.stage import Function, Group, Rotated


def ago(**time: float) -> datetime:
    """A moment before now, whenever the test runs."""
    return datetime.now(UTC) - timedelta(**time)


GROUP = Group("orders", "Redis", None, "default")


class Account:
    """The answers of the services about a group with two shards in cluster mode.

    Attributes:
        datapoints: Minimum and maximum by metric, node and time.
        events: The events of the group.
        snapshots: The snapshots of the group.
    """

    region = "eu-west-1"

    def __init__(self) -> None:
        self.datapoints: dict[tuple[str, str], list[tuple[datetime, float, float]]] = {}
        self.events: list[dict[str, Any]] = []
        self.snapshots: list[dict[str, Any]] = []

    def client(self, _service: str) -> Account:
        """All services."""
        return self

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        """The datapoints in the time that was asked for."""
        points = self.datapoints.get((asked["MetricName"], asked["Dimensions"][0]["Value"]), [])
        return {
            "Datapoints": [
                {"Timestamp": when, "Minimum": low, "Maximum": high}
                for when, low, high in points
                if asked["StartTime"] <= when <= asked["EndTime"]
            ]
        }

    def read_now(self, _service: str, operation: str, **_asked: Any) -> dict[str, Any]:
        """All events."""
        assert operation == "describe_events"
        return {"Events": self.events}

    def describe_snapshots(self, SnapshotName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        """One snapshot."""
        return {"Snapshots": [item for item in self.snapshots if item["SnapshotName"] == SnapshotName]}

    def get_paginator(self, _operation: str) -> Account:
        """A paginator of snapshots."""
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        """The automatic snapshots, in one page."""
        assert asked == {"ReplicationGroupId": "orders", "SnapshotSource": "system"}
        return [{"Snapshots": self.snapshots}]


class Stage:
    """A stage with that group."""

    def __init__(self) -> None:
        self.account = Account()

    def describe(self, name: str) -> dict[str, Any]:
        """The group, or one that is restored from it."""
        shards = [
            {
                "NodeGroupId": f"000{shard}",
                "NodeGroupMembers": [{"CacheClusterId": f"{name}-{shard}-{node}"} for node in "ab"],
            }
            for shard in (1, 2)
        ]
        members = [member["CacheClusterId"] for shard in shards for member in shard["NodeGroupMembers"]]  # type: ignore[index]
        if name != "orders":
            members = [f"{name}-1-a", f"{name}-2-a"]
        return {"NodeGroups": shards, "MemberClusters": members, "ClusterEnabled": True, "Status": "available"}


def scene() -> AwsScene:
    """A scene on that stage that waits for nothing."""
    stage: Any = Stage()
    return AwsScene("restore", stage, lambda _text: None)


def account(made: AwsScene) -> Account:
    """The account of a scene."""
    found: Any = made.stage
    account: Account = found.account
    return account


def promotion(old: str, new: str, *, when: datetime) -> dict[str, Any]:
    """The event of a failover."""
    return {"Date": when, "Message": f"Failover from primary node {old} to replica node {new} completed"}


def test_primaries_are_those_of_the_metric_and_of_events_since() -> None:
    """The newest value counts; an event of the drill is newer than any metric, one from before it is not."""
    made = scene()
    facts = account(made)
    for node, values in {
        "orders-1-a": (0, 1),
        "orders-1-b": (1, 0),
        "orders-2-a": (1, 1),
        "orders-2-b": (0, 0),
    }.items():
        facts.datapoints["IsMaster", node] = [
            (ago(minutes=5 - number), value, value) for number, value in enumerate(values)
        ]
    facts.events = [promotion("orders-2-a", "orders-2-b", when=made.began - timedelta(hours=1))]
    assert made.primaries(GROUP) == {"orders-1-a", "orders-2-a"}
    facts.events.append(promotion("orders-1-a", "orders-1-b", when=made.began + timedelta(seconds=1)))
    assert made.primaries(GROUP) == {"orders-1-b", "orders-2-a"}


def test_the_newest_automatic_snapshot_that_is_available_is_restored() -> None:
    """It is not deleted afterwards, and a newer one that is not available does not count."""
    made = scene()
    for name, hours, status in (("old", 48, "available"), ("new", 24, "available"), ("failed", 1, "failed")):
        node = {"SnapshotCreateTime": ago(hours=hours)}
        account(made).snapshots.append({"SnapshotName": name, "SnapshotStatus": status, "NodeSnapshots": [node]})
    with made.snapshot(GROUP, "drill-0123ab") as name:
        assert name == "new"
    assert made.left == []


def counted(restored: tuple[float, float] | None, *, volatile: float = 10) -> AwsScene:
    """A scene that has compared a restored group with a snapshot of 100 to 120 items, some with a time to live."""
    made = scene()
    facts = account(made)
    made_at = ago(hours=2)
    nodes = [{"CacheClusterId": f"orders-{shard}-b", "SnapshotCreateTime": made_at} for shard in (1, 2)]
    facts.snapshots = [{"SnapshotName": "s", "NodeSnapshots": nodes}]
    for shard in (1, 2):
        facts.datapoints["CurrItems", f"orders-{shard}-b"] = [(made_at, 50, 60), (made_at + timedelta(hours=1), 7, 7)]
        facts.datapoints["CurrVolatileItems", f"orders-{shard}-b"] = [(made_at, 0, volatile / 2)]
    contents = ItemCounts(made, GROUP, late_seconds=0.01)
    contents.snapshot_made("s")
    if restored is not None:
        for shard, items in enumerate(restored, 1):
            facts.datapoints["CurrItems", f"drill-a-{shard}-a"] = [(ago(minutes=-1), items, items)]
    contents.expect_in("drill-a", "the snapshot")
    return made


@pytest.mark.parametrize(
    ("restored", "ok"), [((45, 45), True), ((60, 60), True), ((45, 44), False), ((61, 60), False), ((0, 0), False)]
)
def test_items_are_counted_between_those_without_a_time_to_live_and_all(
    restored: tuple[float, float],
    ok: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """100 to 120 items were there and at most 10 could expire: 90 to 120 are right, on both shards together."""
    made = counted(restored)
    [available, items] = made.checks
    assert (available.ok, items.ok) == (True, ok)
    assert items.property == "items that the snapshot has brought back: from 90 to 120"
    assert made.measured["items that the snapshot has brought back"] == sum(restored)


def test_what_cloudwatch_has_not_counted_is_not_tried() -> None:
    """It is no failed check, and no passed one."""
    made = counted(None)
    assert ["a group from the snapshot"] == [check.property for check in made.checks]
    assert any(line.startswith("items of drill-a: CloudWatch has not counted them") for line in made.not_tried)
    assert any(line.startswith("values of restored items: the nodes are in a VPC") for line in made.not_tried)


def test_a_snapshot_of_which_nothing_is_known_is_not_compared() -> None:
    """A group that CloudWatch has never counted: the drill does not wait for it."""
    made = scene()
    account(made).snapshots = [{"SnapshotName": "s", "NodeSnapshots": [{"SnapshotCreateTime": ago(hours=2)}]}]
    contents = ItemCounts(made, GROUP)
    contents.snapshot_made("s")
    contents.expect_in("drill-a", "the snapshot")
    assert ["a group from the snapshot"] == [check.property for check in made.checks]
    assert any("CloudWatch has not counted them lately" in line for line in made.not_tried)


def test_a_deletion_that_fails_does_not_keep_the_others_from_it() -> None:
    """What is left is noted with its command; the drill's own error is not lost."""
    made = scene()
    undone = []

    def fail() -> None:
        raise OSError("throttled")

    def drill() -> None:
        with (
            made.made("the snapshot s", lambda: undone.append("s"), "delete s"),
            made.made("the group g", fail, "delete g"),
        ):
            raise KeyError("the drill's own")

    with pytest.raises(KeyError, match="the drill's own"):
        drill()
    assert undone == ["s"]
    assert [(left.what, left.command, left.reason) for left in made.left] == [("the group g", "delete g", "throttled")]


class Caches(Account):
    """ElastiCache in which a user interrupts the creation of a group.

    Attributes:
        groups: The groups that exist.
    """

    class ReplicationGroupNotFoundFault(Exception):  # noqa: N818 - AWS's name
        """There is no such group."""

    def __init__(self) -> None:
        super().__init__()
        self.exceptions = self
        self.groups: set[str] = set()
        self.late: set[str] = set()

    def create_replication_group(self, **asked: Any) -> None:
        """The signal comes after the request has left and before its answer is there.

        If the client gives up then, the service makes the group nevertheless, a little later.
        """
        name = asked["ReplicationGroupId"]
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0)  # Python handles signals between two instructions
        except BaseException:
            self.late.add(name)
            raise
        self.groups.add(name)

    def describe_replication_groups(self, ReplicationGroupId: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        """A group that exists is available."""
        if ReplicationGroupId not in self.groups:
            self.groups |= self.late
            raise self.ReplicationGroupNotFoundFault
        return {"ReplicationGroups": [{"Status": "available"}]}

    def delete_replication_group(self, ReplicationGroupId: str) -> None:  # noqa: N803 - AWS's name
        """At once."""
        self.groups.remove(ReplicationGroupId)


def test_a_signal_waits_until_it_is_known_what_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of the request that makes a group it would leave a group that the drill does not know of."""
    made = scene()
    stage: Any = made.stage
    stage.account = caches = Caches()
    monkeypatch.setattr(restore, "_like", lambda _scene, _group: {})

    def drill() -> None:
        with restore._group_from(made, GROUP, "drill-0123ab-a", "snapshot"):
            pytest.fail("it goes on")

    with interruptions.installed(), pytest.raises(Interrupted, match="SIGINT"):
        drill()
    assert caches.groups == set()
    assert made.left == []


def test_a_group_that_is_being_made_is_deleted_when_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service refuses to delete it before."""
    statuses = iter(["creating", "modifying", "available", "available", "deleting"])
    deleted = []

    class Slow(Caches):
        """A service that takes its time."""

        def describe_replication_groups(self, ReplicationGroupId: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
            """The next status, and then no group."""
            if (status := next(statuses, None)) is None:
                raise self.ReplicationGroupNotFoundFault
            return {"ReplicationGroups": [{"ReplicationGroupId": ReplicationGroupId, "Status": status}]}

        def delete_replication_group(self, ReplicationGroupId: str) -> None:  # noqa: N803 - AWS's name
            """Note after which status it came."""
            deleted.append((ReplicationGroupId, list(statuses)))

    made = scene()
    stage: Any = made.stage
    stage.account = Slow()
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    restore._delete(made, "drill-0123ab-a")
    assert deleted == [("drill-0123ab-a", ["deleting"])]


@pytest.mark.parametrize(("minutes", "refused"), [(1, True), (119, True), (121, False)])
def test_a_rotation_in_the_grace_time_of_the_last_one_is_refused(
    minutes: int,
    refused: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """The user has both passwords for an hour of grace, and for up to an hour until the schedule runs."""
    rotated_at = ago(minutes=minutes)

    class Secrets(Account):
        """Secrets Manager with one secret."""

        def describe_secret(self, **_asked: Any) -> dict[str, Any]:
            """A secret that was rotated."""
            return {"VersionIdsToStages": {"v": ["AWSCURRENT"]}, "LastRotatedDate": rotated_at}

    function = Function("rotates", "h", "r", {"GRACE_SECONDS": "3600"}, (), "/log")
    target: Any = SimpleNamespace(deployed=SimpleNamespace(account=Secrets()))
    secrets = [Rotated("arn:secret", "Secret", "default", "orders", function)]
    expected = pytest.raises(RefusedError, match="a user has two passwords at most") if refused else nullcontext()
    with expected:
        preconditions.require_no_rotation(target, secrets)
