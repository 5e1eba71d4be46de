"""What a drill acts with: the stage, a load, the checks that it adds, and what differs from place to place.

`EmulatedScene` acts on the emulated account of a rehearsal, `operations.scene.AwsScene` on an account of AWS. A drill
does not know which one it has: what a scene cannot do is asked of it, and is among what was not tried.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from rehearsal.drills.load import PAUSE_SECONDS, Load
from verification.posture import Check, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from rehearsal.drills.contents import Contents
    from rehearsal.drills.load import Client
    from rehearsal.drills.outcome import Traffic
    from rehearsal.drills.stage import DeployedStage, Group, Rotated

SETTLE_SECONDS = 0.6  # of load before and after what is tried, so that the plot shows both
STACK = "drills"
PRIMARY, REPLICA = "primary", "replica"


class NotApplicableError(Exception):
    """The stage has nothing that the drill could be tried on; the message says what is missing."""


class NotRunError(Exception):
    """The drill could not be tried although it applies; the message says why."""


class TimedOutError(Exception):
    """Something did not happen in time; the message says what."""


class Ability(Enum):
    """What a scene may be unable to do."""

    CONNECT = "connect to nodes"
    SKIP_TIME = "let hours pass"


@dataclass(frozen=True)
class Waiting:
    """How long a scene waits for something, and how often it looks.

    Attributes:
        seconds: The maximum time.
        pause: Seconds between the first two looks. Each pause is a quarter longer than the one before.
        longest_pause: The maximum pause, in seconds.
        begin_seconds: The maximum time until the clients of a load are answered.
    """

    seconds: float
    pause: float
    longest_pause: float
    begin_seconds: float


@dataclass
class Scene(ABC):
    """What one drill acts with.

    Attributes:
        name: Name of the drill.
        stage: The deployed stage.
        checks: What the drill has checked so far.
        traffic: The loads so far.
        not_tried: What this scene could not try, each with the reason.
        measured: What was measured, by what it is.
        lacking: What it cannot do, and why.
        waiting: How long it waits.
        failover_is_graceful: Whether a failover by API hands the shard over without losing a command or a write. The
            emulator's does; that of AWS takes the primary away.
        maximum_failovers: How many failovers by API the account allows in 24 hours.
    """

    name: str
    stage: DeployedStage
    checks: list[Check] = field(default_factory=list, kw_only=True)
    traffic: list[Traffic] = field(default_factory=list, kw_only=True)
    not_tried: list[str] = field(default_factory=list, kw_only=True)
    measured: dict[str, float] = field(default_factory=dict, kw_only=True)

    lacking: ClassVar[Mapping[Ability, str]]
    waiting: ClassVar[Waiting]
    failover_is_graceful: ClassVar[bool]
    maximum_failovers: ClassVar[int]

    # What differs from place to place

    @abstractmethod
    def require_engine(self, *caches: str) -> None:
        """Check that engines run behind the endpoints of caches.

        Raises:
            NotRunError: If one has no engine; the message says why.
        """

    @abstractmethod
    def require_clients(self, groups: Sequence[Group]) -> list[Group]:
        """The groups for which this scene can make the clients of a drill.

        Raises:
            NotRunError: If there is no such group.
        """

    @abstractmethod
    def cache_load(self, group: Group) -> AbstractContextManager[Load]:
        """Clients that use a group for as long as the block lasts, as far as this scene has any."""

    @abstractmethod
    def primaries(self, group: Group) -> set[str]:
        """The primaries of a group with cluster mode, which `DescribeReplicationGroups` does not tell."""

    @abstractmethod
    def settle_rotations(self) -> None:
        """Wait for rotations that the service has begun, such as the test of a new schedule."""

    @abstractmethod
    def wait_for_rotation(self, secret: Rotated, version: str) -> None:
        """Wait until a rotation has ended, however it ended."""

    @abstractmethod
    def pass_hour(self) -> None:
        """Let an hour pass for schedules; only of a scene that does not lack `Ability.SKIP_TIME`."""

    @abstractmethod
    def contents(self, group: Group) -> AbstractContextManager[Contents]:
        """What the group has in it, to compare with groups that are restored from its snapshots."""

    @abstractmethod
    def snapshot(self, group: Group, name: str) -> AbstractContextManager[str]:
        """A snapshot of a group to restore, which is available; yields its name.

        Args:
            group: The group.
            name: Name for a snapshot that is made for the block.
        """

    @abstractmethod
    def auth_token(self, group: Group) -> str:
        """The AUTH token of a group that is restored from a snapshot of a group with one."""

    @contextmanager
    def made(self, what: str, undo: Callable[[], None], command: str) -> Iterator[None]:  # noqa: ARG002 - for others
        """Undo something at the end of the block, however it ends.

        Args:
            what: What the block makes, for example `the snapshot x`. It may not exist yet when the block ends.
            undo: Undoes it, and waits until it is undone.
            command: The command with which a user undoes it.
        """
        try:
            yield
        finally:
            undo()

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Make something in the block: a signal waits until it is known that it was made."""
        yield

    # What does not

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self.stage.account.client(service)

    def lacks(self, ability: Ability, what: str) -> bool:
        """Whether this scene cannot do something; if so, it is noted what was not tried.

        Args:
            ability: What it would have to do.
            what: What a drill does not try without it.
        """
        reason = self.lacking.get(ability)
        if reason is not None:
            self.leave_out(f"{what}: {reason}")
        return reason is not None

    def leave_out(self, what: str) -> None:
        """Note what was not tried, once."""
        if what not in self.not_tried:
            self.not_tried.append(what)

    def measure(self, what: str, number: float) -> None:
        """Note a number that is told and not judged."""
        self.measured[what] = round(number, 1)

    def shards(self, group: Group) -> dict[str, dict[str, str]]:
        """The role of each node of each shard, by the shard's id and the node's name."""
        described = self.stage.describe(group.name)
        roles: dict[str, dict[str, str]] = {}
        for shard in described["NodeGroups"]:
            members = shard["NodeGroupMembers"]
            roles[shard["NodeGroupId"]] = {item["CacheClusterId"]: item.get("CurrentRole", "") for item in members}
        if described.get("ClusterEnabled"):
            primaries = self.primaries(group)
            roles = {
                shard: {node: PRIMARY if node in primaries else REPLICA for node in nodes}
                for shard, nodes in roles.items()
            }
        return roles

    @contextmanager
    def fresh_snapshot(self, group: Group, name: str) -> Iterator[None]:
        """A snapshot that exists for as long as the block lasts."""
        with self.temporary_snapshot(name):
            with self.uninterrupted():
                self.client("elasticache").create_snapshot(ReplicationGroupId=group.name, SnapshotName=name)
            self.wait_for_snapshot(name)
            yield

    @contextmanager
    def temporary_snapshot(self, name: str) -> Iterator[None]:
        """Delete a snapshot at the end of the block if it exists."""
        client = self.client("elasticache")

        def delete() -> None:
            with suppress(client.exceptions.SnapshotNotFoundFault):
                client.delete_snapshot(SnapshotName=name)

        with self.made(f"the snapshot {name}", delete, f"aws elasticache delete-snapshot --snapshot-name {name}"):
            yield

    def wait_for_snapshot(self, name: str) -> None:
        """Wait until a snapshot is available."""
        client = self.client("elasticache")
        self.until(
            lambda: client.describe_snapshots(SnapshotName=name)["Snapshots"][0]["SnapshotStatus"] == "available",
            f"the snapshot {name} is available",
        )

    def expect(self, promise: str, asked: Any, read: Any, *, of: str = "") -> bool:
        """Check a promise: what was asked for, and what happened.

        Args:
            promise: What must hold; with the name of the drill it names the check.
            asked: What must have happened.
            read: What has happened.
            of: The resource it is about. Default: the whole drill.
        """
        ok = bool(asked == read)
        self.checks.append(Check(STACK, of or self.name, promise, shown(asked), shown(read), ok))
        return ok

    @contextmanager
    def load(
        self,
        clients: Sequence[Callable[[], Client]],
        *,
        reconnecting: int = 0,
        keys: int = 16,
        pause: float = PAUSE_SECONDS,
    ) -> Iterator[Load]:
        """Clients that write and read for as long as the block lasts, and a moment before and after.

        The load is recorded however the block ends. Reads with a wrong value, and lost writes that a replica had
        confirmed, fail the drill: no drill may have any.

        Args:
            clients: Makes the client of each thread. Without any, the load only notes events.
            reconnecting: How many of them connect again for each operation.
            keys: How many keys each client has.
            pause: Seconds between two operations of a client.
        """
        prefix = f"app:drill-{self.name}-{len(self.traffic)}"
        load = Load(clients, prefix=prefix, reconnecting=reconnecting, keys=keys, pause=pause)
        try:
            with load:
                begun = "the clients are answered before the drill begins"
                self.until(lambda: load.answered >= len(clients), begun, self.waiting.begin_seconds)
                time.sleep(SETTLE_SECONDS)
                yield load
                answered = load.answered
                self.until(lambda: not clients or load.answered > answered, "the clients are answered after the drill")
                time.sleep(SETTLE_SECONDS)
        finally:
            self.traffic.append(load.traffic())

    def expect_right_answers(self, *, errors: bool = False, losses: bool = False, of: str = "") -> None:
        """Check what the clients of the last load saw.

        Args:
            errors: Whether operations may fail.
            losses: Whether acknowledged writes may be lost that no replica had confirmed.
            of: The resource it is about. Default: the whole drill.
        """
        traffic = self.traffic[-1]
        if not traffic.clients:
            return  # `cache_load` has noted that there were none
        if not errors:
            told = "0" if not traffic.failed else f"{traffic.failed}: " + "; ".join(list(traffic.errors)[:3])
            self.expect("no failed command", "0", told, of=of)
        self.expect("no wrong answer", 0, traffic.wrong, of=of)
        if not losses:
            self.expect("no lost acknowledged write", 0, traffic.lost, of=of)
        elif traffic.confirmed:
            self.expect("no lost write that a replica had confirmed", 0, traffic.lost_replicated, of=of)

    def until(self, condition: Callable[[], Any], what: str, seconds: float | None = None) -> Any:
        """Wait until a condition holds, and return its value.

        Args:
            condition: Looks.
            what: What must happen.
            seconds: The maximum time. Default: that of the scene.

        Raises:
            TimedOutError: If it does not hold in time.
        """
        limit, pause = seconds or self.waiting.seconds, self.waiting.pause
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if value := condition():
                return value
            time.sleep(pause)
            pause = min(pause * 1.25, self.waiting.longest_pause)
        raise TimedOutError(f"within {limit:.0f} s it did not happen that {what}")

    def available(self, group: str) -> dict[str, Any]:
        """Wait until a replication group is available again, and return it."""
        found: dict[str, Any] = self.until(
            lambda: described if (described := self.stage.describe(group))["Status"] == "available" else None,
            f"{group} is available",
        )
        return found
