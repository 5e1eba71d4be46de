"""What the catalogue answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import FrozenInstanceError

import pytest

from elasticache_rules import facts


@pytest.mark.parametrize(
    ("engine", "version", "family", "standard_ends", "extended_ends", "said_by"),
    [
        ("redis", "4.0.10", "redis4.0", dt.date(2026, 1, 31), dt.date(2029, 1, 31), "extended-support-page"),
        ("redis", "5.0.6", "redis5.0", dt.date(2026, 1, 31), dt.date(2029, 1, 31), "extended-support-page"),
        ("redis", "6.0", "redis6.x", dt.date(2027, 1, 31), dt.date(2030, 1, 31), "end-of-life-table"),
        ("redis", "6.2", "redis6.x", dt.date(2027, 1, 31), dt.date(2030, 1, 31), "end-of-life-table"),
        ("redis", "7.1", "redis7", None, None, "botocore"),
        ("valkey", "7.2", "valkey7", None, None, "botocore"),
        ("valkey", "8.2", "valkey8", None, None, "botocore"),
        ("valkey", "9.1", "valkey9", None, None, "parameters-page"),
        ("memcached", "1.4.5", "memcached1.4", None, None, "botocore"),
        ("memcached", "1.6.22", "memcached1.6", None, None, "botocore"),
    ],
)
def test_engine_version(  # noqa: PLR0917
    engine: str,
    version: str,
    family: str,
    standard_ends: dt.date | None,
    extended_ends: dt.date | None,
    said_by: str,
) -> None:
    """A version on offer has its family and the announced ends of its support, and says who says so."""
    known = facts.engine_version(engine, version)

    assert known is not None
    assert (engine, version, family) == (known.engine, known.version, known.family)
    assert (standard_ends, extended_ends) == (known.standard_support_ends, known.extended_support_ends)
    assert ["cfn-lint", said_by] == [known.sources[0].name, known.sources[-1].name]


@pytest.mark.parametrize(
    ("engine", "version"),
    [("redis", "7.2"), ("redis", "3.2.6"), ("redis", "6.2.6"), ("valkey", "9.2"), ("mysql", "8.0"), ("redis", "")],
)
def test_what_is_not_on_offer_is_none(engine: str, version: str) -> None:
    """A version that is not on offer is not known, whatever the reason."""
    assert facts.engine_version(engine, version) is None


@pytest.mark.parametrize(
    ("engine", "version", "ends"),
    [
        ("redis", "5.0.0", (dt.date(2026, 1, 31), dt.date(2029, 1, 31))),
        ("redis", "6.2", (dt.date(2027, 1, 31), dt.date(2030, 1, 31))),
        ("redis", "7.1", (None, None)),
        ("valkey", "8.2", (None, None)),
        ("redis", "99.0", (None, None)),
    ],
)
def test_ends_of_support(engine: str, version: str, ends: tuple[dt.date | None, dt.date | None]) -> None:
    """Of a version that is not on offer as well, since caches run it."""
    assert facts.support_ends(engine, version) == ends


def test_engine_versions_are_oldest_first() -> None:
    """Versions come in the order of their numbers; what is no engine has none."""
    assert ("4.0.10", "5.0.6", "6.0", "6.2", "7.0", "7.1") == facts.engine_versions("redis")
    assert ("1.5.16", "1.6.6", "1.6.12") == facts.engine_versions("memcached")[6:9]
    assert () == facts.engine_versions("mysql")


@pytest.mark.parametrize(
    ("engine", "version", "family"),
    [
        ("valkey", "9.2", "valkey9"),
        ("valkey", "8.10", "valkey8"),
        ("redis", "6.4", "redis6.x"),
        ("redis", "3.2.10", "redis3.2"),
        ("memcached", "1.6.100", "memcached1.6"),
    ],
)
def test_family_of_a_version_that_is_not_on_offer(engine: str, version: str, family: str) -> None:
    """A new minor version takes the family of its major one."""
    known = facts.parameter_family_of(engine, version)

    assert known is not None
    assert (family, engine) == (known.name, known.engine)


@pytest.mark.parametrize(("engine", "version"), [("valkey", "10.0"), ("valkey", "91.0"), ("redis", "8.0"), ("x", "1")])
def test_new_major_version_has_no_family_yet(engine: str, version: str) -> None:
    """The family of a major version that came out later is not guessed."""
    assert facts.parameter_family_of(engine, version) is None


def test_families_of_an_engine() -> None:
    """Families are listed in the order of their numbers, for all engines or one."""
    assert ("valkey7", "valkey8", "valkey9") == facts.parameter_families("valkey")
    assert 13 == len(facts.parameter_families())
    assert facts.parameter_family("redis8") is None


@pytest.mark.parametrize(
    ("feature", "engine", "below", "at"),
    [
        ("auth_token_rotation", "redis", "4.0.10", "5.0.6"),
        ("auto_minor_version_upgrade", "redis", "5.0.6", "6.0"),
        ("autoscaling", "redis", "5.0.6", "6.0"),
        ("data_tiering_autoscaling", "redis", "6.2", "7.0"),
        ("database_acl", "valkey", "9.0", "9.1"),
        ("durability", "valkey", "8.2", "9.0"),
        ("global_datastore", "redis", "4.0.10", "5.0.6"),
        ("ipv6", "redis", "6.0", "6.2"),
        ("ipv6", "memcached", "1.5.16", "1.6.6"),
        ("serverless_public", "valkey", "8", "9"),
        ("transit_encryption", "redis", "3.2.10", "4.0.10"),
        ("transit_encryption", "memcached", "1.6.6", "1.6.12"),
    ],
)
def test_features_begin_with_a_version(feature: facts.Feature, engine: str, below: str, at: str) -> None:
    """A feature is there from its first version on, also in versions that come later, and not before."""
    assert at == facts.floors(feature)[engine]
    assert not facts.supports(feature, engine, below)
    assert facts.supports(feature, engine, at)
    assert facts.supports(feature, engine, "99.0")


@pytest.mark.parametrize(
    ("feature", "engine"),
    [
        ("iam", "memcached"),
        ("durability", "redis"),
        ("iam", "mysql"),
    ],
)
def test_some_engines_never_have_a_feature(feature: facts.Feature, engine: str) -> None:
    """An engine without any version that has a feature does not have it in a later one either."""
    assert engine not in facts.floors(feature)
    assert not facts.supports(feature, engine, "99.0")


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (None, "Redis OSS 6.2 or Valkey 7.2 or Memcached 1.6.6"),
        ("redis", "Redis OSS 6.2 or Valkey 7.2"),
        ("valkey", "Redis OSS 6.2 or Valkey 7.2"),
        ("memcached", "Memcached 1.6.6"),
    ],
)
def test_first_versions_in_words(engine: str | None, words: str) -> None:
    """A message names the engines that a reader's cache can be moved to, and no other."""
    assert words == facts.floors_in_words("ipv6", engine)


