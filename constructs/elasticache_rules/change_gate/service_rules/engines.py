"""Engine versions and their parameter group families."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from elasticache_rules import facts
from elasticache_rules.change_gate.values import is_known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticache_rules.change_gate.service_rules.update import State

Version = tuple[int, ...]

_REDIS_WITH_X = 6


def engine(properties: Mapping[str, Any], default: str | None = "redis") -> str | None:
    """The engine of a resource in small letters, as the service compares it.

    Args:
        properties: Of the resource.
        default: What a resource without ``Engine`` has. Default: ``redis``, as replication groups.

    Returns:
        Nothing when it is a function.
    """
    value = properties.get("Engine", default)
    return value.lower() if isinstance(value, str) and is_known(value) else None


def version(text: str | None) -> Version | None:
    """``7.1`` as numbers, for comparison. ``6.x`` is what AWS once called the newest 6.

    Returns:
        Nothing when the text is no version, or absent.
    """
    if text is None or not re.fullmatch(r"\d+(\.\d+)*(\.x)?", text):
        return None
    return tuple(int(part) for part in text.removesuffix(".x").split("."))


def lacks(state: State, feature: facts.Feature) -> bool:
    """Whether a cache is known to run a version that does not have a feature yet."""
    number = version(state.text("EngineVersion"))
    floor = facts.floors(feature).get(engine(state.properties) or "")
    return number is not None and floor is not None and number < facts.version_key(floor)


def family(engine: str, number: Version) -> str:
    """The parameter group family of an engine's version."""
    major, minor = number[0], number[1] if len(number) > 1 else 0
    if engine == "redis" and major == _REDIS_WITH_X:
        return f"redis{major}.x"
    has_minor = engine == "memcached" or (engine == "redis" and major < _REDIS_WITH_X)
    return f"{engine}{major}.{minor}" if has_minor else f"{engine}{major}"


def family_of_default_group(name: str) -> str | None:
    """The family of one of the service's own parameter groups, or nothing for another name."""
    return name.removeprefix("default.").removesuffix(".cluster.on") if name.startswith("default.") else None
