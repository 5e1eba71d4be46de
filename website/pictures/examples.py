"""The templates of the examples, from which their topology is drawn."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def templates() -> dict[str, dict[str, Mapping[str, Any]]]:
    """Synthesise them; the templates of each example by the names of its stacks."""
    # The CDK takes seconds to import, which pictures of other things need not wait for.
    from elasticache_rules.templates.assembly import read_template  # noqa: PLC0415
    from every_example import files  # noqa: PLC0415
    from tests.conftest import build_example, new_app  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        app = new_app(Path(folder))
        stacks = {file.stem: build_example(app, file) for file in files()}
        app.synth()
        return {
            name: {stack.node.path: read_template(Path(folder) / stack.template_file) for stack in built}
            for name, built in stacks.items()
        }
