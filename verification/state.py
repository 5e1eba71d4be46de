"""What no template says about a deployed stage and AWS does: what waits, what failed, what is due, who is told."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_rules.facts import quotas
from elasticache_rules.facts.engines import support_ends
from verification.account import AccessDeniedError, BotoCoreError, ClientError
from verification.posture import Check, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from verification.account import Account
    from verification.assembly import Resource
    from verification.resolve import Deployment

GROUP, CLUSTER = "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::CacheCluster"
SERVERLESS, USER_GROUP = "AWS::ElastiCache::ServerlessCache", "AWS::ElastiCache::UserGroup"
ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")

WAITS = "pending: "  # prefix of the property of a check of what waits
EVENT_MINUTES = 20160  # the longest time that ElastiCache keeps events: 14 days
SNAPSHOT_HOURS = 36  # a day, and what a window and a snapshot take
SILENT_DAYS = 2  # an alarm of a new cache has no data for a while
SUPPORT_DAYS = 365  # an engine upgrade is planned a year ahead
QUOTA_SHARE = 0.8
MAX_CACHES = 20  # ids of a call of DescribeUpdateActions

# Events that mean more than that something was done as it was asked for.
NOTABLE = re.compile(r"\bfail|recover|replac|unable|insufficient|inactive|cancel|restore|evict", re.IGNORECASE)
FAILED = re.compile(r"\bfail|unable|insufficient", re.IGNORECASE)
UNFINISHED = (
    *("not-applied", "waiting-to-start", "in-progress", "stopping", "stopped", "scheduling", "scheduled"),
)  # statuses of a service update
# What waits, by the property that it changes. What is not in here is under way, and no property of a template.
PENDING = {
    "AutomaticFailoverStatus": "AutomaticFailoverEnabled",
    "CacheNodeType": "CacheNodeType",
    "ClusterMode": "ClusterMode",
    "EngineVersion": "EngineVersion",
    "LogDeliveryConfigurations": "LogDeliveryConfigurations",
    "NumCacheNodes": "NumCacheNodes",
    "TransitEncryptionEnabled": "TransitEncryptionEnabled",
    "TransitEncryptionMode": "TransitEncryptionMode",
    "UserGroups": "UserGroupIds",
}


@dataclass
class State:
    """What was found.

    Attributes:
        checks: Checks; one that failed is a difference.
        to_note: What is no difference and wants attention.
        denied: What could not be read, with the reason.
        notes: What is known about a difference, by stack, resource and property.
    """

    checks: list[Check] = field(default_factory=list)
    to_note: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    notes: dict[tuple[str, str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """A resource that exists.

    Attributes:
        stack: Name of its stack.
        resource: The resource.
        name: Its physical id.
    """

    stack: str
    resource: Resource
    name: str

    def check(self, what: str, asked: object, read: object, *, ok: bool, note: str = "") -> Check:
        """A check of the resource."""
        return Check(self.stack, self.resource.name, what, str(asked), str(read), ok, note=note)

    def __str__(self) -> str:
        return f"{self.stack} {self.resource.name}"


@dataclass(frozen=True)
class Look:
    """A look at a stage.

    Attributes:
        account: The account.
        items: The resources that exist.
        now: The time.
        state: What is found.
    """

    account: Account
    items: Sequence[Item]
    now: dt.datetime
    state: State

    def of(self, *kinds: str) -> Iterator[Item]:
        """The resources of some types."""
        return (item for item in self.items if item.resource.type in kinds)


def look(deployments: Sequence[Deployment], account: Account, now: dt.datetime) -> State:
    """Look at what no template says.

    Args:
        deployments: The stacks of the stage.
        account: The account they are deployed to.
        now: The time, with its offset from UTC.
    """
    items = [
        Item(deployment.stack.name, resource, deployment.physical_id(resource))
        for deployment in deployments
        for resource in deployment.resources
        if deployment.physical_ids.get(resource.logical_id)
    ]
    found = Look(account, items, now, State())
    for title, part in PARTS.items():
        try:
            part(found)
        except AccessDeniedError as fault:
            found.state.denied.append(f"{title}: {fault}")
        except (ClientError, BotoCoreError) as fault:
            found.state.denied.append(f"{title}: {fault}")
    return found.state


# Changes that wait ----------------------------------------------------------------------------------------------------


def pending(found: Look) -> None:
    """Changes that ElastiCache makes in the maintenance window, or is making."""
    for item in found.of(GROUP):
        group = found.account.replication_group(item.name)
        members = [found.account.cluster(member) for member in group["MemberClusters"]]
        waiting = {key: value for member in members for key, value in _pending_of(member).items()}
        waiting.update(_pending_of(group))
        _pending(found, item, waiting, members[0].get("PreferredMaintenanceWindow", ""))
    for item in found.of(CLUSTER):
        cluster = found.account.cluster(item.name)
        _pending(found, item, _pending_of(cluster), cluster.get("PreferredMaintenanceWindow", ""))
    for item in found.of(USER_GROUP):
        changes = found.account.user_group(item.name).get("PendingChanges", {})
        waiting = {key: value for key, value in changes.items() if value}
        read = shown(waiting) if waiting else "nothing"
        found.state.checks.append(item.check("pending", "nothing", read, ok=not waiting))


def _pending_of(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.get("PendingModifiedValues", {}).items() if value not in ({}, [], "")}


def _pending(found: Look, item: Item, waiting: Mapping[str, Any], window: str) -> None:
    when = f"in the maintenance window {window}" if window else "in the maintenance window"
    lasting = {PENDING[key]: value for key, value in waiting.items() if key in PENDING}
    for name, value in lasting.items():
        text = f"{shown(value)} {when}"
        found.state.notes[item.stack, item.resource.name, name] = f"pending: {text}"
        found.state.checks.append(item.check(WAITS + name, "nothing", text, ok=False))
    if not lasting:
        found.state.checks.append(item.check("pending", "nothing", "nothing", ok=True))
    found.state.to_note.extend(
        f"{item}: {key} is under way: {shown(value)}" for key, value in waiting.items() if key not in PENDING
    )


# Events ---------------------------------------------------------------------------------------------------------------


def events(found: Look) -> None:
    """What happened to the caches in the last 14 days; what failed is told with the difference that it left."""
    listed = found.account.read("elasticache", "describe_events", Duration=EVENT_MINUTES)["Events"]
    for item in found.of(GROUP, CLUSTER, SERVERLESS):
        names = {item.name}
        if item.resource.type == GROUP:
            names.update(found.account.replication_group(item.name)["MemberClusters"])
        own = [event for event in listed if event.get("SourceIdentifier") in names]
        notable = Counter(event["Message"] for event in own if NOTABLE.search(event["Message"]))
        latest = {event["Message"]: event["Date"] for event in sorted(own, key=lambda event: event["Date"])}
        for message, times in notable.items():
            often = f", {times} times" if times > 1 else ""
            found.state.to_note.append(f"{item}: event of {latest[message]:%Y-%m-%d}{often}: {message}")
        failed = [event for event in own if FAILED.search(event["Message"]) and "scal" in event["Message"].lower()]
        if failed:
            last = max(failed, key=lambda event: event["Date"])
            place = (item.stack, item.resource.name, "CacheNodeType")
            found.state.notes[place] = f"event of {last['Date']:%Y-%m-%d}: {last['Message']}"


# What is due ----------------------------------------------------------------------------------------------------------


def service_updates(found: Look) -> None:
    """Service updates that are not applied; one whose recommended date has passed is a difference."""
    for kind, key in ((GROUP, "ReplicationGroupId"), (CLUSTER, "CacheClusterId")):
        items = {item.name: item for item in found.of(kind)}
        names = sorted(items)
        for first in range(0, len(names), MAX_CACHES):
            asked = {f"{key}s": names[first : first + MAX_CACHES]}
            answer = found.account.read(
                "elasticache",
                "describe_update_actions",
                ServiceUpdateStatus=["available"],
                UpdateActionStatus=list(UNFINISHED),
                **asked,
            )
            for action in answer["UpdateActions"]:
                if action.get(key) in items:
                    _service_update(found, items[action[key]], action)


def _automatic(account: Account) -> set[str]:
    """The names of the service updates that AWS applies by itself after their date."""
    listed = account.read("elasticache", "describe_service_updates", ServiceUpdateStatus=["available"])
    return {
        update["ServiceUpdateName"]
        for update in listed["ServiceUpdates"]
        if update.get("AutoUpdateAfterRecommendedApplyByDate")
    }


def _service_update(found: Look, item: Item, action: Mapping[str, Any]) -> None:
    name, status = action["ServiceUpdateName"], action["UpdateActionStatus"]
    severity = action.get("ServiceUpdateSeverity", "no severity")
    due = action.get("ServiceUpdateRecommendedApplyByDate")
    later = "; AWS applies it by itself afterwards" if name in _automatic(found.account) else ""
    if due is not None and due < found.now:
        read = f"{status}, {action.get('NodesUpdated', 'no')} nodes updated{later}"
        found.state.checks.append(
            item.check(f"service update {name} ({severity})", f"applied by {due:%Y-%m-%d}", read, ok=False)
        )
        return
    when = f"apply it by {due:%Y-%m-%d}" if due else "no date"
    found.state.to_note.append(f"{item}: service update {name} ({severity}) is {status}: {when}{later}")


def end_of_support(found: Look) -> None:
    """Engines whose standard support has ended or ends within a year, from the facts that AWS has published."""
    for item in found.of(GROUP, CLUSTER):
        name = item.name
        if item.resource.type == GROUP:
            name = found.account.replication_group(name)["MemberClusters"][0]
        cluster = found.account.cluster(name)
        engine, version = cluster["Engine"], cluster["EngineVersion"]
        standard, extended = support_ends(engine, version)
        days = (standard - found.now.date()).days if standard else SUPPORT_DAYS + 1
        if days > SUPPORT_DAYS:
            continue
        until = f" until {extended:%Y-%m-%d}" if extended else ""
        when = f"ends on {standard:%Y-%m-%d}, in {days} days"
        if days < 0:
            when = f"ended on {standard:%Y-%m-%d}; extended support costs extra{until}"
        found.state.to_note.append(f"{item}: standard support of {engine} {version} {when}")


def snapshots(found: Look) -> None:
    """The newest automatic snapshot of each cache that has daily ones."""
    for item in found.of(GROUP):
        group = found.account.replication_group(item.name)
        if group.get("SnapshotRetentionLimit", 0) < 1:
            continue
        made = group.get("ReplicationGroupCreateTime")
        made = made or min(found.account.cluster(name)["CacheClusterCreateTime"] for name in group["MemberClusters"])
        answer = found.account.read(
            "elasticache", "describe_snapshots", ReplicationGroupId=item.name, SnapshotSource="system"
        )
        taken = {
            node["SnapshotCreateTime"]: snapshot["SnapshotStatus"]
            for snapshot in answer["Snapshots"]
            if snapshot.get("SnapshotSource") in {"automated", "system"}
            for node in snapshot.get("NodeSnapshots", ())
            if node.get("SnapshotCreateTime")
        }
        _snapshot(found, item, made, taken)
    for item in found.of(SERVERLESS):
        cache = found.account.serverless_cache(item.name)
        if not cache.get("SnapshotRetentionLimit"):
            continue
        answer = found.account.read(
            "elasticache",
            "describe_serverless_cache_snapshots",
            ServerlessCacheName=item.name,
            SnapshotType="automated",
        )
        taken = {snapshot["CreateTime"]: snapshot["Status"] for snapshot in answer["ServerlessCacheSnapshots"]}
        _snapshot(found, item, cache["CreateTime"], taken)


def _snapshot(found: Look, item: Item, made: dt.datetime, taken: Mapping[dt.datetime, str]) -> None:
    """Judge the newest snapshot that is complete; one that is being created does not count yet."""
    complete = [moment for moment, status in taken.items() if status == "available"]
    since = max(complete, default=made)
    hours = int((found.now - since).total_seconds() // 3600)
    ok = hours < SNAPSHOT_HOURS
    read = f"{hours} hours old" if complete else f"none; the cache is {hours} hours old"
    found.state.checks.append(item.check("newest snapshot", f"at most {SNAPSHOT_HOURS} hours old", read, ok=ok))


# Who is told ----------------------------------------------------------------------------------------------------------


def alarms(found: Look) -> None:
    """Alarms that are in alarm, and those without data for days."""
    listed = found.account.alarms()
    for item in found.of(*ALARMS):
        alarm = listed.get(item.name)
        if alarm is None:
            continue  # the comparison says so
        state = alarm["StateValue"]
        note = alarm.get("StateReason", "") if state == "ALARM" else ""
        found.state.checks.append(item.check("state", "not in alarm", state, ok=state != "ALARM", note=note))
        since = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
        if state == "INSUFFICIENT_DATA" and since and found.now - since > dt.timedelta(days=SILENT_DAYS):
            found.state.to_note.append(f"{item}: the alarm has had no data since {since:%Y-%m-%d}")


def subscriptions(found: Look) -> None:
    """Subscriptions that are not confirmed are differences; a topic without any is noted."""
    for item in found.of("AWS::SNS::Topic"):
        listed = found.account.subscriptions(item.name)
        for subscription in listed:
            is_pending = "pendingconfirmation" in subscription["SubscriptionArn"].lower().replace(" ", "")
            what = f"subscription of {subscription['Protocol']} {subscription['Endpoint']}"
            read = "pending" if is_pending else "confirmed"
            found.state.checks.append(item.check(what, "confirmed", read, ok=not is_pending))
        if not listed:
            found.state.to_note.append(f"{item}: no subscription: no person is told")


# Quotas ---------------------------------------------------------------------------------------------------------------


def service_quotas(found: Look) -> None:
    """Quotas of the account that are nearly used up."""
    answer = found.account.read("service-quotas", "list_service_quotas", ServiceCode="elasticache")
    values = {quota["QuotaCode"]: quota["Value"] for quota in answer["Quotas"]}
    for name, count in COUNTS.items():
        code = quotas.limit(name).quota
        value = values.get(code) if code else None
        used = count(found.account) if value else 0
        if value and used > QUOTA_SHARE * value:
            title = name.replace("_", " ")
            found.state.to_note.append(
                f"quota {code}: {used} of {int(value)} {title} are used in {found.account.region}"
            )


def _nodes(account: Account) -> int:
    clusters = account.read("elasticache", "describe_cache_clusters")["CacheClusters"]
    return sum(int(cluster.get("NumCacheNodes", 1)) for cluster in clusters)


def _listed(operation: str, key: str) -> Callable[[Account], int]:
    return lambda account: len(account.read("elasticache", operation)[key])


COUNTS: Mapping[quotas.Name, Callable[[Account], int]] = {
    "nodes_per_region": _nodes,
    "serverless_caches": _listed("describe_serverless_caches", "ServerlessCaches"),
    "user_groups": _listed("describe_user_groups", "UserGroups"),
    "users": _listed("describe_users", "Users"),
}

PARTS: Mapping[str, Callable[[Look], None]] = {
    "pending changes": pending,
    "events": events,
    "service updates": service_updates,
    "end of support": end_of_support,
    "snapshots": snapshots,
    "alarms": alarms,
    "subscriptions": subscriptions,
    "quotas": service_quotas,
}
