"""What the command and its pytest plugin agree on."""

from __future__ import annotations

FOLDER = "SUITE_FOLDER"
"""Variable with the folder where the recorder writes."""
