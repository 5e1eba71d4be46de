"""What ElastiCache does with an update of a global datastore, and of the groups that are its members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules.update import Finding
from elasticache_rules.change_gate.values import is_known
from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elasticache_rules.change_gate.service_rules.update import State, Update

GLOBAL = "AWS::ElastiCache::GlobalReplicationGroup"
_GROUP = "AWS::ElastiCache::ReplicationGroup"
_RUNBOOK = "docs/runbooks/global-datastore.md"
_FAILOVER = "docs/runbooks/global-datastore-failover.md"

_DECIDED = {
    "AutoMinorVersionUpgrade": ("the service keeps it off for a member of a global datastore", "ENG-21"),
    "AutomaticFailoverEnabled": ("failover is decided by the global datastore for all its members", "GDS-14"),
    "MultiAZEnabled": ("failover is decided by the global datastore for all its members", "GDS-14"),
    "NumNodeGroups": ("a member of a global datastore has the shards of all members", "GDS-14"),
    "NodeGroupConfiguration": ("a member of a global datastore has the shards of all members", "GDS-14"),
    "ClusterMode": ("a member of a global datastore has the cluster mode of all members", "GDS-14"),
    "TransitEncryptionEnabled": ("a member of a global datastore has the encryption of all members", "GDS-04"),
    "TransitEncryptionMode": ("a member of a global datastore has the encryption of all members", "GDS-04"),
}
"""Properties that no rule of a group judges for a member, each with what the service says and the rule."""

_IGNORED_AT_CREATION = (
    *("AutomaticFailoverEnabled", "CacheNodeType", "Engine", "EngineVersion", "GlobalNodeGroupCount"),
)


def is_member(state: State, logical_id: str) -> bool:
    """Whether a group is in a global datastore: a secondary by its own property, a primary by the datastore's.

    Args:
        state: The group, with the resources around it.
        logical_id: Its logical id.
    """
    return state.get("GlobalReplicationGroupId") is not None or logical_id in primaries(state.resources)


def primaries(resources: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The logical ids of the groups that a global datastore of the template has as members.

    Args:
        resources: The resources of the template.
    """
    stores = [body for body in resources.values() if body.get("Type") == GLOBAL]
    return {each.name for body in stores for each in references(body.get("Properties", {}).get("Members"))}


def of_member(update: Update) -> Iterator[Finding]:
    """What the service refuses to change on a member by itself, and no other rule of a group names."""
    if not is_member(update.old, update.logical_id):
        return
    for name, (reason, rule) in _DECIDED.items():
        if update.changes(name):
            instead = f"leave it as it was, and change it on the global datastore: {_RUNBOOK}"
            yield Finding(name, Effect.REJECTED, reason, instead, (rule,))


def of_parameters(update: Update) -> Iterator[Finding]:
    """The effect of other parameters in the group that the primary was made with."""
    if not update.changes("Properties"):
        return
    members = primaries(update.old.resources)
    used = [
        name
        for name in members
        for each in references(_properties(update.old.resources.get(name)).get("CacheParameterGroupName"))
        if each.name == update.logical_id
    ]
    if used:
        yield Finding(
            "Properties",
            Effect.NOT_JUDGED,
            f"{' and '.join(sorted(used))} is in a global datastore, whose members use copies that the service made: "
            "whether this reaches them is not known here",
            f"change the parameter group that a member has today, which changes it for all members: {_RUNBOOK}",
            ("GDS-13",),
        )


def of_global(update: Update) -> Iterator[Finding]:
    """What the service says about an update of a global datastore."""
    if update.changes("GlobalReplicationGroupIdSuffix"):
        yield Finding(
            "GlobalReplicationGroupIdSuffix",
            Effect.REJECTED,
            "the id is made with the global datastore, and stays",
            f"leave it as it was, or make a new global datastore: {_RUNBOOK}",
            ("NAM-11",),
        )
    if update.changes("Members"):
        yield from _members(update)
    elif any(update.changes(name) for name in _IGNORED_AT_CREATION) and len(update.new.members("Members")) == 1:
        yield Finding(
            "Members",
            Effect.NOT_JUDGED,
            "its list has the primary alone: whether the service takes secondaries out that it does not name is not "
            "documented",
            f"state the members first, in a separate deployment: GlobalDatastore.state_members, {_RUNBOOK}",
            ("GDS-15",),
            could_replace=True,
        )
    yield from _changes_of_all(update)


