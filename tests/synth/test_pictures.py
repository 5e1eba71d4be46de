"""The pictures of the documents show what their sources have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from website.pictures.all import of_examples, stages, written
from website.pictures.topology import drawn
from website.places import IMAGES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Synthesised

CONNECTS = "may connect to Redis on port 6379"


def stale(pictures: dict[Path, str]) -> list[str]:
    """The pictures that differ from what they should be."""
    return [path.name for path, text in pictures.items() if not path.exists() or path.read_text() != text]


def test_pictures_of_examples_are_up_to_date(synthesised: Synthesised) -> None:
    """Each example has the picture that its templates give, and one outside a VPC has none."""
    templates = {
        name.removesuffix(".py"): {stack: synthesised.templates[stack] for stack in stacks}
        for name, stacks in synthesised.examples.items()
    }

    pictures = of_examples(templates)

    assert [] == stale(pictures), "run: make pictures"
    assert [] == [
        path for name in templates if (path := IMAGES / f"topology-{name}.svg").exists() and path not in pictures
    ]


def test_other_pictures_are_up_to_date() -> None:
    """Stages, rotation, look-up, rehearsal and benchmarks: each picture is the one that its source gives."""
    assert [] == stale(written()), "run: make pictures"


def test_every_picture_is_used() -> None:
    """A picture that no document shows is left over."""
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = "".join(document.read_text() for document in documents)
    shown += "".join(f"topology-{file.stem}.svg" for file in (ROOT / "examples").glob("*.py"))

    assert [] == [image.name for image in IMAGES.iterdir() if image.name not in shown]


@pytest.mark.parametrize("stage", stages())
def test_a_function_without_a_rule_has_no_dot(stage: str) -> None:
    """The picture shows which function may connect: none without the inbound rules of Redis."""
    templates = stages()[stage]
    redis = templates[f"{stage}-cache-redis"]
    resources = redis["Resources"].items()
    closed = {name: each for name, each in resources if each["Type"] != "AWS::EC2::SecurityGroupIngress"}
    without = {**templates, f"{stage}-cache-redis": {**redis, "Resources": closed}}

    assert CONNECTS in drawn(templates)
    assert CONNECTS not in drawn(without)
