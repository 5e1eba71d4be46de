"""Parameters of ElastiCache's parameter groups as options of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

CLUSTER_ENABLED = "cluster-enabled"
RESERVED_PERCENT = "reserved-memory-percent"

# The rehearsal sets them itself: the topology says whether there is cluster mode, and clients are given host names.
_SET_BY_THE_SERVICE = frozenset({CLUSTER_ENABLED, "cluster-preferred-endpoint-type", RESERVED_PERCENT})
_BUFFER_PREFIX = "client-output-buffer-limit-"
_BUFFER_DEFAULTS = {  # of the engine: the hard limit, the soft limit and its seconds
    "normal": ("0", "0", "0"),
    "replica": ("268435456", "67108864", "60"),
    "pubsub": ("33554432", "8388608", "60"),
}
_BUFFER_PLACES = {"hard-limit": 0, "soft-limit": 1, "soft-seconds": 2}
_GIB = 1024**3


@dataclass(frozen=True)
class EngineOptions:
    """Options of the engine, and what could not be handed over.

    Attributes:
        options: Each option with its arguments.
        without_counterpart: Parameters that this engine does not have.
    """

    options: Mapping[str, Sequence[str]]
    without_counterpart: tuple[str, ...] = ()


def unknown_to_elasticache(family: str, names: Collection[str], engine_has: Collection[str]) -> list[str]:
    """The names that neither ElastiCache's parameter family has nor the engine, oldest spelling included."""
    listed = facts.parameters(family)
    return sorted(name for name in names if listed and name not in listed and name not in engine_has)


def engine_options(values: Mapping[str, str], engine_has: Collection[str]) -> EngineOptions:
    """Translate the values of a parameter group.

    Args:
        values: Values by parameter name.
        engine_has: The parameters that the engine has.
    """
    options: dict[str, Sequence[str]] = {}
    limits: dict[str, list[str]] = {}
    dropped: list[str] = []
    for name, value in values.items():
        client, _, limit = name.removeprefix(_BUFFER_PREFIX).partition("-")
        if name.startswith(_BUFFER_PREFIX) and client in _BUFFER_DEFAULTS and limit in _BUFFER_PLACES:
            limits.setdefault(client, list(_BUFFER_DEFAULTS[client]))[_BUFFER_PLACES[limit]] = value
        elif name in _SET_BY_THE_SERVICE:
            continue
        elif name in engine_has:
            options[name] = [value]
        else:
            dropped.append(name)
    if limits:
        options["client-output-buffer-limit"] = [word for client, three in limits.items() for word in (client, *three)]
    return EngineOptions(options, tuple(sorted(dropped)))


def memory_limit(node_type: str, values: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """The engine's limit for a node type: its memory without the reserved part; no limit for an unknown type.

    Args:
        node_type: Name of the node type.
        values: Values of the parameter group.
    """
    memory = facts.node_type(node_type)
    if memory is None or memory.memory_gib is None:
        return {}
    percent = values.get(RESERVED_PERCENT, "25")
    reserved = int(percent) if percent.isdecimal() else 25
    return {"maxmemory": [str(int(memory.memory_gib * _GIB * (100 - reserved) / 100))]}
