"""Every row."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from elasticache_constructs import ConfigurationError
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

if TYPE_CHECKING:
    from tests.rules.row import Row

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


@functools.cache
def refusal_of(row: Row) -> ConfigurationError:
    """How the bad input of a row is refused. It is built once for all tests that ask."""
    with pytest.raises(ConfigurationError) as refusal:
        row.bad()
    return refusal.value
