"""Entry point of the emulator's process: check its version, correct it, admit signed requests only, and serve.

`rehearsal.emulator` runs it and sets its environment.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
from typing import Any

from rehearsal import messages

SUPPORTED = "1.5.33"
NAMES = ("127.0.0.1", "localhost")  # host names that clients use; the second is in URLs that it makes for functions


def refusal(installed: str) -> str | None:
    """Why this version of the emulator cannot be corrected, or None."""
    if installed == SUPPORTED:
        return None
    return messages.refusal(
        got=f"ministack {installed}",
        allowed=f"must be {SUPPORTED}, because the rehearsal replaces private functions of it",
        fix=f"Run `pip install ministack=={SUPPORTED}`, or `make clean` and then `make rehearse`",
    )


def main() -> None:
    """Serve until a signal."""
    if fault := refusal(importlib.metadata.version("ministack")):
        sys.exit(fault)
    importlib.import_module("rehearsal.extension").install()
    emulator: Any = importlib.import_module("ministack.app")
    admission = importlib.import_module("rehearsal.admission")
    hosts = frozenset(f"{name}:{os.environ['GATEWAY_PORT']}" for name in NAMES)
    emulator.app = admission.Admission(emulator.app, hosts, os.environ["AWS_SECRET_ACCESS_KEY"])
    emulator.main()


if __name__ == "__main__":
    main()
