"""Global datastores: what the stacks of a primary and of its secondaries state, and what they must not."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sns as sns

from elasticache_constructs import (
    Access,
    CacheAlarm,
    CacheAlarms,
    ConfigurationError,
    DefaultUser,
    Engine,
    GlobalDatastore,
    LogDelivery,
    NodeType,
    ReplicationGroup,
    SecondaryReplicationGroup,
    Shard,
    Topology,
    UserGroup,
)
from elasticache_rules.change_gate import Effect, compare
from tests.conftest import FLAGS, Bench, new_bench
from tests.unit.builders import LOGS_ELSEWHERE, NO_ALARMS, USERS, replication_group

GROUP, GLOBAL = "ElastiCache::ReplicationGroup", "ElastiCache::GlobalReplicationGroup"
BY_HAND = {"auto_minor_version_upgrade": False, "manual_upgrades_reason": "All members are upgraded together."}
SHARDED = Topology(shards=2, replicas_per_shard=2)
LOGIN = Access.users(default=DefaultUser.with_token())
"""The fewest users that there are: each takes its time to build, in every member."""
OF_LAG = CacheAlarms(thresholds={CacheAlarm.GLOBAL_REPLICATION_LAG: 60})
"""The group has the alarm of its lag before it is the primary of a global datastore."""
REFUSED_FOR_SECONDARIES = {
    *("PrimaryClusterId", "AutomaticFailoverEnabled", "NumNodeGroups", "CacheParameterGroupName", "CacheNodeType"),
    *("Engine", "EngineVersion", "CacheSecurityGroupNames", "TransitEncryptionEnabled", "AtRestEncryptionEnabled"),
    *("SnapshotArns", "SnapshotName"),
}
"""https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Redis-Global-Datastores-CLI.html"""


@dataclass
class World:
    """A primary with its global datastore, and what its secondaries are built on."""

    here: Bench
    there: Bench
    primary: ReplicationGroup
    store: GlobalDatastore

    def secondary(self, bench: Bench | None = None, name: str = "Redis", **changes: Any) -> SecondaryReplicationGroup:
        """A secondary, in the other Region."""
        bench = bench or self.there
        given = {"access": LOGIN, "alarms": NO_ALARMS, "log_delivery": LOGS_ELSEWHERE, **changes}
        return SecondaryReplicationGroup(bench.stack, name, global_datastore=self.store, vpc=bench.vpc, **given)

    @property
    def members(self) -> Any:
        """The members that the template states, each by Region and role."""
        stated = self.here.only(GLOBAL)["Properties"]["Members"]
        return [(each["ReplicationGroupRegion"], each["Role"]) for each in stated]


def _primary(bench: Bench, **changes: Any) -> ReplicationGroup:
    large = NodeType("cache.r7g.large")
    given = {"access": LOGIN, "node_type": large, "log_delivery": LOGS_ELSEWHERE, **BY_HAND, **changes}
    return replication_group(bench, **given)


def _world(*, of_store: dict[str, Any] | None = None, **changes: Any) -> World:
    here = new_bench("eu-west-1")
    there = new_bench("eu-central-1", other=here)
    primary = _primary(here, **changes)
    return World(
        here, there, primary, GlobalDatastore(here.stack, "G", primary=primary, suffix="shop", **of_store or {})
    )


@functools.cache
def _sharded() -> tuple[World, SecondaryReplicationGroup]:
    """A global datastore of two shards with one secondary, only to be looked at."""
    logs = LogDelivery()
    world = _world(topology=SHARDED, parameters={"maxmemory-policy": "volatile-lru"}, log_delivery=logs)
    return world, world.secondary(replicas_per_shard=1, alarms=CacheAlarms(), log_delivery=logs)


def test_secondary_states_nothing_that_the_service_refuses() -> None:
    """It states the id of its global datastore, its replicas, its own key and users, and no parameter group."""
    world, _ = _sharded()
    properties = world.there.only(GROUP)["Properties"]

    assert set() == REFUSED_FOR_SECONDARIES & {*properties}
    assert {} == world.there.resources("ElastiCache::ParameterGroup")
    assert "gxeiz-shop" == properties["GlobalReplicationGroupId"] == world.store.global_datastore_id
    assert (1, False) == (properties["ReplicasPerNodeGroup"], properties["AutoMinorVersionUpgrade"])
    assert {"KmsKeyId", "UserGroupIds", "SecurityGroupIds", "SnapshotRetentionLimit"} <= {*properties}


def test_secondary_without_cluster_mode_counts_nodes() -> None:
    """It has as many replicas as the primary if nothing else is asked for."""
    zones = [Shard(primary_zone="eu-west-1a", replica_zones=["eu-west-1b", "eu-west-1b"])]
    world = _world(topology=Topology(replicas_per_shard=2, placement=zones))
    world.secondary()
    properties = world.there.only(GROUP)["Properties"]

    assert (3, None) == (properties["NumCacheClusters"], properties.get("ReplicasPerNodeGroup"))
    assert "PreferredCacheClusterAZs" not in properties, "these are of the primary's Region"


def test_secondary_watches_its_lag_on_every_node() -> None:
    """One alarm over the two nodes of each of its two shards."""
    world, secondary = _sharded()

    assert CacheAlarm.GLOBAL_REPLICATION_LAG in secondary.alarms
    assert [4] == [str(each).count("GlobalDatastoreReplicationLag") for each in _of_lag(world.there).values()]


def _of_lag(bench: Bench) -> dict[str, Any]:
    """The alarms of a template that watch the lag."""
    alarms = bench.resources("CloudWatch::Alarm")
    return {name: each for name, each in alarms.items() if "GlobalDatastoreReplicationLag" in str(each)}


def test_primary_has_the_alarm_of_its_lag_before_it_is_promoted_away() -> None:
    """It is like that of a secondary, part of the group's health, and muted in the maintenance window."""
    world = _world(topology=SHARDED, alarms=None)
    ((name, alarm),) = _of_lag(world.here).items()
    mutes = world.here.resources("CloudWatch::AlarmMuteRule").values()
    composites = world.here.resources("CloudWatch::CompositeAlarm")

    assert CacheAlarm.GLOBAL_REPLICATION_LAG in world.primary.alarms
    assert (6, 10, "missing") == (
        str(alarm).count("GlobalDatastoreReplicationLag"),
        alarm["Properties"]["Threshold"],
        alarm["Properties"]["TreatMissingData"],
    )
    assert [1] == [str(each).count(name) for found, each in composites.items() if "Health" in found]
    assert [1] == [str(each).count(name) for each in mutes if name in str(each)]


