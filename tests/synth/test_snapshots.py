"""The templates as they were last agreed on. ``make snapshots`` accepts a change; review it like code."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from stages import STAGES, StageSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from tests.conftest import Synthesised


def stack_names(settings: StageSettings) -> Iterator[str]:
    """The stacks of a stage, from its settings: known before anything is synthesised, as names of tests must be."""
    yield from ("cache-notifications", "cache-network", "cache-redis", "cache-memcached", "cache-monitoring")
    yield from (f"cache-{name}" for name in settings.more_caches)
    if settings.database is not None:
        yield "cache-database"
    if settings.workload is not None:
        yield "cache-workload"


STACKS = [(stage, stack) for stage, settings in STAGES.items() for stack in stack_names(settings)]


def masked(template: dict[str, Any]) -> dict[str, Any]:
    """The template without what changes with any line of code: asset hashes, functions' versions, bootstrap check."""
    kept = {name: each for name, each in template.items() if name not in ("Parameters", "Rules")}
    text = re.sub(r"[0-9a-f]{64}", "<asset-hash>", json.dumps(kept))
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1", text)
    result: dict[str, Any] = json.loads(text)
    return result


@pytest.mark.parametrize(("stage", "stack"), STACKS)
def test_template(synthesised: Synthesised, snapshot: SnapshotAssertion, stage: str, stack: str) -> None:
    """The template of each stack is the one that was agreed on."""
    template = masked(synthesised.templates[f"{stage}/{stack}"])

    assert template == snapshot(extension_class=JSONSnapshotExtension)


def test_every_stack_has_a_snapshot(synthesised: Synthesised) -> None:
    """A stack that is added to a stage gets a snapshot too."""
    expected = {f"{stage}/{stack}" for stage, stack in STACKS}

    assert expected == {path for path in synthesised.templates if "/" in path}


def test_parameters_are_the_bootstrap_version_alone(synthesised: Synthesised) -> None:
    """What the snapshots leave out is the bootstrap version and nothing else."""
    stages = [template for path, template in synthesised.templates.items() if "/" in path]
    names = {name for template in stages for name in template.get("Parameters", {})}

    assert {"BootstrapVersion"} == names
