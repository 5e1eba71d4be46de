"""Engines: the versions on offer, their parameter group families, what each supports and until when."""

from __future__ import annotations

import datetime as dt
import functools
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

from elasticache_rules.facts.records import Source, read, sources
from elasticache_rules.facts.versions import natural_key, version_key

if TYPE_CHECKING:
    from collections.abc import Mapping

Feature = Literal[
    "acl_channels",
    "acl_selectors",
    "auth_token_rotation",
    "auto_minor_version_upgrade",
    "autoscaling",
    "cluster_mode_migration",
    "data_tiering_autoscaling",
    "database_acl",
    "durability",
    "engine_log",
    "five_hundred_nodes",
    "global_datastore",
    "iam",
    "ipv6",
    "serverless_public",
    "slow_log",
    "transit_encryption",
    "transit_encryption_mode",
    "user_groups",
]

_TITLES = {"redis": "Redis OSS", "valkey": "Valkey", "memcached": "Memcached"}


@dataclass(frozen=True, slots=True)
class ParameterFamily:
    """A parameter group family.

    Args:
        name: For example ``redis7``.
        engine: The engine it belongs to.
        sources: Where it is listed.
    """

    name: str
    engine: str
    sources: tuple[Source, ...]

    def belongs_to(self, version: str) -> bool:
        """Whether a version of the engine, on offer today or not, takes groups of this family."""
        major = self.name.removeprefix(self.engine).removesuffix(".x")
        return f"{version}.".startswith(f"{major}.")


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """A version that a new cache can have.

    Args:
        engine: ``redis``, ``valkey`` or ``memcached``.
        version: As the service writes it.
        family: The parameter group family that belongs to it.
        standard_support_ends: The last day of standard support; None where AWS has announced none.
        extended_support_ends: The last day of the paid extended support that follows, after which AWS upgrades the
            cache itself; None where AWS has announced none.
        sources: Where all of this is written.
    """

    engine: str
    version: str
    family: str
    standard_support_ends: dt.date | None
    extended_support_ends: dt.date | None
    sources: tuple[Source, ...]


def engine_versions(engine: str) -> tuple[str, ...]:
    """The versions of an engine that a new cache can have, oldest first; empty for an unknown engine."""
    return tuple(read("offered")["engines"]["versions"].get(engine, ()))


def engine_version(engine: str, version: str) -> EngineVersion | None:
    """The facts about a version, or None if it is not on offer or its family is not known yet."""
    if version not in engine_versions(engine):
        return None
    family = parameter_family_of(engine, version)
    if family is None:
        return None
    standard, extended = support_ends(engine, version)
    support = read("engines")["support"].get(family.name)
    said_by = [read("offered")["engines"]["source"], *(each.name for each in family.sources)]
    if support is not None:
        said_by.append(support["source"])
    return EngineVersion(engine, version, family.name, standard, extended, sources(said_by))


def support_ends(engine: str, version: str) -> tuple[dt.date | None, dt.date | None]:
    """The last days of standard and of extended support of a version, on offer today or not; None if not announced."""
    family = parameter_family_of(engine, version)
    support = read("engines")["support"].get(family.name, {}) if family else {}
    standard, extended = (support.get(phase) for phase in ("standard_ends", "extended_ends"))
    return (
        standard and dt.date.fromisoformat(standard),
        extended and dt.date.fromisoformat(extended),
    )


def version_form(engine: str, major: int) -> Literal["x.y", "x.y.z"]:
    """The form in which the service writes versions of an engine, from that major version on.

    Redis had three numbers up to 5.0.6 and has two since 6.0; three are then refused.

    Raises:
        KeyError: If the engine is unknown.
    """
    forms = read("engines")["version_forms"][engine]["from_major"]
    form: Literal["x.y", "x.y.z"] = forms[max((first for first in forms if int(first) <= major), key=int)]
    return form


@functools.cache
def parameter_families(engine: str | None = None) -> tuple[str, ...]:
    """The names of all parameter group families, or of those of one engine."""
    names = sorted(
        {*read("offered")["parameter_families"]["names"], *read("engines")["parameter_families"]}, key=natural_key
    )
    return tuple(name for name in names if engine is None or _engine_of(name) == engine)


@functools.cache
def parameter_family(name: str) -> ParameterFamily | None:
    """A parameter group family, or None when there is none of that name."""
    if name not in parameter_families():
        return None
    offered, by_hand = read("offered")["parameter_families"], read("engines")["parameter_families"]
    said_by = [offered["source"]] if name in offered["names"] else [by_hand[name]["source"]]
    return ParameterFamily(name, _engine_of(name), sources(said_by))


def parameter_family_of(engine: str, version: str) -> ParameterFamily | None:
    """The family that a version takes, on offer today or not, or None when its major version has none yet."""
    families = (parameter_family(name) for name in parameter_families(engine))
    return next((family for family in families if family and family.belongs_to(version)), None)


def features() -> tuple[Feature, ...]:
    """The features whose first versions are known."""
    return get_args(Feature)


def floors(feature: Feature) -> Mapping[str, str]:
    """The first version of each engine that has a feature; an engine that never has it is absent."""
    return MappingProxyType(read("engines")["features"][feature]["floors"])


def floors_in_words(feature: Feature, engine: str | None = None) -> str:
    """The first versions that have a feature, for a message: ``Redis OSS 6.2 or Valkey 7.2``.

    Args:
        feature: The feature.
        engine: The engine of the reader's cache. A message about Memcached names Memcached alone, and one about Redis
            OSS or Valkey those two, since a cache moves between them. Default: every engine that has the feature.
    """
    known = floors(feature)
    others = {name for name in known if engine is not None and (name == "memcached") != (engine == "memcached")}
    return versions_in_words({name: version for name, version in known.items() if name not in others})


def versions_in_words(versions: Mapping[str, str]) -> str:
    """Versions by engine, for a message: ``Redis OSS 6.2 or Valkey 7.2``."""
    return " or ".join(f"{_TITLES[engine]} {versions[engine]}" for engine in _TITLES if engine in versions)


def title(feature: Feature) -> str:
    """What a feature is called in a message, with its article: ``IAM authentication``, ``a user group``."""
    named: str = read("engines")["features"][feature]["title"]
    return named


def supports(feature: Feature, engine: str, version: str) -> bool:
    """Whether a version of an engine, on offer today or not, has a feature."""
    floor = floors(feature).get(engine)
    return floor is not None and version_key(version) >= version_key(floor)


def serverless_majors(engine: str) -> tuple[str, ...]:
    """The major versions of an engine that a serverless cache can have."""
    return tuple(read("engines")["serverless"]["majors"].get(engine, ()))


def _engine_of(family: str) -> str:
    return re.split(r"\d", family)[0]
