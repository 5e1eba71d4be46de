"""The known word that an unknown one was probably meant to be."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def closest(word: str, among: Iterable[str]) -> str | None:
    """The known word most like this one.

    Args:
        word: What was written, ``cache.r7g.lage`` say.
        among: The words that are known: `node_types`, `engine_versions`, the names of `parameters`, ...

    Returns:
        The most similar word, or None when none is similar.
    """
    return next(iter(difflib.get_close_matches(word, list(among), n=1)), None)
