"""Run drills to their ends, however they end."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING

from rehearsal.drills.outcome import Outcome
from rehearsal.drills.scene import NotApplicableError, NotRunError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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


def run_all(drills: Sequence[Drill], act: Callable[[Drill], Outcome]) -> Iterator[Outcome]:
    """Run drills one after another, and one that may run alongside the next one meanwhile.

    Args:
        drills: The drills.
        act: Runs one of them. It is called in another thread for one that runs alongside another.

    Yields:
        Their outcomes, in their order.
    """
    following = dict(pairwise(drill.name for drill in drills))
    meanwhile: Future[Outcome] | None = None
    with ThreadPoolExecutor(1) as executor:
        for drill in drills:
            if drill.alongside and drill.alongside == following.get(drill.name):
                meanwhile = executor.submit(act, drill)
                continue
            outcome = act(drill)
            if meanwhile is not None:
                yield meanwhile.result()
                meanwhile = None
            yield outcome
