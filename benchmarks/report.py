"""Write results, with the machine they were measured on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

_RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("aws-cdk-lib", "cdk-nag", "constructs", "jsii")


def write(name: str, findings: dict[str, Any]) -> None:
    """Print the findings and write them as JSON.

    Args:
        name: Name of the file in `benchmarks/results`, without extension.
        findings: What was measured.
    """
    print(json.dumps(findings, indent=2))
    _RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"measured_on": _machine(), "findings": findings}, indent=2)
    (_RESULTS / f"{name}.json").write_text(text + "\n")


def _machine() -> dict[str, Any]:
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "date": datetime.now(tz=UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "scheduling": _scheduling(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "node": node,
        **{package: version(package) for package in _PACKAGES},
    }


def _scheduling() -> str:
    """How the system ranks what is measured: with a real-time policy, before all that runs next to it."""
    if not hasattr(os, "sched_getscheduler"):
        return "ordinary"
    return "real-time" if os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR) else "ordinary"