@pytest.mark.parametrize(
    ("alarms", "thresholds"),
    [
        (OF_LAG, [60]),
        (CacheAlarms(removed={CacheAlarm.GLOBAL_REPLICATION_LAG: "Another system watches the lag of this store."}), []),
        (CacheAlarms(no_alarms_reason="Another system watches the caches of this account."), []),
    ],
    ids=["another threshold", "removed", "no alarms"],
)
def test_alarms_of_the_primary_decide_about_its_lag(alarms: CacheAlarms, thresholds: list[int]) -> None:
    """Its own threshold is kept, and a group without alarms gets none."""
    here = _world(alarms=alarms).here

    assert thresholds == [each["Properties"]["Threshold"] for each in _of_lag(here).values()]


@dataclass(frozen=True)
class Watched:
    """What there is of the alarms of a primary, one with every kind of user."""

    resources: dict[str, dict[str, Any]]
    """What the template says, by type and logical id."""
    names: set[CacheAlarm]
    node_ids: list[Any]


def _watched(**changes: Any) -> Watched:
    world = _world(access=USERS, **{"alarms": None, **changes})
    types = [f"AWS::CloudWatch::{each}" for each in ("Alarm", "CompositeAlarm", "AlarmMuteRule")]
    everything = world.here.template()["Resources"].items()
    return Watched(
        {kind: {name: each for name, each in everything if each["Type"] == kind} for kind in types},
        {*world.primary.alarms},
        world.here.stack.resolve(list(world.primary.node_ids)),
    )


