"""Every picture that is drawn from something: where it is, and what it should be."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from website.pictures import dashboard, look_up, plots, rotation, terminal, topology
from website.places import IMAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SNAPSHOTS = ROOT / "tests" / "synth" / "__snapshots__" / "test_snapshots"


def written() -> dict[Path, str]:
    """Each picture by its path, from what is in the repository: templates that were agreed on, results, records."""
    pictures = {IMAGES / f"topology-{name}.svg": topology.drawn(templates) for name, templates in stages().items()}
    pictures[IMAGES / "dashboard.svg"] = dashboard.drawn(stages()["dev"]["dev-cache-monitoring"])
    pictures[IMAGES / "rotation.svg"] = rotation.drawn()
    pictures[IMAGES / "look-up.svg"] = look_up.drawn()
    pictures[IMAGES / "rehearse.svg"] = terminal.drawn()
    pictures.update({IMAGES / f"{name}.svg": plot for name, plot in plots.drawn().items()})
    return pictures


def of_examples(templates: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[Path, str]:
    """The topology of each example by its path; of an example outside a VPC there is none.

    Args:
        templates: The templates of each example.
    """
    topologies = {name: topology.drawn(each) for name, each in templates.items()}
    return {IMAGES / f"topology-{name}.svg": drawn for name, drawn in topologies.items() if drawn}


def stages() -> dict[str, dict[str, Mapping[str, Any]]]:
    """The templates of each stage, as its snapshots have them."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for file in sorted(SNAPSHOTS.glob("*.json")):
        name = re.findall(r"\[(.*)\]", file.name)[0]
        found.setdefault(name.partition("-")[0], {})[name] = json.loads(file.read_text(encoding="utf-8"))
    return found
