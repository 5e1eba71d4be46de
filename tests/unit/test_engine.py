"""What each engine is and supports."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from elasticache_constructs import ConfigurationError, Engine
from elasticache_constructs.checks.errors import reference

TLS = {"transit_encryption"}
REDIS_6 = TLS | {"user_groups", "slow_log", "engine_log"}
MODERN = REDIS_6 | {"iam", "transit_encryption_mode"}
FEATURES = sorted(MODERN)

ENGINES = [
    (Engine.REDIS_5_0_6, "redis", "5.0.6", "redis5.0", 6379, TLS),
    (Engine.REDIS_6_2, "redis", "6.2", "redis6.x", 6379, REDIS_6),
    (Engine.REDIS_7_0, "redis", "7.0", "redis7", 6379, MODERN),
    (Engine.REDIS_7_1, "redis", "7.1", "redis7", 6379, MODERN),
    (Engine.VALKEY_7_2, "valkey", "7.2", "valkey7", 6379, MODERN),
    (Engine.VALKEY_8_0, "valkey", "8.0", "valkey8", 6379, MODERN),
    (Engine.VALKEY_8_1, "valkey", "8.1", "valkey8", 6379, MODERN),
    (Engine.VALKEY_8_2, "valkey", "8.2", "valkey8", 6379, MODERN),
    (Engine.VALKEY_9_0, "valkey", "9.0", "valkey9", 6379, MODERN),
    (Engine.VALKEY_9_1, "valkey", "9.1", "valkey9", 6379, MODERN),
    (Engine.MEMCACHED_1_6_12, "memcached", "1.6.12", "memcached1.6", 11211, TLS),
    (Engine.MEMCACHED_1_6_17, "memcached", "1.6.17", "memcached1.6", 11211, TLS),
    (Engine.MEMCACHED_1_6_22, "memcached", "1.6.22", "memcached1.6", 11211, TLS),
]


@pytest.mark.parametrize(
    ("engine", "name", "version", "family", "port", "supported"), ENGINES, ids=[str(row[0]) for row in ENGINES]
)
def test_facts_of_each_constant(
    engine: Engine, *, name: str, version: str, family: str, port: int, supported: set[str]
) -> None:
    """Name, version, family, port and abilities of each constant are those of the service's own tables."""
    abilities = {feature for feature in FEATURES if getattr(engine, f"supports_{feature}")}
    assert (name, version, family, port) == (engine.name, engine.version, engine.family, engine.default_port)
    assert supported == abilities
    assert (name == "memcached") == engine.is_memcached


def test_facts_cover_every_constant() -> None:
    """No constant is without a row in the table above."""
    constants = {each for each in vars(Engine).values() if isinstance(each, Engine)}
    assert constants == {row[0] for row in ENGINES}


@pytest.mark.parametrize(
    ("feature", "below", "at"),
    [
        ("supports_user_groups", Engine("redis", "5.0.6"), Engine("redis", "6.0")),
        ("supports_iam", Engine("redis", "6.2"), Engine("redis", "7.0")),
        ("supports_transit_encryption", Engine("redis", "4.0.9", unlisted=True), Engine("redis", "4.0.10")),
        ("supports_transit_encryption", Engine("memcached", "1.6.6"), Engine("memcached", "1.6.12")),
        ("supports_transit_encryption_mode", Engine("redis", "6.2"), Engine("redis", "7.0")),
        ("supports_cluster_mode_migration", Engine("redis", "6.2"), Engine("redis", "7.0")),
        ("supports_slow_log", Engine("redis", "5.0.6"), Engine("redis", "6.0")),
        ("supports_engine_log", Engine("redis", "6.0"), Engine("redis", "6.2")),
        ("supports_ipv6", Engine("redis", "6.0"), Engine("redis", "6.2")),
        ("supports_five_hundred_nodes", Engine("redis", "4.0.10"), Engine("redis", "5.0.6")),
        ("supports_channels", Engine("redis", "6.0"), Engine("redis", "6.2")),
        ("supports_selectors", Engine("redis", "6.2"), Engine("redis", "7.0")),
    ],
    ids=str,
)
def test_ability_begins_with_its_version(feature: str, below: Engine, at: Engine) -> None:
    """Each ability is there from its floor on, and not one version earlier."""
    assert (False, True) == (getattr(below, feature), getattr(at, feature))


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(Engine("valkey", "9.7", unlisted=True), id="a minor version"),
        pytest.param(
            Engine("valkey", "10.12", family="valkey10", unlisted=True), id="a major version, with its family"
        ),
    ],
)
def test_unlisted_version_takes_one_line(engine: Engine) -> None:
    """A version that this package does not know has the abilities of those before it."""
    assert set(FEATURES) == {feature for feature in FEATURES if getattr(engine, f"supports_{feature}")}
    assert engine.standard_support_ends is None


def test_family_follows_from_the_version() -> None:
    """Users need not know the families of the versions on offer, nor those of new ones of a known major."""
    assert ("redis6.x", "valkey9") == (Engine("redis", "6.2").family, Engine("valkey", "9.7", unlisted=True).family)


@pytest.mark.parametrize(
    ("name", "version", "family", "message"),
    [
        pytest.param(
            "Redis",
            "7.1",
            "redis7",
            "Engine name 'Redis': ElastiCache runs redis, valkey, memcached, in lower case. "
            f"Use one of the constants, for example Engine.VALKEY_8_2. {reference('ENG-01')}",
            id="an upper-case name",
        ),
        *[
            pytest.param(
                "redis",
                version,
                "redis7",
                f"Engine version {version!r}: a version is two or three numbers with dots between them. "
                f"Use one of the constants, for example Engine.REDIS_7_1. {reference('ENG-06')}",
                id=f"the version {version!r}",
            )
            for version in ("7", "7.x", "v7.1", "7.1.", "7.1.2.3", "", "7.1\n")
        ],
        *[
            pytest.param(
                "redis",
                "7.1",
                family,
                f"Engine family {family!r} for redis 7.1: the parameter group family of redis 7.1 is redis7. "
                f"Leave the family out. {reference('ENG-09')}",
                id=f"the family {family!r}",
            )
            for family in ("valkey7", "redis", "7", "default.redis7", "redis7.", "redis6.y", "redis6.x")
        ],
    ],
)
def test_no_engine_is_refused(name: str, version: str, family: str, message: str) -> None:
    """A name, version or family that cannot be one is refused."""
    with pytest.raises(ConfigurationError) as refusal:
        Engine(name, version, family)

    assert message == str(refusal.value)


@pytest.mark.parametrize(
    ("version", "family"), [("10.1", ""), ("10.1", "valkey1"), ("10.1", "redis10"), ("10.1", "valkey10.2")]
)
def test_new_major_version_needs_its_own_family(version: str, family: str) -> None:
    """The family of a major version that the catalogue does not have is named, and is that of the version."""
    with pytest.raises(ConfigurationError, match=r"\(PGR-01\)$"):
        Engine("valkey", version, family, unlisted=True)


def test_name_and_version_make_the_text() -> None:
    """In messages an engine is its name and version."""
    assert "redis 7.1" == str(Engine.REDIS_7_1)


def test_engine_is_a_value() -> None:
    """Engines of equal parts are equal, and none can be changed."""
    assert Engine("redis", "7.1", "redis7") == Engine.REDIS_7_1
    with pytest.raises(FrozenInstanceError):
        Engine.REDIS_7_1.version = "7.2"  # type: ignore[misc]
