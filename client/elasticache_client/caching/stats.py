"""Counts of what a cache did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Stats:
    """What one cache object did in this process so far.

    Counted without a lock, so that a hit pays for none.

    Attributes:
        hits: values that were in the cache and fresh.
        misses: values that were not there, or of another type or version.
        stale: values served past their ttl, or before a refresh that somebody else was at.
        loads: calls of functions that load, for one key or for many.
        shared: values that somebody else's load brought.
        errors: loads that failed.
        bypassed: loads that went past the cache, because it or the key's node did not answer, or refused.
        refused: commands that a node answered with an error: it is full, the user lacks a permission, a value is too
            large. The first of its kind is logged, and again after a minute without one.
    """

    hits: int = 0
    misses: int = 0
    stale: int = 0
    loads: int = 0
    shared: int = 0
    errors: int = 0
    bypassed: int = 0
    refused: int = 0