def test_every_valkey_has_what_redis_7_1_has() -> None:
    """Whatever the last Redis has, the first Valkey has as well."""
    lost = [
        feature
        for feature in facts.features()
        if facts.supports(feature, "redis", "7.1") and not facts.supports(feature, "valkey", "7.2")
    ]

    assert [] == lost


@pytest.mark.parametrize(
    ("engine", "major", "form"),
    [
        ("redis", 5, "x.y.z"),
        ("redis", 6, "x.y"),
        ("redis", 2, "x.y.z"),
        ("valkey", 7, "x.y"),
        ("valkey", 1, "x.y"),
        ("valkey", 10, "x.y"),
        ("memcached", 1, "x.y.z"),
    ],
)
def test_version_form(engine: str, major: int, form: str) -> None:
    """Redis writes three numbers up to version 5, and two after it as Valkey does; Memcached always three."""
    assert form == facts.version_form(engine, major)


@pytest.mark.parametrize(
    ("engine", "majors"), [("valkey", ("7", "8", "9")), ("redis", ("7",)), ("memcached", ("1.6",)), ("mysql", ())]
)
def test_serverless_majors(engine: str, majors: tuple[str, ...]) -> None:
    """Serverless caches have the major versions of the engine that AWS lists."""
    assert majors == facts.serverless_majors(engine)


