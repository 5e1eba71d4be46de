"""Entry point of the emulator's own process: checks its version, mends it, bars strangers, serves.

Run by `rehearsal.emulator` with everything it needs in its environment.
"""

import importlib
import importlib.metadata
import os
import sys
from typing import Any

SUPPORTED = "1.5.33"
NAMES = ("127.0.0.1", "localhost")  # what clients call it; the second in addresses that it makes for functions


def refusal(installed: str) -> str | None:
    """Why this version of the emulator cannot be mended, if it cannot."""
    if installed == SUPPORTED:
        return None
    return (
        f"got ministack {installed}, allowed: {SUPPORTED}, because the rehearsal replaces private functions of it.\n"
        f"Fix: pip install ministack=={SUPPORTED} (or `make clean`, then `make rehearse`)."
    )


def main() -> None:
    """Serve until told to stop."""
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
