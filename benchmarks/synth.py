"""Cost of a production synth with all its policy packs, compared with an app of one topic."""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, measure, medians, ratios

_ROOT = Path(__file__).parent.parent
_ROUNDS = 5
_TOPIC = [sys.executable, str(_ROOT / "benchmarks" / "one_topic.py")]
_PROD = [sys.executable, str(_ROOT / "app.py")]


def run() -> dict[str, Any]:
    """Measure both apps in turns, directly and through the CLI, and count the jsii calls of production."""
    findings: dict[str, Any] = {}
    for how, wrap in (("app", _directly), ("cli", _through_cli)):
        topic: list[Cost] = []
        prod: list[Cost] = []
        for _ in range(_ROUNDS):
            topic.append(wrap(_TOPIC))
            prod.append(wrap(_PROD))
        floor, cost = medians(topic), medians(prod)
        findings[how] = {"one_topic": floor, "prod": cost, "ratio": ratios(cost, floor)}
    findings["prod_seconds_by_phase"] = _phases()
    findings["prod_jsii_calls"] = _jsii_calls()
    return findings


def _directly(app: list[str]) -> Cost:
    with tempfile.TemporaryDirectory() as out:
        return measure(app, environment={**_context(), "CDK_OUTDIR": out})


def _through_cli(app: list[str]) -> Cost:
    with tempfile.TemporaryDirectory() as out:
        # Without a word before them, the CLI takes the quotes around a path with a space away.
        command = ["cdk", "--no-notices", "synth", "--quiet", "--output", out, "--app", f"exec {shlex.join(app)}"]
        return measure([*command, "-c", "stage=prod"])


def _jsii_calls() -> int:
    counter = [sys.executable, str(_ROOT / "benchmarks" / "jsii_calls.py")]
    variables = {**os.environ, **_context(), "PYTHONPATH": str(_ROOT)}
    return int(subprocess.run(counter, env=variables, capture_output=True, text=True, check=True).stdout)


def _phases() -> dict[str, float]:
    laps = []
    for _ in range(_ROUNDS):
        with tempfile.TemporaryDirectory() as out:
            variables = {**os.environ, **_context(), "CDK_OUTDIR": out, "PYTHONPATH": str(_ROOT)}
            command = [sys.executable, str(_ROOT / "benchmarks" / "phases.py")]
            result = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        laps.append(json.loads(result.stdout))
    return {phase: round(statistics.median(lap[phase] for lap in laps), 3) for phase in laps[0]}


def _context() -> dict[str, str]:
    flags = json.loads((_ROOT / "cdk.json").read_text())["context"]
    return {"CDK_CONTEXT_JSON": json.dumps({**flags, "stage": "prod"})}
