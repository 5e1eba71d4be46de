"""`python -m rehearsal.drills`: run drills on a deployed stage. `make rehearse` starts it as a separate process.

Its process is a client of the stage: host names of the account resolve in it, and all others do not. It writes lines of
JSON to its standard output: `{"say": text}` or `{"outcome": {...}}`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal import causes
from rehearsal.drills.emulated import EmulatedScene
from rehearsal.drills.outcome import Outcome
from rehearsal.drills.plan import selected
from rehearsal.drills.scene import NotApplicableError, NotRunError, TimedOutError
from rehearsal.drills.stage import DeployedStage
from rehearsal.live.client_side import names
from rehearsal.live.control import ControlError, Controller
from verification import assembly
from verification.account import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.drills.outcome import Status
    from rehearsal.drills.plan import Drill
    from rehearsal.drills.scene import Scene


def tell(line: dict[str, Any]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


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
    except (TimedOutError, ControlError) as fault:
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


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.drills", description=__doc__)
    parser.add_argument("--assembly", type=Path, required=True, help="the cloud assembly of the deployed stage")
    parser.add_argument("--region", required=True, help="the Region it is deployed to")
    parser.add_argument("--control", type=Path, required=True, help="the control socket of the emulator")
    parser.add_argument("--journal", type=Path, required=True, help="the journal of the emulator")
    parser.add_argument("drills", nargs="*", help="names of drills (default: all)")
    return parser.parse_args()


def main() -> int:
    """Run the drills; the exit code is 0 if all have been tried, whatever they found."""
    options = arguments()
    names.install(os.environ[names.VARIABLE])
    stacks = assembly.stacks(options.assembly)
    intended: list[tuple[float, float]] = []

    def why(moment: float) -> tuple[str, ...]:
        account = Account(options.region)
        functions = {found.name: found.log_group for found in DeployedStage(stacks, account).functions}
        logged = causes.in_logs(account, functions, moment)
        return (*causes.since(options.journal, moment), *logged, *causes.in_templates(stacks))

    for drill in selected(options.drills):
        tell({"say": f"{drill.name}: {drill.title[:1].lower()}{drill.title[1:]} ..."})
        stage = DeployedStage(stacks, Account(options.region))  # what another drill has changed is read again
        scene = EmulatedScene(drill.name, stage, Controller(options.control), options.journal, intended)
        began = time.time()
        outcome = run(drill, scene, why)
        if drill.takes_away:
            intended.append((began, time.time()))
        tell({"outcome": asdict(outcome)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
