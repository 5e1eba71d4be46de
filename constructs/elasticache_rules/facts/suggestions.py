"""Suggestions for unknown words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def closest(word: str, among: Iterable[str]) -> str | None:
    """The known word that is most similar to a word.

    Args:
        word: The unknown word, for example ``cache.r7g.lage``.
        among: The words that are known: `node_types`, `engine_versions`, the names of `parameters`, ...

    Returns:
        The most similar word, or None when none is similar.
    """
    return next(iter(difflib.get_close_matches(word, list(among), n=1)), None)
