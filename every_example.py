"""The CDK app of every example: ``cdk synth --app 'python3 every_example.py'``.

One process for all of them: most of what an example takes alone is the start of Python, Node and the CDK CLI.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLES = Path(__file__).parent / "examples"


def files() -> list[Path]:
    """The examples."""
    return sorted(EXAMPLES.glob("*.py"))


def load(file: Path) -> ModuleType:
    """Import an example. Its name has hyphens, so that no import statement can.

    Args:
        file: Its path.
    """
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(str(file))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    import aws_cdk as cdk

    app = cdk.App()
    for example in files():
        load(example).build(app)
    app.synth()
