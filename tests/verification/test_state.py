"""What no template says, with answers that the emulator cannot give."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from verification.account import AccessDeniedError, Account
from verification.assembly import Stack
from verification.resolve import Deployment
from verification.state import State, look

NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
TYPES = {
    "Group": "AWS::ElastiCache::ReplicationGroup",
    "Cluster": "AWS::ElastiCache::CacheCluster",
    "Cache": "AWS::ElastiCache::ServerlessCache",
    "Users": "AWS::ElastiCache::UserGroup",
    "Alarm": "AWS::CloudWatch::Alarm",
    "Topic": "AWS::SNS::Topic",
}
NODE = {
    "CacheClusterId": "group-001",
    "Engine": "redis",
    "EngineVersion": "7.1.0",
    "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
}
MEMCACHED = {**NODE, "CacheClusterId": "cluster", "Engine": "memcached", "EngineVersion": "1.6.22"}
GROUP = {
    "ReplicationGroupId": "group",
    "MemberClusters": ["group-001"],
    "SnapshotRetentionLimit": 15,
    "ReplicationGroupCreateTime": NOW - dt.timedelta(days=90),
}
CACHE = {"ServerlessCacheName": "cache", "SnapshotRetentionLimit": 1, "CreateTime": NOW - dt.timedelta(days=90)}
USERS = {"UserGroupId": "users", "UserIds": ["a"]}


def _taken(hours: float, source: str = "automated", status: str = "available") -> dict[str, Any]:
    moment = NOW - dt.timedelta(hours=hours)
    return {"SnapshotSource": source, "SnapshotStatus": status, "NodeSnapshots": [{"SnapshotCreateTime": moment}]}


def _of_serverless(hours: float, status: str = "available") -> dict[str, Any]:
    return {"Status": status, "CreateTime": NOW - dt.timedelta(hours=hours)}


def _event(message: str, source: str = "group-001", days: int = 1) -> dict[str, Any]:
    return {"SourceIdentifier": source, "Message": message, "Date": NOW - dt.timedelta(days=days)}


def _action(days: float | None, status: str = "not-applied", **of: str) -> dict[str, Any]:
    due = {} if days is None else {"ServiceUpdateRecommendedApplyByDate": NOW + dt.timedelta(days=days)}
    cache = of or {"ReplicationGroupId": "group"}
    named = {"ServiceUpdateName": "update", "ServiceUpdateSeverity": "important", "UpdateActionStatus": status}
    return {**named, "NodesUpdated": "1/2", **cache, **due}


def _quota(code: str, value: float) -> dict[str, Any]:
    return {"QuotaCode": code, "Value": value}


QUIET: dict[str, dict[str, list[Any]]] = {
    "describe_replication_groups": {"ReplicationGroups": [GROUP]},
    "describe_cache_clusters": {"CacheClusters": [NODE, MEMCACHED]},
    "describe_serverless_caches": {"ServerlessCaches": [CACHE]},
    "describe_user_groups": {"UserGroups": [USERS]},
    "describe_users": {"Users": [{"UserId": "a"}]},
    "describe_events": {"Events": []},
    "describe_update_actions": {"UpdateActions": []},
    "describe_service_updates": {"ServiceUpdates": []},
    "describe_snapshots": {"Snapshots": [_taken(10)]},
    "describe_serverless_cache_snapshots": {"ServerlessCacheSnapshots": [_of_serverless(10)]},
    "describe_alarms": {"MetricAlarms": [{"AlarmName": "alarm", "StateValue": "OK"}]},
    "list_subscriptions_by_topic": {
        "Subscriptions": [{"SubscriptionArn": "arn:aws:sns:1", "Protocol": "email", "Endpoint": "a@b.c"}]
    },
    "list_service_quotas": {"Quotas": []},
}


class Answers(Account):
    """An account with answers of these tests."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__("eu-west-1")
        self.given = {**QUIET, **answers}

    def read_now(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:  # noqa: ARG002 - no two alike
        """The answer of these tests to an operation of any service."""
        answer = self.given[operation]
        if isinstance(answer, Exception):
            raise answer
        ids = [
            value for key, value in arguments.items() if key.endswith("Id") and operation.startswith("describe_cache_c")
        ]
        if ids:
            return {"CacheClusters": [item for item in answer["CacheClusters"] if item["CacheClusterId"] in ids]}
        found: dict[str, Any] = answer
        return found


def found(*names: str, **answers: Any) -> State:
    """What a look at these resources finds."""
    account = Answers(answers)
    template = {"Resources": {name: {"Type": TYPES[name]} for name in names or TYPES}}
    stack = Stack("stack", "stack", None, None, template)
    ids = {name: name.lower() for name in TYPES}
    deployment = Deployment(stack, account, ids, {}, "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1", {})
    return look([deployment], account, NOW)


def failed(state: State) -> list[tuple[str, str, str]]:
    """What failed: the resource, what was checked, and what was read."""
    return [(check.resource, check.property, check.read) for check in state.checks if not check.ok]


def test_a_quiet_stage_has_nothing_to_tell() -> None:
    """Everything is read, nothing differs, and nothing is noted."""
    state = found()
    assert ([], [], []) == (failed(state), state.to_note, state.denied)
    assert {check.resource for check in state.checks} == set(TYPES)


WINDOW = "in the maintenance window sun:04:00-sun:05:00"


@pytest.mark.parametrize(
    ("pending", "expected"),
    [
        ({"CacheNodeType": "cache.r7g.large"}, ("pending: CacheNodeType", f"cache.r7g.large {WINDOW}")),
        ({"EngineVersion": "7.2"}, ("pending: EngineVersion", f"7.2 {WINDOW}")),
        ({"NumCacheNodes": 5}, ("pending: NumCacheNodes", f"5 {WINDOW}")),
    ],
)
def test_what_waits_for_the_window_is_a_difference(pending: dict[str, Any], expected: tuple[str, str]) -> None:
    """Of a node of a group, and of a Memcached cluster."""
    node = {**NODE, "PendingModifiedValues": pending}
    group = found("Group", describe_cache_clusters={"CacheClusters": [node]})
    cluster = found("Cluster", describe_cache_clusters={"CacheClusters": [{**node, "CacheClusterId": "cluster"}]})
    assert [("Group", *expected)] == failed(group)
    assert [("Cluster", *expected)] == failed(cluster)


def test_changes_of_a_user_group_that_wait_are_a_difference() -> None:
    """Users that are being added or removed."""
    group = {**USERS, "PendingChanges": {"UserIdsToRemove": ["a"], "UserIdsToAdd": []}}
    state = found("Users", describe_user_groups={"UserGroups": [group]})
    assert [("Users", "pending", '{"UserIdsToRemove": ["a"]}')] == failed(state)


def test_what_is_under_way_is_noted() -> None:
    """A rotation of the AUTH token, or slots that move, are no difference to the template."""
    pending = {"AuthTokenStatus": "ROTATING", "Resharding": {"SlotMigration": {"ProgressPercentage": 40.0}}}
    state = found(
        "Group", describe_replication_groups={"ReplicationGroups": [{**GROUP, "PendingModifiedValues": pending}]}
    )
    assert [] == failed(state)
    assert ["AuthTokenStatus is under way", "Resharding is under way"] == [
        line.split(": ")[1] for line in state.to_note
    ]


def test_events_that_mean_something_are_noted_once() -> None:
    """Failures and replacements, with their last day and their number; not what was asked for, nor of other caches."""
    events = [
        _event("Failover to replica node group-001 completed", days=3),
        _event("Snapshot failed for snapshot with ID automatic", "group", days=4),
        _event("Snapshot failed for snapshot with ID automatic", "group", days=2),
        _event("Snapshot failed for snapshot with ID automatic", "of-another-team"),
        _event("Automatic snapshot succeeded", "group"),
    ]
    state = found("Group", describe_events={"Events": events})
    assert [
        "stack Group: event of 2026-11-25: Failover to replica node group-001 completed",
        "stack Group: event of 2026-11-26, 2 times: Snapshot failed for snapshot with ID automatic",
    ] == sorted(state.to_note)


def test_a_failed_change_of_the_node_type_is_told_with_the_difference() -> None:
    """CloudFormation says that the update is complete, and only the event says that it failed."""
    state = found("Group", describe_events={"Events": [_event("Failed to scale down: not enough memory", "group")]})
    assert {("stack", "Group", "CacheNodeType"): "event of 2026-11-27: Failed to scale down: not enough memory"} == (
        state.notes
    )


@pytest.mark.parametrize("status", ["not-applied", "stopped", "scheduled", "in-progress"])
def test_an_overdue_service_update_is_a_difference(status: str) -> None:
    """After its recommended date, unless it is complete."""
    state = found("Group", describe_update_actions={"UpdateActions": [_action(-1, status)]})
    assert [("Group", "service update update (important)", f"{status}, 1/2 nodes updated")] == failed(state)


def test_a_service_update_that_is_not_due_is_noted() -> None:
    """With its date, and whether AWS applies it by itself."""
    updates = [{"ServiceUpdateName": "update", "AutoUpdateAfterRecommendedApplyByDate": True}]
    actions = [_action(3), _action(None, CacheClusterId="cluster"), _action(-9, ReplicationGroupId="of-another-team")]
    state = found(
        describe_update_actions={"UpdateActions": actions}, describe_service_updates={"ServiceUpdates": updates}
    )
    by_itself = "AWS applies it by itself afterwards"
    assert [] == failed(state)
    assert [
        f"stack Group: service update update (important) is not-applied: apply it by 2026-12-01; {by_itself}",
        f"stack Cluster: service update update (important) is not-applied: no date; {by_itself}",
    ] == state.to_note


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("7.1.0", []),
        ("6.2.6", ["standard support of redis 6.2.6 ends on 2027-01-31, in 64 days"]),
        (
            "5.0.6",
            ["standard support of redis 5.0.6 ended on 2026-01-31; extended support costs extra until 2029-01-31"],
        ),
    ],
)
def test_the_end_of_support_is_noted_a_year_ahead(version: str, told: list[str]) -> None:
    """By the facts about the engine that runs."""
    state = found("Group", describe_cache_clusters={"CacheClusters": [{**NODE, "EngineVersion": version}]})
    assert [f"stack Group: {line}" for line in told] == state.to_note


