"""Print a rehearsal: its steps as they happen, the table of checks, and what it does not prove."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rehearsal.inventory import ExistingResource, Leftovers
    from rehearsal.posture import Check, Verdict

# Of resource, property, asked and read back; with two spaces between them they fit a wide terminal.
WIDTHS = (38, 34, 36, 36)
HEADINGS = ("resource", "property", "asked", "read back")

NOT_PROVEN = (
    "security groups and routes: they are read back, but not enforced",
    "VPC endpoints, NAT gateways and DNS: they exist as records, but no packet passes",
    "encryption: keys are attached, but nothing is encrypted, and KMS grants are not checked",
    "IAM: every call is allowed, regardless of policies",
    "engines: none runs behind the endpoints, so versions, parameter values and access strings were not tried",
    "logins: no client authenticated with a token, a password or IAM",
    "Multi-AZ: nodes have Availability Zones, but no failover was timed",
    "rotation: schedules are registered, but no rotation ran",
    "functions: none ran, so database users were not created and the catalogue was not filled",
    "database: no PostgreSQL runs behind the endpoint",
    "log delivery, events and alarms: they are configured, but nothing was delivered",
    "node types, capacity, quotas, and what a Region offers",
    "durations: AWS takes minutes for what took seconds here",
    "custom resources: the rehearsal emptied the default security group, not CDK's function",
)


@dataclass(frozen=True)
class Phase:
    """One step.

    Attributes:
        name: What it did.
        seconds: How long it took.
    """

    name: str
    seconds: float


@dataclass
class Progress:
    """Shows steps as they happen, and measures them.

    Attributes:
        started: When the rehearsal began, by `time.monotonic`.
        phases: The steps so far.
    """

    started: float = field(default_factory=time.monotonic)
    phases: list[Phase] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print a line with the seconds since the start."""
        write(f"[{self.elapsed:5.1f} s] {text}")

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Show a step and measure it."""
        self.say(f"{name} ...")
        began = self.elapsed
        yield
        self.phases.append(Phase(name, round(self.elapsed - began, 2)))


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
    """

    stage: str
    region: str
    phases: tuple[Phase, ...]
    seconds: float
    emulator_megabytes: float
    verdict: Verdict
    leftovers: Leftovers | None

    @property
    def ok(self) -> bool:
        """Whether all checks passed and the destroy left exactly what the templates retain."""
        return not self.verdict.failed and (self.leftovers is None or self.leftovers.ok)

    def save(self, path: Path) -> None:
        """Write the results as JSON."""
        document = {**asdict(self), "ok": self.ok, "not_proven": [*self.verdict.unproven, *NOT_PROVEN]}
        path.write_text(json.dumps(document, indent=2) + "\n")


def write(text: str = "") -> None:
    """Print a line without buffering."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show(results: Results) -> None:
    """Print the table of checks, what is not proven, the times and the failures."""
    _table(results.verdict.checks)
    if results.leftovers is not None:
        _leftovers(results.leftovers)
    _not_proven(results.verdict.unproven)
    write("\nTime")
    for phase in results.phases:
        write(f"  {phase.seconds:6.1f} s  {phase.name}")
    write(f"  {results.seconds:6.1f} s  in total; the emulator used {results.emulator_megabytes:.0f} MB of memory")
    _failures(results.verdict.failed)
    write(f"\n{_summary(results)}")


def _table(checks: Sequence[Check]) -> None:
    write()
    write(_line((*HEADINGS, "ok")))
    write(_line((*("-" * width for width in WIDTHS), "---")))
    stack, shown = "", ""
    for check in checks:
        if check.stack != stack:
            stack, shown = check.stack, ""
            write(f"\n{stack}")
        resource = check.resource if check.resource != shown else ""
        shown = check.resource
        write(_line((resource, check.property, check.asked, check.read, "yes" if check.ok else "NO")))


def _line(cells: Sequence[str]) -> str:
    *wide, last = cells
    return "  ".join([*(fitted(cell, width) for cell, width in zip(wide, WIDTHS, strict=True)), last]).rstrip()


def fitted(text: str, width: int) -> str:
    """The text in exactly this width; a long text keeps its start and its end, where names differ."""
    flat = " ".join(text.split())
    if len(flat) > width:
        head = width * 2 // 5
        flat = f"{flat[:head]}…{flat[len(flat) - (width - head - 1) :]}"
    return flat.ljust(width)


def _leftovers(leftovers: Leftovers) -> None:
    for heading, resources in (
        ("Retained by the templates (on AWS, delete them yourself)", leftovers.retained),
        ("LEFT, although no template retains it", leftovers.unexpected),
        ("DELETED, although a template retains it", leftovers.vanished),
    ):
        if resources:
            write(f"\n{heading}")
            for resource in resources:
                write(f"  {_named(resource)}")


def _named(resource: ExistingResource) -> str:
    return f"{resource.type:<36} {resource.name}"


def _not_proven(unproven: Sequence[str]) -> None:
    write("\nNot proven by a rehearsal")
    for line in (*NOT_PROVEN, *unproven):
        write(textwrap.fill(line, 118, initial_indent="  - ", subsequent_indent="    "))


def _failures(failed: Sequence[Check]) -> None:
    if failed:
        write("\nFailed")
    for check in failed:
        write(f"  {check.stack} {check.resource}: {check.property}\n    asked  {check.asked}\n    read   {check.read}")


def _summary(results: Results) -> str:
    checks, failed = len(results.verdict.checks), len(results.verdict.failed)
    resources = len({(check.stack, check.resource) for check in results.verdict.checks})
    summary = f"stage {results.stage}: {resources} resources, {checks} checks, {failed} failed"
    if results.leftovers is None:
        return f"{summary}; still running"
    wrong = len(results.leftovers.unexpected) + len(results.leftovers.vanished)
    return f"{summary}; {len(results.leftovers.retained)} resources retained, {wrong} wrongly left or deleted"
