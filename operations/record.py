"""What a drill has measured, written to `.drills`: a file of JSON for each drill, and a line in one table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from elasticache_rules.terminal import write_whole

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from operations.scene import Left
    from rehearsal.drills.outcome import Outcome, Traffic

TABLE = "results.md"
HEAD = (
    "| when (UTC) | stage | account, Region | drill | result | measured | requests sent, failed, wrong | not tried |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


@dataclass(frozen=True)
class Record:
    """A drill on AWS.

    Attributes:
        stage: Name of the stage.
        account: Id of its account.
        region: Name of its Region.
        caller: ARN of the credentials.
        began: When it began.
        outcome: How it ended.
        measured: What was measured.
        not_tried: What it did not try, and why.
        left: What it has made and could not delete.
    """

    stage: str
    account: str
    region: str
    caller: str
    began: datetime
    outcome: Outcome
    measured: dict[str, float]
    not_tried: tuple[str, ...]
    left: tuple[Left, ...]

    def save(self, directory: Path) -> Path:
        """Write both; returns the file of JSON.

        Args:
            directory: The directory, which is made if it does not exist.
        """
        directory.mkdir(exist_ok=True)
        path = directory / f"{self.began:%Y%m%dT%H%M%SZ}-{self.stage}-{self.outcome.name}.json"
        write_whole(path, json.dumps(self.document(), indent=2) + "\n")
        table = directory / TABLE
        with table.open("a") as file:
            file.write(self.line() if table.stat().st_size else HEAD + self.line())
        return path

    def document(self) -> dict[str, Any]:
        """All of it. Of the requests, the sums and the events."""
        outcome = asdict(self.outcome)
        outcome["traffic"] = [_summary(traffic) for traffic in self.outcome.traffic]
        return {
            "stage": self.stage,
            "account": self.account,
            "region": self.region,
            "caller": self.caller,
            "began": self.began.isoformat(),
            "measured": self.measured,
            "not_tried": list(self.not_tried),
            "left": [asdict(item) for item in self.left],
            **outcome,
        }

    def line(self) -> str:
        """Its row of the table."""
        traffic = [item for item in self.outcome.traffic if item.clients]
        cells = [
            f"{self.began:%Y-%m-%d %H:%M}",
            self.stage,
            f"{self.account}, {self.region}",
            self.outcome.name,
            self.outcome.status,
            "; ".join(f"{what}: {number:g}" for what, number in self.measured.items()),
            "; ".join(f"{item.operations}, {item.failed}, {item.wrong}" for item in traffic) or "none sent",
            "; ".join(self.not_tried),
        ]
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def _summary(traffic: Traffic) -> dict[str, Any]:
    failing = [sample.second for sample in traffic.samples if sample.errors]
    return {
        "clients": traffic.clients,
        "sent": traffic.operations,
        "failed": traffic.failed,
        "errors": dict(traffic.errors),
        "wrong": traffic.wrong,
        "lost": traffic.lost,
        "read_back": traffic.read_back,
        "failed_from_second": min(failing, default=None),
        "failed_to_second": max(failing, default=None),
        "events": [asdict(event) for event in traffic.events],
    }
