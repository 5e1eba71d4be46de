"""Where the site's parts are in the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
SITE = ROOT / ".site"
DOCS = ROOT / "docs"
IMAGES = DOCS / "images"
