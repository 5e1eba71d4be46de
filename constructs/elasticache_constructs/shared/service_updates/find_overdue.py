"""The code of a Lambda function: it counts the service updates of its caches whose recommended date has passed.

It stands in the template, so it is one file without imports beyond what Lambda has.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE, METRIC = "ElastiCacheServiceUpdates", "Overdue"
MAXIMUM_IDS = 20  # that DescribeUpdateActions takes
PENDING = ["in-progress", "not-applied", "scheduled", "scheduling", "stopped", "stopping", "waiting-to-start"]
APPLY_BY = "ServiceUpdateRecommendedApplyByDate"


def handler(_event: object, context: Any) -> int:
    """Log each overdue update, and their number as a metric; returns the number."""
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - Lambda has it, and a machine that synthesises may not

    client = boto3.client("elasticache")
    now = datetime.now(UTC)
    late = [action for action in _pending(client) if APPLY_BY in action and action[APPLY_BY] < now]
    for action in late:
        _log({name: str(value) for name, value in action.items() if isinstance(value, (str, datetime))})
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": METRIC, "Unit": "Count"}],
    }
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    _log({"FunctionName": context.function_name, METRIC: len(late), "_aws": metadata})
    return len(late)


def _pending(client: Any) -> Iterator[dict[str, Any]]:
    for parameter in ("ReplicationGroupIds", "CacheClusterIds"):
        ids = json.loads(os.environ[parameter])
        for start in range(0, len(ids), MAXIMUM_IDS):
            pages = client.get_paginator("describe_update_actions").paginate(
                **{parameter: ids[start : start + MAXIMUM_IDS]},
                ServiceUpdateStatus=["available"],
                UpdateActionStatus=PENDING,
            )
            for page in pages:
                yield from page["UpdateActions"]


def _log(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