@functools.cache
def _watched_from_the_start(shards: int, topology: Topology = SHARDED, **changes: Any) -> Watched:
    """Those of a primary that was made with as many shards, only to be looked at."""
    return _watched(topology=dataclasses.replace(topology, shards=shards), **changes)


LARGE = dataclasses.replace(SHARDED, node_quota=93)


@pytest.mark.parametrize(
    ("topology", "shards", "changes"),
    [
        (Topology(cluster_mode=True), 2, {}),
        (SHARDED, 4, {"alarms": OF_LAG}),
        (SHARDED, 4, {"engine": Engine.VALKEY_8_2}),
        (LARGE, 31, {}),
    ],
    ids=["one alarm", "several alarms", "Valkey", "too many to watch each"],
)
def test_alarms_of_the_primary_watch_new_shards(topology: Topology, shards: int, changes: dict[str, Any]) -> None:
    """They are those of a primary that was made with as many shards, under the logical ids that they had."""
    resharded = _watched(of_store={"shards": shards}, topology=topology, **changes)
    wanted = _watched_from_the_start(shards, topology, **changes)

    assert wanted == resharded
    assert shards * topology.nodes_per_shard == len(resharded.node_ids)


@pytest.mark.parametrize(
    ("topology", "before", "changes"),
    [(SHARDED, 4, {"alarms": OF_LAG}), (LARGE, 31, {})],
    ids=["fewer", "few enough to watch each"],
)
def test_alarms_of_the_primary_watch_no_shards_that_are_gone(
    topology: Topology, before: int, changes: dict[str, Any]
) -> None:
    """An alarm that a dashboard may show stays, with fewer nodes; nothing refers to what watched the rest."""
    given = dataclasses.replace(topology, shards=before)
    alarms, composites, mutes = _watched(of_store={"shards": 2}, topology=given).resources.values()
    wanted_alarms, _, wanted_mutes = _watched_from_the_start(2).resources.values()
    # Whether it had the alarm of its lag from the start makes no difference to the others.
    _, had, _ = _watched_from_the_start(before, topology, **changes).resources.values()
    there = {*alarms, *composites, *mutes}
    named = set(re.findall(r"'Fn::GetAtt': \['(\w+)', 'Arn'\]", str([composites])))

    assert wanted_alarms == alarms
    assert {name for name in had if "GlobalReplicationLag" not in name} <= {*composites}
    assert {*wanted_alarms} <= named <= there
    assert wanted_mutes == mutes


def test_actions_of_alarms_are_kept_when_shards_change() -> None:
    """Who was told of an alarm before the global datastore is made is told of its shards."""
    here = new_bench("eu-west-1")
    others = _watched_from_the_start(2).names - {CacheAlarm.SWAP_USAGE}
    alarms = CacheAlarms(removed=dict.fromkeys(others, "This test is about another alarm."))
    primary = _primary(here, topology=SHARDED, access=USERS, alarms=alarms)
    topic = sns.Topic(here.stack, "Also")
    primary.alarms[CacheAlarm.SWAP_USAGE].add_alarm_action(actions.SnsAction(topic))
    GlobalDatastore(here.stack, "G", primary=primary, suffix="shop", shards=4)
    told = [
        str(each["Properties"]["AlarmActions"]).count("'Also")
        for each in here.resources("CloudWatch::Alarm").values()
        if "SwapUsage" in str(each)
    ]

    assert [1, 1] == told


def test_alarms_of_secondaries_watch_new_shards() -> None:
    """They take the shards from the global datastore."""
    world = _world(of_store={"shards": 3}, topology=SHARDED)
    world.secondary(replicas_per_shard=1, alarms=CacheAlarms())

    assert [6] == [str(each).count("GlobalDatastoreReplicationLag") for each in _of_lag(world.there).values()]


