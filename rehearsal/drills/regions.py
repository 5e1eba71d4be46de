"""The drill on Regions: promote a secondary of a global datastore, and promote its first primary again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.drills.scene import NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import DeployedStage, Group

PRIMARY, SECONDARY = "PRIMARY", "SECONDARY"
AVAILABLE, ASSOCIATED = "available", "associated"


@dataclass(frozen=True)
class Member:
    """A member of a global datastore.

    Attributes:
        name: The id of the group.
        region: Its Region.
    """

    name: str
    region: str


@dataclass(frozen=True)
class Datastore:
    """A global datastore whose primary is a group of the stage.

    Attributes:
        name: Its id.
        group: The primary.
        status: Its status.
        members: The status and the role of each member.
    """

    name: str
    group: Group
    status: str
    members: Mapping[Member, tuple[str, str]]

    @property
    def primaries(self) -> list[Member]:
        """The members that take writes."""
        return self._with(PRIMARY)

    @property
    def secondaries(self) -> list[Member]:
        """The members that follow, by Region."""
        return sorted(self._with(SECONDARY), key=lambda member: member.region)

    @property
    def is_at_rest(self) -> bool:
        """Whether no change of it is in progress, and every member follows."""
        return self.status == AVAILABLE and {status for status, _ in self.members.values()} == {ASSOCIATED}

    def _with(self, role: str) -> list[Member]:
        return [member for member, (_, has) in self.members.items() if has == role]


def datastores(stage: DeployedStage) -> Iterator[Datastore]:
    """The global datastores whose primaries are groups of a stage.

    Args:
        stage: The deployed stage.
    """
    for group in stage.groups:
        info: Mapping[str, Any] = stage.describe(group.name).get("GlobalReplicationGroupInfo", {})
        if info.get("GlobalReplicationGroupMemberRole") == PRIMARY:
            yield _read(stage, str(info["GlobalReplicationGroupId"]), group)


def _read(stage: DeployedStage, name: str, group: Group) -> Datastore:
    client = stage.account.client("elasticache")
    (store,) = client.describe_global_replication_groups(GlobalReplicationGroupId=name, ShowMemberInfo=True)[
        "GlobalReplicationGroups"
    ]
    members = {
        Member(each["ReplicationGroupId"], each["ReplicationGroupRegion"]): (each["Status"], each["Role"])
        for each in store["Members"]
    }
    return Datastore(name, group, store["Status"], members)


def promote(scene: Scene) -> None:
    """Promote the first secondary of each global datastore, and its first primary again."""
    found = [store for store in datastores(scene.stage) if store.secondaries]
    if not found:
        raise NotApplicableError("no group of the stage is the primary of a global datastore with a secondary")
    for store in found:
        _Promotion(scene, store, store.primaries[0], store.secondaries[0]).run()


@dataclass
class _Promotion:
    """The promotion of a secondary, and the way back.

    Attributes:
        scene: What it acts with.
        store: The global datastore.
        first: The primary before and after.
        second: The secondary that is promoted.
        is_asked_for: Whether the service was asked to promote the secondary.
    """

    scene: Scene
    store: Datastore
    first: Member
    second: Member
    is_asked_for: bool = False

    def run(self) -> None:
        """Promote the secondary; the first primary again at the end, however it ends."""
        first, second, of = self.first, self.second, self.store.group.resource
        self.scene.leave_out(f"writes at {second.name}: it is in {second.region}, and this drill has no client there")
        command = (
            f"aws elasticache failover-global-replication-group --global-replication-group-id {self.store.name} "
            f"--primary-region {first.region} --primary-replication-group-id {first.name}"
        )
        with self.scene.made(f"the promotion of {second.name}", self._back, command):
            with self.scene.uninterrupted():
                self.is_asked_for = True
                self._ask(second)
            self._wait(second)
            self.scene.expect("the primary after the promotion", [second.name], self._primaries(), of=of)
        self.scene.expect("the primary at the end", [first.name], self._primaries(), of=of)

    def _back(self) -> None:
        if self.is_asked_for:
            # Asked for the way back meanwhile, the service does not say which of the two wins.
            self._wait(self.second)
            self._ask(self.first)
            self._wait(self.first)

    def _ask(self, member: Member) -> None:
        self.scene.client("elasticache").failover_global_replication_group(
            GlobalReplicationGroupId=self.store.name,
            PrimaryRegion=member.region,
            PrimaryReplicationGroupId=member.name,
        )

    def _wait(self, member: Member) -> None:
        began = time.monotonic()
        self.scene.until(lambda: self._is_primary(member), f"{member.name} in {member.region} is the primary")
        self.scene.measure(f"seconds until {member.name} in {member.region} was the primary", time.monotonic() - began)

    def _is_primary(self, member: Member) -> bool:
        now = self._now()
        return now.is_at_rest and now.primaries == [member]

    def _primaries(self) -> list[str]:
        return sorted(member.name for member in self._now().primaries)

    def _now(self) -> Datastore:
        return _read(self.scene.stage, self.store.name, self.store.group)
