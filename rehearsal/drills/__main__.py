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
from typing import Any

from rehearsal import causes
from rehearsal.drills.emulated import EmulatedScene
from rehearsal.drills.plan import selected
from rehearsal.drills.running import run
from rehearsal.drills.stage import DeployedStage
from rehearsal.live.client_side import names
from rehearsal.live.control import Controller
from verification import assembly
from verification.account import Account


def tell(line: dict[str, Any]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


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
