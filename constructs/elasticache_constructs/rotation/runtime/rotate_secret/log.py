"""The function's log: JSON lines, some of them metrics in CloudWatch's embedded metric format."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from enum import StrEnum

NAMESPACE = "ElastiCacheRotation"


class Metric(StrEnum):
    """What is counted, by the dimension FunctionName: each function has one secret."""

    FAILED = "RotationFailed"
    PROMOTED = "RotationPromoted"
    RETIRED = "PreviousRetired"
    OVERDUE = "RetireOverdue"
    LATE = "RotationOverdue"


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one invocation."""

    function_name: str
    step: str

    def say(self, event: str, **details: str | float | None) -> None:
        """Write one line. Details are ids, times and texts of `RotationError`; never anything of a secret's value."""
        self._write({"event": event, **details})

    def count(self, metric: Metric, event: str, **details: str | float | None) -> None:
        """Write one line that counts as one in a metric."""
        definition = {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["FunctionName"]],
                    "Metrics": [{"Name": metric.value, "Unit": "Count"}],
                }
            ],
        }
        self._write({"event": event, **details, metric.value: 1, "_aws": definition})

    def _write(self, line: dict[str, object]) -> None:
        sys.stdout.write(json.dumps({"FunctionName": self.function_name, "step": self.step, **line}) + "\n")
        sys.stdout.flush()
