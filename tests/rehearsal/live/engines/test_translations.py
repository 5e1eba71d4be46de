"""Access strings, parameters, slots, host names and log entries: what is translated without an engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rehearsal.live.caches.names import HostNames, region_code
from rehearsal.live.engines import memcached, slots
from rehearsal.live.engines.logs import NodeLogs
from rehearsal.live.engines.parameters import engine_options, memory_limit, unknown_to_elasticache
from rehearsal.live.engines.users import CacheUser, changes, permissions
from rehearsal.live.engines.valkey import Node

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("taken", ["-config", "-shutdown", "-acl|setuser", "-cluster|migrateslots", "-psync"])
def test_every_rule_of_a_user_ends_without_the_commands_of_the_service(taken: str) -> None:
    """The root permissions and each selector lose them, whatever they were given before."""
    root, selector, *rest = ["on", "(+@all ~x)", *permissions("on (+@all ~x) ~* +@all")[2:]]
    assert (root, rest[:2]) == ("on", ["~*", "+@all"])
    given = permissions("on (+@all ~x) ~* +@all")
    assert selector.startswith("(+@all ~x")
    assert given[1].startswith("(+@all ~x -")
    assert given[1].endswith(")")
    assert taken in given[1][1:-1].split()
    assert given.index(taken) > given.index("+@all")


def test_changes_of_users_leave_no_user_behind() -> None:
    """Each user is reset and set, users that are gone are deleted, and a default user that is not asked for is off."""
    commands = changes([CacheUser("app", "on ~* +@read", ("#abc",))], ["app", "old", "default"])
    assert commands[0][:4] == ("ACL", "SETUSER", "app", "reset")
    assert commands[0][-1] == "#abc"
    assert commands[1:] == [("ACL", "SETUSER", "default", "reset", "off"), ("ACL", "DELUSER", "old")]


def test_limits_of_output_buffers_are_one_option() -> None:
    """ElastiCache's three parameters for a kind of client are one option; what the group leaves out is the engine's."""
    found = engine_options(
        {
            "client-output-buffer-limit-replica-soft-seconds": "30",
            "client-output-buffer-limit-pubsub-hard-limit": "1",
            "maxmemory-policy": "noeviction",
            "cluster-enabled": "yes",
            "reserved-memory-percent": "10",
            "close-on-replica-write": "yes",
        },
        {"maxmemory-policy", "client-output-buffer-limit"},
    )
    assert found.options == {
        "maxmemory-policy": ["noeviction"],
        "client-output-buffer-limit": ["replica", "268435456", "67108864", "30", "pubsub", "1", "8388608", "60"],
    }
    assert found.without_counterpart == ("close-on-replica-write",)


@pytest.mark.parametrize(
    ("node_type", "values", "expected"),
    [
        ("cache.t4g.small", {}, {"maxmemory": [str(int(1.37 * 1024**3 * 0.75))]}),
        ("cache.t4g.small", {"reserved-memory-percent": "0"}, {"maxmemory": [str(int(1.37 * 1024**3))]}),
        ("cache.of.nothing", {}, {}),
    ],
)
def test_memory_is_that_of_the_node_type(
    node_type: str, values: dict[str, str], expected: dict[str, list[str]]
) -> None:
    """The reserved part is not the engine's."""
    assert memory_limit(node_type, values) == expected


def test_parameters_that_only_one_side_knows_are_known() -> None:
    """A name is unknown if neither the family nor the engine has it; an unknown family says nothing."""
    names = {"reserved-memory", "maxclients", "no-such"}
    assert unknown_to_elasticache("valkey8", names, {"maxclients"}) == ["no-such"]
    assert unknown_to_elasticache("valkey99", names, set()) == []


