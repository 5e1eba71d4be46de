"""`python -m rehearsal`: deploy a stage to an emulated AWS on this machine, check it, take it down."""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from local_servers import processes
from rehearsal import report, surroundings
from rehearsal.cdk import CdkError
from rehearsal.emulator import EmulatorError
from rehearsal.rehearse import Outcome, Rehearsal, StageError

FAILED_CHECK, BAD_STAGE, FAILED_STEP = 1, 2, 3


class Interrupted(BaseException):  # not an error: somebody asked for it
    """A signal asked for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def _interrupt(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # a second one must not cut the clean-up short
    raise Interrupted(number)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    parser.add_argument("--stage", default="dev", help="a stage of stages.py (default: dev)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")
    return parser.parse_args()


def main() -> int:
    """Rehearse, and say with the exit code whether it went well."""
    asked = arguments()
    keep = os.environ.get("KEEP") == "1"
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    place = surroundings.prepare()
    code, kept = FAILED_STEP, None
    try:
        outcome = Rehearsal(asked.stage, keep, place, report.Progress()).run()
        kept = outcome.kept
        code = _report(outcome, asked.json)
    except StageError as fault:
        report.write(str(fault))
        code = BAD_STAGE
    except (CdkError, EmulatorError) as fault:
        report.write("\n".join([str(fault), *getattr(fault, "__notes__", [])]))
    except Interrupted as interruption:
        processes.kill_remaining()
        report.write(f"interrupted by {interruption}; everything that was started is stopped")
        code = 128 + interruption.number
    finally:
        processes.kill_remaining(spare=kept.pid if kept else None)
        if code in {0, BAD_STAGE} and not kept:
            surroundings.forget(place)
        else:
            report.write(f"Logs and templates: {place.run.relative_to(surroundings.ROOT)}")
    return code


def _report(outcome: Outcome, path: Path | None) -> int:
    report.show(outcome.results)
    if outcome.kept:
        report.write(outcome.kept.instructions())
    if path is not None:
        outcome.results.save(path)
    return 0 if outcome.results.ok else FAILED_CHECK


if __name__ == "__main__":
    sys.exit(main())
