"""ElastiCache's API on engines that run: hooks on the emulator's functions, which start, change and end engines."""

from __future__ import annotations

from rehearsal.live.caches import (
    access,
    answers,
    clusters,
    events,
    groups,
    logs,
    operations,
    parameters,
    registry,
    scaling,
    serverless,
    service_updates,
    snapshots,
    users,
)

# In the order in which they are installed; later ones wrap what earlier ones have replaced.
MODULES = (users, parameters, snapshots, groups, scaling, clusters, serverless, operations, service_updates, logs)
HELPERS = (access, answers, events, registry)
"""Modules without an installation that use private names of the emulator too."""
