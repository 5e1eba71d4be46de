"""The promotion of a secondary Region: what it refuses, its policy, and a run against answers of a global datastore."""

from __future__ import annotations

import json
import signal
from types import SimpleNamespace
from typing import Any

import pytest

from elasticache_rules.terminal import Interrupted
from operations import policy, preconditions
from operations.scene import AwsScene
from operations.target import RefusedError, Target
from rehearsal.drills import plan
from rehearsal.drills.running import run
from rehearsal.drills.scene import Waiting
from rehearsal.drills.stage import Group

GROUP = Group("shop", "Valkey", None, "default")
ANSWERS_UNTIL_DONE = 3
"""How often a global datastore is read while it is being changed."""


class Account:
    """A global datastore of two Regions, and the calls that it was asked.

    Attributes:
        statuses: The status of each member.
        calls: The groups that were promoted, in order.
        interrupts_at: The read at which a signal arrives.
    """

    region = "eu-west-1"

    def __init__(self) -> None:
        self.primary = "shop"
        self.regions = {"shop": "eu-west-1", "shop-eu": "eu-central-1"}
        self.statuses = dict.fromkeys(self.regions, "associated")
        self.calls: list[str] = []
        self.reads = 0
        self.interrupts_at = 0
        self._pending: list[str] = []

    def client(self, _service: str) -> Account:
        """All services."""
        return self

    def failover_global_replication_group(self, **asked: str) -> None:
        """Begin a promotion."""
        assert not self._pending, "of two promotions at once the service does not say which one wins"
        assert asked["GlobalReplicationGroupId"] == "gxeiz-shop"
        assert asked["PrimaryRegion"] == self.regions[asked["PrimaryReplicationGroupId"]]
        self.calls.append(asked["PrimaryReplicationGroupId"])
        self._pending = [self.calls[-1]] * ANSWERS_UNTIL_DONE

    def describe_global_replication_groups(self, **asked: Any) -> dict[str, Any]:
        """The global datastore, which is still as it was for some answers."""
        assert asked == {"GlobalReplicationGroupId": "gxeiz-shop", "ShowMemberInfo": True}
        self.reads += 1
        if self.reads == self.interrupts_at:
            raise Interrupted(signal.SIGINT)
        is_modifying = bool(self._pending)
        if self._pending:
            promoted = self._pending.pop()
            self.primary = self.primary if self._pending else promoted
        members = [
            {
                "ReplicationGroupId": name,
                "ReplicationGroupRegion": region,
                "Role": "PRIMARY" if name == self.primary else "SECONDARY",
                "Status": self.statuses[name],
            }
            for name, region in self.regions.items()
        ]
        return {
            "GlobalReplicationGroups": [{"Status": "modifying" if is_modifying else "available", "Members": members}]
        }


def stage_of(account: Account, **info: str) -> Any:
    """A stage whose one group is the primary, unless told otherwise."""
    told = {"GlobalReplicationGroupId": "gxeiz-shop", "GlobalReplicationGroupMemberRole": "PRIMARY", **info}
    return SimpleNamespace(
        groups=[GROUP], account=account, describe=lambda _name: {"GlobalReplicationGroupInfo": told, "ARN": "arn"}
    )


class QuickScene(AwsScene):
    """The scene of AWS, without its pauses."""

    waiting = Waiting(seconds=60, pause=0, longest_pause=0, begin_seconds=1)


def ran(account: Account, **info: str) -> Any:
    """The drill, run to its end."""
    (drill,) = plan.selected(["promotion"])
    scene = QuickScene(drill.name, stage_of(account, **info), lambda _text: None)
    return run(drill, scene, lambda _moment: ()), scene


def test_it_promotes_the_secondary_and_the_first_primary_again() -> None:
    """Each promotion is waited for; the roles are those of the beginning at the end."""
    account = Account()
    outcome, scene = ran(account)

    assert ("passed", ["shop-eu", "shop"], "shop") == (outcome.status, account.calls, account.primary)
    assert ["the primary after the promotion", "the primary at the end"] == [each.property for each in outcome.checks]
    assert 2 == len(scene.measured)
    assert ["writes at shop-eu: it is in eu-central-1, and this drill has no client there"] == scene.not_tried


def test_a_secondary_that_is_not_promoted_fails_the_drill() -> None:
    """It is judged by the roles that the service has afterwards."""
    account = Account()
    account.failover_global_replication_group = lambda **asked: account.calls.append(  # type: ignore[method-assign]
        asked["PrimaryReplicationGroupId"]
    )
    QuickScene.waiting = Waiting(seconds=0.05, pause=0, longest_pause=0, begin_seconds=1)
    try:
        outcome, _ = ran(account)
    finally:
        QuickScene.waiting = Waiting(seconds=60, pause=0, longest_pause=0, begin_seconds=1)

    assert "failed" == outcome.status
    assert "shop-eu in eu-central-1 is the primary" in outcome.reason


@pytest.mark.parametrize("read", [2, 3, 4])
def test_an_interrupted_drill_promotes_back(read: int) -> None:
    """Also if the signal arrives while the first promotion is in progress: that one is waited for, then undone."""
    account = Account()
    account.interrupts_at = read
    (drill,) = plan.selected(["promotion"])
    scene = QuickScene(drill.name, stage_of(account), lambda _text: None)
    with pytest.raises(Interrupted):
        drill.act(scene)

    assert (["shop-eu", "shop"], "shop") == (account.calls, account.primary)


def test_a_stage_without_a_secondary_has_nothing_to_promote() -> None:
    """The drill does not apply; neither does it at the stage of a secondary."""
    outcome, _ = ran(Account(), GlobalReplicationGroupMemberRole="SECONDARY")

    assert "not applicable" == outcome.status


def target_of(account: Account, **info: str) -> Target:
    """The target of an operation."""
    target = Target("shop", "111122223333", "arn:aws:iam::111122223333:user/a", "eu-west-1", (), {})
    target.__dict__["deployed"] = stage_of(account, **info)
    return target


@pytest.mark.parametrize(
    ("status", "info", "says"),
    [
        (
            "associated",
            {"GlobalReplicationGroupMemberRole": "SECONDARY"},
            "no group of the stage shop is the primary of a",
        ),
        (
            "associating",
            {},
            "the global datastore gxeiz-shop is available, its members are shop associated, shop-eu ass",
        ),
    ],
)
def test_refused(status: str, info: dict[str, str], says: str) -> None:
    """Without a secondary, or while one does not follow yet, nothing is begun."""
    account = Account()
    account.statuses["shop-eu"] = status
    with pytest.raises(RefusedError) as refused:
        preconditions.require_secondaries(target_of(account, **info))

    assert says in str(refused.value)
    assert [] == account.calls


def test_a_stage_that_may_begin() -> None:
    """With every member associated nothing is refused."""
    preconditions.require_secondaries(target_of(Account()))


def test_policy_names_the_global_datastore_and_its_members() -> None:
    """The ARN of a global datastore has no Region, and a member has its own."""
    allowed = json.loads(policy.document("promote", target_of(Account())))["Statement"]
    (failover,) = [each for each in allowed if each["Action"] == ["elasticache:FailoverGlobalReplicationGroup"]]

    assert [
        "arn:aws:elasticache::111122223333:globalreplicationgroup:gxeiz-shop",
        "arn:aws:elasticache:eu-west-1:111122223333:replicationgroup:shop",
        "arn:aws:elasticache:eu-central-1:111122223333:replicationgroup:shop-eu",
    ] == failover["Resource"]