def test_nothing_but_an_order_passes_between_the_stacks() -> None:
    """The secondary's stack waits for the primary's, and neither exports, imports or reads anything."""
    world, secondary = _sharded()
    texts = [str(world.here.template()), str(world.there.template())]

    assert [world.here.stack.node.path] == [each.node.path for each in world.there.stack.dependencies]
    assert [] == [word for text in texts for word in ("Fn::ImportValue", "Custom::", "'Export'") if word in text]
    assert secondary.member_id == world.there.only(GROUP)["Properties"]["ReplicationGroupId"]


def test_global_datastore_is_made_with_its_primary_alone_and_kept() -> None:
    """It states nothing that CloudFormation would ignore at creation; removing it from the code deletes nothing."""
    world, _ = _sharded()
    store = world.here.only(GLOBAL)

    assert {"GlobalReplicationGroupIdSuffix", "GlobalReplicationGroupDescription", "Members"} == {*store["Properties"]}
    assert [("eu-west-1", "PRIMARY")] == world.members
    assert ("RetainExceptOnCreate", "Retain") == (store["DeletionPolicy"], store["UpdateReplacePolicy"])


def test_changes_of_all_members() -> None:
    """What changed since the primary joined is stated on the global datastore, and the primary stays as it was."""
    since = {"engine": Engine.VALKEY_8_2, "node_type": NodeType("cache.r7g.xlarge"), "shards": 3}
    world = _world(of_store=since, topology=SHARDED)
    secondary = world.secondary()
    store, group = world.here.only(GLOBAL)["Properties"], world.here.only(GROUP)["Properties"]
    stated = [store[name] for name in ("Engine", "EngineVersion", "CacheNodeType", "GlobalNodeGroupCount")]
    families = {
        name: each["Properties"]["CacheParameterGroupFamily"]
        for name, each in world.here.resources("ElastiCache::ParameterGroup").items()
    }

    assert ["valkey", "8.2", "cache.r7g.xlarge", 3] == stated
    assert ("redis", "7.1", "cache.r7g.large", 2) == tuple(
        group[name] for name in ("Engine", "EngineVersion", "CacheNodeType", "NumNodeGroups")
    )
    assert "valkey8" == families[store["CacheParameterGroupName"]["Ref"]]
    assert (9, "valkey") == (len(secondary.node_ids), secondary.settings.engine.name)


def test_a_newer_version_of_the_same_family_needs_no_parameter_group() -> None:
    """CloudFormation takes the parameter group in a major upgrade only."""
    world = _world(of_store={"engine": Engine.VALKEY_8_2}, engine=Engine.VALKEY_8_0)
    store = world.here.only(GLOBAL)["Properties"]

    assert ("8.2", False, False) == (store["EngineVersion"], "Engine" in store, "CacheParameterGroupName" in store)


@pytest.mark.parametrize("is_promoted", [False, True])
def test_members_are_stated_once_they_joined_and_roles_once_they_changed(*, is_promoted: bool) -> None:
    """The ids of secondaries are texts, so that the primary's stack does not wait for theirs."""
    world = _world()
    joined = world.secondary()
    world.store.state_members([joined], promoted=joined if is_promoted else None)
    roles = ("SECONDARY", "PRIMARY") if is_promoted else ("PRIMARY", "SECONDARY")

    assert list(zip(("eu-west-1", "eu-central-1"), roles, strict=True)) == world.members
    assert joined.member_id == world.here.only(GLOBAL)["Properties"]["Members"][1]["ReplicationGroupId"]


