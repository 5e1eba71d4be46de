"""Encrypted log groups."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from constructs import Construct

from elasticache_constructs import Access, EncryptionKey
from elasticache_constructs.shared.logs import log_group
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
