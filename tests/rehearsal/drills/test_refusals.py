"""What the roles of the stage were refused fails the rehearsal, but for what a drill took away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.drills.emulated import EmulatedScene
from rehearsal.drills.refusals import refused

if TYPE_CHECKING:
    from pathlib import Path

ARN = "arn:aws:iam::000000000000:role/"


class Stage:
    """A stage with one role."""

    def all_of(self, _kind: str) -> list[Any]:
        """The role, as a deployment has it."""
        return [(self, self, {})]

    name = "Board/Role"

    def physical_id(self, _resource: object) -> str:
        """The name of the role."""
        return "board-1"


@pytest.mark.parametrize(
    ("entry", "read"),
    [
        ({"role": f"{ARN}board-1", "allowed": False}, "logs:PutLogEvents"),
        ({"role": f"{ARN}board-1", "allowed": True}, "none"),
        ({"role": f"{ARN}rehearsal-sites-1", "allowed": False}, "none"),
        ({"role": f"{ARN}board-1", "allowed": False, "time": 15}, "none"),
    ],
    ids=["refused", "allowed", "a drill's role", "taken away"],
)
def test_a_refusal_of_a_role_is_a_failed_check(entry: dict[str, Any], read: str, tmp_path: Path) -> None:
    """Only a refusal of a role of the stage counts, and only outside the times when a drill took grants away."""
    path = tmp_path / "journal.jsonl"
    path.write_text(json.dumps({"time": 5, "kind": "grant", "action": "logs:PutLogEvents", **entry}) + "\n")
    stage: Any = Stage()
    nothing: Any = None
    scene = EmulatedScene("refusals", stage, nothing, path, [(10, 20)])
    refused(scene)
    assert [(check.resource, check.read, check.ok) for check in scene.checks] == [("Board/Role", read, read == "none")]
