"""What a rehearsal prints: a line for each step as it happens, the table, and what none of it proves."""

import json
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rehearsal.inventory import Leftovers, Thing
from rehearsal.posture import Check, Verdict

# Resource, property, asked, read back: what fits a wide terminal with two spaces between.
WIDTHS = (38, 34, 36, 36)
HEADINGS = ("resource", "property", "asked", "read back")

NOT_PROVEN = (
    "security groups and routes: they are read back, and nothing enforces them",
    "VPC endpoints, NAT gateways and DNS: they exist as records, no packet passes",
    "encryption: keys are attached, nothing is encrypted with them, and KMS grants are not checked",
    "IAM: every call is allowed, whatever the policies say",
    "engines: none runs behind the endpoints, so no version, parameter value or access string was tried on one",
    "logins: no client authenticated with a token, a password or IAM",
    "Multi-AZ: members have zones, no failover was timed",
    "rotation: schedules are registered, no rotation ran",
    "functions: none ran, so users of the database were not created, and the catalogue was not filled",
    "database: no PostgreSQL runs behind the endpoint",
    "log delivery, events and alarms: configured, nothing was delivered",
    "node types, capacity, quotas, and what a region offers",
    "durations: AWS takes minutes where this took seconds",
    "custom resources: the default security group was emptied by the rehearsal itself, not by CDK's function",
)


@dataclass(frozen=True)
class Phase:
    """One step and how long it took."""

    name: str
    seconds: float


@dataclass
class Progress:
    """Tells what happens while it happens, and how long it took."""

    started: float = field(default_factory=time.monotonic)
    phases: list[Phase] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print a line with the time that has passed."""
        write(f"[{self.elapsed:5.1f} s] {text}")

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.started

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a step."""
        self.say(f"{name} ...")
        began = self.elapsed
        yield
        self.phases.append(Phase(name, round(self.elapsed - began, 2)))


@dataclass(frozen=True)
class Results:
    """All that a rehearsal found out."""

    stage: str
    region: str
    phases: tuple[Phase, ...]
    seconds: float
    emulator_megabytes: float
    verdict: Verdict
    leftovers: Leftovers | None

    @property
    def ok(self) -> bool:
        """Whether every check passed and nothing unexpected was left behind."""
        return not self.verdict.failed and (self.leftovers is None or self.leftovers.ok)

    def save(self, path: Path) -> None:
        """Write everything as JSON."""
        document = {**asdict(self), "ok": self.ok, "not_proven": [*self.verdict.unproven, *NOT_PROVEN]}
        path.write_text(json.dumps(document, indent=2) + "\n")


def write(text: str = "") -> None:
    """Print a line now, also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show(results: Results) -> None:
    """Print the table, the times and the limits of it all."""
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
    """The text in exactly that width; of a long one the end, where names differ, is kept as well as the start."""
    flat = " ".join(text.split())
    if len(flat) > width:
        head = width * 2 // 5
        flat = f"{flat[:head]}…{flat[len(flat) - (width - head - 1) :]}"
    return flat.ljust(width)


def _leftovers(leftovers: Leftovers) -> None:
    for heading, things in (
        ("Kept on purpose by the templates (destroy them yourself on AWS)", leftovers.retained),
        ("LEFT BEHIND, although no template keeps it", leftovers.unexpected),
        ("GONE, although a template keeps it", leftovers.vanished),
    ):
        if things:
            write(f"\n{heading}")
            for thing in things:
                write(f"  {_named(thing)}")


def _named(thing: Thing) -> str:
    return f"{thing.type:<36} {thing.name}"


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
    told = f"stage {results.stage}: {resources} resources, {checks} checks, {failed} failed"
    if results.leftovers is None:
        return f"{told}; still running"
    wrong = len(results.leftovers.unexpected) + len(results.leftovers.vanished)
    return f"{told}; {len(results.leftovers.retained)} resources kept on purpose, {wrong} wrongly left or gone"