def _changes_of_all(update: Update) -> Iterator[Finding]:
    if update.changes("CacheNodeType"):
        yield Finding(
            "CacheNodeType",
            Effect.INTERRUPTION,
            "all members are scaled online: a failover of seconds per shard in each Region",
            "check the memory in use first: docs/runbooks/node-type.md",
            ("GDS-08",),
        )
    for name in ("Engine", "EngineVersion"):
        if update.changes(name):
            yield Finding(
                name,
                Effect.INTERRUPTION,
                "all members are upgraded, with a failover of seconds per shard in each Region; there is no way back",
                "take a snapshot first: docs/runbooks/engine-upgrade.md",
                ("ENG-21",),
            )
            break
    if update.changes("GlobalNodeGroupCount") and not update.is_only_change:
        yield Finding(
            "GlobalNodeGroupCount",
            Effect.SEVERAL_DEPLOYMENTS,
            "a resharding that fails is not rolled back, and everything else is",
            "deploy it alone: docs/runbooks/shards.md",
            ("UPD-06",),
        )


def _members(update: Update) -> Iterator[Finding]:
    old, new = (_by_place(state.members("Members")) for state in (update.old, update.new))
    if old is None or new is None:
        yield Finding(
            "Members", Effect.NOT_JUDGED, "its members are known at deployment only", "look at the change set"
        )
        return
    gone = sorted(region for region, _ in old.keys() - new.keys())
    if gone:
        yield Finding(
            "Members",
            Effect.DATA_LOSS,
            f"the member in {' and '.join(gone)} leaves: it keeps its data, takes writes, and follows no longer",
            f"take it out with the API, and of the list afterwards: {_RUNBOOK}",
            ("GDS-10",),
        )
    if any(old[each] != new[each] for each in old.keys() & new.keys()):
        yield Finding(
            "Members",
            Effect.DATA_LOSS,
            "another member becomes the primary: what was not replicated to it is lost, and writes fail meanwhile",
            f"promote it with the API, and state it afterwards: {_FAILOVER}",
            ("GDS-14",),
        )


def of_new(new: State) -> Iterator[Finding]:
    """What CloudFormation does with a global datastore that comes with an update.

    Args:
        new: The global datastore.
    """
    members = new.members("Members")
    if len(members) > 1:
        yield Finding(
            "Members",
            Effect.REJECTED,
            "a global datastore is created with its primary alone",
            f"list its secondaries in a deployment after they have joined: {_RUNBOOK}",
            ("GDS-15",),
        )
    for name in _IGNORED_AT_CREATION:
        if new.get(name) is not None:
            yield Finding(
                name,
                Effect.SEVERAL_DEPLOYMENTS,
                "CloudFormation ignores it when it creates the global datastore, and afterwards sees no change",
                f"leave it out of this deployment: {_RUNBOOK}",
                ("GDS-16",),
            )


def of_removed(name: str, old: Mapping[str, Mapping[str, Any]], policy: str) -> Finding | None:
    """What the service says about the deletion of a member, or None if it is not a member, or is kept.

    Args:
        name: The logical id of the resource.
        old: The resources before the update.
        policy: Its deletion policy.
    """
    body = old[name]
    secondary = _properties(body).get("GlobalReplicationGroupId") is not None
    if body.get("Type") != _GROUP or policy not in ("Delete", "Snapshot") or not (secondary or name in primaries(old)):
        return None
    return Finding(
        "(resource)",
        Effect.REJECTED,
        "a member of a global datastore is not deleted: a secondary leaves it first, a primary when it has none left",
        f"take it out with the API, and remove it afterwards, allowed by name: {_RUNBOOK}",
        ("GDS-10",),
    )


def _properties(body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found = (body or {}).get("Properties", {})
    return found if isinstance(found, dict) else {}


def _by_place(members: list[Any]) -> dict[tuple[str, str], str] | None:
    """The role of each member by its Region and id; None if one is not known."""
    found: dict[tuple[str, str], str] = {}
    for each in members:
        region = each.get("ReplicationGroupRegion") if isinstance(each, dict) else None
        if not isinstance(region, str) or not is_known(region):
            return None
        found[region, repr(each.get("ReplicationGroupId"))] = str(each.get("Role"))
    return found
