"""`make drill`: a drill of the rehearsal on a stage that is deployed to AWS."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from elasticache_rules.terminal import Colour, paint, progress
from operations import policy, preconditions, question
from operations.record import TABLE, Record
from operations.scene import SITE, AwsScene
from operations.target import Target
from rehearsal.drills import plan
from rehearsal.drills.running import run

if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTORY = Path(".drills")
FAILED = 1


@dataclass(frozen=True)
class AwsDrill:
    """A drill that can run on AWS.

    Attributes:
        name: Its name in the plan of the rehearsal.
        happens: What happens to the stage.
        lasts: How long it takes.
    """

    name: str
    happens: str
    lasts: str


DRILLS = {
    "failover": AwsDrill(
        "failover",
        "TestFailover of each shard, 15 at most: its primary is replaced, a replica takes over. Writes fail meanwhile, "
        "and acknowledged writes that no replica had may be lost.",
        "about 5 to 10 minutes for each shard; writes fail for seconds to a minute",
    ),
    "promote": AwsDrill(
        "promotion",
        "FailoverGlobalReplicationGroup to the first secondary of each global datastore whose primary is in the stage, "
        "and back. Writes at the stage fail meanwhile, and what was not replicated is lost, twice.",
        "about 5 to 10 minutes for each of the two promotions",
    ),
    "rotate": AwsDrill(
        "rotation",
        "Each secret that the stage rotates gets a new password now. The old one works until its grace time is over.",
        "about 5 minutes for each secret",
    ),
    "restore": AwsDrill(
        "restore",
        "The newest automatic snapshot of each replication group, or a fresh one, is restored into a new group with a "
        "node for each shard, in the same subnets, security groups and user groups. That is deleted with a final "
        "snapshot, which is restored as well. Then all of it is deleted. It costs what those nodes cost meanwhile.",
        "about half an hour to an hour for each group, longer with more data",
    ),
}
REQUESTS = (
    f"to the {SITE} application of the stage, some ten a second, signed with these credentials; its sessions expire"
)


def main(
    directory: Path,
    stage: str,
    name: str,
    *,
    protected: str | None,
    is_agreed: bool,
    shows_policy: bool,
    say: Callable[[str], None],
) -> int:
    """Run one drill.

    Args:
        directory: The cloud assembly.
        stage: Name of the stage.
        name: Name of the drill.
        protected: Name of a stage that the user has named as protected.
        is_agreed: Whether nothing is asked.
        shows_policy: Whether only the policy is printed.
        say: Shows a line.

    Returns:
        0 if the drill passed, 1 if it did not.

    Raises:
        RefusedError: If it is not begun.
    """
    target = Target.read(directory, stage)
    if shows_policy:
        say(policy.document(name, target))
        return 0
    preconditions.require(target, protected)
    preconditions.require_no_drill(target)
    if name == "promote":
        preconditions.require_secondaries(target)
    if name == "rotate":
        preconditions.require_no_rotation(target, target.deployed.rotated)
    drill = DRILLS[name]
    groups = ", ".join(group.name for group in target.deployed.groups) or "none"
    facts = {"Drill": name, "Groups": groups, "What happens": drill.happens, "How long": drill.lasts}
    if name != "restore" and target.deployed.site(SITE):
        facts["Requests"] = REQUESTS
    question.ask(target, facts, is_agreed=is_agreed)
    record = _run(target, name, say)
    path = record.save(DIRECTORY)
    _show(record, say)
    say(f"Written to {path} and {DIRECTORY / TABLE}")
    return 0 if record.outcome.status == "passed" and not record.left else FAILED


def _run(target: Target, name: str, say: Callable[[str], None]) -> Record:
    [drill] = plan.selected([DRILLS[name].name])
    began, clock = datetime.now(UTC), time.monotonic()
    scene = AwsScene(drill.name, target.fresh(), lambda text: say(f"[{time.monotonic() - clock:6.1f} s] {text}"))
    try:
        with progress(f"{name} of {target.stage}", is_announced=True):
            outcome = run(drill, scene, lambda _moment: ())
    except BaseException:
        _show_left(scene, say)
        raise
    return Record(
        stage=target.stage,
        account=target.account,
        region=target.region,
        caller=target.caller,
        began=began,
        outcome=outcome,
        measured=scene.measured,
        not_tried=tuple(scene.not_tried),
        left=tuple(scene.left),
    )


def _show(record: Record, say: Callable[[str], None]) -> None:
    outcome = record.outcome
    say(f"\n{outcome.name}: {outcome.status}{f', {outcome.reason}' if outcome.reason else ''}")
    for check in outcome.checks:
        mark = "ok    " if check.ok else paint("FAILED", Colour.BAD)
        say(f"  {mark} {check.resource}: {check.property}: {check.read}")
    for what, number in record.measured.items():
        say(f"  {what}: {number:g}")
    for traffic in (item for item in outcome.traffic if item.clients):
        say(f"  requests: {traffic.operations} sent, {traffic.failed} failed, {traffic.wrong} wrong answers")
    for what in record.not_tried:
        say(f"  not tried: {what}")
    for item in record.left:
        say(f"  LEFT BEHIND: {item.what} ({item.reason}). Delete it: {item.command}")


def _show_left(scene: AwsScene, say: Callable[[str], None]) -> None:
    for item in scene.left:
        say(f"LEFT BEHIND: {item.what} ({item.reason}). Delete it: {item.command}")
    if not scene.left:
        say("Everything that the drill had made is deleted")
