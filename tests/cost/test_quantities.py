"""How much of a template is charged: nodes, scaling, serverless caches, backups, support, and what is around caches."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cost.estimate import estimate
from cost.items import Charge
from cost.stacks import Stacks
from tests.cost.offers import RATES, REGION, everything
from tests.cost.templates import TODAY, Resource, estimated, group, lines, resource

if TYPE_CHECKING:
    from cost.estimate import Line

VALKEY = Decimal(RATES["Valkey"])
NODES_OPEN = "price unknown: the template leaves the number of nodes open"


def _units(line: Line) -> Decimal:
    assert line.item.units is not None
    return line.item.units


@pytest.mark.parametrize(
    ("properties", "nodes"),
    [
        ({}, 1),
        ({"NumCacheClusters": 3}, 3),
        ({"NumCacheClusters": "3"}, 3),
        ({"NumNodeGroups": 2, "ReplicasPerNodeGroup": 1}, 4),
        ({"NumNodeGroups": 2, "ReplicasPerNodeGroup": 0}, 2),
        ({"NodeGroupConfiguration": [{"ReplicaCount": 2}, {"ReplicaCount": 0}]}, 4),
        ({"NodeGroupConfiguration": [{"ReplicaCount": 2}, {}], "ReplicasPerNodeGroup": 1}, 5),
        ({"NumNodeGroups": 2}, None),
        ({"ClusterMode": "enabled"}, None),
        ({"NumCacheClusters": {"Ref": "Nodes"}}, None),
        ({"NodeGroupConfiguration": [{"ReplicaCount": {"Ref": "Replicas"}}]}, None),
        ({"NumNodeGroups": {"Ref": "Shards"}, "ReplicasPerNodeGroup": 1}, None),
    ],
)
def test_nodes_of_a_replication_group(properties: dict[str, Any], nodes: int | None) -> None:
    """Shards times replicas and one; what a parameter decides has no price."""
    line = lines(group(**properties))["nodes"]

    assert line.amount == (None if nodes is None else nodes * 730 * VALKEY)
    assert line.problem == ("" if nodes else NODES_OPEN)


@given(shards=st.integers(1, 250), replicas=st.integers(0, 4), more=st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_more_replicas_cost_their_rate(shards: int, replicas: int, more: int) -> None:
    """A change of n replicas changes the sum by n times the rate, and nothing else."""
    few, many = (
        estimated({"Cache": group(NumNodeGroups=shards, ReplicasPerNodeGroup=each, SnapshotRetentionLimit=7)}).totals
        for each in (replicas, replicas + more)
    )

    assert many.fixed - few.fixed == shards * more * 730 * VALKEY
    assert many.up_to == few.up_to


@pytest.mark.parametrize(("engine", "rate"), [("redis", "Redis"), ("valkey", "Valkey")])
def test_the_engine_decides_the_price(engine: str, rate: str) -> None:
    """Of the same node type."""
    line = lines(group(Engine=engine, EngineVersion="7.1" if engine == "redis" else "8.2"))["nodes"]

    assert line.amount == 730 * Decimal(RATES[rate])


def test_memcached() -> None:
    """Nodes, and no backups."""
    cluster = resource(
        "ElastiCache::CacheCluster", Engine="memcached", EngineVersion="1.6.22", CacheNodeType="cache.t4g.small",
        NumCacheNodes=3,
    )  # fmt: skip

    (line,) = lines(cluster).values()

    assert line.amount == 3 * 730 * Decimal(RATES["Memcached"])


def test_durability_is_a_charge_next_to_the_nodes() -> None:
    """And only if it is synchronous."""
    found = lines(group(Durability="sync", NumNodeGroups=2, ReplicasPerNodeGroup=1))
    assert found["durability"].amount == 4 * 730 * Decimal("0.0350")
    assert found["nodes"].amount == 4 * 730 * VALKEY

    assert "durability" not in lines(group(Durability="async"))


def _target(dimension: str, *limits: Any, identity: Any = None) -> Resource:
    kind = "cache-cluster" if dimension.startswith("cache-cluster") else "replication-group"
    return resource(
        "ApplicationAutoScaling::ScalableTarget",
        ServiceNamespace="elasticache",
        ScalableDimension=f"elasticache:{dimension}",
        ResourceId=identity or {"Fn::Join": ["", [f"{kind}/", {"Ref": "One"}]]},
        MinCapacity=limits[0],
        MaxCapacity=limits[1],
    )


def test_scaling_has_a_minimum_and_a_maximum() -> None:
    """The minimum is fixed, the rest is at most; the target's numbers stand for those of the template."""
    found = lines(
        group(ReplicasPerNodeGroup=1, NumNodeGroups=9, SnapshotRetentionLimit=2),
        Shards=_target("replication-group:NodeGroups", 2, 5),
    )

    assert _units(found["nodes"]) == 2 * 2 * 730
    assert found["nodes"].item.charge is Charge.FIXED
    assert _units(found["nodes added by scaling"]) == 3 * 2 * 730
    assert found["nodes added by scaling"].item.charge is Charge.UP_TO
    assert _units(found["backups"]) == 5 * Decimal("13.07")


