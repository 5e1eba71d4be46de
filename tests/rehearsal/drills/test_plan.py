"""The plan of the drills."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import asdict
from importlib import import_module
from inspect import getsource
from typing import Any

import pytest

from rehearsal.drills import plan
from rehearsal.drills.emulated import EmulatedScene
from rehearsal.drills.outcome import Outcome
from rehearsal.drills.running import run
from rehearsal.drills.scene import NotApplicableError, NotRunError, TimedOutError
from rehearsal.report.limits import LIMITS
from rehearsal.workspace import ROOT


def test_drills_are_selected_by_name() -> None:
    """All without names, those named in the order of the plan, or none."""
    assert plan.selected(()) == plan.DRILLS
    assert ["sites", "failover"] == [drill.name for drill in plan.selected(["failover", "sites"])]
    assert plan.selected(["none"]) == ()


def test_an_unknown_drill_is_refused_before_anything_starts() -> None:
    """The message names the drill and those that exist; the exit code is that of a stage that cannot be rehearsed."""
    ended = subprocess.run(
        [sys.executable, "-m", "rehearsal"],
        cwd=ROOT,
        env={"DRILLS": "rotation,earthquake", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert len(ended.stdout.splitlines()) == 1
    assert "DRILLS=earthquake" in ended.stdout
    assert all(drill.name in ended.stdout for drill in plan.DRILLS)


def test_each_function_of_the_plan_exists() -> None:
    """The plan names its functions, which are imported only where they run."""
    for drill in plan.DRILLS:
        module, _, name = drill.function.partition(".")
        assert callable(getattr(import_module(f"rehearsal.drills.{module}"), name)), drill.name


def test_checks_that_strike_a_limit_are_made() -> None:
    """The name of each check that strikes a limit is written in the module of its drill."""
    for limit in LIMITS:
        for name in limit.struck_by:
            drill, _, promise = name.partition(": ")
            [found] = [item for item in plan.DRILLS if item.name == drill]
            modules = {found.function.partition(".")[0], "scene"}
            sources = [getsource(import_module(f"rehearsal.drills.{module}")) for module in sorted(modules)]
            assert any(_says(source, promise) for source in sources), name


def _says(source: str, promise: str) -> bool:
    """Whether a text of the source is the promise; the parts of an f-string count as its beginning and its end."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and node.value == promise:
            return True
        if isinstance(node, ast.JoinedStr):
            texts = [part.value for part in node.values if isinstance(part, ast.Constant)]
            if texts and promise.startswith(str(texts[0])) and promise.endswith(str(texts[-1])):
                return True
    return False


class Act:
    """A drill that ends in a given way.

    Attributes:
        name: Its name.
        title: What it does.
        promise: What it promises.
    """

    name, title, promise = "act", "Act", "It acts."

    def __init__(self, error: Exception | None, *checks: tuple[str, bool]) -> None:
        self._error = error
        self._checks = checks

    def act(self, scene: EmulatedScene) -> None:
        """Make the checks, then fail."""
        for promise, ok in self._checks:
            scene.expect(promise, True, ok)
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize(
    ("act", "status"),
    [
        pytest.param(Act(None, ("holds", True)), "passed", id="all hold"),
        pytest.param(Act(None, ("holds", True), ("does not", False)), "failed", id="one does not hold"),
        pytest.param(Act(None), "not run", id="no check"),
        pytest.param(Act(NotApplicableError("there is none")), "not applicable", id="not applicable"),
        pytest.param(Act(NotRunError("no engine"), ("holds", True)), "not run", id="cannot run"),
        pytest.param(
            Act(NotRunError("no engine"), ("does not", False)), "failed", id="cannot run on, and one does not"
        ),
        pytest.param(Act(TimedOutError("late"), ("holds", True)), "failed", id="time-out"),
        pytest.param(Act(KeyError("bug")), "failed", id="error of the drill"),
    ],
)
def test_a_drill_ends_as_its_checks_and_errors_say(act: Any, status: str) -> None:
    """A drill passes only with checks that all passed and without an error; causes are told of failures only."""
    nothing: Any = None
    outcome = run(act, EmulatedScene("act", nothing, nothing, nothing), lambda _moment: ("a cause",))
    assert outcome.status == status
    assert outcome.causes == (("a cause",) if status == "failed" else ())
    assert Outcome.of(asdict(outcome)) == outcome
