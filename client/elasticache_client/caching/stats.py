"""Counts of what a cache did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Stats:
    """What one cache object has done in this process.

    It is counted without a lock, so that a hit does not pay for one.

    Attributes:
        hits: Values that were in the cache and fresh.
        misses: Values that were missing, or of another type or version.
        stale: Values served after their ttl, or while another caller was refreshing them.
        loads: Calls of functions that load, for one key or for many.
        shared: Values that another caller's load brought.
        errors: Loads that failed.
        bypassed: Loads without the cache, because it or the key's node did not answer, or refused.
        refused: Commands that a node answered with an error: it is full, the user lacks a permission, a value is too
            large. The first of each kind is logged, and again after a minute without one.
    """

    hits: int = 0
    misses: int = 0
    stale: int = 0
    loads: int = 0
    shared: int = 0
    errors: int = 0
    bypassed: int = 0
    refused: int = 0
