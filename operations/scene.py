"""The scene of a drill on AWS: the APIs, and signed requests to the sites of the stage."""

from __future__ import annotations

import importlib
import re
import secrets
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from operations.interruptions import interruptions
from operations.item_counts import MINUTE, NAMESPACE, ItemCounts
from operations.site_clients import CartClient, Visit
from rehearsal.drills.clients import Caller
from rehearsal.drills.scene import Ability, NotRunError, Scene, TimedOutError, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rehearsal.drills.contents import Contents
    from rehearsal.drills.load import Load
    from rehearsal.drills.stage import Group, Rotated, Site

botocore_session: Any = importlib.import_module("botocore.session")

SITE = "sessions"  # the module of the handler of a site whose use leaves nothing behind
CLIENTS, KEYS, PAUSE_SECONDS = 2, 4, 0.2  # some ten requests a second, below the limit of the site
ROTATION_SECONDS = 900.0
PROMOTION = re.compile(r"Failover from \w+ node (\S+) to replica node (\S+) completed", re.IGNORECASE)
RECENT = timedelta(minutes=10)
NO_CONNECTION = "the nodes are in a VPC, which this machine does not reach"


@dataclass(frozen=True)
class Left:
    """What a drill has made and could not delete.

    Attributes:
        what: What it is.
        command: The command that deletes it.
        reason: Why it was not deleted.
    """

    what: str
    command: str
    reason: str


@dataclass
class AwsScene(Scene):
    """What one drill acts with on AWS.

    Attributes:
        say: Shows the progress.
        began: When the drill began.
        left: What it has made and could not delete.
    """

    say: Callable[[str], None]
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    left: list[Left] = field(default_factory=list)

    lacking = {  # noqa: RUF012 - declared as a class variable by `Scene`
        Ability.CONNECT: NO_CONNECTION,
        Ability.SKIP_TIME: "on AWS, hours pass only by waiting",
    }
    # A failover takes minutes, and a restore up to an hour.
    waiting = Waiting(seconds=5400.0, pause=2.0, longest_pause=20.0, begin_seconds=60.0)
    failover_is_graceful = False
    maximum_failovers = 15  # https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_TestFailover.html

    def require_engine(self, *caches: str) -> None:
        """Every cache of AWS has one."""

    def require_clients(self, groups: Sequence[Group]) -> list[Group]:
        """All of them: those that no site uses are tried without requests."""
        return list(groups)

    @contextmanager
    def cache_load(self, group: Group) -> Iterator[Load]:
        """Signed requests to a site that uses the group, with the credentials of the operator."""
        site = self._site_of(group)
        if site is None:
            self.leave_out(f"requests during the drill: no site that the drill knows uses {group.name}")
            with self.load([]) as load:
                yield load
            return
        caller = Caller(self.stage.account.region, botocore_session.Session().get_credentials())
        visits: defaultdict[str, Visit] = defaultdict(Visit)
        clients = [partial(CartClient, caller, site.url, visits)] * CLIENTS
        with self.load(clients, keys=KEYS, pause=PAUSE_SECONDS) as load:
            yield load

    def primaries(self, group: Group) -> set[str]:
        """The nodes whose metric `IsMaster` is one, and those that an event since then has promoted."""
        primaries = {node for node in self.stage.describe(group.name)["MemberClusters"] if self._is_primary(node)}
        of = {"SourceType": "replication-group", "SourceIdentifier": group.name, "StartTime": self.began}
        listed = self.stage.account.read_now("elasticache", "describe_events", **of)
        for event in sorted(listed["Events"], key=lambda event: event["Date"]):
            if event["Date"] >= self.began and (promotion := PROMOTION.search(event["Message"])):
                primaries = (primaries - {promotion[1]}) | {promotion[2]}
        return primaries

    def settle_rotations(self) -> None:
        """None is in progress: the drill would not have begun."""

    def wait_for_rotation(self, secret: Rotated, version: str) -> None:
        """Look at the secret until the version is current, or for a quarter of an hour."""
        client = self.client("secretsmanager")

        def is_current() -> bool:
            versions = client.describe_secret(SecretId=secret.secret)["VersionIdsToStages"]
            return "AWSCURRENT" in versions.get(version, [])

        with suppress(TimedOutError):
            self.until(is_current, "the rotation ends", ROTATION_SECONDS)

    def pass_hour(self) -> None:
        """Nothing can.

        Raises:
            NotRunError: If it is called.
        """
        raise NotRunError(self.lacking[Ability.SKIP_TIME])

    @contextmanager
    def contents(self, group: Group) -> Iterator[Contents]:
        """How many items it has."""
        yield ItemCounts(self, group)

    @contextmanager
    def snapshot(self, group: Group, name: str) -> Iterator[str]:
        """The newest automatic snapshot, which is what one would have after a disaster; without any, a fresh one."""
        if newest := self._newest(group):
            yield newest
            return
        self.say(f"{group.name} has no automatic snapshot yet: a fresh one is made")
        with self.fresh_snapshot(group, name):
            yield name

    def auth_token(self, group: Group) -> str:  # noqa: ARG002 - that of the group would have to be read
        """A random one, that is not kept: no client needs to log in to the restored group."""
        return secrets.token_urlsafe(48)

    @contextmanager
    def made(self, what: str, undo: Callable[[], None], command: str) -> Iterator[None]:
        """Undo it, and note what could not be undone. A signal meanwhile ends the wait, and is noted as well."""
        self.say(f"making {what} ...")
        try:
            yield
        finally:
            self.say(f"deleting {what}, if it is there ...")
            try:
                undo()
            except Exception as fault:  # noqa: BLE001 - the others are still to be deleted
                self.left.append(Left(what, command, str(fault)))
            except BaseException as interruption:
                self.left.append(Left(what, command, f"interrupted by {interruption}"))
                raise

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Let no signal interrupt the block."""
        with interruptions.held():
            yield

    def until(self, condition: Callable[[], Any], what: str, seconds: float | None = None) -> Any:
        """Show what the drill waits for."""
        self.say(f"waiting until {what} ...")
        return super().until(condition, what, seconds)

    def _site_of(self, group: Group) -> Site | None:
        site = self.stage.site(SITE)
        if site is None or site.function.environment.get("ELASTICACHE_CACHE_NAME") != group.name:
            return None
        return site

    def _newest(self, group: Group) -> str | None:
        """The newest automatic snapshot that is available."""
        pages = self.client("elasticache").get_paginator("describe_snapshots")
        found = [
            (max(node["SnapshotCreateTime"] for node in snapshot["NodeSnapshots"]), snapshot["SnapshotName"])
            for page in pages.paginate(ReplicationGroupId=group.name, SnapshotSource="system")
            for snapshot in page["Snapshots"]
            if snapshot["SnapshotStatus"] == "available" and snapshot.get("NodeSnapshots")
        ]
        return str(max(found)[1]) if found else None

    def _is_primary(self, node: str) -> bool:
        now = datetime.now(UTC)
        answer = self.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName="IsMaster",
            Dimensions=[{"Name": "CacheClusterId", "Value": node}],
            StartTime=now - RECENT,
            EndTime=now,
            Period=MINUTE,
            Statistics=["Maximum"],
        )
        points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
        return bool(points) and points[-1]["Maximum"] == 1
