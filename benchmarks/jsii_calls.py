"""Print how many calls the app makes to jsii before ``app.synth()``, which is one more call."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import jsii._kernel.providers.process as provider
from aws_cdk import App

process: Any = provider._NodeProcess  # noqa: SLF001 - every call passes it
send = process.send
calls = 0


def counted(self: object, *arguments: object) -> object:
    """Count the call and make it."""
    global calls  # noqa: PLW0603 - counted across calls
    calls += 1
    return send(self, *arguments)


process.send = counted
setattr(App, "synth", lambda _: None)  # noqa: B010 - mypy refuses a plain assignment
runpy.run_path(str(Path(__file__).parent.parent / "app.py"))
print(calls)
