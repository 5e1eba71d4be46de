"""The package data agrees with itself, and says of everything where it comes from."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_rules import facts
from elasticache_rules.facts.records import DATA, read, source, sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENGINES = ("memcached", "redis", "valkey")
CREATABLE = [name for name in facts.node_families() if read("nodes")[name]["creatable"]]


def entries(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of one data file that must have a source, by where they stand."""
    content = read(name)
    match name:
        case "engines":
            yield "serverless", content["serverless"]
            for part in ("version_forms", "parameter_families", "support", "features"):
                yield from ((f"{part}.{key}", entry) for key, entry in content[part].items())
        case "commands":
            yield from (*content["modules"].items(), ("restricted", content["restricted"]))
        case "offered":
            yield from ((part, content[part]) for part in ("engines", "parameter_families"))
            yield from ((group["family"], group) for group in content["node_types"])
        case _:
            yield from content.items()


ENTRIES = [
    pytest.param(entry, id=f"{name}:{where}")
    for name in ("commands", "engines", "global_datastores", "nodes", "offered", "parameter_groups", "quotas", "events")
    for where, entry in entries(name)
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_has_sources_with_a_date(entry: dict[str, Any]) -> None:
    """Every entry names sources that are there, each with an address and a day that is not in the future."""
    said_by = sources(entry.get("sources") or [entry["source"]])

    assert said_by
    for each in said_by:
        assert each.title
        assert each.url.startswith("https://")
        assert each.as_of <= dt.datetime.now(dt.UTC).date()


def test_every_page_is_used() -> None:
    """No page is listed that no fact comes from."""
    texts = "".join(file.read_text() for file in DATA.glob("*.json") if file.stem != "pages")

    unused = [name for name in read("pages") if f'"{name}"' not in texts]

    assert [] == unused


def test_a_source_that_is_not_there_is_an_error() -> None:
    """A key that no page and no package has is not answered with something else."""
    with pytest.raises(KeyError):
        source("hearsay")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_version_has_its_form_and_a_family(engine: str) -> None:
    """Every version on offer is written in the engine's form, and exactly one family belongs to it."""
    versions = facts.engine_versions(engine)

    assert versions
    for version in versions:
        form = facts.version_form(engine, facts.version_key(version)[0])
        assert len(form.split(".")) == len(version.split("."))
        belonging = [
            name
            for name in facts.parameter_families(engine)
            if (family := facts.parameter_family(name)) and family.belongs_to(version)
        ]
        assert 1 == len(belonging)
        assert facts.engine_version(engine, version) is not None


def test_support_is_of_known_families_and_in_order() -> None:
    """Support dates are of families that exist, and extended support ends after standard support."""
    for family, support in read("engines")["support"].items():
        assert family in facts.parameter_families()
        assert dt.date.fromisoformat(support["standard_ends"]) < dt.date.fromisoformat(support["extended_ends"])


def test_floors_are_known_versions() -> None:
    """Every first version of a feature is a version on offer, or a major version of serverless caches."""
    assert sorted(read("engines")["features"]) == sorted(facts.features())
    for feature in facts.features():
        floors = facts.floors(feature)
        assert floors
        for engine, floor in floors.items():
            assert floor in facts.engine_versions(engine) + facts.serverless_majors(engine)


def test_a_floor_note_is_a_sentence() -> None:
    """What is written next to a floor is for people: a sentence."""
    notes = [each["note"] for each in read("engines")["features"].values() if "note" in each]

    assert notes
    assert [] == [note for note in notes if not note.endswith(".")]


def test_serverless_majors_are_on_offer() -> None:
    """Every major version of serverless caches is that of a version on offer."""
    for engine in ENGINES:
        for major in facts.serverless_majors(engine):
            assert any(f"{version}.".startswith(f"{major}.") for version in facts.engine_versions(engine))


def test_every_node_type_has_a_family_on_record() -> None:
    """The packages offer no type whose family is not described yet."""
    undescribed = [name for name in facts.node_types() if facts.node_type(name) is None]

    assert [] == undescribed


@pytest.mark.parametrize("name", CREATABLE)
def test_creatable_families_are_described_in_full(name: str) -> None:
    """A family for new caches has minimum versions that exist, sizes with memory, and regions for each."""
    known = read("nodes")[name]
    types = [each for each in map(facts.node_type, facts.node_types()) if each and each.family.name == name]

    for engine, version in known["minimum_versions"].items():
        assert version in facts.engine_versions(engine)
    assert "valkey" in known["minimum_versions"]
    assert sorted(known["sizes"]) == sorted(each.size for each in types)
    assert set(known["autoscaling_sizes"]) <= set(known["sizes"])
    for each in types:
        assert each.vcpus
        assert each.memory_gib
        assert each.regions


@pytest.mark.parametrize("name", sorted(set(facts.node_families()) - set(CREATABLE)))
def test_closed_families_promise_nothing(name: str) -> None:
    """A family that new caches cannot have has none of the newer features."""
    family = facts.node_family(name)

    assert family is not None
    assert not any((family.ipv6, family.durability, family.global_datastore, family.data_tiering))


def test_memory_grows_with_the_size() -> None:
    """Within a family a larger size has more memory and no fewer CPUs."""
    for name in CREATABLE:
        types = [each for each in map(facts.node_type, facts.node_types()) if each and each.family.name == name]
        memory = [each.memory_gib or 0 for each in types]
        assert sorted(set(memory)) == memory
        assert sorted(each.vcpus or 0 for each in types) == [each.vcpus for each in types]


def test_eviction_policies_of_families_are_values_of_the_parameter() -> None:
    """A family that limits the eviction policies limits them to values that the parameter has."""
    parameter = facts.parameter("redis6.x", "maxmemory-policy")

    assert parameter is not None
    for name in facts.node_families():
        family = facts.node_family(name)
        assert family is not None
        assert all(parameter.accepts(policy) for policy in family.maxmemory_policies)
        assert bool(family.maxmemory_policies) == family.data_tiering


def test_parameter_groups_are_of_families_and_change_what_is_there() -> None:
    """Parameters are of families that exist; a family leaves out only what the family it is like has."""
    for name, known in read("parameter_groups").items():
        assert name in facts.parameter_families()
        like = facts.parameters(known["like"]) if "like" in known else {}
        assert set(known.get("without", ())) <= set(like)
        assert not set(known.get("without", ())) & set(known.get("parameters", ()))


@pytest.mark.parametrize("family", sorted(read("parameter_groups")))
def test_parameters_take_their_own_defaults(family: str) -> None:
    """Every parameter has values of its kind, and a version on offer, or older than all on offer, brought it."""
    parameters = facts.parameters(family)
    engine = family.rstrip("0123456789.x")

    assert parameters
    for name, parameter in parameters.items():
        assert name == parameter.name
        assert parameter.kind in {"float", "integer", "renames", "string"}
        if parameter.kind == "integer" and parameter.default is not None:
            assert parameter.default.lstrip("-").isdigit()
        if parameter.since is not None:
            assert parameter.since in facts.engine_versions(engine)


def test_limits_are_ranges() -> None:
    """Every limit has a name in the API, and a minimum that is not above its maximum."""
    assert sorted(read("quotas")) == sorted(facts.limits())
    for name in facts.limits():
        limit = facts.limit(name)
        assert 0 <= limit.minimum <= limit.maximum


@pytest.mark.parametrize("file", sorted(DATA.glob("*.json")), ids=lambda file: file.name)
def test_data_is_small_and_has_no_name_twice(file: Path) -> None:
    """A file is no larger than what is read in a millisecond or so, and no name stands in it twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert sorted(set(names)) == sorted(names)
        return dict(pairs)

    json.loads(file.read_text(), object_pairs_hook=once)

    assert file.stat().st_size < 24_000