def test_gate_lets_changes_of_all_members_pass_once_the_members_are_stated() -> None:
    """They are on the global datastore alone: neither group is touched by the deployment."""

    def templates(**since: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        logs = LogDelivery()
        world = _world(of_store=since, topology=SHARDED, log_delivery=logs)
        world.store.state_members([world.secondary(log_delivery=logs)])
        return world.here.template(), world.there.template()

    before, after = templates(), templates(node_type=NodeType("cache.r7g.xlarge"), engine=Engine.VALKEY_8_2)
    here, there = (compare(old, new) for old, new in zip(before, after, strict=True))
    names = {name for name, each in before[0]["Resources"].items() if each["Type"] == f"AWS::{GLOBAL}"}

    assert [] == [*here.blocking(), *there]
    assert names == {each.resource for each in here if each.effect is not Effect.CREATION}


def test_gate_stops_what_the_docstring_says_is_neither_changed_nor_replaced() -> None:
    """Another primary, suffix or prefix: in the stack of the global datastore or in that of a secondary."""
    token = Access.auth_token()

    def templates(chosen: int = 0, **of_store: Any) -> list[dict[str, Any]]:
        here = new_bench("eu-south-1")
        there = new_bench("eu-central-1", other=here)
        primary = [_primary(here, construct_id=each, access=token) for each in ("Redis", "Other")][chosen]
        store = GlobalDatastore(
            here.stack, "G", primary=primary, **{"suffix": "shop", "id_prefix": "abcde", **of_store}
        )
        store.state_members([World(here, there, primary, store).secondary(access=token)])
        return [here.template(), there.template()]

    before = templates()
    changes: list[dict[str, Any]] = [{"chosen": 1}, {"suffix": "other"}, {"id_prefix": "bcdef"}]
    for change in changes:
        compared = [compare(old, new) for old, new in zip(before, templates(**change), strict=True)]
        assert any(each.blocking() for each in compared), change


@dataclass(frozen=True)
class Refusal:
    """A call on a fresh world, and what its message has."""

    call: Any
    says: str


REFUSALS = {
    "same Region": Refusal(
        lambda world: world.secondary(world.here, "Second"),
        "SecondaryReplicationGroup in eu-west-1: each member of a global datastore has a Region to itself, and "
        "eu-west-1 has its primary. Put it into a stack of another Region",
    ),
    "Region taken": Refusal(
        lambda world: (world.secondary(), world.secondary(name="Second")),
        "and eu-central-1 has Test-eu-central-1/Redis",
    ),
    "third secondary": Refusal(
        lambda world: [
            world.secondary(new_bench(region, other=world.here)) for region in ("eu-west-2", "eu-west-3", "us-east-1")
        ],
        "a global datastore with 3 secondaries: it has 2 at most. Leave one of them out.",
    ),
    "group in two": Refusal(
        lambda world: GlobalDatastore(world.here.stack, "Other", primary=world.primary, suffix="other"),
        "it is a member of Test/G, and a group is in one global datastore. Use another group.",
    ),
    "secondary as primary": Refusal(
        lambda world: GlobalDatastore(world.there.stack, "Other", primary=world.secondary(), suffix="other"),
        "it is a member of Test/G",
    ),
    "no group": Refusal(
        lambda world: GlobalDatastore(world.here.stack, "Other", primary="redis", suffix="other"),  # type: ignore[arg-type]
        "GlobalDatastore(primary='redis') of type str: the primary is a ReplicationGroup of this app.",
    ),
    "elsewhere": Refusal(
        lambda world: GlobalDatastore(world.there.stack, "Other", primary=_primary(_other(world)), suffix="other"),
        "GlobalDatastore(primary=...) of the region eu-west-1 in eu-central-1: a global datastore is made in the "
        "region of its primary.",
    ),
    "foreign member": Refusal(
        lambda world: world.store.state_members([world.primary]),
        "GlobalDatastore.state_members([...]) with Test/Redis: the members are secondaries that were made with this "
        "global datastore.",
    ),
    "promoted without joining": Refusal(
        lambda world: world.store.state_members([], promoted=world.secondary()),
        "GlobalDatastore.state_members([...], promoted=Test-eu-central-1/Redis): only a member can be promoted. Add it",
    ),
    "other login": Refusal(
        lambda world: world.secondary(access=Access.auth_token()), "with an AUTH token of a primary with users"
    ),
    "users of another Region": Refusal(
        lambda world: world.secondary(
            access=Access.user_group(
                UserGroup(world.here.stack, "Users", access=Access.users(default=DefaultUser.with_token()))
            )
        ),
        "Access.user_group with a UserGroup of the region eu-west-1 for a cache in eu-central-1: a user group is in "
        "the region of the caches",
    ),
    "no replica": Refusal(lambda world: world.secondary(replicas_per_shard=0), "(GDS-07)"),
    "two mistakes": Refusal(
        lambda world: GlobalDatastore(world.here.stack, "Other", primary=world.primary, suffix="a_b", shards=0),
        "(NAM-11)",
    ),
}


def test_secondary_of_another_account_is_refused() -> None:
    """Its stack and that of the global datastore are compared, once both accounts are known."""
    app = cdk.App(context=FLAGS, analytics_reporting=False)
    here, there = _of_account(app, "111122223333", "eu-west-1"), _of_account(app, "444455556666", "eu-central-1")
    primary = _primary(here)
    world = World(here, there, primary, GlobalDatastore(here.stack, "G", primary=primary, suffix="shop"))

    with pytest.raises(ConfigurationError, match="in the account 444455556666 of a primary in 111122223333"):
        world.secondary()


def _of_account(app: cdk.App, account: str, region: str) -> Bench:
    stack = cdk.Stack(app, f"Test-{region}", env=cdk.Environment(account=account, region=region))
    zones, subnets, tables = ([f"{name}{each}" for each in "ab"] for name in (region, "subnet-", "rtb-"))
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-12345",
        availability_zones=zones,
        isolated_subnet_ids=subnets,
        isolated_subnet_route_table_ids=tables,
    )
    return Bench(stack, vpc)


