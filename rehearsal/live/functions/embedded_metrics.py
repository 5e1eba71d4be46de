"""Metrics in logs, in CloudWatch's embedded metric format.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_DIMENSIONS = 30


@dataclass(frozen=True)
class Metric:
    """One metric of one log line.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        dimensions: Its dimensions.
        values: Its values.
        unit: Its unit.
        time: When it was measured, in seconds since 1970.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    values: tuple[float, ...]
    unit: str
    time: float


def metrics_of(log: str) -> Iterator[Metric]:
    """The metrics in a log. Lines that are not valid in the format count nothing, as CloudWatch has it.

    Args:
        log: The lines.
    """
    for line in log.splitlines():
        if '"_aws"' in line:
            try:
                yield from _metrics(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError):
                continue


def _metrics(line: Mapping[str, Any]) -> list[Metric]:
    metadata = line["_aws"]
    found = []
    for directive in metadata["CloudWatchMetrics"]:
        for names in directive.get("Dimensions") or [[]]:
            if len(names) > MAX_DIMENSIONS:
                raise ValueError("too many dimensions")
            dimensions = {name: str(line[name]) for name in names}
            for definition in directive["Metrics"]:
                value = line[definition["Name"]]
                values = tuple(float(number) for number in (value if isinstance(value, list) else [value]))
                found.append(
                    Metric(
                        directive["Namespace"],
                        definition["Name"],
                        dimensions,
                        values,
                        definition.get("Unit", "None"),
                        float(metadata["Timestamp"]) / 1000,
                    )
                )
    return found
