"""Run one drill to its end, however it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rehearsal.drills.outcome import Outcome
from rehearsal.drills.scene import NotApplicableError, NotRunError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.drills.outcome import Status
    from rehearsal.drills.plan import Drill
    from rehearsal.drills.scene import Scene


def run(drill: Drill, scene: Scene, why: Callable[[float], tuple[str, ...]]) -> Outcome:
    """Run one drill to its end, however it ends.

    Args:
        drill: The drill.
        scene: What it acts with.
        why: Tells the causes of a failure since a moment.
    """
    began, moment = time.monotonic(), time.time()
    status: Status = "passed"
    reason = ""
    try:
        drill.act(scene)
    except NotApplicableError as missing:
        status, reason = "not applicable", str(missing)
    except NotRunError as missing:
        status, reason = "not run", str(missing)
    except TimedOutError as fault:
        status, reason = "failed", str(fault)
    except Exception as fault:  # noqa: BLE001 - a drill that ends early is a failed drill, and the others still run
        status, reason = "failed", f"{type(fault).__name__}: {fault}"
    if not all(check.ok for check in scene.checks):
        status = "failed"
    elif status == "passed" and not scene.checks:
        status, reason = "not run", "it had nothing to check"
    return Outcome(
        name=drill.name,
        title=drill.title,
        promise=drill.promise,
        status=status,
        reason=" ".join(reason.split()),
        seconds=round(time.monotonic() - began, 2),
        checks=tuple(scene.checks),
        traffic=tuple(scene.traffic),
        causes=why(moment) if status == "failed" else (),
    )