def test_scaling_of_shards_and_replicas_multiplies() -> None:
    """Three shards of two to five nodes each, up to ten shards."""
    found = lines(
        group(),
        Shards=_target("replication-group:NodeGroups", 3, 10),
        Replicas=_target("replication-group:Replicas", 1, 4),
    )

    assert _units(found["nodes"]) == 3 * 2 * 730
    assert _units(found["nodes added by scaling"]) == (10 * 5 - 3 * 2) * 730


@pytest.mark.parametrize(
    "identity",
    [
        {"Fn::Sub": "replication-group/${One}"},
        {"Fn::Join": ["/", ["replication-group", {"Ref": "One"}]]},
        "replication-group/shop",
    ],
)
def test_a_target_names_its_cache_in_several_ways(identity: Any) -> None:
    """By reference or by id."""
    found = lines(
        group(ReplicationGroupId="shop", NumCacheClusters=1),
        Replicas=_target("replication-group:Replicas", 2, 5, identity=identity),
        Other=_target("replication-group:Replicas", 4, 5, identity="replication-group/another"),
    )

    assert _units(found["nodes"]) == 3 * 730


def test_a_target_in_another_stack_names_its_cache_by_an_import() -> None:
    """The number is the target's, wherever it stands."""
    exported = {"Value": {"Ref": "One"}, "Export": {"Name": "prod-cache:One"}}
    identity = {"Fn::Join": ["", ["replication-group/", {"Fn::ImportValue": "prod-cache:One"}]]}
    target = _target("replication-group:Replicas", 2, 5, identity=identity)
    stacks = Stacks(
        {
            "prod-cache": {"Resources": {"One": group()}, "Outputs": {"One": exported}},
            "prod-scaling": {"Resources": {"Two": target}},
        },
        REGION,
    )

    found = {line.item.part: line for line in estimate(stacks, everything(), "USD", TODAY).lines}

    assert _units(found["nodes"]) == 3 * 730
    assert _units(found["nodes added by scaling"]) == 3 * 730


def test_what_scaling_leaves_open_has_no_price() -> None:
    """A shard without a number of replicas, and a maximum that a parameter decides."""
    assert lines(group(), Shards=_target("replication-group:NodeGroups", 2, 5))["nodes"].problem == NODES_OPEN

    found = lines(group(), Replicas=_target("replication-group:Replicas", 1, {"Ref": "Most"}))
    assert _units(found["nodes"]) == 2 * 730
    assert found["nodes added by scaling"].problem == "price unknown: the template leaves the maximum of nodes open"


def test_memcached_nodes_scale() -> None:
    """By their own dimension."""
    cluster = resource(
        "ElastiCache::CacheCluster", Engine="memcached", CacheNodeType="cache.r7g.large", NumCacheNodes=2
    )
    found = lines(cluster, Nodes=_target("cache-cluster:Nodes", 3, 8))

    assert _units(found["nodes"]) == 3 * 730
    assert _units(found["nodes added by scaling"]) == 5 * 730


