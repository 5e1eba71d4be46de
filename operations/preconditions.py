"""Why an operation on a stage is not begun."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from operations.target import RefusedError
from rehearsal.drills import regions
from verification.grace import UNTIL_RETIRED
from verification.messages import refusal
from verification.state import MAX_CACHES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from operations.target import Target
    from rehearsal.drills.stage import Rotated

IN_PROGRESS = "_IN_PROGRESS"
HEALTHY = frozenset(
    {
        *("CREATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE"),
        *("IMPORT_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    }
)
AVAILABLE = "available"
BROKEN = ("failed", "incompatible")  # in a status that does not pass by itself
RUNNING_UPDATES = ["in-progress", "scheduling", "stopping", "waiting-to-start"]
ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
MADE_BY_A_DRILL = re.compile(r"drill-[0-9a-f]{6}(-a|-b|-final)?")
WAIT = "Wait until it has ended, then try again"
PENDING, CURRENT = "AWSPENDING", "AWSCURRENT"


def require(target: Target, protected: str | None) -> None:
    """Refuse a stage to which nothing may be done now.

    Args:
        target: The stage.
        protected: Name of a stage that the user has named as protected.

    Raises:
        RefusedError: If it is protected and not named, not healthy, or another operation is in progress. The message
            has a line for each reason.
    """
    found = [*_protection(target, protected), *_stacks(target), *_caches(target), *_updates(target), *_alarms(target)]
    if found:
        raise RefusedError("\n".join(found))


def require_no_drill(target: Target) -> None:
    """Refuse to begin while the account has what a drill has made in this Region.

    Raises:
        RefusedError: If it has.
    """
    client = target.deployed.account.client("elasticache")
    found = [
        (group["ReplicationGroupId"], "aws elasticache delete-replication-group --replication-group-id")
        for page in client.get_paginator("describe_replication_groups").paginate()
        for group in page["ReplicationGroups"]
    ]
    found += [
        (snapshot["SnapshotName"], "aws elasticache delete-snapshot --snapshot-name")
        for page in client.get_paginator("describe_snapshots").paginate()
        for snapshot in page["Snapshots"]
    ]
    left = [(name, command) for name, command in found if MADE_BY_A_DRILL.fullmatch(name)]
    if left:
        raise RefusedError(
            "\n".join(
                refusal(
                    got=name,
                    allowed="another drill has made it, and runs or was killed",
                    fix=f"Wait for its end, or run `{command} {name}`",
                )
                for name, command in left
            )
        )


def require_no_rotation(target: Target, secrets: Sequence[Rotated]) -> None:
    """Refuse a stage while one of these secrets is rotated, or the password before it is not yet retired.

    Raises:
        RefusedError: If one has a version that is pending, or the grace time of its last rotation is not over.
    """
    client = target.deployed.account.client("secretsmanager")
    for secret in secrets:
        described = client.describe_secret(SecretId=secret.secret)
        versions = described["VersionIdsToStages"]
        grace = timedelta(seconds=float(secret.function.environment.get("GRACE_SECONDS", "0")))
        last = described.get("LastRotatedDate")
        if grace and last is not None and datetime.now(UTC) < (retired := last + grace + UNTIL_RETIRED):
            raise RefusedError(
                refusal(
                    got=f"the secret {secret.secret} was rotated at {last:%Y-%m-%d %H:%M %Z}",
                    allowed="a user has two passwords at most, and the one before is retired after its grace time",
                    fix=f"Try again after {retired:%Y-%m-%d %H:%M %Z}",
                )
            )
        if any(PENDING in stages and CURRENT not in stages for stages in versions.values()):
            raise RefusedError(
                refusal(
                    got=f"the secret {secret.secret} has a version {PENDING}",
                    allowed="a rotation of it is in progress, or has failed",
                    fix=f"Wait for its end, or see the log group {secret.function.log_group} for what failed",
                )
            )


def require_secondaries(target: Target) -> None:
    """Refuse a stage without a secondary to promote, or whose global datastore is being changed.

    Raises:
        RefusedError: If no group is the primary of a global datastore with a secondary, or one of them is not at rest.
    """
    found = list(regions.datastores(target.deployed))
    if not any(store.secondaries for store in found):
        raise RefusedError(
            refusal(
                got=f"no group of the stage {target.stage} is the primary of a global datastore with a secondary",
                allowed="a promotion needs a secondary, and begins at the stage of the primary",
                fix="Name the stage of the primary, or see docs/runbooks/global-datastore.md",
            )
        )
    moving = [store for store in found if not store.is_at_rest]
    if moving:
        raise RefusedError(
            "\n".join(
                refusal(
                    got=f"the global datastore {store.name} is {store.status}, its members are "
                    + ", ".join(f"{member.name} {status}" for member, (status, _) in store.members.items()),
                    allowed="it must be available, and every member associated",
                    fix=WAIT,
                )
                for store in moving
            )
        )


def _protection(target: Target, protected: str | None) -> Iterator[str]:
    if target.protected and protected != target.stage:
        yield refusal(
            got=f"termination protection of {', '.join(target.protected)}",
            allowed=f"the stage {target.stage} must be named twice",
            fix=f"Add PROTECTED={target.stage} if you mean it",
        )


def _stacks(target: Target) -> Iterator[str]:
    for name, stack in target.described.items():
        status = stack["StackStatus"]
        if status.endswith(IN_PROGRESS):
            yield refusal(got=f"stack {name} is {status}", allowed="another operation is in progress", fix=WAIT)
        elif status not in HEALTHY:
            yield refusal(
                got=f"stack {name} is {status}",
                allowed="the stage must be healthy before",
                fix=f"Repair it, with `make deploy STAGE={target.stage}` for example",
            )


def _caches(target: Target) -> Iterator[str]:
    client = target.deployed.account.client("elasticache")
    groups = {group.name for group in target.deployed.groups}
    clusters = {
        deployment.physical_id(resource)
        for deployment, resource, _asked in target.deployed.all_of("AWS::ElastiCache::CacheCluster")
    }
    statuses = {f"replication group {name}": target.deployed.describe(name)["Status"] for name in sorted(groups)}
    for page in client.get_paginator("describe_cache_clusters").paginate():
        for cluster in page["CacheClusters"]:
            if cluster.get("ReplicationGroupId") in groups or cluster["CacheClusterId"] in clusters:
                statuses[f"cache cluster {cluster['CacheClusterId']}"] = cluster["CacheClusterStatus"]
    for name, status in statuses.items():
        if any(word in status for word in BROKEN):
            yield refusal(
                got=f"{name} is {status}",
                allowed="the stage must be healthy before",
                fix="See its events with `aws elasticache describe-events`",
            )
        elif status != AVAILABLE:
            yield refusal(got=f"{name} is {status}", allowed="another operation is in progress", fix=WAIT)


def _updates(target: Target) -> Iterator[str]:
    client = target.deployed.account.client("elasticache")
    for names in batches([group.name for group in target.deployed.groups]):
        pages = client.get_paginator("describe_update_actions").paginate(
            ReplicationGroupIds=names, UpdateActionStatus=RUNNING_UPDATES
        )
        for page in pages:
            for action in page["UpdateActions"]:
                yield refusal(
                    got=f"service update {action['ServiceUpdateName']} of {action['ReplicationGroupId']} is "
                    f"{action['UpdateActionStatus']}",
                    allowed="another operation is in progress",
                    fix=WAIT,
                )


def _alarms(target: Target) -> Iterator[str]:
    names = {
        deployment.physical_id(resource)
        for kind in ALARMS
        for deployment, resource, _asked in target.deployed.all_of(kind)
    }
    pages = (
        target.deployed.account.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    for page in pages:
        for alarm in [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]:
            if alarm["AlarmName"] in names:
                yield refusal(
                    got=f"alarm {alarm['AlarmName']} is in ALARM",
                    allowed="the stage must be healthy before",
                    fix="Follow the runbook in its description, and try again when it is OK",
                )


def batches(names: Sequence[str]) -> Iterator[list[str]]:
    """Names in lists of as many as a call takes."""
    for start in range(0, len(names), MAX_CACHES):
        yield list(names[start : start + MAX_CACHES])