def _other(world: World) -> Bench:
    world.here.stack.node.try_remove_child("Redis")
    return world.here


@pytest.mark.parametrize("name", REFUSALS)
def test_refused(name: str) -> None:
    """What the service would refuse is refused at synth, in one message."""
    with pytest.raises(ConfigurationError) as refusal:
        REFUSALS[name].call(_world())

    assert REFUSALS[name].says in str(refusal.value)


def test_arguments_of_another_type_are_refused_in_one_line_each() -> None:
    """Each by its name, its value and its type, all of them together."""
    world = _world()
    wrong: dict[str, Any] = dict.fromkeys(("suffix", "id_prefix", "engine", "node_type", "description"), 5)
    with pytest.raises(ConfigurationError) as refusal:
        GlobalDatastore(world.here.stack, "Other", primary=world.primary, **wrong)

    said = [each.got for each in refusal.value.errors]
    assert [f"GlobalDatastore({name}=5) of type int" for name in wrong] == said


def test_a_primary_in_a_stack_without_a_region_is_refused() -> None:
    """The id depends on the Region, so it has to be known."""
    bench = new_bench()
    with pytest.raises(ConfigurationError, match="GlobalDatastore in a stack without a Region"):
        GlobalDatastore(bench.stack, "Global", primary=_primary(bench), suffix="shop")


def test_a_secondary_follows_a_primary_without_failover() -> None:
    """Its replicas are for reads then, and it is not said to fail over."""
    world = _world(topology=Topology(replicas_per_shard=0), access=Access.users(default=DefaultUser.with_token()))
    secondary = world.secondary(replicas_per_shard=1)

    assert not secondary.settings.topology.multi_az
    assert 2 == world.there.only(GROUP)["Properties"]["NumCacheClusters"]


def test_secondary_takes_every_argument_that_is_its_own() -> None:
    """An argument of a group is one of a secondary too, unless the global datastore decides it."""
    decided = {
        *("engine", "upgraded_from", "node_type", "topology", "parameters", "unlisted_parameters"),
        *("transit_encryption", "network_type", "restore_from", "durability", "existing"),
        *("auto_minor_version_upgrade", "manual_upgrades_reason"),
    }
    group, secondary = (
        {*inspect.signature(each.__init__).parameters} for each in (ReplicationGroup, SecondaryReplicationGroup)
    )

    assert group - decided == secondary - {"global_datastore", "replicas_per_shard"}
