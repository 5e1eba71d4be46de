"""`make updates`: the service updates that are pending for the caches of a stage, and applying one.

See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Self-Service-Updates.html
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from elasticache_rules.terminal import Colour, paint, progress
from operations import policy, preconditions, question
from operations.target import RefusedError, Target
from verification.messages import refusal
from verification.state import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

GROUP, CLUSTER = "ReplicationGroupId", "CacheClusterId"
NOT_APPLIED, COMPLETE = "not-applied", "complete"
APPLICABLE = frozenset({NOT_APPLIED, "scheduled", "stopped"})
OTHER_ENGINE = "engine-major-version-update"
SEVERITIES = ("critical", "important", "medium", "low")
OVERDUE, FAILED = 1, 1
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0


@dataclass(frozen=True)
class Pending:
    """A service update of one cache that is not complete.

    Attributes:
        name: Its name.
        severity: `critical`, `important`, `medium` or `low`.
        type: For example `security-update`.
        apply_by: The recommended date to apply it by; None if it has none.
        kind: The member that has the id of the cache: `ReplicationGroupId` or `CacheClusterId`.
        cache: Id of the cache.
        status: Its status.
        nodes: How many of the nodes have it, as the service says.
        estimate: How long the service expects it to take.
        is_automatic: Whether the service applies it in a maintenance window after that date.
    """

    name: str
    severity: str
    type: str
    apply_by: datetime | None
    kind: str
    cache: str
    status: str
    nodes: str
    estimate: str
    is_automatic: bool

    @classmethod
    def of(cls, action: Mapping[str, Any], automatic: Mapping[str, bool]) -> Pending:
        """The update of an item of `DescribeUpdateActions`.

        Args:
            action: The item.
            automatic: Whether an update is applied automatically, by its name.
        """
        kind = GROUP if action.get(GROUP) else CLUSTER
        return cls(
            name=action["ServiceUpdateName"],
            severity=action.get("ServiceUpdateSeverity", ""),
            type=action.get("ServiceUpdateType", ""),
            apply_by=action.get("ServiceUpdateRecommendedApplyByDate"),
            kind=kind,
            cache=action[kind],
            status=action["UpdateActionStatus"],
            nodes=action.get("NodesUpdated", ""),
            estimate=action.get("EstimatedUpdateTime", ""),
            is_automatic=automatic.get(action["ServiceUpdateName"], False),
        )

    def is_overdue(self, now: datetime) -> bool:
        """Whether the recommended date has passed."""
        return self.apply_by is not None and self.apply_by < now

    def line(self, now: datetime) -> str:
        """The update in one line."""
        due = "no date" if self.apply_by is None else f"{self.apply_by:%Y-%m-%d}"
        late = f" {paint('OVERDUE', Colour.BAD)}" if self.is_overdue(now) else ""
        automatic = ", automatic in a maintenance window afterwards" if self.is_automatic else ""
        return (
            f"{self.severity or 'no severity':<10} {self.name} ({self.type}): {self.cache} {self.status}, "
            f"nodes {self.nodes}, apply by {due}{late}{automatic}"
        )

    def document(self, now: datetime) -> dict[str, Any]:
        """The update for machines."""
        apply_by = self.apply_by and self.apply_by.isoformat()
        return {**asdict(self), "apply_by": apply_by, "is_overdue": self.is_overdue(now)}


def pending(target: Target, names: Sequence[str] = (), statuses: Sequence[str] = UNFINISHED) -> list[Pending]:
    """The updates of the stage's caches, the most severe and then the most urgent first.

    Args:
        target: The stage.
        names: Names of the updates. Default: all.
        statuses: The statuses that count.
    """
    client = target.deployed.account.client("elasticache")
    automatic = {
        update["ServiceUpdateName"]: bool(update.get("AutoUpdateAfterRecommendedApplyByDate"))
        for page in client.get_paginator("describe_service_updates").paginate(ServiceUpdateStatus=["available"])
        for update in page["ServiceUpdates"]
    }
    found = [
        Pending.of(action, automatic)
        for caches in _batches(target)
        for page in client.get_paginator("describe_update_actions").paginate(
            **caches, ServiceUpdateStatus=["available"], UpdateActionStatus=list(statuses)
        )
        for action in page["UpdateActions"]
        if not names or action["ServiceUpdateName"] in names
    ]
    return sorted(found, key=lambda item: (_rank(item), item.apply_by or datetime.max.replace(tzinfo=UTC), item.cache))


def main(
    directory: Path,
    stage: str,
    apply: str | None,
    *,
    protected: str | None,
    is_agreed: bool,
    shows_policy: bool,
    writes_json: bool,
    say: Callable[[str], None],
) -> int:
    """List the updates, or apply one.

    Args:
        directory: The cloud assembly.
        stage: Name of the stage.
        apply: Name of the update to apply. Default: none, they are listed.
        protected: Name of a stage that the user has named as protected.
        is_agreed: Whether nothing is asked.
        shows_policy: Whether only the policy is printed.
        writes_json: Whether the list is written as JSON.
        say: Shows a line.

    Returns:
        0, or 1 if an update is overdue, or could not be applied.

    Raises:
        RefusedError: If the update is not applied.
    """
    target = Target.read(directory, stage)
    if shows_policy:
        say(policy.document("updates", target))
        return 0
    now = datetime.now(UTC)
    if apply is None:
        with progress(f"Reading the service updates of {stage}"):
            found = pending(target)
        if not writes_json:
            return _list(found, now, target, say)
        say(json.dumps([item.document(now) for item in found], indent=2))
        return OVERDUE if any(item.is_overdue(now) for item in found) else 0
    found = [item for item in pending(target) if item.status in APPLICABLE]
    chosen = [item for item in found if item.name == apply]
    if not chosen:
        raise RefusedError(
            refusal(
                got=f"APPLY={apply}",
                allowed=f"can be applied to the caches of {stage}: {', '.join(_names(found)) or 'no update'}",
                fix=f"List them with `make updates STAGE={stage}`",
            )
        )
    _require_no_other_engine(chosen[0])
    preconditions.require(target, protected)
    facts = {
        "Update": f"{apply}, {chosen[0].severity}",
        "Caches": ", ".join(item.cache for item in chosen),
        "What happens": "Each node is replaced, the replicas of a shard before its primary, which fails over. Without "
        "replicas, and with Memcached, what the node holds is lost. Earlier updates are applied with it.",
        "How long": f"{chosen[0].estimate or 'the service gives no estimate'}; writes fail for seconds in each shard",
    }
    question.ask(target, facts, is_agreed=is_agreed)
    return _apply(target, apply, chosen, say)


def _require_no_other_engine(update: Pending) -> None:
    """Refuse what the templates would not know of.

    Raises:
        RefusedError: If it brings another major version, or another engine.
    """
    if update.type == OTHER_ENGINE:
        raise RefusedError(
            refusal(
                got=f"{update.name} is of the type {update.type}",
                allowed="another engine or major version is deployed by its template, which would undo or refuse it",
                fix="Follow docs/runbooks/engine-upgrade.md",
            )
        )


def _list(found: Sequence[Pending], now: datetime, target: Target, say: Callable[[str], None]) -> int:
    for item in found:
        say(item.line(now))
    if not found:
        say(f"No service update is pending for the caches of {target.stage}. Serverless caches have none.")
        return 0
    say(f"Apply one: make updates STAGE={target.stage} APPLY={found[0].name}")
    return OVERDUE if any(item.is_overdue(now) for item in found) else 0


def _apply(target: Target, name: str, chosen: Sequence[Pending], say: Callable[[str], None]) -> int:
    client = target.deployed.account.client("elasticache")
    refused = []
    for kind, parameter in ((GROUP, "ReplicationGroupIds"), (CLUSTER, "CacheClusterIds")):
        for ids in preconditions.batches([item.cache for item in chosen if item.kind == kind]):
            answer = client.batch_apply_update_action(ServiceUpdateName=name, **{parameter: ids})
            refused += answer.get("UnprocessedUpdateActions", [])
    for action in refused:
        say(f"NOT APPLIED to {action.get(GROUP) or action.get(CLUSTER)}: {action.get('ErrorMessage', 'no reason')}")
    lost = {action.get(GROUP) or action.get(CLUSTER) for action in refused}
    say(f"It goes on if this command ends. Stop it: {_stop(name, chosen)}")
    _watch(target, name, {item.cache for item in chosen} - lost, say)
    return FAILED if refused else 0


def _watch(target: Target, name: str, caches: set[str], say: Callable[[str], None]) -> None:
    """Show the progress until the update is complete on all of these caches."""
    shown: dict[str, str] = {}
    pause = PAUSE_SECONDS
    while caches:
        for item in pending(target, [name], [*UNFINISHED, COMPLETE]):
            told = f"{item.cache}: {item.status}, nodes {item.nodes}"
            if item.cache in caches and shown.get(item.cache) != told:
                say(told)
                shown[item.cache] = told
            if item.status == COMPLETE:
                caches.discard(item.cache)
        if caches:
            time.sleep(pause)
            pause = min(pause * 1.25, LONGEST_PAUSE_SECONDS)


def _stop(name: str, chosen: Sequence[Pending]) -> str:
    options = (
        f"--replication-group-ids {item.cache}" if item.kind == GROUP else f"--cache-cluster-ids {item.cache}"
        for item in chosen[:1]
    )
    return f"aws elasticache batch-stop-update-action --service-update-name {name} {' '.join(options)}"


def _batches(target: Target) -> Iterator[dict[str, list[str]]]:
    """The caches of the stage, as `DescribeUpdateActions` takes them."""
    deployed = target.deployed
    clusters = [
        deployment.physical_id(resource)
        for deployment, resource, _asked in deployed.all_of("AWS::ElastiCache::CacheCluster")
    ]
    for names in preconditions.batches([group.name for group in deployed.groups]):
        yield {"ReplicationGroupIds": names}
    for names in preconditions.batches(clusters):
        yield {"CacheClusterIds": names}


def _rank(item: Pending) -> int:
    return SEVERITIES.index(item.severity) if item.severity in SEVERITIES else len(SEVERITIES)


def _names(found: Sequence[Pending]) -> list[str]:
    return list(dict.fromkeys(item.name for item in found))
