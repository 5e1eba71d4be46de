"""Print a rehearsal: the table of checks, the drills, the grants, and what it does not prove."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from elasticache_rules.terminal import Colour, paint
from rehearsal.report.progress import write
from verification.table import failure, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rehearsal.drills.outcome import Outcome
    from rehearsal.inventory import ExistingResource, Leftovers
    from rehearsal.report.results import EngineFact, Results, RoleGrants

LINE_WIDTH = 118


def show(results: Results) -> None:
    """Print the table of checks, the drills, what is not proven, the times and the failures."""
    write(f"\n{table(results.verdict.checks)}")
    if results.leftovers is not None:
        _leftovers(results.leftovers)
    _drills(results.drills)
    _grants(results.grants)
    _engines(results.engines)
    _not_proven(results)
    write("\nTime")
    for phase in results.phases:
        write(f"  {phase.seconds:6.1f} s  {phase.name}")
    write(f"  {results.seconds:6.1f} s  in total; the emulator used {results.emulator_megabytes:.0f} MB of memory")
    _failures(results)
    write(f"\n{paint(summary(results), Colour.GOOD if results.ok else Colour.BAD)}")


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


def _drills(drills: Sequence[Outcome]) -> None:
    if drills:
        write("\nDrills")
    for drill in drills:
        has_failed = drill.status == "failed"
        status = paint(f"{'FAILED':<15}", Colour.BAD) if has_failed else f"{drill.status:<15}"
        write(f"  {drill.name:<16} {status} {drill.seconds:6.1f} s  {counted(drill)}")
        for line in (drill.reason, *drill.causes):
            if line:
                write(_wrapped(line, "      ", "        "))


def counted(drill: Outcome) -> str:
    """How many checks a drill made, and what its clients saw."""
    parts = [f"{len(drill.checks)} checks"] if drill.checks else []
    parts += [
        f"{load.operations} operations, {load.failed} failed, {load.wrong} wrong, {load.lost} lost"
        for load in drill.traffic
    ]
    return "; ".join(parts)


def _grants(grants: Sequence[RoleGrants]) -> None:
    if grants:
        write("\nGrants used, and never used, by role")
    for role in grants:
        write(f"  {role.role}")
        for heading, actions in (("used", role.used), ("unused", role.unused), ("refused", role.refused)):
            if actions:
                write(_wrapped(", ".join(actions), f"    {heading:<8} ", "             "))


def _engines(engines: Sequence[EngineFact]) -> None:
    if engines:
        write("\nEngines")
    for engine in engines:
        note = f"; {engine.note}" if engine.note else ""
        write(f"  {engine.resource}: {engine.asked} asked for, {engine.ran or 'none'} ran{note}")


def _not_proven(results: Results) -> None:
    write("\nNot proven by a rehearsal")
    for line in results.not_proven:
        write(_wrapped(line, "  - ", "    "))
    struck = [item.limit for item in results.judged_limits if item.struck]
    if struck:
        write("\nProven here, by these checks of the drills")
    for limit in struck:
        write(_wrapped(f"{limit.text.partition(':')[0]}: {'; '.join(limit.struck_by)}", "  - ", "    "))


def _wrapped(text: str, first: str, other: str | None = None) -> str:
    following = first if other is None else other
    return textwrap.fill(text, LINE_WIDTH, initial_indent=first, subsequent_indent=following)


def _failures(results: Results) -> None:
    ended = [drill for drill in results.drills if drill.status == "failed" and drill.reason]
    if results.all_failed or ended:
        write(f"\n{paint('Failed', Colour.BAD)}")
    for check in results.all_failed:
        write(failure(check))
    for drill in ended:
        write(f"  drill {drill.name}: {drill.reason}")


def summary(results: Results) -> str:
    """The line that sums a rehearsal up."""
    checks, failed = len(results.verdict.checks), len(results.verdict.failed)
    resources = len({(check.stack, check.resource) for check in results.verdict.checks})
    text = f"stage {results.stage}: {resources} resources, {checks} checks, {failed} failed"
    if results.drills:
        tried = [drill for drill in results.drills if drill.status in {"passed", "failed"}]
        text += f"; {len(tried)} drills, {sum(drill.status == 'failed' for drill in tried)} failed"
    if results.leftovers is None:
        return f"{text}; still running"
    wrong = len(results.leftovers.unexpected) + len(results.leftovers.vanished)
    return f"{text}; {len(results.leftovers.retained)} resources retained, {wrong} wrongly left or deleted"
