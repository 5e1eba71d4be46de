"""What each example is charged for every month, whatever is used: for the index of the examples.

Quantities and no prices, which change and differ by Region: docs/cost.md. They are read from the templates, and kept in
a file, so that the index needs no synth.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cost.items import HOURS_A_MONTH, Charge
from cost.quantities.kinds import items
from cost.stacks import Stacks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cost.items import Item

FILE = Path(__file__).with_name("example_charges.json")
# What is told in the words of the table of costs. Of everything else, how much there is.
TOLD = ("nodes", "durability", "stored data")
COUNTED: Mapping[str, tuple[str, Decimal]] = {
    "key": ("KMS key", Decimal(1)),
    "secret": ("secret", Decimal(1)),
    "alarm": ("metric with an alarm", Decimal(1)),
    "composite alarm": ("composite alarm", Decimal(1)),
    "dashboard": ("dashboard", Decimal(1)),
    "endpoint": ("endpoint in an Availability Zone", HOURS_A_MONTH),
    "public address": ("public address", HOURS_A_MONTH),
    "NAT gateway": ("NAT gateway", HOURS_A_MONTH),
}
TODAY = dt.date(2026, 11, 28)
"""For charges that begin on a day, which are not told here."""


def charges(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """The fixed charges of some stacks in a line.

    Args:
        documents: Their templates by name.
    """
    stacks = Stacks(documents, "")
    templates = stacks.templates
    found = [item for item in items(templates, stacks.resources(templates), TODAY) if item.charge is Charge.FIXED]
    told = [item.text for item in found if item.part in TOLD]
    counts: dict[str, Decimal] = defaultdict(Decimal)
    for item in found:
        if item.part not in TOLD:
            counts[item.part] += _units(item)
    counted = [f"{COUNTED[part][0]} x {amount / COUNTED[part][1]:g}" for part, amount in sorted(counts.items())]
    return "; ".join((*told, *counted))


def _units(item: Item) -> Decimal:
    if item.units is None:
        raise ValueError(item.text)
    return item.units


def write() -> None:
    """Synthesise the examples, and keep what they are charged for."""
    from every_example import files  # noqa: PLC0415
    from tests.conftest import build_example, new_app  # noqa: PLC0415 - they import the CDK

    with tempfile.TemporaryDirectory() as directory:
        app = new_app(Path(directory) / "out")
        stacks = {file.name: build_example(app, file) for file in files()}
        assembly = app.synth()
        templates = {stack.stack_name: stack.template for stack in assembly.stacks}
        names = {name: [stack.stack_name for stack in several] for name, several in stacks.items()}
    told = {name: charges({stack: templates[stack] for stack in several}) for name, several in names.items()}
    FILE.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def kept() -> dict[str, str]:
    """What is kept, by the name of the example's file."""
    found: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
