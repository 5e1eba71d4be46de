"""The commands of each engine version and their categories, as access strings name them."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from elasticache_rules.facts.engines import engine_versions
from elasticache_rules.facts.records import read
from elasticache_rules.facts.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@functools.cache
def commands(engine: str, version: str, *, serverless: bool = False) -> Mapping[str, frozenset[str]]:
    """The commands of a version, and of ElastiCache's modules on it, with the categories of each.

    Subcommands are named as in access strings, for example ``client|list``. Redis before 7.0 has no separate ones.

    Args:
        engine: ``redis`` or ``valkey``.
        version: Its version. One that is not on record has the commands of the newest before it; a major version
            alone means the newest of it.
        serverless: Whether the cache is serverless: those have no search.
    """
    exact = newest_of(engine, version)
    before = [
        each for each in records() if each["engine"] == engine and version_key(each["version"]) <= version_key(exact)
    ]
    found = dict(before[-1]["commands"]) if before else {}
    for module in read("commands")["modules"].values():
        floor = module["floors"].get(engine)
        if floor and version_key(exact) >= version_key(floor) and not (serverless and module.get("node_based")):
            found.update(module["commands"])
    return MappingProxyType({name: frozenset(each.split()) for name, each in found.items()})


@functools.cache
def categories(engine: str, version: str, *, serverless: bool = False) -> frozenset[str]:
    """The categories of a version, without their ``@``."""
    of_commands = commands(engine, version, serverless=serverless).values()
    return frozenset({"all"}.union(*of_commands))


@functools.cache
def command_versions() -> tuple[tuple[str, str], ...]:
    """The engines and versions between which commands, categories or modules differ, oldest first."""
    floors = (floor for each in read("commands")["modules"].values() for floor in each["floors"].items())
    known = {*((each["engine"], each["version"]) for each in records()), *floors}
    return tuple(sorted(known, key=lambda each: (each[0], version_key(each[1]))))


@functools.cache
def command_floors(word: str) -> Mapping[str, str]:
    """The first version of each engine that has a command, a subcommand or, written ``@read``, a category."""
    floors: dict[str, str] = {}
    for engine, version in command_versions():
        known = categories(engine, version) if word.startswith("@") else commands(engine, version)
        if word.removeprefix("@") in known:
            floors.setdefault(engine, version)
    return MappingProxyType(floors)


def restricted_commands() -> frozenset[str]:
    """The commands that ElastiCache does not allow, with all of their subcommands."""
    return frozenset(read("commands")["restricted"]["commands"])


def newest_of(engine: str, version: str) -> str:
    """The newest version on offer of a major version; a version with more numbers is itself."""
    if "." in version:
        return version
    of_major = [each for each in engine_versions(engine) if each.split(".")[0] == version]
    return max(of_major, key=version_key, default=version)


@functools.cache
def records() -> tuple[dict[str, Any], ...]:
    """What was asked of servers, oldest version first and Redis before Valkey, each with all of its commands."""
    return tuple(unpacked(read("commands")["versions"]))


def unpacked(versions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Versions that were written by what changed, each with all of its commands."""
    found: list[dict[str, Any]] = []
    before: dict[str, str] = {}
    for each in versions:
        gone = each.get("gone", ())
        before = {name: of for name, of in {**before, **each["commands"]}.items() if name not in gone}
        found.append({**{name: each[name] for name in ("engine", "version", "from")}, "commands": before})
    return found
