"""The alarm that a service update is overdue: what is deployed, and what its function counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_constructs import (
    AlarmTopic,
    CacheNetwork,
    ConfigurationError,
    Egress,
    EncryptionKey,
    ServiceUpdateAlarm,
)
from elasticache_constructs.shared.service_updates import find_overdue
from tests.conftest import Bench, new_bench

if TYPE_CHECKING:
    from collections.abc import Iterator

ZONES = ["eu-west-1a", "eu-west-1b"]
NOW = datetime.now(UTC)


def made(bench: Bench, *, egress: Egress = Egress.ENDPOINTS, **changes: Any) -> ServiceUpdateAlarm:
    """The alarm for a group and a cluster, with changes."""
    key = EncryptionKey(bench.stack, "Key", description="Alarms")
    arguments: dict[str, Any] = {
        "network": CacheNetwork(bench.stack, "Network", availability_zones=ZONES, egress=egress),
        "replication_group_ids": ["orders"],
        "cache_cluster_ids": ["pages"],
        "alarm_topic": AlarmTopic(bench.stack, "Alarms", key=key),
        "encryption_key": key,
        **changes,
    }
    return ServiceUpdateAlarm(bench.stack, "Updates", **arguments)


def own(bench: Bench, kind: str) -> dict[str, dict[str, Any]]:
    """The resources of the alarm, by logical id: the network has some as well."""
    return {name: each["Properties"] for name, each in bench.resources(kind).items() if name.startswith("Updates")}


@pytest.fixture(scope="module", name="plain")
def _plain() -> Bench:
    """An alarm about which nothing is said: only to be looked at."""
    bench = new_bench()
    made(bench)
    return bench


def test_both_alarms_watch_the_function_and_reach_the_topic(plain: Bench) -> None:
    """An overdue update, and a function that fails; both tell when they are over."""
    alarms = list(own(plain, "CloudWatch::Alarm").values())
    [(topic, _)] = plain.resources("SNS::Topic").items()
    [function] = own(plain, "Lambda::Function")
    watched = {
        (alarm["Namespace"], alarm["MetricName"], alarm["Period"], alarm["TreatMissingData"]) for alarm in alarms
    }
    assert watched == {
        ("ElastiCacheServiceUpdates", "Overdue", 6 * 3600, "ignore"),
        ("AWS/Lambda", "Errors", 3600, "notBreaching"),
    }
    for alarm in alarms:
        assert [{"Name": "FunctionName", "Value": {"Ref": function}}] == alarm["Dimensions"]
        assert [{"Ref": topic}] == alarm["AlarmActions"] == alarm["OKActions"]
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
        assert "docs/runbooks/service-updates.md" in alarm["AlarmDescription"]


def test_its_role_describes_updates_of_these_caches_only(plain: Bench) -> None:
    """No other action of ElastiCache, on no other cache."""
    [policy] = own(plain, "IAM::ManagedPolicy").values()
    found = [each for each in policy["PolicyDocument"]["Statement"] if "elasticache" in json.dumps(each["Action"])]
    assert ["elasticache:DescribeUpdateActions"] == [each["Action"] for each in found]
    assert {":replicationgroup:orders", ":cluster:pages"} == {
        resource["Fn::Join"][1][-1] for resource in found[0]["Resource"]
    }


def test_it_runs_every_six_hours_from_the_network(plain: Bench) -> None:
    """In the application subnets and the group that the endpoints admit, with the ids of the caches."""
    [rule] = own(plain, "Events::Rule").values()
    [function] = own(plain, "Lambda::Function").values()
    assert rule["ScheduleExpression"] == "rate(6 hours)"
    assert function["Code"]["ZipFile"].startswith('"""The code of a Lambda function')
    assert len(function["Code"]["ZipFile"]) <= 4096
    assert {"ReplicationGroupIds": '["orders"]', "CacheClusterIds": '["pages"]'} == function["Environment"]["Variables"]
    [group] = function["VpcConfig"]["SecurityGroupIds"]
    assert "EndpointClients" in group["Fn::GetAtt"][0]