@pytest.mark.parametrize(
    ("engine", "limits", "stored", "more", "units"),
    [
        ("valkey", {}, "0.1", None, None),
        ("redis", {}, "1", None, None),
        ("memcached", {"DataStorage": {"Maximum": 10, "Unit": "GB"}}, "1", "9", None),
        ("valkey", {"DataStorage": {"Minimum": 2, "Maximum": 10}, "ECPUPerSecond": {"Maximum": 1000}}, "2", "8", 1000),
        ("valkey", {"ECPUPerSecond": {"Minimum": 1000, "Maximum": 5000}}, "0.1", None, 4000),
    ],
)
def test_serverless_has_a_minimum_and_a_limit(
    engine: str, limits: dict[str, Any], stored: str, more: str | None, units: int | None
) -> None:
    """At least 100 MB of Valkey and 1 GB of others are metered; the limit is on top; without one use decides."""
    found = lines(resource("ElastiCache::ServerlessCache", Engine=engine, CacheUsageLimits=limits))

    assert _units(found["stored data"]) == Decimal(stored) * 730
    assert found["stored data"].item.charge is Charge.FIXED
    for part, expected in (
        ("stored data above the minimum", None if more is None else Decimal(more) * 730),
        ("processing units above the minimum", None if units is None else units * 3600 * 730),
    ):
        assert found[part].item.charge is (Charge.BY_USE if expected is None else Charge.UP_TO)
        assert found[part].item.units == expected
        assert found[part].rate is not None
        assert found[part].problem == ""
    minimum = limits.get("ECPUPerSecond", {}).get("Minimum")
    assert ("processing units" in found) == (minimum is not None)
    if minimum:
        assert found["processing units"].amount == minimum * 3600 * 730 * Decimal("0.0000000025")


def test_serverless_backups_are_at_most_the_limit() -> None:
    """With their own row of the list."""
    limits = {"DataStorage": {"Maximum": 10, "Unit": "GB"}}
    cache = resource("ElastiCache::ServerlessCache", Engine="redis", CacheUsageLimits=limits, SnapshotRetentionLimit=8)

    line = lines(cache)["backups"]

    assert (line.item.charge, line.amount) == (Charge.UP_TO, 7 * 10 * Decimal("0.085"))


@pytest.mark.parametrize(
    ("properties", "gib"),
    [
        ({"SnapshotRetentionLimit": 35, "NumNodeGroups": 2, "ReplicasPerNodeGroup": 1}, 34 * 2 * Decimal("13.07")),
        ({"SnapshotRetentionLimit": 1}, Decimal(0)),
        ({"SnapshotRetentionLimit": 0}, None),
        ({}, None),
    ],
)
def test_backups_are_at_most_the_memory_of_each_shard(properties: dict[str, Any], gib: Decimal | None) -> None:
    """Of the shards and not of the nodes, in all copies but the free one."""
    line = lines(group(**properties)).get("backups")

    assert (line and line.item.units) == gib
    if line is not None:
        assert line.item.charge is Charge.UP_TO


def test_backups_of_data_tiering_have_no_limit() -> None:
    """How much its SSD holds is not in the facts."""
    line = lines(group(CacheNodeType="cache.r6gd.xlarge", SnapshotRetentionLimit=7))["backups"]

    assert line.item.charge is Charge.BY_USE


