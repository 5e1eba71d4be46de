"""Cache engines as values, with properties for the features that they support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.values.ports import MEMCACHED_PORT, REDIS_PORT
from elasticache_rules import facts
from elasticache_rules.facts.versions import version_key

if TYPE_CHECKING:
    import datetime as dt

_NAMES = ("redis", "valkey", "memcached")
_VERSION_RULES = {"redis": "ENG-03", "valkey": "ENG-04", "memcached": "ENG-05"}


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine, its version and its parameter group family.

    Use the constants, such as ``Engine.VALKEY_8_2``. Write a version newer than this package as
    ``Engine("valkey", "9.2", unlisted=True)``, with its family if the major version is new too.

    A newer version upgrades a running Redis or Valkey group in place (docs/runbooks/engine-upgrade.md); the service
    refuses a downgrade. Redis is upgraded to Valkey in place too, in one update of engine, version and parameter group
    (docs/runbooks/redis-to-valkey.md). Another version of a Memcached cluster loses its data.

    Args:
        name: Engine name: ``redis``, ``valkey`` or ``memcached``.
        version: The version as AWS writes it: ``7.1``, ``8.2``, ``1.6.22``.
        family: The parameter group family, such as ``redis7``. Default: the family of the version.
        unlisted: Whether to accept a version that is newer than this package. Default: refused.

    Raises:
        ConfigurationError: If the engine does not exist, the version is not valid or not available, or the family is
            not the version's.

    ``elasticache_rules.facts.floors("iam")`` has the first versions with IAM authentication, and likewise for the other
    features of an engine.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/supported-engine-versions.html
    """

    name: str
    version: str
    family: str = ""
    unlisted: bool = False

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
        """Refuse an engine that is not valid, and set the family."""
        if self.name not in _NAMES:
            raise ConfigurationError(
                got=f"Engine name {self.name!r}",
                allowed=f"ElastiCache runs {', '.join(_NAMES)}, in lower case",
                fix="Use one of the constants, for example Engine.VALKEY_8_2",
                rule="ENG-01",
            )
        check_kind("Engine", "version", self.version, Kind(of=str, example="'7.1'", literal=True, rule="ENG-06"))
        check_kind("Engine", "family", self.family, Kind(of=str, example="'redis7'", literal=True, rule="ENG-09"))
        self._check_form()
        self._check_offer()
        family = facts.parameter_family_of(self.name, self.version)
        if not self.family:
            object.__setattr__(self, "family", family.name if family else "")
        self._check_family()

    def _check_form(self) -> None:
        numbers = self.version.split(".")
        if not all(number.isdecimal() for number in numbers) or len(numbers) not in (2, 3):
            raise ConfigurationError(
                got=f"Engine version {self.version!r}",
                allowed="a version is two or three numbers with dots between them",
                fix="Use one of the constants, for example Engine.REDIS_7_1",
                rule="ENG-06",
            )
        form = facts.version_form(self.name, int(numbers[0]))
        if len(numbers) != len(form.split(".")):
            raise ConfigurationError(
                got=f"Engine version {self.version!r}",
                allowed=f"the service writes this version of {self.name} as {form}",
                fix=f"Use {'.'.join(numbers[:2])!r}"
                if form == "x.y"
                else f"Use one of {', '.join(facts.engine_versions(self.name))}",
                rule="ENG-06",
            )

    def _check_offer(self) -> None:
        offered = facts.engine_versions(self.name)
        if self.version not in offered and not self.unlisted:
            major = self.version.split(".")[0]
            rivals = (offered[0], *(each for each in offered if each.split(".")[0] == major))
            newer = f", or for a version that is newer than this package Engine({self.name!r}, {self.version!r}, "
            raise ConfigurationError(
                got=f"Engine {self}",
                allowed=f"new caches run {self.name} {', '.join(offered)}",
                fix=f"Use {facts.closest(self.version, offered) or offered[-1]!r}"
                + (f"{newer}unlisted=True)" if all(map(self.is_at_least, rivals)) else ""),
                rule=_VERSION_RULES[self.name],
            )

    def _check_family(self) -> None:
        known = facts.parameter_family(self.family)
        of_version = facts.parameter_family_of(self.name, self.version)
        if of_version is None and known is None and self.unlisted and self._is_family_of_major:
            return
        if of_version is None:
            raise ConfigurationError(
                got=f"Engine family {self.family!r} for {self}" if self.family else f"Engine {self} without its family",
                allowed="the parameter group family of a new major version must be given, as in "
                f"{self.name}{self.version.split('.')[0]}",
                fix="Add family=..., the one that DescribeCacheEngineVersions names for this version",
                rule="PGR-01",
            )
        if known != of_version:
            raise ConfigurationError(
                got=f"Engine family {self.family!r} for {self}",
                allowed=f"the parameter group family of {self} is {of_version.name}",
                fix="Leave the family out",
                rule="ENG-09",
            )

    @property
    def _is_family_of_major(self) -> bool:
        major = self.family.removeprefix(self.name).removesuffix(".x")
        return (
            self.family.startswith(self.name) and major[:1].isdecimal() and f"{self.version}.".startswith(f"{major}.")
        )

    def __str__(self) -> str:
        """The name and version, for messages."""
        return f"{self.name} {self.version}"

    @property
    def default_port(self) -> int:
        """6379 for Redis and Valkey, 11211 for Memcached."""
        return MEMCACHED_PORT if self.is_memcached else REDIS_PORT

    @property
    def is_serverless(self) -> bool:
        """Whether this is an engine of serverless caches; always false."""
        return False

    @property
    def is_memcached(self) -> bool:
        """Whether the engine is Memcached, which has clusters instead of replication groups."""
        return self.name == "memcached"

    def is_at_least(self, version: str) -> bool:
        """Whether the version is this one or newer."""
        return version_key(self.version) >= version_key(version)

    @property
    def standard_support_ends(self) -> dt.date | None:
        """The last day of AWS's standard support; ``None`` if no date has been announced."""
        known = facts.engine_version(self.name, self.version)
        return known.standard_support_ends if known else None

    @property
    def supports_user_groups(self) -> bool:
        """Whether it has role-based access control: users and user groups."""
        return facts.supports("user_groups", self.name, self.version)

    @property
    def supports_iam(self) -> bool:
        """Whether it has IAM authentication."""
        return facts.supports("iam", self.name, self.version)

    @property
    def supports_transit_encryption(self) -> bool:
        """Whether it has TLS."""
        return facts.supports("transit_encryption", self.name, self.version)

    @property
    def supports_transit_encryption_mode(self) -> bool:
        """Whether it has the choice between TLS ``preferred`` and ``required``."""
        return facts.supports("transit_encryption_mode", self.name, self.version)

    @property
    def supports_cluster_mode_migration(self) -> bool:
        """Whether cluster mode can be turned on in a running group."""
        return facts.supports("cluster_mode_migration", self.name, self.version)

    @property
    def supports_slow_log(self) -> bool:
        """Whether its slow log can be delivered."""
        return facts.supports("slow_log", self.name, self.version)

    @property
    def supports_engine_log(self) -> bool:
        """Whether its engine log can be delivered."""
        return facts.supports("engine_log", self.name, self.version)

    @property
    def supports_ipv6(self) -> bool:
        """Whether it has IPv6 and dual stack."""
        return facts.supports("ipv6", self.name, self.version)

    @property
    def supports_five_hundred_nodes(self) -> bool:
        """Whether a cluster can have 500 nodes instead of 250, after a quota increase."""
        return facts.supports("five_hundred_nodes", self.name, self.version)

    @property
    def supports_channels(self) -> bool:
        """Whether it has permissions on channels."""
        return facts.supports("acl_channels", self.name, self.version)

    @property
    def supports_selectors(self) -> bool:
        """Whether it has selectors, and read or write patterns, in permissions."""
        return facts.supports("acl_selectors", self.name, self.version)


Engine.REDIS_5_0_6 = Engine("redis", "5.0.6")
Engine.REDIS_6_2 = Engine("redis", "6.2")
Engine.REDIS_7_0 = Engine("redis", "7.0")
Engine.REDIS_7_1 = Engine("redis", "7.1")
Engine.VALKEY_7_2 = Engine("valkey", "7.2")
Engine.VALKEY_8_0 = Engine("valkey", "8.0")
Engine.VALKEY_8_1 = Engine("valkey", "8.1")
Engine.VALKEY_8_2 = Engine("valkey", "8.2")
Engine.VALKEY_9_0 = Engine("valkey", "9.0")
Engine.VALKEY_9_1 = Engine("valkey", "9.1")
Engine.MEMCACHED_1_6_12 = Engine("memcached", "1.6.12")
Engine.MEMCACHED_1_6_17 = Engine("memcached", "1.6.17")
Engine.MEMCACHED_1_6_22 = Engine("memcached", "1.6.22")
