"""The dashboard of caches of any kind, and the queries that are saved."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_constructs import (
    Access,
    AutoScaling,
    CacheDashboard,
    ConfigurationError,
    DefaultUser,
    Engine,
    IamUser,
    LogDelivery,
    MemcachedCluster,
    NodeType,
    Permissions,
    ReplicationGroup,
    SavedQueries,
    ScalingMetric,
    ServerlessCache,
    Topology,
)
from rehearsal.monitoring import documented
from tests.conftest import Bench, new_bench
from tests.unit.builders import memcached_cluster, replication_group
from tests.unit.test_serverless_cache import serverless_cache
from website.pictures.dashboard import body_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# User ids are unique in an account, and the other cache has the usual ones.
ACCESS = Access.users(default=DefaultUser.disabled(), users=[IamUser("pages-app", Permissions.read_only("pages:*"))])
QUESTIONS = ["Is it healthy?", "Is it full?", "Is it slow?", "Who is slow?", "What happened?"]
# Of a kind of cache: the pages' metrics, and the ids of what it has. An alarm or a graph of another one has no data.
PUBLISHED = {"Redis": documented.NODES, "Memcached": documented.MEMCACHED, "Cache": documented.SERVERLESS}


def body(bench: Bench) -> dict[str, Any]:
    """The body of the one dashboard."""
    return body_of(bench.template())


def questions(found: dict[str, Any]) -> list[str]:
    """The headings, in their order."""
    texts = [each["properties"]["markdown"] for each in found["widgets"] if each["type"] == "text"]
    return [text.removeprefix("## ").partition("\n")[0] for text in texts]


def graphs(found: dict[str, Any]) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Metrics and their dimensions by cache, of all graphs."""
    by_cache: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for widget in found["widgets"]:
        if widget["type"] == "metric":
            cache, _, _ = widget["properties"]["title"].partition(":")
            by_cache.setdefault(cache, []).extend(_metrics(widget["properties"]["metrics"]))
    return by_cache


def _metrics(rows: list[list[Any]]) -> Iterator[tuple[str, dict[str, str]]]:
    for row in rows:
        if isinstance(row[0], str):
            namespace, name, *dimensions = (each for each in row if isinstance(each, str))
            assert namespace == documented.NAMESPACE
            yield name, dict(zip(dimensions[::2], dimensions[1::2], strict=True))


@pytest.fixture(scope="module", name="shown")
def _shown() -> Bench:
    """A dashboard of a cache of each kind, with its saved queries."""
    bench = new_bench()
    caches: list[Any] = [
        replication_group(bench, topology=Topology(shards=2, replicas_per_shard=1), alarms=None),
        memcached_cluster(bench, nodes=3, alarms=None),
        serverless_cache(bench, access=ACCESS, alarms=None),
    ]
    CacheDashboard(bench.stack, "Dashboard", caches=caches)
    SavedQueries(bench.stack, "Queries", caches=caches)
    return bench


def test_questions_are_answered_in_order(shown: Bench) -> None:
    """From whether it is healthy down to what happened, each once."""
    found = body(shown)
    assert QUESTIONS == questions(found)
    assert [each["y"] for each in found["widgets"]] == sorted(each["y"] for each in found["widgets"])


def test_each_cache_and_each_alarm_is_there(shown: Bench) -> None:
    """First the health of each cache, then every alarm that it has."""
    (first, *others) = [each["properties"] for each in body(shown)["widgets"] if each["type"] == "alarm"]
    resources = shown.template()["Resources"]
    healths = {name for name in resources if re.fullmatch("(Redis|Memcached|Cache)Health[0-9A-F]{8}", name)}
    assert {f"<{name}.Arn>" for name in healths} == set(first["alarms"])
    assert ["Caches", "Alarms of Redis", "Alarms of Memcached", "Alarms of Cache"] == [
        each["title"] for each in (first, *others)
    ]
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    alarms = {name for name, each in resources.items() if each["Type"] in kinds} - healths
    listed = {arn[1:-5] for each in others for arn in each["alarms"]}
    assert listed <= alarms
    # One of more than ten metrics is a composite of several, which stand for it.
    members = {name for name in alarms if f"{{{name}.Arn}}" in json.dumps(resources) or name in json.dumps(resources)}
    assert alarms == listed | members


def test_graphs_show_metrics_that_exist(shown: Bench) -> None:
    """Of AWS's pages, under the ids that the caches have: another name or dimension has no data, and no error."""
    found = graphs(body(shown))
    assert set(PUBLISHED) == set(found)
    for cache, metrics in found.items():
        assert set() == {name for name, _ in metrics} - PUBLISHED[cache], cache
    group, cluster = (
        next(iter(shown.resources(f"ElastiCache::{kind}"))) for kind in ("ReplicationGroup", "CacheCluster")
    )
    serverless = shown.only("ElastiCache::ServerlessCache")["Properties"]["ServerlessCacheName"]
    assert {f"<{group}>-000{shard}-00{node}" for shard in (1, 2) for node in (1, 2)} == {
        dimensions["CacheClusterId"] for _, dimensions in found["Redis"]
    }
    assert {(f"<{cluster}>", f"000{node}") for node in (1, 2, 3)} == {
        (dimensions["CacheClusterId"], dimensions["CacheNodeId"]) for _, dimensions in found["Memcached"]
    }
    assert [{"clusterId": serverless}] == [
        dict(each) for each in {tuple(dimensions.items()) for _, dimensions in found["Cache"]}
    ]


