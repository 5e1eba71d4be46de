"""Encrypted log groups."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_logs as logs
from constructs import Construct

from elasticache_constructs import Access, ConfigurationError, EncryptionKey, Log, LogDelivery
from elasticache_constructs.shared.logs import log_group
from tests.conftest import new_bench
from tests.unit.builders import replication_group, seen_group

if TYPE_CHECKING:
    from tests.conftest import Bench

TOKEN = Access.auth_token()


def _names(bench: Bench) -> list[str]:
    groups = bench.resources("Logs::LogGroup").values()
    return [json.dumps(each["Properties"].get("LogGroupName")) for each in groups]


@pytest.fixture(name="key")
def _key(bench: Bench) -> EncryptionKey:
    return EncryptionKey(bench.stack, "Key", description="Orders")


def test_group_is_encrypted(bench: Bench, key: EncryptionKey) -> None:
    """The customer's key encrypts the logs."""
    log_group(bench.stack, "Logs", key=key.key)

    ((name, _),) = bench.resources("KMS::Key").items()
    assert {"Fn::GetAtt": [name, "Arn"]} == bench.only("Logs::LogGroup")["Properties"]["KmsKeyId"]


def test_logs_are_kept_a_year(bench: Bench, key: EncryptionKey) -> None:
    """Events older than a year are deleted."""
    log_group(bench.stack, "Logs", key=key.key)

    assert 365 == bench.only("Logs::LogGroup")["Properties"]["RetentionInDays"]


@pytest.mark.parametrize(
    ("policy", "kept"), [("DeletionPolicy", {"Retain", "RetainExceptOnCreate"}), ("UpdateReplacePolicy", {"Retain"})]
)
def test_group_outlives_its_stack(bench: Bench, key: EncryptionKey, policy: str, kept: set[str]) -> None:
    """Logs are kept when the group is deleted, and when it is replaced."""
    log_group(bench.stack, "Logs", key=key.key)

    assert bench.only("Logs::LogGroup")[policy] in kept


def test_group_without_vended_name_has_none(bench: Bench, key: EncryptionKey) -> None:
    """Without a vended name CloudFormation chooses one."""
    log_group(bench.stack, "Logs", key=key.key)

    assert "LogGroupName" not in bench.only("Logs::LogGroup")["Properties"]


def test_vended_name_carries_prefix_and_unique_id(bench: Bench, key: EncryptionKey) -> None:
    """Vended logs share one entry of the account's resource policy by prefix; the rest is unique to the stack."""
    log_group(bench.stack, "Logs", key=key.key, vended_name="redis/slow-log")

    text, values = bench.only("Logs::LogGroup")["Properties"]["LogGroupName"]["Fn::Sub"]
    stack_id = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    assert "/aws/vendedlogs/elasticache/${Stack}/redis/slow-log" == text
    assert {"Stack": {"Fn::Select": [0, {"Fn::Split": ["-", stack_id]}]}} == values


def test_slow_and_engine_logs_have_groups_of_their_own() -> None:
    """The two kinds of log of a cache go to different groups."""
    bench = seen_group(access=TOKEN)

    assert 2 == len(set(_names(bench)))


def test_two_caches_of_a_stack_have_groups_of_their_own(bench: Bench) -> None:
    """The logs of two caches in one stack go to different groups."""
    replication_group(bench, "First", access=TOKEN)
    replication_group(bench, "Second", access=TOKEN)

    assert 4 == len(set(_names(bench)))


def test_two_caches_of_one_id_have_groups_of_their_own(bench: Bench) -> None:
    """Two caches of one construct id, below different parents of a stack, log to different groups."""
    replication_group(bench, access=TOKEN, scope=Construct(bench.stack, "Orders"))
    replication_group(bench, access=TOKEN, scope=Construct(bench.stack, "Baskets"))

    assert 4 == len(set(_names(bench)))


def test_name_is_of_the_services_alphabet(bench: Bench) -> None:
    """Whatever the cache is called, its log groups have names that CloudWatch accepts."""
    replication_group(bench, "Orders Cache (EU)", access=TOKEN)

    names = [each["Properties"]["LogGroupName"]["Fn::Sub"][0] for each in bench.resources("Logs::LogGroup").values()]
    assert 2 == len(names)
    assert [] == [name for name in names if not re.fullmatch(r"[-./\w#]+", name.replace("${Stack}", ""), re.ASCII)]


SHORT = "Slow commands are looked at on the same day, and the bill is watched."
ELSEWHERE = "The slow log is read by the team's own exporter."


def test_each_log_has_its_choice() -> None:
    """One log as text into a group that is there, and the other one left out; no group is made for either."""
    bench = new_bench()
    given = logs.LogGroup.from_log_group_name(bench.stack, "Given", "/caches/engine")
    replication_group(
        bench,
        log_delivery=LogDelivery(
            slow_log=Log.disabled(reason=ELSEWHERE), engine_log=Log.to_log_group(given, log_format="text")
        ),
    )

    assert {} == bench.resources("Logs::LogGroup")
    (group,) = bench.resources("ElastiCache::ReplicationGroup").values()
    (engine,) = group["Properties"]["LogDeliveryConfigurations"]
    assert ("engine-log", "text", "cloudwatch-logs") == (
        engine["LogType"],
        engine["LogFormat"],
        engine["DestinationType"],
    )
    assert {"CloudWatchLogsDetails": {"LogGroup": "/caches/engine"}} == engine["DestinationDetails"]


def test_one_log_to_firehose_leaves_the_other_to_its_own_group() -> None:
    """What is chosen for one log changes nothing of the other, which is kept for as long as is asked."""
    bench = new_bench()
    replication_group(
        bench,
        log_delivery=LogDelivery(
            retention_days=7, short_retention_reason=SHORT, slow_log=Log.to_firehose("events", log_format="text")
        ),
    )

    (own,) = bench.resources("Logs::LogGroup").values()
    assert 7 == own["Properties"]["RetentionInDays"]
    assert [{"id": "CKV_AWS_338", "comment": SHORT}] == own["Metadata"]["checkov"]["skip"]
    (group,) = bench.resources("ElastiCache::ReplicationGroup").values()
    by_kind = {each["LogType"]: each for each in group["Properties"]["LogDeliveryConfigurations"]}
    assert ("kinesis-firehose", "text") == (by_kind["slow-log"]["DestinationType"], by_kind["slow-log"]["LogFormat"])
    assert ("cloudwatch-logs", "json") == (by_kind["engine-log"]["DestinationType"], by_kind["engine-log"]["LogFormat"])


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        ({"retention_days": 8}, "LogDelivery(retention_days=8)"),
        ({"retention_days": True}, "LogDelivery(retention_days=True)"),
        ({"retention_days": 180}, "LogDelivery(retention_days=180)"),
        ({"retention_days": 180, "short_retention_reason": "short"}, "LogDelivery(short_retention_reason=...)"),
    ],
)
def test_retention_is_one_of_cloudwatch_and_a_year_without_a_reason(arguments: dict[str, Any], got: str) -> None:
    """Other numbers are refused, and less than a year without a reason."""
    with pytest.raises(ConfigurationError) as refusal:
        LogDelivery(**arguments)
    assert refusal.value.got.startswith(got)
    assert LogDelivery(retention_days=180, short_retention_reason=SHORT).retention_days == 180
