"""Serverless caches: what is made of them without a word, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from elasticache_constructs import (
    Access,
    Backups,
    ConfigurationError,
    DefaultUser,
    IamUser,
    NetworkType,
    Permissions,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    Snapshot,
)
from elasticache_constructs.shared.names import unique_name
from elasticache_rules.change_gate import Effect, compare
from tests.conftest import Bench, new_bench
from tests.unit.builders import APP, NO_ALARMS

LIMITS = ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000)
IAM_ONLY = Access.users(default=DefaultUser.disabled(), users=[APP])
KIND = "ElastiCache::ServerlessCache"


def serverless_cache(bench: Bench, **changes: Any) -> ServerlessCache:
    """A serverless cache of Valkey with one IAM user, and with changes."""
    arguments: dict[str, Any] = {"vpc": bench.vpc, "limits": LIMITS, "access": IAM_ONLY, "alarms": NO_ALARMS, **changes}
    return ServerlessCache(bench.stack, "Cache", **arguments)


def _properties(**changes: Any) -> dict[str, Any]:
    bench = new_bench()
    serverless_cache(bench, **changes)
    return dict(bench.only(KIND)["Properties"])


def test_limits_reach_the_template() -> None:
    """Both limits are there in the service's own words, minimum and maximum."""
    limits = ServerlessLimits(
        maximum_storage_gb=100, minimum_storage_gb=1, maximum_ecpu_per_second=50_000, minimum_ecpu_per_second=2000
    )

    expected = {
        "DataStorage": {"Minimum": 1, "Maximum": 100, "Unit": "GB"},
        "ECPUPerSecond": {"Minimum": 2000, "Maximum": 50_000},
    }
    assert expected == _properties(limits=limits)["CacheUsageLimits"]


def test_no_limit_takes_a_reason() -> None:
    """A cache that may grow without limit names no limits and says why."""
    assert "CacheUsageLimits" not in _properties(limits=ServerlessLimits(unlimited_reason="a launch of unknown size"))


def test_cache_is_private_encrypted_and_backed_up() -> None:
    """By default a cache has a key, security groups, a subnet in each Availability Zone, users and daily snapshots."""
    properties = _properties()

    assert {"Fn::GetAtt"} == set(properties["KmsKeyId"])
    assert (1, 2, 35, "02:00") == (
        len(properties["SecurityGroupIds"]),
        len(properties["SubnetIds"]),
        properties["SnapshotRetentionLimit"],
        properties["DailySnapshotTime"],
    )
    assert {"Ref"} == set(properties["UserGroupId"])


def test_last_snapshot_bears_the_name_of_cache_and_stack() -> None:
    """Deleting takes a snapshot, whose name differs for every stack that is created again."""
    bench = new_bench()
    cache = serverless_cache(bench)
    pattern, variables = bench.only(KIND)["Properties"]["FinalSnapshotName"]["Fn::Sub"]

    assert (f"{cache.serverless_cache_name}-${{Stack}}", ["Stack"]) == (pattern, list(variables))


@pytest.mark.parametrize(
    ("snapshot", "end"),
    [
        (Snapshot.of_serverless_cache("shop-cache-1a2b3c4d-5e6f"), "serverlesscachesnapshot:shop-cache-1a2b3c4d-5e6f"),
        (Snapshot.named("automatic.shop-2026-11-22-02-00"), "snapshot:automatic.shop-2026-11-22-02-00"),
    ],
    ids=["of a serverless cache", "of a group"],
)
def test_cache_begins_with_a_snapshot(snapshot: Snapshot, end: str) -> None:
    """The snapshot is named by its ARN, of its kind, in the account and region of the stack."""
    (arn,) = _properties(restore_from=snapshot)["SnapshotArnsToRestore"]

    assert f"arn:${{AWS::Partition}}:elasticache:${{AWS::Region}}:${{AWS::AccountId}}:{end}" == "".join(
        each if isinstance(each, str) else f"${{{each['Ref']}}}" for each in arn["Fn::Join"][1]
    )