@pytest.mark.parametrize(
    ("name", "kind", "vcpus", "memory_gib", "flags"),
    [
        ("cache.r7g.large", "memory", 2, 13.07, {"creatable", "ipv6", "autoscaling", "durability", "global_datastore"}),
        ("cache.r7g.16xlarge", "memory", 64, 419.09, {"creatable", "ipv6", "durability", "global_datastore"}),
        (
            "cache.c8gn.xlarge",
            "network",
            4,
            6.79,
            {"creatable", "ipv6", "autoscaling", "durability", "global_datastore"},
        ),
        (
            "cache.m5.2xlarge",
            "general",
            8,
            26.04,
            {"creatable", "ipv6", "autoscaling", "global_datastore", "local_zones"},
        ),
        (
            "cache.r6gd.xlarge",
            "data_tiering",
            4,
            26.32,
            {"creatable", "ipv6", "autoscaling", "global_datastore", "data_tiering"},
        ),
        ("cache.t4g.small", "burstable", 2, 1.37, {"creatable", "ipv6", "burstable"}),
        ("cache.t3.micro", "burstable", 2, 0.5, {"creatable", "ipv6", "burstable", "local_zones"}),
        ("cache.t2.small", "burstable", 1, 1.55, {"burstable"}),
        ("cache.r4.large", "memory", 2, 12.3, {"creatable"}),
        ("cache.c1.xlarge", "compute", None, None, set()),
    ],
)
def test_node_type(name: str, kind: str, vcpus: int | None, memory_gib: float | None, flags: set[str]) -> None:
    """A node type has its size, and what its family can do and no more."""
    known = facts.node_type(name)

    assert known is not None
    assert (name, kind, vcpus, memory_gib) == (known.name, known.family.kind, known.vcpus, known.memory_gib)
    of_type = {"creatable", "burstable", "data_tiering", "ipv6", "autoscaling"}
    of_family = {"durability", "global_datastore", "local_zones"}
    has = {flag for flag in of_type if getattr(known, flag)} | {
        flag for flag in of_family if getattr(known.family, flag)
    }
    assert flags == has


@pytest.mark.parametrize(
    "name",
    [
        "cache.r9g.large",
        "cache.r6gd.large",
        "cache.r7g.24xlarge",
        "db.r7g.large",
        "r7g.large",
        "cache.r7g",
        "cache.r7g.large.x",
        "",
    ],
)
def test_unknown_node_type_is_none(name: str) -> None:
    """What is no node type, or none that is known, has no facts."""
    assert facts.node_type(name) is None


@pytest.mark.parametrize(
    ("name", "engine", "below", "at"),
    [
        ("cache.r7g.large", "redis", "6.0", "6.2"),
        ("cache.r7g.large", "memcached", "1.5.10", "1.5.16"),
        ("cache.r6g.large", "redis", "4.0.10", "5.0.6"),
        ("cache.c7gn.large", "memcached", "1.5.16", "1.6.6"),
        ("cache.m5.large", "redis", "3.2.10", "4.0.10"),
        ("cache.t4g.micro", "redis", "4.0.10", "5.0.6"),
    ],
)
def test_node_type_runs_from_a_version_on(name: str, engine: str, below: str, at: str) -> None:
    """An engine runs on a type from a version on, and not before."""
    known = facts.node_type(name)

    assert known is not None
    assert at == known.minimum_version(engine)
    assert (False, True, True) == (known.runs(engine, below), known.runs(engine, at), known.runs(engine, "99.0"))


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("cache.r8g.large", "redis"),
        ("cache.m8g.large", "redis"),
        ("cache.c8gn.large", "redis"),
        ("cache.r6gd.xlarge", "memcached"),
        ("cache.m1.small", "redis"),
    ],
)
def test_some_engines_never_run_on_a_type(name: str, engine: str) -> None:
    """An engine that a type is not on offer for does not run on it in any version."""
    known = facts.node_type(name)

    assert known is not None
    assert known.minimum_version(engine) is None
    assert not known.runs(engine, "99.0")


@pytest.mark.parametrize(
    ("name", "count", "there", "not_there"),
    [
        ("cache.c7gn.large", 4, "eu-west-1", "eu-central-1"),
        ("cache.r6gd.xlarge", 14, "eu-central-1", "eu-west-2"),
        ("cache.r7g.large", 38, "me-south-1", "eu-isoe-west-1"),
        ("cache.t4g.small", 36, "us-gov-east-1", "me-south-1"),
        ("cache.t1.micro", 0, None, "us-east-1"),
    ],
)
def test_regions_of_a_node_type(name: str, count: int, there: str | None, not_there: str) -> None:
    """A type is on offer in its regions; one that is closed to new caches in none."""
    known = facts.node_type(name)

    assert known is not None
    assert count == len(known.regions)
    assert not_there not in known.regions
    assert there is None or (there in known.regions and name in facts.node_types(there))
    assert name not in facts.node_types(not_there)


def test_regions_that_are_known() -> None:
    """The regions of the three partitions with a table are known; of the isolated ones nothing is."""
    assert 38 == len(facts.regions())
    assert {"eu-west-1", "cn-north-1", "us-gov-west-1"} <= facts.regions()
    assert "us-iso-east-1" not in facts.regions()
    assert () == facts.node_types("us-iso-east-1")


