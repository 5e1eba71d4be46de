"""The emulator in this process as it was before modules of the live layer were installed into it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rehearsal.extension import seam

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def emulator() -> Iterator[None]:
    """Undo, when the block ends, what replaced functions of the emulator's modules and handlers of its resources."""
    modules = [module for name, module in sys.modules.items() if name.startswith("ministack.")]
    before = [(module, dict(vars(module))) for module in modules]
    table = seam.handlers()
    handlers = {name: dict(handler) for name, handler in table.items()}
    try:
        yield
    finally:
        for module, names in before:
            vars(module).update(names)
        for name, handler in handlers.items():
            table[name].update(handler)