@pytest.mark.parametrize(
    ("taken", "read"),
    [
        ([_taken(35)], None),
        ([_taken(37)], "37 hours old"),
        ([_taken(50), _taken(1)], None),
        ([_taken(50), _taken(1, status="creating")], "50 hours old"),
        ([_taken(50), _taken(1, status="failed")], "50 hours old"),
        ([_taken(1, source="manual")], "none; the cache is 2160 hours old"),
        ([], "none; the cache is 2160 hours old"),
    ],
)
def test_the_newest_snapshot_is_young(taken: list[Any], read: str | None) -> None:
    """An automatic one that is complete counts, and a cache that is as old must have one."""
    state = found("Group", describe_snapshots={"Snapshots": taken})
    assert ([] if read is None else [("Group", "newest snapshot", read)]) == failed(state)


def test_a_new_cache_needs_no_snapshot_yet() -> None:
    """The first window may not have come; and a cache without daily snapshots has none."""
    new = {**GROUP, "ReplicationGroupCreateTime": NOW - dt.timedelta(hours=30)}
    none = {**GROUP, "SnapshotRetentionLimit": 0}
    for group in (new, none):
        groups = {"ReplicationGroups": [group]}
        assert [] == failed(found("Group", describe_replication_groups=groups, describe_snapshots={"Snapshots": []}))


