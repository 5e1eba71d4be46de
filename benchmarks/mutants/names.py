"""What the command and its two pytest plugins agree on."""

from __future__ import annotations

FOLDER = "MUTANTS_FOLDER"
"""Variable with the folder where the recorder writes."""
TESTS = "MUTANTS_TESTS"
"""Variable with the file that names the tests to run."""
SOURCES = ("constructs", "client", "stacks", "workloads")
"""Folders whose code gets mistakes."""
