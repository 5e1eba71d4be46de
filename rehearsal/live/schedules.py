"""Time that passes: the command `pass-hour` lets every schedule be due now, and waits for what it starts.

Rules of EventBridge and schedules of EventBridge Scheduler fire as the emulator fires them; rotations that have failed
are tried again, as Secrets Manager does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live import functions, rotation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.live.run import Run

eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
scheduler: Any = importlib.import_module("ministack.services.scheduler")

TOUCHES = (
    Private("services.eventbridge", "_rule_last_fired"),
    Private("services.eventbridge", "_rules"),
    Private("services.eventbridge", "_tick_scheduled_rules", ()),
    Private("services.scheduler", "_schedule_last_fired"),
    Private("services.scheduler", "_schedules"),
    Private("services.scheduler", "_tick_schedules", ()),
)

WAIT_SECONDS = 100.0


def _pass_hour(run: Run, rotations: rotation.Rotations) -> Callable[[], Mapping[str, Any]]:
    def pass_hour() -> Mapping[str, Any]:
        with run.in_account():
            retried = rotations.retry()
            rules = [key for key, rule in eventbridge._rules._data.items() if _is_due(rule)]
            schedules = [key for key, schedule in scheduler._schedules._data.items() if _is_due(schedule)]
            eventbridge._rule_last_fired.update(dict.fromkeys(rules, 0))
            scheduler._schedule_last_fired.update(dict.fromkeys(schedules, 0))
            eventbridge._tick_scheduled_rules()
            scheduler._tick_schedules()
            left = functions.invocations_of_run().wait(WAIT_SECONDS) + rotations.wait(WAIT_SECONDS)
        return {
            "fired": sorted(str(key[-1]) for key in (*rules, *schedules)),
            "retried": retried,
            "still_running": left,
        }

    return pass_hour


def _is_due(schedule: Mapping[str, Any]) -> bool:
    expression = str(schedule.get("ScheduleExpression") or "")
    return schedule.get("State") == "ENABLED" and expression.startswith(("rate(", "cron("))


def install(run: Run) -> None:
    """Add the command."""
    run.control.register("pass-hour", _pass_hour(run, rotation.rotations_of_run()))
