"""The results of a rehearsal that never was, with each kind of thing that a report shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rehearsal import inventory, report
from rehearsal.drills import plan
from rehearsal.drills.outcome import Event, Outcome, Sample, Traffic
from rehearsal.report.topology import Client, Node, Target, Tier, Topology, Vpc
from verification import posture

if TYPE_CHECKING:
    from rehearsal.drills.outcome import Status

MARKUP = "<script>alert(1)</script> & <b>"
"""What a resource may be called, as far as a report knows."""

ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
NOT_RUN = "no valkey-server is installed"


def results(*, ok: bool = True) -> report.Results:
    """A live rehearsal.

    Args:
        ok: Whether all passed. Otherwise a check, a drill and the destroy failed.
    """
    left = (inventory.ExistingResource("AWS::KMS::Key", "left-over"),)
    return report.Results(
        stage="dev",
        region="eu-west-1",
        phases=(report.Phase("deploy 5 stacks", 8.3), report.Phase("run 12 drills", 42.3)),
        seconds=61.2,
        emulator_megabytes=254.0,
        verdict=posture.Verdict(tuple(_checks(ok=ok)), ("AWS::EC2::FlowLog Tags: not read back",)),
        leftovers=inventory.Leftovers((inventory.ExistingResource("AWS::KMS::Key", "kept"),), () if ok else left, ()),
        live=True,
        drills=tuple(_drill(number, drill, ok=ok) for number, drill in enumerate(plan.DRILLS)),
        grants=(
            report.RoleGrants("rotation", ("elasticache:ModifyUser", "kms:Decrypt"), ("xray:PutTraceSegments",)),
            report.RoleGrants(MARKUP, (), ("elasticache:Connect",), ("s3:GetObject",)),
        ),
        engines=(report.EngineFact("redis", "redis 7.1", "Valkey 9.1.2"), report.EngineFact("files", "memcached", "")),
        topology=Topology((_vpc(),), ("Provider",)),
    )


def _checks(*, ok: bool) -> list[posture.Check]:
    found = [posture.Check("network", MARKUP, "status", "done", "done", ok=True)]
    return [*found, posture.Check("redis", "Redis", "MultiAZEnabled", "true", "true" if ok else "false", ok)]


def _drill(number: int, drill: plan.Drill, *, ok: bool) -> Outcome:
    status: Status = "passed"
    reason = ""
    traffic: tuple[Traffic, ...] = ()
    if drill.name == "shards-added":
        status, reason = "not applicable", "no group has cluster mode enabled"
    elif drill.name == "restore":
        status, reason = "not run", NOT_RUN
    elif drill.name == "rotation" and not ok:
        status, reason = "failed", "within 90 s it did not happen that the new password becomes AWSCURRENT"
    if number % 2:
        traffic = (_traffic(number),)
    checks = () if reason else (posture.Check("drills", "Redis", "no failed command", "0", "0", ok=True),)
    return Outcome(drill.name, drill.title, drill.promise, status, reason, 2.5, checks, traffic)


def _traffic(number: int) -> Traffic:
    samples = tuple(Sample(step / 10, 40, step % 7 == 6, 0, 2.0 + step % 3, 9.0 * (step % 5 + 1)) for step in range(40))
    events = (Event(0.6, "the primary is killed"), Event(0.7, "promoted"), Event(3.9, MARKUP))
    errors = {f"ConnectionError: {MARKUP}": 5}
    load = Traffic(3, 1600, errors, 0, 0, 0, 160, 48, samples, events)
    return load if number % 4 == 1 else replace(load, errors={}, samples=(), events=())


def _vpc() -> Vpc:
    tiers = tuple(
        Tier(name, {zone: f"10.40.{first + number}.0/24" for number, zone in enumerate(ZONES)})
        for name, first in (("application", 0), ("cache", 10))
    )
    targets = (
        Target("Redis", "Redis", 6379, "cache", tuple(Node(f"redis-{zone}", zone, "replica") for zone in ZONES)),
        Target(MARKUP, "Memcached", 11211, "cache", (Node("one", ZONES[0]), Node("two", ZONES[0]))),
        Target("secretsmanager", "Interface endpoint", 443, "application", (Node("interface", ZONES[1]),)),
    )
    clients = (
        Client("Redis/Rotation-default", "", "application", ("Redis", "secretsmanager")),
        Client("Leaderboard", "LeaderboardApi", "application", ("Redis",)),
    )
    return Vpc("vpc-1", "10.40.0.0/16", ZONES, tiers, targets, clients)