@pytest.mark.parametrize(
    ("taken", "read"),
    [([_of_serverless(40)], "40 hours old"), ([_of_serverless(1, "creating")], "none; the cache is 2160 hours old")],
)
def test_a_serverless_cache_has_a_young_snapshot(taken: list[Any], read: str) -> None:
    """As a group has."""
    state = found("Cache", describe_serverless_cache_snapshots={"ServerlessCacheSnapshots": taken})
    assert [("Cache", "newest snapshot", read)] == failed(state)


def _alarm(value: str, days: float) -> dict[str, Any]:
    since = NOW - dt.timedelta(days=days)
    return {"AlarmName": "alarm", "StateValue": value, "StateUpdatedTimestamp": since, "StateReason": "too many"}


def test_an_alarm_in_alarm_is_a_difference() -> None:
    """With its reason; one that is made of others as well."""
    for kind in ("MetricAlarms", "CompositeAlarms"):
        state = found("Alarm", describe_alarms={kind: [_alarm("ALARM", 1)]})
        assert [("Alarm", "state", "ALARM")] == failed(state)
        assert ["too many"] == [check.note for check in state.checks]


@pytest.mark.parametrize(("days", "told"), [(1, []), (3, ["stack Alarm: the alarm has had no data since 2026-11-25"])])
def test_an_alarm_without_data_is_noted_after_days(days: int, told: list[str]) -> None:
    """A new cache has none yet."""
    assert told == found("Alarm", describe_alarms={"MetricAlarms": [_alarm("INSUFFICIENT_DATA", days)]}).to_note


def test_a_subscription_that_is_not_confirmed_is_a_difference() -> None:
    """A topic without any is noted."""
    pending = {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "a@b.c"}
    state = found("Topic", list_subscriptions_by_topic={"Subscriptions": [pending]})
    assert [("Topic", "subscription of email a@b.c", "pending")] == failed(state)
    state = found("Topic", list_subscriptions_by_topic={"Subscriptions": []})
    assert ["stack Topic: no subscription: no person is told"] == state.to_note


def test_quotas_are_noted_above_four_fifths() -> None:
    """Two clusters of one node each, and one user."""
    listed = [_quota("L-DFE45DF3", 2), _quota("L-80E085C7", 2), _quota("L-AD484FC5", 0)]
    state = found("Group", list_service_quotas={"Quotas": listed})
    assert ["quota L-DFE45DF3: 2 of 2 nodes per region are used in eu-west-1"] == state.to_note


def test_what_may_not_be_read_is_named_and_the_rest_is_read() -> None:
    """A missing permission is no difference."""
    denied = AccessDeniedError("elasticache:DescribeEvents")
    state = found("Group", describe_events=denied, describe_snapshots={"Snapshots": []})
    assert ["events: needs elasticache:DescribeEvents"] == state.denied
    assert ["newest snapshot"] == [what for _resource, what, _read in failed(state)]
