"""The snapshot that a project of `python -m elasticache_tools.new` begins with. `make snapshots` writes it."""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING

from syrupy.extensions.json import JSONSnapshotExtension

from tests.setup.test_new import TEMPLATE
from tests.synth.test_snapshots import masked

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SNAPSHOT = TEMPLATE / "tests" / "__snapshots__" / "test_app" / "test_template[dev-cache].json.in"
MODULES = ("cache", "stages")


def test_its_snapshot_is_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Its first `make test` passes. The posture rules are left out here, which `.ci/wheels` runs."""
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text((TEMPLATE / f"{name}.py.in").read_text())
    monkeypatch.syspath_prepend(tmp_path)
    # The modules of this project have the same names.
    others = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    try:
        stages = importlib.import_module("stages")
        for name in ("add_posture_rules", "add_reachability_check"):
            monkeypatch.setattr(stages, name, lambda _app: None)
        context = json.loads((TEMPLATE / "cdk.json.in").read_text())["context"]
        app = stages.app(outdir=str(tmp_path / "cdk.out"), context=context)
        [stack] = app.synth().get_nested_assembly("assembly-dev").stacks
    finally:
        for name in MODULES:
            sys.modules.pop(name, None)
        sys.modules.update(others)
    made = JSONSnapshotExtension().serialize(masked(json.loads(json.dumps(stack.template))))
    if request.config.option.update_snapshots:
        SNAPSHOT.write_text(str(made))

    assert json.loads(SNAPSHOT.read_text()) == json.loads(made)
