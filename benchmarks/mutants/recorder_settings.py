"""What the recorder and its reader agree on."""

from __future__ import annotations

FOLDER = "MUTANTS_FOLDER"
SOURCES = ("constructs", "client", "stacks", "workloads")