def test_parameters_of_memcached_are_arguments() -> None:
    """Values and switches become arguments; switches that are off and unknown names do not."""
    found = memcached.arguments_for(
        {
            "max_item_size": "2m",
            "cas_disabled": "1",
            "disable_flush_all": "0",
            "slab_automove": "2",
            "maxconns_fast": "1",
        }
    )
    assert found.arguments == ("-I", "2m", "-C", "-o", "slab_automove=2")
    assert found.without_counterpart == ("maxconns_fast",)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_equal_shares_are_all_slots(count: int) -> None:
    """The ranges follow each other and differ by one slot at most."""
    shares = slots.equal_shares(count)
    assert [slot for first, last in shares for slot in (first, last + 1)][1:-1] == [
        edge for first, _ in shares[1:] for edge in (first, first)
    ]
    assert (shares[0][0], shares[-1][1]) == (0, slots.SLOTS - 1)
    assert max(map(slots.size, ([share] for share in shares))) - min(slots.size([share]) for share in shares) <= 1


@pytest.mark.parametrize(
    ("count", "taken", "left"),
    [
        (2, [(8, 9)], [(0, 3), (5, 7)]),
        (5, [(5, 9)], [(0, 3)]),
        (7, [(5, 9), (2, 3)], [(0, 1)]),
        (9, [(5, 9), (0, 3)], []),
    ],
)
def test_slots_are_taken_from_the_end(count: int, taken: list[slots.Range], left: list[slots.Range]) -> None:
    """Whole ranges first, then a part of one."""
    ranges = [(0, 3), (5, 9)]
    assert slots._take(ranges, count) == taken
    assert ranges == left


@pytest.mark.parametrize(
    ("region", "code"),
    [
        ("eu-west-1", "euw1"), ("ap-southeast-2", "apse2"), ("us-gov-east-1", "usgove1"), ("eu-central-1", "euc1"),
        ("somewhere", "somewhere"),
    ],
)  # fmt: skip
def test_codes_of_regions(region: str, code: str) -> None:
    """A Region in a host name is its place, the initials of its direction, and its number."""
    assert region_code(region) == code


def test_host_names_with_and_without_encryption() -> None:
    """Encryption in transit makes other names, as in AWS."""
    plain, encrypted = (HostNames("orders", "eu-west-1", encrypted, "a1b2c3") for encrypted in (False, True))
    assert plain.reader == "orders-ro.a1b2c3.ng.0001.euw1.cache.amazonaws.com"
    assert plain.node("orders-001") == "orders-001.a1b2c3.0001.euw1.cache.amazonaws.com"
    assert plain.configuration == "orders.a1b2c3.clustercfg.euw1.cache.amazonaws.com"
    assert encrypted.reader == "replica.orders.a1b2c3.euw1.cache.amazonaws.com"
    assert encrypted.node("orders-001") == "orders-001.orders.a1b2c3.euw1.cache.amazonaws.com"
    assert encrypted.configuration == "clustercfg.orders.a1b2c3.euw1.cache.amazonaws.com"


def test_lines_of_the_engine_log_are_entries_once(tmp_path: Path) -> None:
    """A line that is not complete waits, and what is not a line of the log is left out."""
    node = Node("orders-001", tmp_path)
    log = tmp_path / "engine.log"
    logs = NodeLogs(node)
    log.write_text("7:M 28 Nov 2026 13:29:45.696 * Ready\nart\n7:S 28 Nov 2026 13:29:46.001 # Slow", encoding="utf-8")
    (first,) = logs.engine()
    assert first.text == "orders-001/0001:M 28 Nov 2026 13:29:45.696 UTC * Ready"
    assert json.loads(first.json) == {
        "CacheClusterId": "orders-001",
        "CacheNodeId": "0001",
        "LogLevel": "NOTICE",
        "Role": "M",
        "Time": "28 Nov 2026 13:29:45.696 UTC",
        "Message": "Ready",
    }
    with log.open("a", encoding="utf-8") as file:
        file.write("ly\n")
    assert [json.loads(entry.json)["Message"] for entry in logs.engine()] == ["Slowly"]