def test_with_nat_it_gets_a_group_for_https_only(bench: Bench) -> None:
    """Not one that lets everything out."""
    made(bench, egress=Egress.NAT)
    [group] = [
        each["Properties"]
        for each in bench.resources("EC2::SecurityGroup").values()
        if each["Properties"]["GroupDescription"] == "Asks ElastiCache for service updates"
    ]
    assert [(443, 443, "0.0.0.0/0")] == [
        (rule["FromPort"], rule["ToPort"], rule["CidrIp"]) for rule in group["SecurityGroupEgress"]
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"replication_group_ids": [], "cache_cluster_ids": []},
            (
                "ServiceUpdateAlarm without a cache: it is about the service updates of replication groups and "
                "Memcached clusters. Give it replication_group_ids=[cache.replication_group_id]. See "
                "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Self-Service-Updates.html"
            ),
        ),
        (
            {"egress": Egress.NONE},
            (
                "ServiceUpdateAlarm(network=...) with CacheNetwork(egress=Egress.NONE): its function calls the "
                "ElastiCache API, which it reaches through endpoints or NAT. Use "
                "CacheNetwork(egress=Egress.ENDPOINTS), or Egress.NAT. See https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html"
            ),
        ),
    ],
)
def test_what_could_not_work_is_refused(changes: dict[str, Any], message: str, bench: Bench) -> None:
    """In one sentence, before anything is made."""
    with pytest.raises(ConfigurationError) as refused:
        made(bench, **changes)
    assert str(refused.value) == message


class Service:
    """ElastiCache with update actions, in pages of one.

    Attributes:
        actions: The update actions, by cache.
        asked: What was asked for.
    """

    def __init__(self, **actions: dict[str, Any]) -> None:
        self.actions = actions
        self.asked: list[list[str]] = []

    def get_paginator(self, operation: str) -> Service:
        """The only operation that the role may call."""
        assert operation == "describe_update_actions"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        """The actions of the caches that are named."""
        assert ["available"] == asked["ServiceUpdateStatus"]
        assert "complete" not in asked["UpdateActionStatus"]
        assert {"not-applied", "scheduled", "stopped"} <= set(asked["UpdateActionStatus"])
        ids = asked.get("ReplicationGroupIds") or asked["CacheClusterIds"]
        self.asked.append(ids)
        return ({"UpdateActions": [self.actions[name]]} for name in ids if name in self.actions)


def counted(service: Service, monkeypatch: pytest.MonkeyPatch, groups: list[str], clusters: list[str]) -> int:
    """What the function counts."""
    boto3: Any = SimpleNamespace(client=lambda name: {"elasticache": service}[name])
    monkeypatch.setitem(__import__("sys").modules, "boto3", boto3)
    monkeypatch.setenv("ReplicationGroupIds", json.dumps(groups))
    monkeypatch.setenv("CacheClusterIds", json.dumps(clusters))
    return find_overdue.handler({}, SimpleNamespace(function_name="counts"))


def update(days: float) -> dict[str, Any]:
    """An update action whose recommended date is in some days."""
    return {
        "ServiceUpdateName": "patch",
        "ServiceUpdateSeverity": "critical",
        "ServiceUpdateRecommendedApplyByDate": NOW + timedelta(days=days),
    }


def test_overdue_updates_of_all_caches_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those whose date has passed, of groups and clusters, each with a line in the log; not one without a date."""
    service = Service(orders=update(-1), carts=update(1), old={"ServiceUpdateName": "x"}, pages=update(-0.01))
    assert counted(service, monkeypatch, ["orders", "carts", "old"], ["pages"]) == 2
    *late, metric = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["critical", "critical"] == [line["ServiceUpdateSeverity"] for line in late]
    [directive] = metric["_aws"]["CloudWatchMetrics"]
    assert ("ElastiCacheServiceUpdates", [["FunctionName"]]) == (directive["Namespace"], directive["Dimensions"])
    assert (2, "counts") == (metric[directive["Metrics"][0]["Name"]], metric["FunctionName"])


def test_none_is_a_number_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """So that the alarm goes back to OK."""
    assert counted(Service(orders=update(1)), monkeypatch, ["orders"], []) == 0
    assert json.loads(capsys.readouterr().out)["Overdue"] == 0


def test_more_caches_than_a_call_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty for each call."""
    service = Service()
    counted(service, monkeypatch, [f"g{number}" for number in range(41)], ["c"])
    assert [20, 20, 1, 1] == [len(ids) for ids in service.asked]
