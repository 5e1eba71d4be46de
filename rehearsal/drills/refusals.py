"""The drill that only reads: what the roles of the stage were refused, apart from what drills took away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drills.scene import NotApplicableError
from rehearsal.live import journal

if TYPE_CHECKING:
    from rehearsal.drills.emulated import EmulatedScene

ROLE = "AWS::IAM::Role"


def refused(scene: EmulatedScene) -> None:
    """Look for refusals of the stage's roles in the journal, from the deployment to now.

    A function that may not write its log, for example, works and is found here only.
    """
    roles = {
        deployment.physical_id(resource): resource.name for deployment, resource, _asked in scene.stage.all_of(ROLE)
    }
    if not roles:
        raise NotApplicableError("the stage has no role")
    found: dict[str, set[str]] = {name: set() for name in roles.values()}
    for entry in journal.read(scene.journal, "grant"):
        name = roles.get(str(entry.get("role", "")).rpartition("/")[2])
        is_intended = any(begin <= entry["time"] <= end for begin, end in scene.intended)
        if name is not None and entry["allowed"] is False and not is_intended:
            found[name].add(str(entry["action"]))
    for name, actions in found.items():
        scene.expect("actions that its role was refused", "none", ", ".join(sorted(actions)) or "none", of=name)