_FIRST, _THIRD, _BEGUN = ("later", "2027-02-01"), ("later", "2029-02-01"), ("fixed", None)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        ("2026-11-28", {"ExtendedSupportYr1_Yr2-": _FIRST, "ExtendedSupportYr3-": _THIRD}),
        ("2027-01-31", {"ExtendedSupportYr1_Yr2-": _FIRST, "ExtendedSupportYr3-": _THIRD}),
        ("2027-02-01", {"ExtendedSupportYr1_Yr2-": _BEGUN, "ExtendedSupportYr3-": _THIRD}),
        ("2029-01-31", {"ExtendedSupportYr1_Yr2-": _BEGUN, "ExtendedSupportYr3-": _THIRD}),
        ("2029-02-01", {"ExtendedSupportYr3-": _BEGUN}),
        ("2030-01-31", {"ExtendedSupportYr3-": _BEGUN}),
        ("2030-02-01", {}),
    ],
)
def test_extended_support_begins_on_its_day(today: str, expected: dict[str, tuple[str, str | None]]) -> None:
    """Redis OSS 6: standard support ends on 2027-01-31, extended support on 2030-01-31."""
    day = dt.date.fromisoformat(today)
    found = lines(group(Engine="redis", EngineVersion="6.2", NumCacheClusters=2), day)
    support = {part.removeprefix("extended support "): line for part, line in found.items() if "support" in part}

    assert {
        part: (line.item.charge.value, line.item.begins and line.item.begins.isoformat())
        for part, line in support.items()
    } == expected
    prices = {"ExtendedSupportYr1_Yr2-": Decimal("0.1944"), "ExtendedSupportYr3-": Decimal("0.3888")}
    assert {part: line.amount for part, line in support.items()} == {
        part: 2 * 730 * price for part, price in prices.items() if part in expected
    }


def test_extended_support_is_in_no_sum_before_it_begins() -> None:
    """Then it is fixed."""
    old = {"One": group(Engine="redis", EngineVersion="6.2")}
    nodes = 730 * Decimal(RATES["Redis"])

    assert estimated(old).totals.fixed == nodes
    assert estimated(old, today=dt.date(2027, 2, 1)).totals.fixed == nodes + 730 * Decimal("0.1944")
    assert not any("support" in part for part in lines(group(Engine="valkey")))


_METRIC = {"MetricStat": {"Metric": {"MetricName": "EngineCPUUtilization"}, "Period": 60, "Stat": "Maximum"}}


@pytest.mark.parametrize(
    ("properties", "amount"),
    [
        ({"MetricName": "Errors", "Period": 300}, "0.10"),
        ({"MetricName": "Errors", "Period": 10}, "0.30"),
        ({"Metrics": [{"Expression": "MAX(METRICS())"}, *[_METRIC] * 10]}, "1.00"),
        ({"Metrics": [{"Expression": "ANOMALY_DETECTION_BAND(m1, 2)"}, _METRIC], "ThresholdMetricId": "e1"}, "0.30"),
    ],
)
def test_an_alarm_costs_by_its_metrics(properties: dict[str, Any], amount: str) -> None:
    """A metric math alarm over ten nodes costs ten times one."""
    assert lines(resource("CloudWatch::Alarm", **properties))["alarm"].amount == Decimal(amount)


@pytest.mark.parametrize(
    ("properties", "rate"),
    [
        ({"EvaluationCriteria": {"PromQLCriteria": {"Query": "valkey > 1"}}, "EvaluationInterval": 60}, "0.12"),
        ({"Metrics": [{"Expression": 'SELECT MAX(CPUUtilization) FROM "AWS/ElastiCache"'}]}, "0.11"),
    ],
)
def test_an_alarm_on_a_query_costs_by_what_it_matches(properties: dict[str, Any], rate: str) -> None:
    """So there is a rate and no amount."""
    line = lines(resource("CloudWatch::Alarm", **properties))["alarm"]

    assert (line.item.charge, line.amount, line.problem) == (Charge.BY_USE, None, "")
    assert line.rate is not None
    assert line.rate.price == Decimal(rate)


