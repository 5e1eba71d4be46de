"""Every row."""

from __future__ import annotations

from tests.rules import (
    rows_access,
    rows_engines,
    rows_global,
    rows_placement,
    rows_scaling,
    rows_serverless,
    rows_settings,
    rows_topology,
)

ROWS = (
    *rows_engines.ROWS,
    *rows_topology.ROWS,
    *rows_access.ROWS,
    *rows_settings.ROWS,
    *rows_placement.ROWS,
    *rows_scaling.ROWS,
    *rows_serverless.ROWS,
    *rows_global.ROWS,
)
