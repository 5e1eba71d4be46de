"""What ElastiCache does with an update of a serverless cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules.engines import engine, version
from elasticache_rules.change_gate.service_rules.login import another_user_group
from elasticache_rules.change_gate.service_rules.replication_group import backups
from elasticache_rules.change_gate.service_rules.update import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_rules.change_gate.service_rules.update import Update

_BESIDE = "restore a snapshot into a new cache: docs/runbooks/restore-a-serverless-cache.md"


def findings(update: Update) -> Iterator[Finding]:
    """Everything that the service's rules say about the update."""
    old, new = engine(update.old.properties), engine(update.new.properties)
    if old is not None and new is not None and old != new:
        yield from _engine(update, old, new)
    else:
        yield from _version(update)
    if update.changes("UserGroupId") and update.new.get("UserGroupId") is None:
        yield Finding(
            "UserGroupId",
            Effect.NOT_JUDGED,
            "the service keeps the users until it is told to let go; whether CloudFormation tells it is not documented",
            "look at the cache afterwards: aws elasticache describe-serverless-caches",
            ("SLS-13",),
        )
    yield from another_user_group(update, "UserGroupId")
    yield from backups(update)


def _engine(update: Update, old: str, new: str) -> Iterator[Finding]:
    majors = update.old.text("MajorEngineVersion"), update.new.text("MajorEngineVersion")
    if (old, new) == ("redis", "valkey"):
        yield Finding("Engine", Effect.INTERRUPTION, "connections are closed once; the endpoint stays", "", ("SLS-18",))
    elif (old, new) == ("valkey", "redis") and majors == ("7", "7"):
        yield Finding("Engine", Effect.INTERRUPTION, "the way back from Valkey 7.2 to Redis 7.1", "", ("SLS-18",))
    else:
        yield Finding(
            "Engine",
            Effect.REJECTED,
            f"a serverless cache cannot go from {old} {majors[0] or ''} to {new} {majors[1] or ''}".rstrip(),
            _BESIDE,
            ("SLS-18",),
        )


def _version(update: Update) -> Iterator[Finding]:
    pair = update.texts("MajorEngineVersion")
    old, new = version(pair[0] if pair else None), version(pair[1] if pair else None)
    if old is None or new is None:
        return
    if new < old:
        yield Finding(
            "MajorEngineVersion", Effect.REJECTED, "an engine version cannot be lowered", _BESIDE, ("SLS-17",)
        )
    else:
        yield Finding("MajorEngineVersion", Effect.INTERRUPTION, "connections are closed once", "", ("SLS-17",))
