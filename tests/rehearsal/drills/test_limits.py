"""What is not proven: a line is struck only by checks that ran and passed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rehearsal.drills import plan
from rehearsal.drills.outcome import Outcome
from rehearsal.report.limits import LIMITS, Limit, judged
from verification.posture import Check

if TYPE_CHECKING:
    from rehearsal.drills.outcome import Status

STRIKABLE = [limit for limit in LIMITS if limit.struck_by]


def outcome(name: str, *, status: Status = "passed", reason: str = "") -> Outcome:
    """A drill in which every check of a limit passed."""
    names = {check for limit in LIMITS for check in limit.struck_by}
    properties = sorted(check.partition(": ")[2] for check in names if check.startswith(f"{name}: "))
    checks = tuple(Check("drills", "Redis", found, "yes", "yes", ok=True) for found in properties)
    return Outcome(name, name, name, status, reason, 1.0, checks)


def all_passed() -> list[Outcome]:
    """All drills, with every check of a limit."""
    return [outcome(drill.name) for drill in plan.DRILLS]


def line_of(limit: Limit, drills: list[Outcome], *, live: bool = True) -> tuple[str, ...]:
    """What is not proven about one limit."""
    [found] = [item for item in judged(drills, live=live) if item.limit == limit]
    return found.lines


def test_checks_belong_to_drills() -> None:
    """Each limit names checks of drills that exist."""
    known = {drill.name for drill in plan.DRILLS}
    assert {check.partition(": ")[0] for limit in LIMITS for check in limit.struck_by} <= known


@pytest.mark.parametrize("limit", STRIKABLE, ids=lambda limit: limit.text.partition(":")[0])
def test_a_line_is_struck_by_all_its_checks(limit: Limit) -> None:
    """With all its checks, only what remains is told; without any one of them, or with one failed, the line stands."""
    assert line_of(limit, all_passed()) == ((limit.remains,) if limit.remains else ())
    for name in limit.struck_by:
        drill, _, told = name.partition(": ")
        for ok in (None, False):
            drills = [_without(item, told, ok=ok) if item.name == drill else item for item in all_passed()]
            [line] = line_of(limit, drills)
            assert line.startswith(limit.text)
            assert drill in line.removeprefix(limit.text)


def _without(drill: Outcome, told: str, *, ok: bool | None) -> Outcome:
    """The drill without a check, or with one more of its name that failed on another resource."""
    if ok is None:
        return replace(drill, checks=tuple(check for check in drill.checks if check.property != told))
    return replace(drill, checks=(*drill.checks, Check("drills", "Other", told, "yes", "no", ok=False)))


def test_a_drill_that_could_not_run_brings_its_line_back() -> None:
    """The line tells why the drill was not run."""
    [limit] = [limit for limit in STRIKABLE if limit.text.startswith("rotation")]
    why = "no valkey-server is installed"
    drills = [replace(item, status="not run", reason=why, checks=()) for item in all_passed()]
    assert line_of(limit, drills) == (f"{limit.text} (the drill rotation is not run: {why})",)


def test_a_drill_that_ended_without_an_engine_strikes_nothing() -> None:
    """If one of two caches has no engine, the checks of the other do not strike the line."""
    [limit] = [limit for limit in STRIKABLE if limit.text.startswith("logins")]
    why = "the cluster has no engine: memcached is not installed"
    drills = [
        replace(item, status="not run", reason=why) if item.name == "endpoints" else item for item in all_passed()
    ]
    assert line_of(limit, drills) == (f"{limit.text} (the drill endpoints is not run: {why})",)


def test_without_the_live_layer_all_lines_stand_as_they_are() -> None:
    """No reason is added where no drill could run."""
    assert [limit.text for limit in LIMITS] == [line for item in judged((), live=False) for line in item.lines]
