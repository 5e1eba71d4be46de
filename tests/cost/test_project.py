"""All that this project deploys: every stage and every example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cost.estimate import estimate
from cost.quantities.kinds import BY_USE, FREE, NOT_PRICED, PRICED, is_known
from cost.stacks import Stacks
from tests.cost.offers import REGION, elasticache, everything
from tests.cost.templates import TODAY
from tests.docs import charges

if TYPE_CHECKING:
    from tests.conftest import Synthesised


def test_every_type_of_this_project_is_priced_or_named(synthesised: Synthesised) -> None:
    """A new type goes into one of the tables: priced, by use, free with the page, or not priced with a reason."""
    kinds = {each["Type"] for template in synthesised.templates.values() for each in template["Resources"].values()}

    assert {kind for kind in kinds if not is_known(kind)} == set()
    assert len({*PRICED, *BY_USE, *FREE, *NOT_PRICED}) == sum(map(len, (PRICED, BY_USE, FREE, NOT_PRICED)))
    assert all(page.startswith("https://aws.amazon.com/") for page in FREE.values())


def test_every_charge_of_this_project_has_a_price(synthesised: Synthesised) -> None:
    """All stages and examples, with lists that have their node types: no quantity is left open."""
    documents = {path.replace("/", "-"): template for path, template in synthesised.templates.items()}
    nodes = {
        str(each.get("Properties", {}).get("CacheNodeType"))
        for template in documents.values()
        for each in template["Resources"].values()
    }
    lists = {**everything(), "AmazonElastiCache": elasticache(node_types=tuple(sorted(nodes))).kept()}

    found = estimate(Stacks(documents, REGION), lists, "USD", TODAY)

    # Engine and nodes of a secondary are those of its primary, in another Region and another list.
    secondaries = {
        name
        for template in documents.values()
        for name, each in template["Resources"].items()
        if "GlobalReplicationGroupId" in each.get("Properties", {})
    }
    problems = [line for line in found.lines if line.problem and line.item.resource not in secondaries]
    assert {f"{line.item.stack} {line.item.resource}: {line.problem}" for line in problems} == set()
    parts = {line.item.part for line in found.lines}
    assert parts >= {
        "nodes",
        "nodes added by scaling",
        "backups",
        "stored data",
        "endpoint",
        "storage",
        "secret",
        "key",
    }


def test_the_index_of_examples_says_what_each_is_charged_for(synthesised: Synthesised) -> None:
    """`python -m tests.docs` writes it."""
    found = {
        name: charges.charges({path.replace("/", "-"): synthesised.templates[path] for path in paths})
        for name, paths in synthesised.examples.items()
    }
    assert found == charges.kept()
