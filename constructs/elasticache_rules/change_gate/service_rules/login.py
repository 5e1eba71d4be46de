"""Who may log in: AUTH tokens, users and user groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules import facts
from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules import transit_encryption
from elasticache_rules.change_gate.service_rules.engines import engine, lacks
from elasticache_rules.change_gate.service_rules.update import Finding
from elasticache_rules.change_gate.values import is_dynamic
from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from elasticache_rules.change_gate.service_rules.update import State, Update

_TOKEN, _GROUPS = "AuthToken", "UserGroupIds"
_RUNBOOK = "docs/runbooks/auth-token-to-users.md"
_SHARING = "docs/runbooks/share-users.md"

TAGS_OF_USER_GROUPS = "CloudFormation fails to change the tags of a user group that exists, and rolls the stack back"


def of_replication_group(update: Update) -> Iterator[Finding]:
    """What the service says about another token, or about users in its place."""
    had, has = update.old.get(_TOKEN) is not None, update.new.get(_TOKEN) is not None
    if update.changes(_TOKEN):
        if not had:
            yield from _added(update)
        elif any("Fn::If" in _keys(state.get(_TOKEN)) for state in (update.old, update.new)):
            yield Finding(
                _TOKEN,
                Effect.NOT_JUDGED,
                "whether there is a token is known at deployment only; to give the group one replaces it",
                "look at the change set",
                ("AUT-07", "UPD-02"),
                could_replace=True,
            )
        elif not has:
            yield from _removed(update)
        else:
            yield from _changed(update)
    elif has and update.changed:
        yield from _sent_again(update, _TOKEN)
    without_users, with_users = not update.old.get(_GROUPS), bool(update.new.get(_GROUPS))
    if update.changes(_GROUPS) and without_users and with_users and transit_encryption.mode(update.old) != "required":
        yield Finding(
            _GROUPS,
            Effect.SEVERAL_DEPLOYMENTS,
            "users need a group that requires TLS already",
            "deploy TLS first: docs/runbooks/tls.md",
            ("TLS-12", "UPD-17"),
        )
    yield from another_user_group(update, _GROUPS)


def another_user_group(update: Update, name: str) -> Iterator[Finding]:
    """What another user group does to the clients of a cache: users that are not in it are logged out.

    Args:
        update: A replication group or a serverless cache.
        name: Its property that has the user group.
    """
    if not (update.changes(name) and update.old.get(name) and update.new.get(name)):
        return
    before, after = _users(update.old, name), _users(update.new, name)
    # A user that leaves the template is deleted, whatever the new group has.
    stay = [user for user in before or () if not any(each.name in _gone(update) for each in references(user))]
    if before is not None and not [user for user in stay if after is None or user in after]:
        yield Finding(
            name,
            Effect.SEVERAL_DEPLOYMENTS,
            "a cache has one user group, and no user of the old one is in the new one: every client is logged out, and "
            "cannot log in until it has the login of another user",
            f"deploy users of the new group in the old one first, and move the clients: {_SHARING}",
            ("RBC-01", "UPD-17"),
        )
    else:
        yield Finding(
            name,
            Effect.INTERRUPTION,
            "a cache has one user group: users of the old one that are not in the new one are logged out",
            f"move their clients first: {_SHARING}",
            ("RBC-01",),
        )


def _users(state: State, name: str) -> list[Any] | None:
    """The members of a cache's user group; ``None`` if the template does not make the group."""
    groups = list(state.referenced(name, "AWS::ElastiCache::UserGroup").values())
    members = groups[0]["Properties"].get("UserIds") if groups else None
    return members if isinstance(members, list) else None


def _gone(update: Update) -> Collection[str]:
    return update.old.resources.keys() - update.new.resources.keys()


def _added(update: Update) -> Iterator[Finding]:
    yield Finding(
        _TOKEN,
        Effect.REPLACEMENT,
        "CloudFormation replaces the group to give it a token",
        f"give it users instead, whose default user may carry the token: {_RUNBOOK}",
        ("AUT-07", "UPD-02", *(["AUT-08"] if update.old.get(_GROUPS) else [])),
    )


def _removed(update: Update) -> Iterator[Finding]:
    if update.new.get(_GROUPS):
        yield Finding(
            _TOKEN,
            Effect.REPLACEMENT,
            "CloudFormation replaces the group to move from a token to users, which the service itself does in place",
            f"restore a snapshot into a second group that has users: {_RUNBOOK}",
            ("AUT-08", "UPD-17"),
        )
    else:
        yield Finding(
            _TOKEN,
            Effect.REJECTED,
            "a token can be rotated, but not taken away without users in its place",
            f"give the group users: {_RUNBOOK}",
            ("AUT-09",),
        )


