"""The engine of a replication group and its version, with the parameter group that has to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules import facts
from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules import cluster_mode, global_datastore, transit_encryption
from elasticache_rules.change_gate.service_rules.engines import engine, family, family_of_default_group, lacks, version
from elasticache_rules.change_gate.service_rules.update import Finding
from elasticache_rules.change_gate.values import is_known
from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from elasticache_rules.change_gate.service_rules.update import State, Update

_PARAMETER_GROUP = "AWS::ElastiCache::ParameterGroup"
_RUNBOOK = "docs/runbooks/engine-upgrade.md"
_TO_VALKEY = "docs/runbooks/redis-to-valkey.md"
_SNAPSHOT = "docs/runbooks/snapshot-and-restore.md"


def findings(update: Update) -> Iterator[Finding]:
    """What the service says about another engine or version."""
    engines = engine(update.old.properties), engine(update.new.properties)
    number = version(update.new.text("EngineVersion"))
    if update.changes("Engine", "EngineVersion"):
        if global_datastore.is_member(update.old, update.logical_id):
            yield Finding(
                "Engine" if update.changes("Engine") else "EngineVersion",
                Effect.REJECTED,
                "a member of a global datastore cannot be upgraded on its own",
                "change the engine version of the global replication group",
                ("ENG-21",),
            )
            return
        if engines == ("redis", "valkey"):
            yield from _to_valkey(update)
        elif engines == ("valkey", "redis"):
            yield from _back_to_redis(update)
        else:
            yield from _version(update)
        yield from _modes(update)
        if update.changes("CacheNodeType"):
            yield Finding(
                "EngineVersion",
                Effect.INTERRUPTION,
                "runs together with the change of the node type: each waits for, and fails with, the other",
                "deploy one after the other",
                ("ENG-23",),
            )
    if update.changes("Engine", "EngineVersion", "CacheParameterGroupName") and number and engines[1]:
        yield from _parameter_group(update, family(engines[1], number), crossing=engines[0] != engines[1])


def _version(update: Update) -> Iterator[Finding]:
    pair = update.texts("EngineVersion")
    old, new = version(pair[0] if pair else None), version(pair[1] if pair else None)
    if old is None or new is None:
        return
    if new[: len(old)] < old[: len(new)]:
        yield Finding(
            "EngineVersion",
            Effect.REJECTED,
            "an engine version cannot be lowered",
            f"restore a snapshot into a new group of that version: {_SNAPSHOT}",
            ("ENG-10",),
        )
    elif new != old:
        yield Finding(
            "EngineVersion",
            Effect.INTERRUPTION,
            "upgraded node by node, with a failover of seconds per shard"
            if update.old.flag("AutomaticFailoverEnabled")
            else "upgraded node by node; without failover the primary is away for minutes",
            f"take a snapshot first: {_RUNBOOK}",
        )


def _modes(update: Update) -> Iterator[Finding]:
    modes: tuple[tuple[str, facts.Feature, Callable[[State], str | None], str], ...] = (
        ("TransitEncryptionMode", "transit_encryption_mode", transit_encryption.mode, "TLS-06"),
        ("ClusterMode", "cluster_mode_migration", cluster_mode.mode, "TOP-23"),
    )
    for name, feature, mode, rule in modes:
        if not lacks(update.old, feature):
            continue
        if update.old.get(name) is None and update.new.get(name) is not None and mode(update.old) == mode(update.new):
            yield Finding(
                name,
                Effect.NOT_JUDGED,
                f"the version that runs, {update.old.text('EngineVersion')}, does not know it; whether the service "
                "refuses it together with the upgrade is not documented",
                f"leave it to the deployment after the upgrade: {_RUNBOOK}",
                (rule,),
            )


def _to_valkey(update: Update) -> Iterator[Finding]:
    if update.new.get("EngineVersion") is None:
        yield Finding(
            "Engine",
            Effect.REJECTED,
            "Valkey has no default version",
            f"set EngineVersion in the same update: {_TO_VALKEY}",
            ("ENG-11",),
        )
        return
    slow = (version(update.old.text("EngineVersion")) or (7,)) < (5, 0, 6)
    yield Finding(
        "Engine",
        Effect.INTERRUPTION,
        f"node by node, with a failover of {'30 to 60 seconds' if slow else 'seconds'} per shard; endpoints stay",
        f"take a snapshot first: only Valkey 7.2 can go back: {_TO_VALKEY}",
        ("ENG-11",),
    )
    yield from _static_parameters(update)


def _back_to_redis(update: Update) -> Iterator[Finding]:
    pair = update.old.text("EngineVersion"), update.new.text("EngineVersion")
    if pair != ("7.2", "7.1"):
        yield Finding(
            "Engine",
            Effect.REJECTED,
            "the only way back is from Valkey 7.2 to Redis 7.1",
            f"restore a snapshot into a new group: {_SNAPSHOT}",
            ("ENG-12",),
        )
        return
    # Judged as the group finds them: CloudFormation changes users and their group before it.
    valkey = [name for name, body in _users_and_groups(update.new) if engine(body["Properties"]) == "valkey"]
    if valkey:
        yield Finding(
            "Engine",
            Effect.REJECTED,
            f"a Redis group takes users and user groups of engine redis only; {', '.join(valkey)} are of valkey",
            "no way back once users were converted: restore a snapshot into a new group",
            ("ENG-12",),
        )
        return
    yield Finding("Engine", Effect.INTERRUPTION, "node by node, with a failover of seconds", "", ("ENG-12",))


def _users_and_groups(state: State) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, group in state.referenced("UserGroupIds", "AWS::ElastiCache::UserGroup").items():
        yield name, group
        members = group["Properties"].get("UserIds", [])
        for member in members if isinstance(members, list) else []:
            for user in references(member):
                if user.name in state.resources:
                    yield user.name, state.resources[user.name]


def _parameter_group(update: Update, needed: str, *, crossing: bool) -> Iterator[Finding]:
    if update.new.get("CacheParameterGroupName") is None:
        return
    found = _family_of_group(update.new)
    stays = not update.changes("CacheParameterGroupName")
    was = version(update.old.text("EngineVersion"))
    runs = engine(update.old.properties)
    if found is None and stays and was and runs:
        # The group itself is not in the template, but it is the one in use today.
        found = family(runs, was)
    if found is None or found == needed:
        return
    rule = "ENG-11" if crossing else "ENG-16" if stays else "PGR-02"
    yield Finding(
        "CacheParameterGroupName",
        Effect.REJECTED,
        f"expected a parameter group of family {needed} but found one of family {found}",
        "engine version and parameter group change in the same update",
        (rule,),
    )


def _family_of_group(state: State) -> str | None:
    for group in state.referenced("CacheParameterGroupName", _PARAMETER_GROUP).values():
        found = group["Properties"].get("CacheParameterGroupFamily")
        return found if isinstance(found, str) else None
    return family_of_default_group(state.text("CacheParameterGroupName") or "")


def _static_parameters(update: Update) -> Iterator[Finding]:
    old, new = _static_values(update.old), _static_values(update.new)
    differing = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    if differing:
        yield Finding(
            "CacheParameterGroupName",
            Effect.REJECTED,
            f"{' and '.join(differing)} must be the same in the old and in the new parameter group",
            "copy them into the new group",
            ("ENG-24", "ENG-11"),
        )


def _static_values(state: State) -> Mapping[str, Any]:
    """The parameters that stay as they are when a group moves between engines; none where they are not known."""
    name = state.text("CacheParameterGroupName") or ""
    groups = list(state.referenced("CacheParameterGroupName", _PARAMETER_GROUP).values())
    family = groups[0]["Properties"].get("CacheParameterGroupFamily") if groups else family_of_default_group(name)
    given = {"cluster-enabled": "yes"} if name.endswith(".cluster.on") else {}
    if groups:
        given = groups[0]["Properties"].get("Properties", {})
    known = facts.parameters(family) if isinstance(family, str) and is_known(given) else {}
    return {each.name: given.get(each.name, each.default) for each in known.values() if each.fixed_in_use}