def test_node_types_are_in_order() -> None:
    """Types come by family, and by size within it."""
    assert ("cache.t4g.micro", "cache.t4g.small", "cache.t4g.medium") == facts.node_types()[-3:]
    c7gn = [name for name in facts.node_types() if ".c7gn." in name]
    assert ["cache.c7gn.large", "cache.c7gn.xlarge", "cache.c7gn.2xlarge"] == c7gn[:3]
    assert "cache.c7gn.16xlarge" == c7gn[-1]


@pytest.mark.parametrize(
    ("family", "name", "accepted", "refused"),
    [
        ("valkey8", "timeout", ["0", "20", "3600"], ["1", "19", "-1", "20s", ""]),
        ("valkey8", "databases", ["1", "1200000"], ["0", "1200001"]),
        ("valkey8", "reserved-memory-percent", ["0", "25", "100"], ["101", "25%", "-1", "2.5"]),
        (
            "valkey8",
            "maxmemory-policy",
            ["allkeys-lru", "noeviction"],
            ["allkeys-LRU", "lru", "allkeys-lru,noeviction"],
        ),
        ("valkey8", "maxmemory-samples", ["1", "64"], ["0", "65"]),
        ("valkey7", "maxmemory-samples", ["1", "65"], ["0"]),
        ("valkey8", "repl-backlog-size", ["16384", "10485760"], ["16383"]),
        ("redis7", "slowlog-log-slower-than", ["-1", "0", "10000"], ["", "fast", "٣"]),
        ("redis7", "notify-keyspace-events", ["", "Ex"], []),
        ("redis7", "activedefrag", ["yes", "no"], ["true", "True", "1", ""]),
        ("redis7", "acllog-max-len", ["1", "128"], ["many"]),
        ("redis5.0", "list-max-ziplist-size", ["-5", "-1", "1", "512"], ["-6", "0"]),
        ("redis5.0", "active-defrag-ignore-bytes", ["1048576"], ["1048575"]),
        ("redis4.0", "active-defrag-ignore-bytes", ["10485760", "104857600"], ["10485759", "104857601"]),
        ("redis5.0", "rename-commands", ["", "KEYS hidden", "KEYS a FLUSHALL b"], ["KEYS", "CONFIG x", "keys x"]),
        ("redis7", "rename-commands", ["", "COPY hidden"], ["COPY"]),
        ("valkey9", "cluster-databases", ["0", "1", "10000"], ["10001"]),
        ("valkey9", "search-default-timeout-ms", ["1", "60000"], ["0", "60001"]),
        ("memcached1.6", "chunk_size_growth_factor", ["1.25", "2"], ["fast", "1.", "-1.25"]),
        ("memcached1.6", "hash_algorithm", ["murmur3"], ["md5"]),
        ("memcached1.6", "slab_automove", ["0", "2"], ["3"]),
        ("memcached1.6", "idle_timeout", ["86400"], ["86401"]),
        ("memcached1.6", "max_item_size", ["2097152"], ["2m"]),
    ],
)
def test_values_of_parameters(family: str, name: str, accepted: list[str], refused: list[str]) -> None:
    """A parameter takes the values that the service documents, up to the ends of its ranges, and no others."""
    parameter = facts.parameter(family, name)

    assert parameter is not None
    assert accepted == [value for value in [*accepted, *refused] if parameter.accepts(value)]


@pytest.mark.parametrize(
    ("family", "name", "words"),
    [
        ("valkey8", "timeout", "0 or at least 20"),
        ("valkey8", "databases", "1 to 1200000"),
        ("valkey8", "cluster-enabled", "yes or no"),
        ("redis5.0", "list-max-ziplist-size", "-5, -4, -3, -2, -1 or at least 1"),
        ("redis7", "slowlog-log-slower-than", "any integer"),
        ("redis7", "notify-keyspace-events", "a text"),
        ("redis7", "acllog-max-len", "an integer"),
        ("redis7", "rename-commands", "commands, each followed by its new name"),
        ("memcached1.6", "chunk_size_growth_factor", "a number"),
        ("redis5.0", "lua-time-limit", "5000"),
    ],
)
def test_allowed_in_words(family: str, name: str, words: str) -> None:
    """What a parameter takes can stand in a message."""
    parameter = facts.parameter(family, name)

    assert parameter is not None
    assert words == parameter.allowed_in_words