_WIDGET = '{"widgets":[{"properties":{"metrics":[%s],"region":"'


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (
            ",".join(['["AWS/ElastiCache","Evictions"]'] * 50 + ['[{"expression":"m1/m2"}]']),
            "dashboard with 50 metrics",
        ),
        (",".join(['["AWS/ElastiCache","Evictions"]'] * 51), "dashboard with 51 metrics"),
        ('[{"expression":"SEARCH(\'{AWS/ElastiCache}\')"}]', None),
    ],
)
def test_a_dashboard_is_basic_up_to_fifty_metrics(metrics: str, expected: str | None) -> None:
    """Its row belongs to no Region, and one is not taken for the other."""
    body = {"Fn::Join": ["", [_WIDGET % metrics, {"Ref": "AWS::Region"}, '"}}]}']]}
    line = lines(resource("CloudWatch::Dashboard", DashboardBody=body))["dashboard"]

    assert line.amount == (Decimal(3) if expected else None)
    assert expected is None or line.item.text == expected
    usage = line.item.key.usage if line.item.key else ""
    assert usage == {
        None: "", "dashboard with 50 metrics": "DashboardsUsageHour-Basic",
        "dashboard with 51 metrics": "DashboardsUsageHour",
    }[expected]  # fmt: skip


def test_what_no_file_has_is_asked_of_the_api() -> None:
    """Dashboards, and the gateways of Amazon EC2."""
    lists = {code: prices for code, prices in everything().items() if code != "AmazonEC2"}
    watch = lists["AmazonCloudWatch"]
    rows = tuple(row for row in watch.rows if "Dashboards" not in row.usage)
    lists["AmazonCloudWatch"] = replace(watch, rows=rows)
    body = _WIDGET % "" + '"}}]}'

    found = estimated(
        {"One": resource("EC2::NatGateway"), "Two": resource("CloudWatch::Dashboard", DashboardBody=body)}, lists
    )

    assert [line.problem for line in found.lines] == [
        "price unknown: no price list of AmazonEC2 for eu-west-1 is kept; make prices ARGS=--api reads it",
        (
            f"price unknown: AmazonCloudWatch {watch.version} has no row DashboardsUsageHour-Basic; "
            "make prices ARGS=--api reads it"
        ),
    ]


DATABASE = {
    "Engine": "postgres",
    "DBInstanceClass": "db.m7g.large",
    "StorageType": "gp3",
    "AllocatedStorage": "20",
    "MaxAllocatedStorage": 100,
    "MultiAZ": True,
    "ManageMasterUserPassword": True,
}


@pytest.mark.parametrize(
    ("multi_az", "instance", "storage"),
    [(True, "0.3700", "0.2540"), (False, "0.1850", "0.1270"), (None, "0.1850", "0.1270")],
)
def test_a_database(multi_az: bool | None, instance: str, storage: str) -> None:  # noqa: FBT001
    """Instance, storage and what it may grow by, of its deployment; and the secret that it makes."""
    properties = {name: each for name, each in {**DATABASE, "MultiAZ": multi_az}.items() if each is not None}
    found = lines(resource("RDS::DBInstance", **properties))

    assert {part: line.amount for part, line in found.items()} == {
        "instance": 730 * Decimal(instance),
        "storage": 20 * Decimal(storage),
        "storage added": 80 * Decimal(storage),
        "secret": Decimal("0.4"),
    }
    assert found["storage added"].item.charge is Charge.UP_TO


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"Engine": "oracle-ee"}, "instance"),
        ({"StorageType": "io2"}, "storage"),
        ({"Iops": 12000}, "throughput"),
        ({"DBInstanceClass": {"Ref": "Class"}}, "instance"),
        ({"PerformanceInsightsRetentionPeriod": 31}, "insights"),
        ({"DatabaseInsightsMode": "advanced"}, "insights"),
    ],
)
def test_what_of_a_database_has_no_exact_key(changed: dict[str, Any], part: str) -> None:
    """It is said, and not left out."""
    line = lines(resource("RDS::DBInstance", **{**DATABASE, **changed}))[part]

    assert line.problem.startswith("price unknown: ")


