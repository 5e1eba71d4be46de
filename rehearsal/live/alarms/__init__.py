"""CloudWatch's alarms: judged by metrics, metric math and PromQL, muted by their rules, and notifying their topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.live.alarms import judgement, node_metrics
from rehearsal.live.alarms.judgement import judge_all, record, store

if TYPE_CHECKING:
    from rehearsal.live.run import Run

__all__ = ["TOUCHES", "install", "judge_all", "record", "store"]

TOUCHES = judgement.TOUCHES


def install(run: Run) -> None:
    """Judge alarms when metrics arrive, and publish those of caches.

    Args:
        run: The run.
    """
    judgement.install(run)
    node_metrics.install(run)