def test_own_final_snapshot_can_be_brought_back() -> None:
    """The cache that is restored from it leaves another final snapshot: the name of the first is taken."""
    first = _properties()["FinalSnapshotName"]["Fn::Sub"][0]
    name = first.replace("${Stack}", "1a2b3c4d")
    second = _properties(restore_from=Snapshot.of_serverless_cache(name))["FinalSnapshotName"]["Fn::Sub"][0]
    third = _properties(restore_from=Snapshot.of_serverless_cache(second.replace("${Stack}", "1a2b3c4d")))

    assert 3 == len({first, second, third["FinalSnapshotName"]["Fn::Sub"][0]})


def test_gate_says_that_a_snapshot_is_for_creation_only() -> None:
    """To restore into a cache that runs would replace it, under a name that is taken: the gate stops it."""

    def template(**changes: Any) -> dict[str, Any]:
        bench = new_bench()
        serverless_cache(bench, **changes)
        return bench.template()

    stopped = compare(template(), template(restore_from=Snapshot.of_serverless_cache("nightly"))).blocking()

    assert {(Effect.REPLACEMENT, "SLS-15"), (Effect.REJECTED, "NAM-15")} == {
        (each.effect, each.rules[-1]) for each in stopped
    }


def test_name_is_one_that_the_service_takes() -> None:
    """The generated name is short, in lower case, and made of letters, digits and single hyphens."""
    bench = new_bench()
    long = cdk.Stack(bench.stack, "AStackWithAVeryLongNameThatGoesOnAndOn")
    cache = ServerlessCache(long, "TheCacheOfAllOrders", vpc=bench.vpc, limits=LIMITS, access=IAM_ONLY)

    assert len(cache.serverless_cache_name) <= 40
    assert cache.serverless_cache_name.replace("-", "").isalnum()
    assert cache.serverless_cache_name == cache.serverless_cache_name.lower()


@pytest.mark.parametrize(
    ("engine", "ports"), [(ServerlessEngine.VALKEY_8, (6379, 6380)), (ServerlessEngine.MEMCACHED_1_6, (11211, 11212))]
)
def test_clients_reach_both_ports(engine: ServerlessEngine, ports: tuple[int, int]) -> None:
    """The client group reaches the port for everything and the port for reading, and no other."""
    bench = new_bench()
    serverless_cache(bench, engine=engine, access=None if engine.is_memcached else IAM_ONLY)
    rules = [
        *bench.resources("EC2::SecurityGroupIngress").values(),
        *bench.resources("EC2::SecurityGroupEgress").values(),
    ]

    assert [ports, ports] == [(rule["Properties"]["FromPort"], rule["Properties"]["ToPort"]) for rule in rules]


def test_memcached_has_no_users() -> None:
    """A Memcached cache names no user group."""
    assert "UserGroupId" not in _properties(engine=ServerlessEngine.MEMCACHED_1_6, access=None)


@pytest.mark.parametrize("words", ["+hexpire", "+ft.search", "db=0"])
def test_users_may_what_the_engine_has(words: str) -> None:
    """A command of a newer version, a module that serverless caches lack and databases are refused here, too."""
    user = IamUser("app", Permissions(f"on ~a:* +get {words}"))
    access = Access.users(default=DefaultUser.disabled(), users=[user])
    with pytest.raises(ConfigurationError, match=r"\) on valkey 8: "):
        serverless_cache(new_bench(), access=access)


