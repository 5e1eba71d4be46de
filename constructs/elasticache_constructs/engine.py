"""Cache engines as values: ask them what they support instead of comparing their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from elasticache_constructs.errors import ConfigurationError
from elasticache_constructs.ports import MEMCACHED_PORT, REDIS_PORT

_VERSIONS_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/supported-engine-versions.html"
_NAMES = ("redis", "valkey", "memcached")


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine, its version and the parameter group family that belongs to it.

    Use the constants, ``Engine.VALKEY_8_2`` say. A version that came out after this release of the package is written
    as ``Engine("valkey", "9.2", family="valkey9")``.

    Changing the version of a running Redis or Valkey group upgrades it in place; a downgrade is refused by the
    service. Moving from Redis to Valkey is an in-place change too, in one update of engine, version and parameter
    group. Changing a Memcached cluster's version loses what it holds.

    Args:
        name: ``redis``, ``valkey`` or ``memcached``.

        version: The version as the service writes it: ``7.1``, ``8.2``, ``1.6.22``.

        family: The parameter group family, ``redis7`` say.

    Raises:
        ConfigurationError: When the name is none of the three, or the version or the family is not well formed.
    """

    name: str
    version: str
    family: str

    REDIS_5_0_6: ClassVar[Engine]
    REDIS_6_2: ClassVar[Engine]
    REDIS_7_0: ClassVar[Engine]
    REDIS_7_1: ClassVar[Engine]
    VALKEY_7_2: ClassVar[Engine]
    VALKEY_8_0: ClassVar[Engine]
    VALKEY_8_1: ClassVar[Engine]
    VALKEY_8_2: ClassVar[Engine]
    VALKEY_9_0: ClassVar[Engine]
    VALKEY_9_1: ClassVar[Engine]
    MEMCACHED_1_6_12: ClassVar[Engine]
    MEMCACHED_1_6_17: ClassVar[Engine]
    MEMCACHED_1_6_22: ClassVar[Engine]

    def __post_init__(self) -> None:
        """Refuse what is no engine."""
        if self.name not in _NAMES:
            raise ConfigurationError(
                got=f"Engine name {self.name!r}",
                allowed=f"ElastiCache runs {', '.join(_NAMES)}, in lower case",
                fix="Use one of the constants, Engine.VALKEY_8_2 say",
                page=_VERSIONS_PAGE,
            )
        if not re.fullmatch(r"\d+(\.\d+){1,2}", self.version):
            raise ConfigurationError(
                got=f"Engine version {self.version!r}",
                allowed="a version is two or three numbers with dots between them",
                fix="Use one of the constants, Engine.REDIS_7_1 say",
                page=_VERSIONS_PAGE,
            )
        if not re.fullmatch(rf"{self.name}\d+(\.(\d+|x))?", self.family):
            raise ConfigurationError(
                got=f"Engine family {self.family!r} for {self.name} {self.version}",
                allowed=f"a parameter group family is the engine's name and its major version, as in {self.name}7",
                fix="Use one of the constants, or the family that DescribeCacheEngineVersions names for this version",
                page=_VERSIONS_PAGE,
            )
        major = self.family.removeprefix(self.name).removesuffix(".x")
        if not f"{self.version}.".startswith(f"{major}."):
            raise ConfigurationError(
                got=f"Engine family {self.family!r} for {self.name} {self.version}",
                allowed="a parameter group family is that of the engine's own major version",
                fix="Use one of the constants, or the family that DescribeCacheEngineVersions names for this version",
                page=_VERSIONS_PAGE,
            )

    def __str__(self) -> str:
        """The name and version, for messages."""
        return f"{self.name} {self.version}"

    @property
    def default_port(self) -> int:
        """6379 for Redis and Valkey, 11211 for Memcached."""
        return MEMCACHED_PORT if self.is_memcached else REDIS_PORT

    @property
    def is_memcached(self) -> bool:
        """Whether this is Memcached, which has clusters of plain nodes in place of replication groups."""
        return self.name == "memcached"

    @property
    def supports_user_groups(self) -> bool:
        """Role-based access control: Redis 6.0 and Valkey 7.2 onward."""
        return self._at_least(redis=(6, 0), valkey=(7, 2))

    @property
    def supports_iam(self) -> bool:
        """IAM authentication: Redis 7.0 and Valkey 7.2 onward."""
        return self._at_least(redis=(7, 0), valkey=(7, 2))

    @property
    def supports_transit_encryption(self) -> bool:
        """TLS: Redis 4.0.10, every Valkey, Memcached 1.6.12 onward."""
        return self._at_least(redis=(4, 0, 10), valkey=(7, 2), memcached=(1, 6, 12))

    @property
    def supports_transit_encryption_mode(self) -> bool:
        """The choice between TLS ``preferred`` and ``required``: Redis 7.0 onward, every Valkey."""
        return self._at_least(redis=(7, 0), valkey=(7, 2))

    @property
    def supports_slow_log(self) -> bool:
        """Delivery of the slow log: Redis 6.0 onward, every Valkey."""
        return self._at_least(redis=(6, 0), valkey=(7, 2))

    @property
    def supports_engine_log(self) -> bool:
        """Delivery of the engine log: Redis 6.2 onward, every Valkey."""
        return self._at_least(redis=(6, 2), valkey=(7, 2))

    @property
    def requires_default_user(self) -> bool:
        """Whether a user group must contain a user named ``default``: Redis yes, Valkey disables it when absent."""
        return self.name == "redis"

    def _at_least(self, **floors: tuple[int, ...]) -> bool:
        floor = floors.get(self.name)
        return floor is not None and tuple(int(part) for part in self.version.split(".")) >= floor


Engine.REDIS_5_0_6 = Engine("redis", "5.0.6", "redis5.0")
Engine.REDIS_6_2 = Engine("redis", "6.2", "redis6.x")
Engine.REDIS_7_0 = Engine("redis", "7.0", "redis7")
Engine.REDIS_7_1 = Engine("redis", "7.1", "redis7")
Engine.VALKEY_7_2 = Engine("valkey", "7.2", "valkey7")
Engine.VALKEY_8_0 = Engine("valkey", "8.0", "valkey8")
Engine.VALKEY_8_1 = Engine("valkey", "8.1", "valkey8")
Engine.VALKEY_8_2 = Engine("valkey", "8.2", "valkey8")
Engine.VALKEY_9_0 = Engine("valkey", "9.0", "valkey9")
Engine.VALKEY_9_1 = Engine("valkey", "9.1", "valkey9")
Engine.MEMCACHED_1_6_12 = Engine("memcached", "1.6.12", "memcached1.6")
Engine.MEMCACHED_1_6_17 = Engine("memcached", "1.6.17", "memcached1.6")
Engine.MEMCACHED_1_6_22 = Engine("memcached", "1.6.22", "memcached1.6")
