"""Measure wall time, CPU time and peak memory of a program and its descendants."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAMPLE_SECONDS = 0.02
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """Cost of one run of a program.

    Attributes:
        wall_seconds: Wall time.
        cpu_seconds: CPU time of the program and its descendants.
        peak_memory_mib: Peak resident memory of the program and its descendants, in MiB.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_memory_mib: float


def measure(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a program to its end and measure it; memory is sampled every 20 ms.

    Args:
        command: Program and arguments.
        environment: Environment variables in addition to those of this process.

    Raises:
        CalledProcessError: If the program fails.
    """
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, _tree_memory(process.pid))
        time.sleep(_SAMPLE_SECONDS)
    wall = time.perf_counter() - start
    after = os.times()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(round(wall, 3), round(cpu, 3), round(peak / _MIB, 1))


def medians(costs: Sequence[Cost]) -> dict[str, float]:
    """The median of each figure."""
    rows = [asdict(cost) for cost in costs]
    return {name: round(statistics.median(row[name] for row in rows), 3) for name in rows[0]}


def ratios(one: dict[str, float], other: dict[str, float]) -> dict[str, Any]:
    """The ratio of each figure to that of another cost."""
    return {name.rsplit("_", 1)[0]: round(one[name] / other[name], 2) for name in one}


def _tree_memory(pid: int) -> int:
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            # Shared pages count once for each process; only PSS, which is slow, would divide them.
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total
