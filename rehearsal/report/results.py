"""What a rehearsal found."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from elasticache_rules.terminal import write_whole
from rehearsal.report import limits

if TYPE_CHECKING:
    from pathlib import Path

    from rehearsal.drills.outcome import Outcome
    from rehearsal.inventory import Leftovers
    from rehearsal.report.progress import Phase
    from rehearsal.report.topology import Topology
    from verification.posture import Check, Verdict


@dataclass(frozen=True)
class EngineFact:
    """An engine that ran behind the endpoints of a resource.

    Attributes:
        resource: Id of the cache or database.
        asked: Engine and version that the template asks for.
        ran: Engine and version that ran; empty if none did.
        note: What differed, or why none ran.
    """

    resource: str
    asked: str
    ran: str
    note: str = ""


@dataclass(frozen=True)
class RoleGrants:
    """What a role may do, and what it did.

    Attributes:
        role: Name of the role.
        used: Actions that it was granted and used.
        unused: Actions that it was granted and never used.
        refused: Actions that it was refused.
    """

    role: str
    used: tuple[str, ...]
    unused: tuple[str, ...]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """What a rehearsal found.

    Attributes:
        stage: Name of the stage.
        region: Name of the Region.
        phases: Its steps.
        seconds: How long it took.
        emulator_megabytes: Resident memory of the emulator after the deployment.
        verdict: Result of the checks.
        leftovers: What the destroy left; None if the stage stays deployed.
        live: Whether engines and functions ran, and IAM was enforced.
        drills: How the drills ended.
        grants: What each role used.
        engines: What ran behind the endpoints.
        topology: The network and what is in it.
        not_judged: Where the emulator's IAM is known to differ from AWS's.
    """

    stage: str
    region: str
    phases: tuple[Phase, ...]
    seconds: float
    emulator_megabytes: float
    verdict: Verdict
    leftovers: Leftovers | None
    live: bool = False
    drills: tuple[Outcome, ...] = ()
    grants: tuple[RoleGrants, ...] = ()
    engines: tuple[EngineFact, ...] = ()
    topology: Topology | None = None
    not_judged: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all checks and drills passed and the destroy left exactly what the templates retain."""
        drills = all(drill.status != "failed" for drill in self.drills)
        return drills and not self.verdict.failed and (self.leftovers is None or self.leftovers.ok)

    @property
    def judged_limits(self) -> tuple[limits.Judged, ...]:
        """Each limit of a rehearsal, and the checks that strike it here."""
        return limits.judged(self.drills, live=self.live)

    @property
    def not_proven(self) -> tuple[str, ...]:
        """What the rehearsal does not prove, a line each."""
        lines = [line for item in self.judged_limits for line in item.lines]
        differences = [f"not judged of IAM: {difference}" for difference in self.not_judged]
        return tuple(dict.fromkeys([*lines, *differences, *self.verdict.unproven]))

    @property
    def all_failed(self) -> tuple[Check, ...]:
        """The failed checks of the stage and of the drills."""
        return (*self.verdict.failed, *(check for drill in self.drills for check in drill.failed))

    def save(self, path: Path) -> None:
        """Write the results as JSON."""
        document = {**asdict(self), "ok": self.ok, "not_proven": self.not_proven}
        write_whole(path, json.dumps(document, indent=2) + "\n")
