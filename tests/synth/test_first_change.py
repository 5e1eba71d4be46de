"""docs/first-change.md is a walk that works: its change, what the gate says of it, its alarms and its cost."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import stages
from cost.estimate import estimate
from cost.stacks import Stacks
from elasticache_rules.change_gate import Effect, compare_stacks, table
from elasticache_rules.templates.assembly import stacks
from tests.conftest import ROOT, new_app
from tests.cost.offers import REGION, elasticache, everything
from tests.cost.templates import TODAY
from tests.synth.test_snapshots import masked, stack_names
from website.pictures import all as pictures

if TYPE_CHECKING:
    from collections.abc import Mapping

WALK = (ROOT / "docs" / "first-change.md").read_text()
(HUNK,) = re.findall(r"```diff\n--- a/stages.py\n\+\+\+ b/stages.py\n@@\n(.*?)```", WALK, re.DOTALL)
STACK = "dev-cache-pages"
(ADDED,) = (line[1:].strip() for line in HUNK.splitlines() if line.startswith("+"))
CACHES: Mapping[str, stages.MemcachedSettings] = eval(  # noqa: S307 - a line of our own document
    f"dict({ADDED})", vars(stages)
)["more_caches"]
# Who has followed the document has its caches in stages.py, and these tests hold still.
OTHERS = {name: each for name, each in stages.STAGES["dev"].more_caches.items() if name not in CACHES}
BEFORE = dataclasses.replace(stages.STAGES["dev"], more_caches=OTHERS)
AFTER = dataclasses.replace(BEFORE, more_caches={**OTHERS, **CACHES})

Templates = dict[str, dict[str, Any]]


def _templates(settings: stages.StageSettings, directory: Path) -> Templates:
    from stacks import CacheStage  # noqa: PLC0415 - imports the CDK

    app = new_app(directory)
    CacheStage(app, "dev", settings=settings)
    return {stack.name: masked(stack.template()) for stack in stacks(Path(app.synth().directory))}


@pytest.fixture(scope="module", name="change")
def _change(tmp_path_factory: pytest.TempPathFactory) -> tuple[Mapping[str, Any], Templates]:
    """The templates of dev before and after, by the names of their stacks."""
    directory = tmp_path_factory.mktemp("walk")
    agreed = pictures.stages()["dev"]
    before = agreed if STACK not in agreed else _templates(BEFORE, directory / "before")
    return before, _templates(AFTER, directory / "after")


def test_the_lines_around_it_are_in_stages() -> None:
    """The document shows where the line goes; in the checkout of who has followed it, it is there."""
    before, after = (
        "".join(f"{line[1:]}\n" for line in HUNK.splitlines() if line.startswith(kept)) for kept in (" ", (" ", "+"))
    )
    text = (ROOT / "stages.py").read_text()

    assert [0, 1] == sorted((text.count(before), text.count(after))), "correct the lines in docs/first-change.md"


def test_its_stacks_are_known_beforehand(change: tuple[Mapping[str, Any], Templates]) -> None:
    """So `make snapshots` writes a snapshot of each, and no list of names is to be edited."""
    _, after = change

    assert {f"dev-{name}" for name in stack_names(AFTER)} == after.keys()


def test_the_gate_says_what_the_document_shows(change: tuple[Mapping[str, Any], Templates]) -> None:
    """A new stack, and a dashboard that shows one cache more."""
    before, after = change
    changes = compare_stacks(before, after)
    printed = [re.sub(r" +", " ", line) for line in table(changes).splitlines()]
    (shown,) = re.findall(r"```text\n(dev-cache-monitoring\n.*?)```", WALK, re.DOTALL)

    assert {(each.stack, each.effect) for each in changes} == {
        ("dev-cache-monitoring", Effect.IN_PLACE),
        (STACK, Effect.CREATION),
    }
    assert f"not stopped: {len(changes)} changes" in shown
    rows = [re.sub(r" +", " ", line) for line in shown.splitlines() if line.startswith(("dev-", "    "))]
    assert [] == [row for row in rows if row not in printed]


def test_its_alarms_lead_to_the_page_that_is_named(change: tuple[Mapping[str, Any], Templates]) -> None:
    """The grep of the document finds pages that are there."""
    _, after = change
    (pattern,) = re.findall(r"grep -o '([^']+)'", WALK)
    found = set(re.findall(pattern, json.dumps(after[STACK])))

    assert "docs/runbooks/alarms/evictions.md" in found
    assert [] == [page for page in found - {"docs/runbooks/alarms/.md"} if not (ROOT / page).exists()]


def test_its_cost_is_known(change: tuple[Mapping[str, Any], Templates]) -> None:
    """Under the name of the stack stand a node of the type that was asked for, with its price, and alarms."""
    _, after = change
    lists = {**everything(), "AmazonElastiCache": elasticache(node_types=("cache.t4g.micro", "cache.t4g.small")).kept()}
    found = estimate(Stacks(after, REGION), lists, "USD", TODAY)
    lines = {line.item.text: line for line in found.lines if line.item.stack == STACK and not line.problem}
    nodes = [line.item.part for text, line in lines.items() if "cache.t4g.micro x 1" in text]

    assert ["nodes"] == nodes
    assert "alarm" in {line.item.part for line in lines.values()}