def test_one_subnet_of_each_zone_is_used() -> None:
    """The service wants its subnets in different zones, three at most."""
    bench = new_bench()
    zones = ["a", "a", "b", "c", "d"]
    vpc = ec2.Vpc.from_vpc_attributes(
        bench.stack,
        "Many",
        vpc_id="vpc-1",
        availability_zones=zones,
        isolated_subnet_ids=["s-1", "s-2", "s-3", "s-4", "s-5"],
        isolated_subnet_route_table_ids=["r-1", "r-2", "r-3", "r-4", "r-5"],
    )
    serverless_cache(bench, vpc=vpc)

    assert ["s-1", "s-3", "s-4"] == bench.only(KIND)["Properties"]["SubnetIds"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param({"access": None}, "SLS-12", id="no user named"),
        pytest.param({"access": Access.auth_token()}, "AUT-15", id="an AuthToken"),
        pytest.param({"engine": ServerlessEngine.MEMCACHED_1_6}, "SLS-11", id="users of Memcached"),
        pytest.param({"description": "<orders>"}, "NAM-17", id="signs in the description"),
        pytest.param({"description": "x" * 256}, "NAM-17", id="a long description"),
    ],
)
def test_what_the_service_refuses_is_refused(changes: dict[str, Any], rule: str) -> None:
    """Mistakes are refused with their rule, and leave no construct behind."""
    bench = new_bench()
    with pytest.raises(ConfigurationError, match=rf"\({rule}\)$"):
        serverless_cache(bench, **changes)

    assert bench.stack.node.try_find_child("Cache") is None


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        pytest.param({}, ["SLS-04"], id="no limits"),
        pytest.param({"maximum_storage_gb": 10}, ["SLS-04"], id="one limit"),
        pytest.param(
            {"maximum_storage_gb": 0, "maximum_ecpu_per_second": 999}, ["SLS-02", "SLS-03"], id="both too low"
        ),
        pytest.param(
            {"maximum_storage_gb": 5001, "maximum_ecpu_per_second": 15_000_001},
            ["SLS-02", "SLS-03"],
            id="both too high",
        ),
        pytest.param(
            {"maximum_storage_gb": 5, "maximum_ecpu_per_second": 1000, "minimum_storage_gb": 6},
            ["SLS-02"],
            id="the wrong way round",
        ),
    ],
)
def test_limits_out_of_their_limits_are_refused(arguments: dict[str, Any], rules: list[str]) -> None:
    """All mistakes in the limits are reported together."""
    with pytest.raises(ConfigurationError) as refusal:
        ServerlessLimits(**arguments)

    assert rules == [each.rule for each in refusal.value.errors]


@pytest.mark.parametrize(("name", "version"), [("valkey", "6"), ("redis", "6"), ("memcached", "1.5"), ("Valkey", "8")])
def test_engines_that_are_not_on_offer_are_refused(name: str, version: str) -> None:
    """An engine or a major version that serverless caches do not have is refused; a new one takes one line."""
    with pytest.raises(ConfigurationError, match=r"\(SLS-(01|26)\)$"):
        ServerlessEngine(name, version)


def test_unlisted_engine_takes_one_line() -> None:
    """A major version that came out later is accepted when it is said to be new."""
    assert "valkey 10" == str(ServerlessEngine("valkey", "10", unlisted=True))


def test_daily_time_is_where_the_window_begins() -> None:
    """A serverless cache takes the start of a window, that of a parameter too."""
    assert "23:30" == _properties(backups=Backups(window="23:30-00:30"))["DailySnapshotTime"]
    bench = new_bench()
    window = cdk.CfnParameter(bench.stack, "Window").value_as_string
    serverless_cache(bench, backups=Backups(window=window))
    assert {"Fn::Select"} == set(bench.only(KIND)["Properties"]["DailySnapshotTime"])


def test_network_type_reaches_the_template() -> None:
    """IPv4 is the service's own default; another type is named."""
    assert ("dual_stack", None) == (
        _properties(network_type=NetworkType.dual_stack()).get("NetworkType"),
        _properties().get("NetworkType"),
    )


def test_a_name_that_is_cut_has_no_two_hyphens_together() -> None:
    """The service refuses them, in names of caches as of users."""
    stack = cdk.Stack(None, "SessionsOfShopX")
    middles = [Construct(stack, f"M{'z' * length}") for length in range(10, 20)]
    names = [
        unique_name(Construct(middle, f"C{'x' * length}"), longest=40) for middle in middles for length in range(20)
    ]

    assert [] == [name for name in names if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 40]
    assert len(names) == len(set(names))
