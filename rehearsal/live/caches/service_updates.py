"""Service updates: those that a control command has released, and what applying one does to a cache.

See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Self-Service-Updates.html
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from rehearsal.extension.seam import Private, Query, Response, elasticache, param, params
from rehearsal.live.caches import answers, events, registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.live.caches.registry import Caches
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_clusters"),
    Private("services.elasticache", "_replication_groups"),
    Private("services.elasticache", "_xml", ("status", "root_tag", "inner")),
)

Members = dict[str, str]

AVAILABLE = "available"
NOT_APPLIED, IN_PROGRESS, COMPLETE = "not-applied", "in-progress", "complete"
APPLICABLE = frozenset({NOT_APPLIED, "scheduled", "stopped"})
ENGINES = {"redis": "Redis OSS", "valkey": "Valkey", "memcached": "Memcached"}
GROUP, CLUSTER = "ReplicationGroupId", "CacheClusterId"
ESTIMATE = "30 minutes per node"


@dataclass
class Update:
    """A service update that is released.

    Attributes:
        name: Its name.
        severity: `critical`, `important`, `medium` or `low`.
        released: When it was released.
        apply_by: The recommended date to apply it by.
        automatic: Whether it is applied in a maintenance window after that date.
        kind: Its type, for example `security-update`.
        statuses: The status of its update action, by the name of the member that has the id, and the id.
    """

    name: str
    severity: str
    released: datetime
    apply_by: datetime
    automatic: bool
    kind: str
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)

    def described(self) -> Members:
        """Its members as `DescribeServiceUpdates` and `DescribeUpdateActions` have them."""
        return {
            "ServiceUpdateName": self.name,
            "ServiceUpdateReleaseDate": self.released.isoformat(),
            "ServiceUpdateSeverity": self.severity,
            "ServiceUpdateStatus": AVAILABLE,
            "ServiceUpdateRecommendedApplyByDate": self.apply_by.isoformat(),
            "ServiceUpdateType": self.kind,
            "EstimatedUpdateTime": ESTIMATE,
        }


class ServiceUpdates:
    """The service updates of one account.

    Args:
        caches: All caches.
    """

    def __init__(self, caches: Caches) -> None:
        self._caches = caches
        self._updates: dict[str, Update] = {}

    def release(
        self,
        name: str,
        severity: str = "important",
        apply_by: str = "",
        kind: str = "security-update",
        *,
        automatic: bool = True,
    ) -> Mapping[str, Any]:
        """Release an update for every cache with nodes; serverless caches are updated by the service.

        Args:
            name: Its name.
            severity: `critical`, `important`, `medium` or `low`.
            apply_by: The recommended date to apply it by, in ISO format. Default: now.
            kind: Its type, for example `engine-update`.
            automatic: Whether it is applied in a maintenance window after that date.
        """
        now = datetime.now(UTC)
        update = Update(name, severity, now, datetime.fromisoformat(apply_by) if apply_by else now, automatic, kind)
        with self._caches.run.in_account():
            for group in elasticache._replication_groups:
                update.statuses[GROUP, group] = NOT_APPLIED
                if (cache := self._caches.groups.get(group)) is not None:
                    events.publish(self._caches.run, cache.record, "ServiceUpdateAvailable", group)
            for cluster, record in elasticache._clusters.items():
                if not record.get(GROUP):
                    update.statuses[CLUSTER, cluster] = NOT_APPLIED
        self._updates[name] = update
        return {"name": name, "caches": [identifier for _kind, identifier in update.statuses]}

    def hold(self, name: str, status: str) -> Mapping[str, Any]:
        """Give the update actions of an update a status, in which they stay.

        Args:
            name: Name of the update.
            status: The status.
        """
        update = self._updates[name]
        update.statuses = dict.fromkeys(update.statuses, status)
        return {"name": name, "status": status}

    def describe_updates(self, query: Query) -> Response:
        """DescribeServiceUpdates."""
        wanted, statuses = param(query, "ServiceUpdateName"), params(query, "ServiceUpdateStatus")
        if wanted and wanted not in self._updates:
            return _not_found(wanted)
        found = [update for update in self._updates.values() if wanted in {"", update.name}]
        shown = "".join(
            _element(
                "ServiceUpdate",
                {**update.described(), "AutoUpdateAfterRecommendedApplyByDate": str(update.automatic).lower()},
            )
            for update in found
            if not statuses or AVAILABLE in statuses
        )
        return _answer("DescribeServiceUpdates", f"<ServiceUpdates>{shown}</ServiceUpdates>")

    def describe_actions(self, query: Query) -> Response:
        """DescribeUpdateActions."""
        wanted, statuses = param(query, "ServiceUpdateName"), params(query, "UpdateActionStatus")
        named = {*params(query, "ReplicationGroupIds"), *params(query, "CacheClusterIds")}
        shown = []
        for update in self._updates.values():
            for (kind, identifier), status in update.statuses.items():
                if not self._exists(kind, identifier) or wanted not in {"", update.name}:
                    continue
                if (named and identifier not in named) or (statuses and status not in statuses):
                    continue
                late = status != COMPLETE and update.apply_by < datetime.now(UTC)
                members = {
                    **update.described(),
                    kind: identifier,
                    "UpdateActionAvailableDate": update.released.isoformat(),
                    "UpdateActionStatus": status,
                    "NodesUpdated": self._progress(kind, identifier, status),
                    "SlaMet": "no" if late else "yes",
                    "Engine": self._engine(kind, identifier),
                }
                shown.append(_element("UpdateAction", members))
        return _answer("DescribeUpdateActions", f"<UpdateActions>{''.join(shown)}</UpdateActions>")

    def apply(self, query: Query) -> Response:
        """BatchApplyUpdateAction: each node of a cache is replaced, the replicas of a shard before its primary."""
        update = self._updates.get(param(query, "ServiceUpdateName"))
        if update is None:
            return _not_found(param(query, "ServiceUpdateName"))
        wanted = [
            *((GROUP, name) for name in params(query, "ReplicationGroupIds")),
            *((CLUSTER, name) for name in params(query, "CacheClusterIds")),
        ]
        processed, refused = [], []
        for kind, identifier in wanted:
            members = {kind: identifier, "ServiceUpdateName": update.name}
            if update.statuses.get((kind, identifier)) in APPLICABLE and self._exists(kind, identifier):
                self._start(update, kind, identifier)
                processed.append(
                    _element("ProcessedUpdateAction", {**members, "UpdateActionStatus": "waiting-to-start"})
                )
            else:
                fault = {"ErrorType": "UpdateActionNotApplicable", "ErrorMessage": f"{update.name} is not applicable"}
                refused.append(_element("UnprocessedUpdateAction", {**members, **fault}))
        lists = {"ProcessedUpdateActions": processed, "UnprocessedUpdateActions": refused}
        inner = "".join(f"<{name}>{''.join(items)}</{name}>" for name, items in lists.items())
        return _answer("BatchApplyUpdateAction", inner)

    def _start(self, update: Update, kind: str, identifier: str) -> None:
        update.statuses[kind, identifier] = IN_PROGRESS

        def go() -> None:
            with self._caches.run.in_account():
                cache = self._caches.groups.get(identifier)
                if cache is not None:
                    cache.group.restart_all()
                    events.record(events.GROUP, identifier, f"Service update {update.name} applied")
            update.statuses[kind, identifier] = COMPLETE

        threading.Thread(target=go, name=f"update-{identifier}", daemon=True).start()

    @staticmethod
    def _exists(kind: str, identifier: str) -> bool:
        return identifier in (elasticache._replication_groups if kind == GROUP else elasticache._clusters)

    @staticmethod
    def _engine(kind: str, identifier: str) -> str:
        record = (elasticache._replication_groups if kind == GROUP else elasticache._clusters)[identifier]
        engine: str = record.get("Engine", "redis")
        return ENGINES.get(engine, engine)

    @staticmethod
    def _progress(kind: str, identifier: str, status: str) -> str:
        nodes = 1
        if kind == GROUP:
            nodes = len(elasticache._replication_groups[identifier].get("MemberClusters", []))
        return f"{nodes if status == COMPLETE else 0}/{nodes}"


def _element(name: str, members: Mapping[str, str]) -> str:
    inner = "".join(f"<{member}>{escape(value)}</{member}>" for member, value in members.items())
    return f"<{name}>{inner}</{name}>"


def _answer(action: str, inner: str) -> Response:
    response: Response = elasticache._xml(200, f"{action}Response", f"<{action}Result>{inner}</{action}Result>")
    return response


def _not_found(name: str) -> Response:
    return answers.error("ServiceUpdateNotFoundFault", f"Service update {name} not found", answers.NOT_FOUND)


def install(run: Run) -> None:
    """Add the actions, and the control command that releases an update."""
    caches = registry.of(run)
    updates = ServiceUpdates(caches)
    caches.actions |= {
        "BatchApplyUpdateAction": updates.apply,
        "DescribeServiceUpdates": updates.describe_updates,
        "DescribeUpdateActions": updates.describe_actions,
    }
    run.control.register("release-service-update", updates.release)
    run.control.register("hold-service-update", updates.hold)
