"""Cost of one more replication group in an app."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import measure, medians

_APP = Path(__file__).parent / "many_groups.py"
_COUNTS = (1, 5, 10)  # a stack takes 500 resources, and a group has 35
_ROUNDS = 3


def run() -> dict[str, Any]:
    """Measure apps of 1 to 10 groups, and the slope between the first and the last as a share of the first."""
    costs = {count: medians([_synth(count) for _ in range(_ROUNDS)]) for count in _COUNTS}
    first, last = costs[_COUNTS[0]], costs[_COUNTS[-1]]
    more = _COUNTS[-1] - _COUNTS[0]
    return {
        "groups": {str(count): cost for count, cost in costs.items()},
        "each_more": {name: round((last[name] - first[name]) / more, 3) for name in first},
        "each_more_as_share_of_the_first_app": {
            name.rsplit("_", 1)[0]: round((last[name] - first[name]) / more / first[name], 3) for name in first
        },
    }


def _synth(count: int) -> Any:
    with tempfile.TemporaryDirectory() as out:
        return measure([sys.executable, str(_APP), str(count)], environment={"CDK_OUTDIR": out})
