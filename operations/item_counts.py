"""Contents of a group as CloudWatch counts them, for a laptop that cannot read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rehearsal.drills.scene import TimedOutError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Group

NAMESPACE = "AWS/ElastiCache"
ITEMS, WITH_TTL = "CurrItems", "CurrVolatileItems"
MINUTE = 60
AROUND = timedelta(minutes=2)  # the service counts each minute, and a snapshot takes a while
SETTLING = timedelta(minutes=15)  # after which CloudWatch has what it will have
LATELY = timedelta(hours=3)
LATE_SECONDS = 900.0
Counts = tuple[int, int]


class ItemCounts:
    """How many items a group had when a snapshot was made, from the metrics `CurrItems` and `CurrVolatileItems`.

    Items with a time to live may expire before they are counted in the restored group, so it must have at least those
    without, and at most all. What the items are is not compared.

    Args:
        scene: What the drill acts with.
        group: The group.
        late_seconds: How long to wait for CloudWatch.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
    """

    def __init__(self, scene: Scene, group: Group, late_seconds: float = LATE_SECONDS) -> None:
        self._scene, self._group, self._late_seconds = scene, group, late_seconds
        self._expected: Counts | None = None
        scene.leave_out("values of restored items: the nodes are in a VPC, so that items were counted and not read")

    def snapshot_made(self, snapshot: str) -> None:
        """Count what the group had at the time of the snapshot."""
        described = self._scene.client("elasticache").describe_snapshots(SnapshotName=snapshot)["Snapshots"][0]
        nodes = described["NodeSnapshots"]
        times = [node["SnapshotCreateTime"] for node in nodes if node.get("SnapshotCreateTime")]
        if not times:
            self._scene.leave_out(f"items of {snapshot}: it has no time")
            return
        age = datetime.now(UTC) - min(times)
        self._scene.measure(f"hours since {snapshot} was made", age.total_seconds() / 3600)
        clusters = self._clusters(nodes)
        now = datetime.now(UTC)
        if not all(self._datapoints(ITEMS, cluster, now - LATELY, now) for cluster in clusters):
            self._scene.leave_out(f"items of {self._group.name}: CloudWatch has not counted them lately")
            return
        window = (min(times) - AROUND, max(times) + AROUND)
        items, volatile = self._counted(ITEMS, clusters, *window), self._counted(WITH_TTL, clusters, *window)
        if items is None or volatile is None:
            self._scene.leave_out(f"items of {snapshot}: CloudWatch has not counted them at its time")
            return
        self._expected = (max(items[0] - volatile[1], 0), items[1])

    def _clusters(self, nodes: Sequence[Mapping[str, Any]]) -> list[str]:
        """The nodes that the snapshot was made of; a node of each shard if it does not tell."""
        named = [node["CacheClusterId"] for node in nodes if node.get("CacheClusterId")]
        shards = self._scene.stage.describe(self._group.name)["NodeGroups"]
        return named if len(named) == len(nodes) else [s["NodeGroupMembers"][0]["CacheClusterId"] for s in shards]

    def expect_in(self, name: str, what: str) -> None:
        """Compare the number of items of a restored group."""
        described = self._scene.stage.describe(name)
        self._scene.expect(f"a group from {what}", "available", described["Status"], of=self._group.resource)
        if self._expected is None:
            return
        now = datetime.now(UTC)
        found = self._counted(ITEMS, described["MemberClusters"], now - AROUND, now + SETTLING)
        if found is None:
            self._scene.leave_out(f"items of {name}: CloudWatch has not counted them within {self._late_seconds:.0f} s")
            return
        low, high = self._expected
        self._scene.measure(f"items that {what} has brought back", found[1])
        read = "as many" if low <= found[1] <= high else str(found[1])
        self._scene.expect(
            f"items that {what} has brought back: from {low} to {high}", "as many", read, of=self._group.resource
        )

    def _counted(self, metric: str, clusters: Sequence[str], start: datetime, end: datetime) -> Counts | None:
        """The sum over the nodes of their minimum, and of their maximum; None if a node is not counted in time."""
        overdue = start + SETTLING < datetime.now(UTC)

        def count() -> list[Counts] | None:
            found = [self._datapoints(metric, cluster, start, end) for cluster in clusters]
            return [item for item in found if item is not None] if all(found) else None

        try:
            counts = count() if overdue else self._scene.until(count, f"CloudWatch counts {metric}", self._late_seconds)
        except TimedOutError:
            counts = None
        return (sum(low for low, _high in counts), sum(high for _low, high in counts)) if counts else None

    def _datapoints(self, metric: str, cluster: str, start: datetime, end: datetime) -> Counts | None:
        answer: dict[str, Any] = self._scene.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": "CacheClusterId", "Value": cluster}],
            StartTime=start,
            EndTime=end,
            Period=MINUTE,
            Statistics=["Minimum", "Maximum"],
        )
        points = answer["Datapoints"]
        if not points:
            return None
        return int(min(point["Minimum"] for point in points)), int(max(point["Maximum"] for point in points))