@pytest.mark.parametrize(
    ("family", "name", "flags"),
    [
        ("valkey8", "maxmemory", {}),
        ("valkey8", "maxclients", {"requires_reboot"}),
        ("valkey8", "appendonly", {}),
        ("redis5.0", "list-max-ziplist-size", {}),
        ("redis7", "activerehashing", {}),
        ("redis6.x", "activerehashing", {"modifiable", "fixed_in_use", "requires_reboot"}),
        ("valkey8", "cluster-enabled", {"modifiable", "fixed_in_use", "requires_reboot"}),
        ("valkey8", "databases", {"modifiable", "fixed_in_use", "requires_reboot"}),
        ("valkey9", "cluster-databases", {"modifiable", "fixed_in_use"}),
        ("valkey8", "timeout", {"modifiable"}),
        ("memcached1.6", "max_simultaneous_connections", {}),
        ("memcached1.6", "num_threads", {}),
        ("memcached1.6", "max_item_size", {"modifiable", "requires_reboot"}),
    ],
)
def test_how_parameters_change(family: str, name: str, flags: set[str]) -> None:
    """A parameter says whether a group may set it, and what it takes for a change to have an effect."""
    parameter = facts.parameter(family, name)

    assert parameter is not None
    assert set(flags) == {
        flag for flag in ("modifiable", "fixed_in_use", "requires_reboot") if getattr(parameter, flag)
    }


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("hash-max-ziplist-entries", {"redis4.0", "redis5.0", "redis6.x"}),
        ("hash-max-listpack-entries", {"redis7", "valkey7", "valkey8", "valkey9"}),
        ("lua-replicate-commands", {"redis5.0"}),
        ("lazyfree-lazy-user-del", {"redis6.x", "redis7", "valkey7"}),
        ("lazyfree-lazy-eviction", {"redis4.0", "redis5.0", "redis6.x", "redis7", "valkey7"}),
        ("min-slaves-to-write", {"redis4.0"}),
        ("min-replicas-to-write", {"redis5.0", "redis6.x", "redis7", "valkey7", "valkey8", "valkey9"}),
        ("extended-redis-compatibility", {"valkey8", "valkey9"}),
        ("cluster-databases", {"valkey9"}),
        ("modern", {"memcached1.4"}),
        ("no_modern", {"memcached1.5", "memcached1.6"}),
    ],
)
def test_families_differ_in_their_parameters(name: str, families: set[str]) -> None:
    """A parameter is known to the families that have it, and to no other."""
    assert families == {family for family in facts.parameter_families() if facts.parameter(family, name)}


@pytest.mark.parametrize(
    ("family", "name", "since"),
    [
        ("redis6.x", "acl-pubsub-default", "6.2"),
        ("redis7", "acl-pubsub-default", None),
        ("valkey8", "search-fanout-target-mode", "8.2"),
        ("valkey9", "search-fanout-target-mode", None),
        ("valkey8", "timeout", None),
        ("memcached1.4", "idle_timeout", "1.4.33"),
        ("memcached1.6", "idle_timeout", None),
    ],
)
def test_version_that_brought_a_parameter(family: str, name: str, since: str | None) -> None:
    """A parameter that came in the middle of its family says with which version; later families all have it."""
    parameter = facts.parameter(family, name)

    assert parameter is not None
    assert since == parameter.since


def test_families_without_known_parameters() -> None:
    """The oldest families have no parameters on record; only one family is listed by the service itself."""
    assert {} == facts.parameters("redis2.8")
    assert facts.parameter("redis2.8", "timeout") is None
    assert ["redis5.0"] == [name for name in facts.parameter_families() if facts.fully_listed(name)]


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("cache.r7g.lage", "cache.r7g.large"),
        ("cache.r7g.medium", "cache.t4g.medium"),
        ("cache.m6gd.large", "cache.m6g.large"),
        ("nothing like it", None),
    ],
)
def test_closest_node_type(word: str, known: str | None) -> None:
    """A slip of the pen is led to what was meant, and nonsense to nothing."""
    assert known == facts.closest(word, facts.node_types())


def test_closest_of_other_names() -> None:
    """Versions and parameters are led back in the same way."""
    assert "6.2" == facts.closest("6.2.6", facts.engine_versions("redis"))
    assert "maxmemory-policy" == facts.closest("maxmemory_policy", facts.parameters("valkey8"))


def test_answers_cannot_be_changed() -> None:
    """What is answered is shared, so no caller can change it."""
    known = facts.node_type("cache.r7g.large")

    assert known is not None
    with pytest.raises(FrozenInstanceError):
        known.size = "xlarge"  # type: ignore[misc]
    with pytest.raises(TypeError):
        known.family.minimum_versions["redis"] = "7.0"  # type: ignore[index]
    with pytest.raises(TypeError):
        facts.floors("iam")["redis"] = "6.0"  # type: ignore[index]
    with pytest.raises(TypeError):
        facts.parameters("valkey8")["timeout"] = None  # type: ignore[index]
    assert known == facts.node_type("cache.r7g.large")
    assert 1 == len({known, facts.node_type("cache.r7g.large")})