@pytest.mark.parametrize(
    ("kind", "properties", "parts"),
    [
        ("SecretsManager::Secret", {}, {"secret": "0.4"}),
        ("SecretsManager::Secret", {"ReplicaRegions": [{"Region": "us-east-1"}]}, {"secret": "0.4", "replicas": None}),
        ("KMS::Key", {}, {"key": "1"}),
        ("KMS::ReplicaKey", {}, {"key": "1"}),
        ("KMS::Key", {"EnableKeyRotation": True}, {"key": "1", "rotations": "2"}),
        ("EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b", "c"]}, {"endpoint": "24.09"}),
        ("EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"}, {}),
        ("EC2::VPCEndpoint", {}, {}),
        ("EC2::VPCEndpoint", {"VpcEndpointType": "GatewayLoadBalancer", "SubnetIds": ["a"]}, {"endpoint": None}),
        ("EC2::NatGateway", {}, {"gateway": "35.04"}),
        ("EC2::EIP", {}, {"address": "3.65"}),
        ("CloudWatch::CompositeAlarm", {}, {"alarm": "0.5"}),
        ("Lambda::Version", {}, {}),
        ("Lambda::Version", {"ProvisionedConcurrencyConfig": {}}, {"concurrency": None}),
        ("SSM::Parameter", {"Type": "String"}, {}),
        ("SSM::Parameter", {"Tier": "Advanced"}, {"parameter": None}),
    ],
)
def test_what_is_around_caches(kind: str, properties: dict[str, Any], parts: dict[str, str | None]) -> None:
    """Each with its own row, next to rows that are like it."""
    found = lines(resource(kind, **properties))

    assert {part: line.amount for part, line in found.items()} == {
        part: amount and Decimal(amount) for part, amount in parts.items()
    }


def test_a_type_that_is_not_known_is_named() -> None:
    """In the report, with its number."""
    found = estimated({"One": resource("New::Thing"), "Two": resource("New::Thing"), "Three": resource("SNS::Topic")})

    assert dict(found.not_priced) == {("AWS::New::Thing", "this type is not known here"): 2}
    assert dict(found.by_use) == {"AWS::SNS::Topic": 1}
    assert found.lines == ()


_SAMPLES = {
    "group": group(
        NumNodeGroups=2, ReplicasPerNodeGroup=1, SnapshotRetentionLimit=3, Durability="sync", ClusterMode="enabled",
        NodeGroupConfiguration=[{"ReplicaCount": 1}, {"ReplicaCount": 1}], DataTieringEnabled=False,
        ReplicationGroupId="shop",
    ),
    "old": group(Engine="redis", EngineVersion="6.2", NumCacheClusters=2),
    "memcached": resource(
        "ElastiCache::CacheCluster", Engine="memcached", EngineVersion="1.6.22", CacheNodeType="cache.t4g.small",
        NumCacheNodes=3, SnapshotRetentionLimit=0, ClusterName="pages",
    ),
    "serverless": resource(
        "ElastiCache::ServerlessCache", Engine="valkey", SnapshotRetentionLimit=8,
        CacheUsageLimits={
            "DataStorage": {"Minimum": 1, "Maximum": 10, "Unit": "GB"}, "ECPUPerSecond": {"Minimum": 1, "Maximum": 10},
        },
    ),
    "target": _target("replication-group:Replicas", 1, 5, identity="replication-group/shop"),
    "database": resource(
        "RDS::DBInstance", **DATABASE, Iops=3000, PerformanceInsightsRetentionPeriod=7, DatabaseInsightsMode="standard"
    ),
    "endpoint": resource(
        "EC2::VPCEndpoint", VpcEndpointType="Interface", SubnetIds=["a", "b"], ServiceName="com.amazonaws.sns"
    ),
    "alarm": resource("CloudWatch::Alarm", Metrics=[{"Expression": "m1"}, _METRIC], ThresholdMetricId="e1", Period=60),
    "dashboard": resource("CloudWatch::Dashboard", DashboardBody=_WIDGET % "" + '"}}]}'),
    "key": resource("KMS::Key", EnableKeyRotation=True),
    "parameter": resource("SSM::Parameter", Tier="Standard"),
    "version": resource("Lambda::Version", ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 1}),
}  # fmt: skip
_REFERENCES = ({"Ref": "Given"}, {"Fn::If": ["Large", 3, {"Ref": "AWS::NoValue"}]})


