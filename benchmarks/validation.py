"""Cost of checking all values in a production synth."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent
_ROUNDS = 5


def run() -> dict[str, Any]:
    """Measure the seconds of the checks and of the whole app, and their ratio: medians of several runs."""
    rounds = [_synth() for _ in range(_ROUNDS)]
    return {
        "values": rounds[0]["values"],
        "seconds": round(statistics.median(measured["seconds"] for measured in rounds), 4),
        "of_seconds": round(statistics.median(measured["of_seconds"] for measured in rounds), 3),
        "share": round(statistics.median(measured["seconds"] / measured["of_seconds"] for measured in rounds), 4),
    }


def _synth() -> dict[str, Any]:
    flags = json.loads((_ROOT / "cdk.json").read_text())["context"]
    context = json.dumps({**flags, "stage": "prod"})
    with tempfile.TemporaryDirectory() as out:
        variables = {**os.environ, "CDK_CONTEXT_JSON": context, "CDK_OUTDIR": out, "PYTHONPATH": str(_ROOT)}
        command = [sys.executable, str(_ROOT / "benchmarks" / "validating.py")]
        result = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    measured: dict[str, Any] = json.loads(result.stdout)
    return measured