def _changed(update: Update) -> Iterator[Finding]:
    old, new = transit_encryption.mode(update.old), transit_encryption.mode(update.new)
    if "required" not in (old, new) and None not in (old, new):
        yield Finding(
            _TOKEN,
            Effect.REJECTED,
            f"a token can be changed while TLS is required only; it is {new}",
            "require TLS first: docs/runbooks/tls.md",
            ("AUT-05",),
        )
    elif old != new:
        yield Finding(
            _TOKEN,
            Effect.SEVERAL_DEPLOYMENTS,
            "a token can be changed once TLS is required, not in the same update",
            "deploy TLS first, then the token: docs/runbooks/tls.md",
            ("AUT-05",),
        )
    elif lacks(update.old, "auth_token_rotation"):
        yield Finding(
            _TOKEN,
            Effect.REJECTED,
            f"{facts.title('auth_token_rotation')} needs at least {facts.floors_in_words('auth_token_rotation')}",
            "upgrade the engine first: docs/runbooks/engine-upgrade.md",
            ("AUT-06",),
        )
    else:
        yield Finding(_TOKEN, Effect.IN_PLACE, "rotated: the previous token stays valid with the new one")


def of_user(update: Update) -> Iterator[Finding]:
    """What the service says about a changed user."""
    groups_of_redis = [
        name
        for name, body in update.old.resources.items()
        if body["Type"] == "AWS::ElastiCache::UserGroup"
        and engine(body["Properties"]) == "redis"
        and {"Ref": update.logical_id} in _as_list(body["Properties"].get("UserIds"))
    ]
    if _engines(update) == ("redis", "valkey") and groups_of_redis:
        yield Finding(
            "Engine",
            Effect.SEVERAL_DEPLOYMENTS,
            f"CloudFormation changes it before {', '.join(groups_of_redis)}, which takes users of redis until then",
            "deploy the cache's engine first, then its user group's, then the users': docs/runbooks/redis-to-valkey.md",
            ("ENG-13",),
        )
    else:
        yield from _engine(update)
    others = set(update.changed) - {"Tags"}
    if update.changes("Tags") and others:
        reason = f"the service may refuse tags of a user that is being changed; here with {', '.join(sorted(others))}"
        yield Finding("Tags", Effect.NOT_JUDGED, reason, "deploy one after the other", ("TAG-03",))
    for name in ("AuthenticationMode", "Passwords"):
        if update.changed and not update.changes(name):
            yield from _sent_again(update, name)


def of_user_group(update: Update) -> Iterator[Finding]:
    """What the service says about a changed user group."""
    if update.changes("Tags"):
        yield Finding("Tags", Effect.REJECTED, TAGS_OF_USER_GROUPS, "leave its tags as they are", ("TAG-03",))
    users = {"UserGroupIds", "UserGroupId"}
    caches_in_redis = [
        name
        for name, body in update.old.resources.items()
        if body["Type"] in ("AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::ServerlessCache")
        and engine(body["Properties"]) == "redis"
        and any({"Ref": update.logical_id} in _as_list(body["Properties"].get(each)) for each in users)
    ]
    if _engines(update) == ("redis", "valkey") and caches_in_redis:
        yield Finding(
            "Engine",
            Effect.SEVERAL_DEPLOYMENTS,
            f"CloudFormation changes it before {', '.join(caches_in_redis)}, which takes groups of redis until then",
            "deploy the cache's engine first and leave users and group as they are: docs/runbooks/redis-to-valkey.md",
            ("ENG-13",),
        )
    else:
        yield from _engine(update)


def _keys(value: object) -> Collection[str]:
    return value if isinstance(value, dict) else ()


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _engines(update: Update) -> tuple[str | None, str | None]:
    return engine(update.old.properties), engine(update.new.properties)


def _engine(update: Update) -> Iterator[Finding]:
    old, new = _engines(update)
    if (old, new) == ("redis", "valkey"):
        yield Finding(
            "Engine",
            Effect.IN_PLACE,
            "needs a password or IAM for every user, and closes the way back from Valkey 7.2 to Redis 7.1",
            "stay on redis, which Valkey takes too, for as long as a way back is wanted",
            ("RBC-25", "ENG-13"),
        )
    elif None not in (old, new) and old != new:
        yield Finding(
            "Engine",
            Effect.REJECTED,
            "users and user groups go from redis to valkey only",
            "create others in addition",
            ("RBC-25",),
        )


def _sent_again(update: Update, name: str) -> Iterator[Finding]:
    value = update.new.get(name)
    if value is not None and is_dynamic(value):
        yield Finding(
            name,
            Effect.INTERRUPTION,
            "CloudFormation sends the current password again, as the only one: clients that still use the previous "
            "one of a rotation can no longer log in",
            'deploy when the rotation\'s {"Step": "status"} shows nothing pending and no seconds to wait: '
            "docs/rotation.md",
        )