def _places(value: Any, *path: Any) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [place for name, each in inner for place in _places(each, *path, name)]


def _replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = _replaced(value[path[0]], path[1:], other)
    return changed


@pytest.mark.parametrize("sample", _SAMPLES)
def test_what_a_parameter_decides_is_no_number(sample: str) -> None:
    """With a reference in the place of any value the table is written, and no charge that has a price is lower."""
    usual = {(line.item.resource, line.item.part): line for line in estimated(_SAMPLES).lines}

    for path in _places(_SAMPLES[sample]["Properties"]):
        for other in _REFERENCES:
            changed = {**_SAMPLES[sample], "Properties": _replaced(_SAMPLES[sample]["Properties"], path, other)}
            for line in estimated({**_SAMPLES, sample: changed}).lines:
                before = usual.get((line.item.resource, line.item.part))
                if line.amount is not None and before is not None and before.amount is not None:
                    assert line.amount >= before.amount or path[0] in _NAMES, (path, other, line)


_NAMES = {"ResourceId", "ReplicationGroupId"}
"""Properties by which a target finds its group."""


def test_a_resource_under_a_condition_is_not_fixed() -> None:
    """A parameter of the deployment decides."""
    found = lines({**group(NumCacheClusters=2), "Condition": "Large"})

    assert found["nodes"].item.charge is Charge.UP_TO
    assert found["nodes"].item.text == "valkey 8.2, cache.r7g.large x 2, if its condition is true"
    assert found["nodes"].amount == 2 * 730 * VALKEY


def test_a_schedule_belongs_to_the_range() -> None:
    """The lowest minimum is fixed, the highest maximum is the limit."""
    target = _target("replication-group:Replicas", 2, 3)
    target["Properties"]["ScheduledActions"] = [
        {"ScheduledActionName": "night", "ScalableTargetAction": {"MinCapacity": 1}},
        {"ScheduledActionName": "day", "ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 5}},
    ]
    found = lines(group(), Replicas=target)

    assert _units(found["nodes"]) == 2 * 730
    assert _units(found["nodes added by scaling"]) == 4 * 730


_TOLD = {"Engine": "valkey", "EngineVersion": "8.2", "CacheNodeType": "cache.r7g.large"}


@pytest.mark.parametrize(
    ("told", "stated", "nodes"),
    [
        ({**_TOLD, "NumNodeGroups": 1}, {"NumCacheClusters": 2}, 2),
        ({**_TOLD, "NumNodeGroups": 3}, {"ReplicasPerNodeGroup": 1}, 6),
    ],
)
def test_nodes_of_a_secondary_cost_what_nodes_cost(told: dict[str, Any], stated: dict[str, Any], nodes: int) -> None:
    """Its template does not state them; its metadata tell."""
    member = resource("ElastiCache::ReplicationGroup", GlobalReplicationGroupId="gxeiz-shop", **stated)
    found = lines({**member, "Metadata": {"GlobalDatastore": told}})

    assert nodes * 730 * VALKEY == found["nodes"].amount


def test_nodes_of_a_primary_are_those_of_its_global_datastore() -> None:
    """What all members were changed to is charged, not what the primary was made with."""
    members = [{"ReplicationGroupId": {"Ref": "One"}}, {"ReplicationGroupId": "shop-eu"}]
    store = resource("ElastiCache::GlobalReplicationGroup", Members=members, GlobalNodeGroupCount=3)
    sharded = group(NumNodeGroups=2, ReplicasPerNodeGroup=1)

    assert 6 * 730 * VALKEY == lines(sharded, Global=store)["nodes"].amount
    assert 4 * 730 * VALKEY == lines(sharded)["nodes"].amount


def test_a_group_without_an_engine_is_no_redis() -> None:
    """A member of a global datastore has the engine of its primary."""
    member = resource("ElastiCache::ReplicationGroup", GlobalReplicationGroupId="shop", NumCacheClusters=2)

    assert lines(member)["nodes"].problem == (
        "price unknown: the engine is not in the template, the node type is not in the template"
    )
