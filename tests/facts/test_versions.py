"""The order of versions, names and sizes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_rules.facts.versions import natural_key, size_key, version_key

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("key", "in_order"),
    [
        (version_key, ["1.4.5", "1.4.34", "1.6.6", "1.6.12", "7", "7.0", "7.1", "10.0"]),
        (natural_key, ["m7g", "m10g", "r6g", "r6gd", "r7g", "r10g", "redis6.x", "redis7", "valkey9", "valkey10"]),
        (size_key, ["micro", "small", "medium", "large", "xlarge", "2xlarge", "12xlarge", "24xlarge", "metal"]),
    ],
)
def test_numbers_count(key: Callable[[str], Any], in_order: list[str]) -> None:
    """Numbers within a text are in the order of numbers, and sizes in that of sizes; unknown ones come last."""
    out_of_order = [(one, two) for one, two in itertools.pairwise(in_order) if not key(one) < key(two)]

    assert [] == out_of_order


@pytest.mark.parametrize("version", ["", "7.x", "seven", "7..1"])
def test_no_version(version: str) -> None:
    """What is not made of numbers is no version."""
    with pytest.raises(ValueError, match="invalid literal"):
        version_key(version)
