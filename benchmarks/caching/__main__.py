"""Write the tables and plots of ``docs/caching.md`` from the stored results."""

from __future__ import annotations

from benchmarks.caching.plots import draw
from benchmarks.caching.tables import DOCUMENT, with_tables

if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text()))
    draw()
