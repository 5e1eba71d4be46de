"""`python -m rehearsal`: deploy a stage to an emulated AWS on this machine, check it, and destroy it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from elasticache_rules import terminal
from elasticache_rules.terminal import Interrupted
from local_servers import processes
from rehearsal import kept as kept_rehearsals
from rehearsal import report, workspace
from rehearsal.cdk import CdkError
from rehearsal.drills.plan import UnknownDrillError, selected
from rehearsal.drills.process import DrillsError
from rehearsal.emulator import EmulatorError
from rehearsal.rehearse import Outcome, Rehearsal, StageError

if TYPE_CHECKING:
    from pathlib import Path

WATCH_SECONDS = 0.2
PASSED, FAILED_CHECK, BAD_STAGE, FAILED_STEP = 0, 1, 2, 3
EXITS = {
    PASSED: "every check passed",
    FAILED_CHECK: "one failed",
    BAD_STAGE: "the stage cannot be rehearsed",
    FAILED_STEP: "a step failed",
}


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal",
        description=__doc__,
        epilog="With KEEP=1 it keeps running; `python -m rehearsal run --help` says how to use it. "
        + terminal.exit_codes(EXITS),
    )
    parser.add_argument("--stage", default="dev", help="a stage of stages.py (default: dev)")
    parser.add_argument("--app", metavar="COMMAND", help="the app that has the stage (default: that of cdk.json)")
    parser.add_argument("--json", type=terminal.output_file, metavar="FILE", help="also write the results to FILE")
    return parser.parse_args()


def main() -> int:
    """Rehearse one stage, or use one that is kept.

    Returns:
        The exit code of the command, or of the rehearsal: 0, or 1 if a check failed, 2 if the stage cannot be
        rehearsed, 3 if a step failed, 128 plus the number of the signal if one ended the rehearsal.
    """
    if sys.argv[1:] and sys.argv[1] in kept_rehearsals.COMMANDS:
        return kept_rehearsals.main(sys.argv[1:])
    options = arguments()
    keep = os.environ.get("KEEP") == "1"
    drills = tuple(filter(None, os.environ.get("DRILLS", "").replace(",", " ").split()))
    try:
        selected(drills)
    except UnknownDrillError as fault:
        report.write(str(fault))
        return BAD_STAGE
    live = is_live()
    if "MAKE_PID" in os.environ:
        _end_with(int(os.environ["MAKE_PID"]))
    directories = workspace.prepare()
    code, kept = FAILED_STEP, None
    try:
        outcome = Rehearsal(options.stage, keep, live, directories, report.Progress(), drills, app=options.app).run()
        kept = outcome.kept
        code = _report(outcome, options.json)
    except StageError as fault:
        report.write(str(fault))
        code = BAD_STAGE
    except (CdkError, EmulatorError, DrillsError) as fault:
        report.write("\n".join([str(fault), *getattr(fault, "__notes__", [])]))
    except Interrupted as interrupted:
        processes.kill_remaining()
        report.write(f"interrupted by {interrupted}; everything that was started is stopped")
        code = interrupted.code
    finally:
        processes.kill_remaining(spare=kept.pid if kept else None)
        if code in {0, BAD_STAGE} and not kept:
            workspace.remove(directories)
        else:
            workspace.keep(directories)
            report.write(f"Logs and templates: {directories.run.relative_to(workspace.ROOT)}")
    return code


def is_live() -> bool:
    """Whether engines, logins and functions work, and not only records exist: unless LIVE=0, and on Linux only."""
    if os.environ.get("LIVE", "1") == "0":
        return False
    if sys.platform != "linux":
        report.write(
            f"A live rehearsal needs Linux, on which all addresses of 127/8 exist. This is {sys.platform}: the quick "
            "one runs, LIVE=0"
        )
        return False
    return True


def _end_with(make: int) -> None:
    """End this process at once if `make`, which started it, is killed; what it started, and its directories, follow.

    Args:
        make: Process id of `make`, which may already have been killed while this process was importing modules.
    """

    def watch() -> None:
        while os.getppid() == make:
            time.sleep(WATCH_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    if os.getppid() != make:
        watch()
    threading.Thread(target=watch, name="end-with-make", daemon=True).start()


def _report(outcome: Outcome, path: Path | None) -> int:
    page = workspace.ROOT / ".rehearsal" / "report.html"
    report.save_page(outcome.results, page)
    report.show(outcome.results)
    report.write(f"The whole report: {page.relative_to(workspace.ROOT)}")
    if outcome.kept:
        report.write(outcome.kept.instructions())
    if path is not None:
        outcome.results.save(path)
    return PASSED if outcome.results.ok else FAILED_CHECK