def test_each_question_is_about_each_cache(shown: Bench) -> None:
    """Whether it is full or slow, and what happened, is asked of caches of every kind; only groups have a slow log."""
    asked: dict[str, set[str]] = {question: set() for question in QUESTIONS}
    question = ""
    for widget in body(shown)["widgets"]:
        if widget["type"] == "text":
            question = questions({"widgets": [widget]})[0]
        else:
            asked[question].add(widget["properties"]["title"].removeprefix("Alarms of ").partition(":")[0])
    kinds = {"Redis", "Memcached", "Cache"}
    assert (
        dict.fromkeys(("Is it full?", "Is it slow?", "What happened?"), kinds)
        | {
            "Is it healthy?": kinds | {"Caches"},
            "Who is slow?": {"Redis"},
        }
        == asked
    )


def test_queries_read_log_groups_that_exist(shown: Bench) -> None:
    """Widgets and saved queries read the log groups that the group's logs are delivered to, each its own."""
    (group,) = shown.resources("ElastiCache::ReplicationGroup").values()
    delivered = {
        each["LogType"]: each["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]["Ref"]
        for each in group["Properties"]["LogDeliveryConfigurations"]
    }
    groups = shown.resources("Logs::LogGroup")
    saved = {
        each["Properties"]["Name"]: each["Properties"] for each in shown.resources("Logs::QueryDefinition").values()
    }
    widgets = [each["properties"] for each in body(shown)["widgets"] if each["type"] == "log"]

    assert {"Slow commands", "Clients of slow commands", "Slowest commands", "Warnings of the engine"} == {
        name.removeprefix("Test/Redis/") for name in saved
    }
    for name, query in saved.items():
        (source,) = query["LogGroupNames"]
        assert delivered["engine-log" if "engine" in name else "slow-log"] == source["Ref"]
        assert source["Ref"] in groups
        written = f"SOURCE '<{source['Ref']}>' | {query['QueryString']}"
        assert [written] == [
            each["query"] for each in widgets if each["title"] == f"Redis: {name.split('/')[-1].lower()}"
        ]


SLOW = {
    "CacheClusterId": "cache-001",
    "CacheNodeId": "0001",
    "Id": 296,
    "Timestamp": 1605631822,
    "Duration (us)": 5200,
    "Command": "GET ... (1 more arguments)",
    "ClientAddress": "192.168.12.104:55452",
    "ClientName": "orders",
}
ENGINE = {"CacheClusterId", "CacheNodeId", "LogLevel", "Role", "Time", "Message", "@timestamp"}


@pytest.mark.parametrize("query", ["Slow commands", "Clients of slow commands", "Slowest commands"])
def test_queries_name_fields_that_entries_have(shown: Bench, query: str) -> None:
    """Those of AWS's example of an entry, or that the query makes: another one is empty, and no error.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Log_Delivery.html
    """
    (text,) = (
        each["Properties"]["QueryString"]
        for each in shown.resources("Logs::QueryDefinition").values()
        if each["Properties"]["Name"].endswith(f"/{query}")
    )
    made = {"calls", "slowest", "total", "name", "address", "milliseconds", "Client", "@timestamp"}
    words = {"fields", "as", "parse", "stats", "count", "max", "sum", "by", "sort", "desc", "limit", "display"}
    named = set(re.findall(r"`([^`]+)`", text)) | set(
        re.findall(r"@?[A-Za-z]\w*", re.sub(r"`[^`]+`|/\^.*?/$", "", text, flags=re.MULTILINE))
    )
    assert set() == named - made - words - set(SLOW)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        (r"^(?P<name>\S+)", SLOW["Command"], "GET"),
        (r"^(?P<address>.*):\d+$", SLOW["ClientAddress"], "192.168.12.104"),
        (r"^(?P<address>.*):\d+$", "2001:db8::1:55452", "2001:db8::1"),
    ],
)
def test_commands_and_clients_are_told_apart(shown: Bench, pattern: str, value: str, expected: str) -> None:
    """By the command's name and the client's address, without its port."""
    texts = [each["Properties"]["QueryString"] for each in shown.resources("Logs::QueryDefinition").values()]
    assert any(f"/{pattern.replace('?P<', '?<')}/" in text for text in texts)
    match = re.search(pattern, value)
    assert match is not None
    assert expected == match[1]


