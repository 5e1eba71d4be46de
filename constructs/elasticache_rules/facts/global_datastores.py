"""Global datastores: the Regions that have them, and the ids that the service makes."""

from __future__ import annotations

from elasticache_rules.facts.records import read


def global_datastore_regions() -> frozenset[str]:
    """The Regions in which a group can be a member of a global datastore."""
    return frozenset(read("global_datastores")["regions"]["names"])


def global_datastore_prefix(region: str) -> str | None:
    """What the id of each global datastore of a Region begins with, or None if it is not known.

    Args:
        region: The Region that the global datastore is made in: that of its first primary.
    """
    prefix: str | None = read("global_datastores")["prefixes"]["by_region"].get(region)
    return prefix