def test_log_of_the_text_format_is_read_too() -> None:
    """Its entries have seven fields in one line, as AWS's page shows."""
    bench = new_bench()
    cache = replication_group(bench, log_delivery=LogDelivery(log_format="text"))
    SavedQueries(bench.stack, "Queries", caches=[cache])
    for each in bench.resources("Logs::QueryDefinition").values():
        first = each["Properties"]["QueryString"].splitlines()[0]
        assert first.startswith("parse @message ")
        if "engine" not in each["Properties"]["Name"]:
            assert 7 == len(first.partition('"*')[2].partition('"')[0].split("*"))


def test_logs_that_go_elsewhere_have_no_query() -> None:
    """A dashboard and saved queries leave out what Firehose gets, and what no cache delivers."""
    bench = new_bench()
    caches: list[Any] = [
        replication_group(bench, log_delivery=LogDelivery(firehose_stream="events")),
        memcached_cluster(bench),
        serverless_cache(bench, access=ACCESS),
    ]
    CacheDashboard(bench.stack, "Dashboard", caches=caches)
    SavedQueries(bench.stack, "Queries", caches=caches)
    found = body(bench)
    assert [] == [each for each in found["widgets"] if each["type"] in {"log", "alarm"}]
    assert ["Is it full?", "Is it slow?", "What happened?"] == questions(found)
    assert {} == bench.resources("Logs::QueryDefinition")


def test_scaled_group_is_shown_as_a_whole() -> None:
    """Its nodes have ids that are not known, so the graphs are of what AWS publishes for the group."""
    bench = new_bench()
    scaling = AutoScaling(minimum=2, maximum=8, metric=ScalingMetric.CAPACITY, target_percent=65)
    group = replication_group(
        bench,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.r7g.large"),
        topology=Topology(shards=2, replicas_per_shard=1, shard_scaling=scaling),
    )
    CacheDashboard(bench.stack, "Dashboard", caches=[group])
    (metrics,) = graphs(body(bench)).values()
    (name,) = bench.resources("ElastiCache::ReplicationGroup")
    assert {
        ("DatabaseMemoryUsageCountedForEvictPercentage", f"<{name}>"),
        ("EngineCPUUtilization", f"<{name}>"),
    } == {(metric, dimensions["ReplicationGroupId"]) for metric, dimensions in metrics}


def test_scaled_cluster_is_shown_as_a_whole() -> None:
    """Its metrics without a node are over the nodes that there are."""
    bench = new_bench()
    scaling = AutoScaling(minimum=2, maximum=8, metric=ScalingMetric.NODE_CPU, target_percent=65)
    CacheDashboard(
        bench.stack,
        "Dashboard",
        caches=[memcached_cluster(bench, node_type=NodeType("cache.m7g.large"), node_scaling=scaling)],
    )
    (metrics,) = graphs(body(bench)).values()
    (name,) = bench.resources("ElastiCache::CacheCluster")
    assert {"CPUUtilization", "UnusedMemory", "Evictions"} < {metric for metric, _ in metrics} <= documented.MEMCACHED
    assert [] == [each for _, each in metrics if each != {"CacheClusterId": f"<{name}>"}]


def test_imported_caches_are_shown() -> None:
    """What is known of them: they have no alarms here, and no log groups."""
    bench = new_bench()
    caches: list[Any] = [
        ReplicationGroup.from_replication_group_attributes(
            bench.stack,
            "Redis",
            replication_group_id="theirs",
            endpoint_address="theirs.example",
            security_groups=[],
            topology=Topology(),
        ),
        MemcachedCluster.from_memcached_cluster_attributes(
            bench.stack,
            "Memcached",
            cluster_id="pages",
            discovery_endpoint_address="pages.example",
            security_groups=[],
            nodes=2,
        ),
        ServerlessCache.from_serverless_cache_attributes(
            bench.stack, "Cache", serverless_cache_name="orders", endpoint_address="orders.example", security_groups=[]
        ),
    ]
    CacheDashboard(bench.stack, "Dashboard", caches=caches, name="theirs")
    resource = bench.only("CloudWatch::Dashboard")["Properties"]
    found = json.loads(
        "".join(each if isinstance(each, str) else "region" for each in resource["DashboardBody"]["Fn::Join"][1])
    )
    assert "theirs" == resource["DashboardName"]
    assert {"theirs-001", "theirs-002", "pages", "orders"} == {
        next(iter(dimensions.values())) for metrics in graphs(found).values() for _, dimensions in metrics
    }


@pytest.mark.parametrize(
    ("caches", "got", "fix"),
    [
        ([], "CacheDashboard(caches=[])", "Name the caches: caches=[cache]"),
        (["cache"], "CacheDashboard(caches='cache') of type str", "Use caches=[cache]"),
    ],
    ids=["none", "a name"],
)
def test_what_is_no_cache_is_refused(caches: Any, got: str, fix: str) -> None:
    """Before anything is made."""
    bench = new_bench()
    with pytest.raises(ConfigurationError) as refusal:
        CacheDashboard(bench.stack, "Dashboard", caches=caches)
    assert (got, fix) == (refusal.value.got, refusal.value.fix)
