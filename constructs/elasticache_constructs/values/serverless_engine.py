"""Engines of serverless caches: a major version, of which the service chooses the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.values.ports import MEMCACHED_PORT, REDIS_PORT
from elasticache_rules import facts

# Also of a longer version, which the next check refuses in its own words.
_MAJOR = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class ServerlessEngine:
    """An engine and its major version. Use the constants, such as ``ServerlessEngine.VALKEY_8``.

    A newer major version upgrades the cache in place; the service refuses an older one. Redis is upgraded to Valkey in
    place too. A change to or from Memcached is not possible.

    Args:
        name: Engine name: ``redis``, ``valkey`` or ``memcached``.
        major_version: Major version as AWS writes it: ``8``, ``1.6``.
        unlisted: Whether to accept a version that is newer than this package. Default: refused.

    Raises:
        ConfigurationError: If ElastiCache does not offer the engine or the version.
    """

    name: str
    major_version: str
    unlisted: bool = False

    VALKEY_7: ClassVar[ServerlessEngine]
    VALKEY_8: ClassVar[ServerlessEngine]
    VALKEY_9: ClassVar[ServerlessEngine]
    REDIS_7: ClassVar[ServerlessEngine]
    MEMCACHED_1_6: ClassVar[ServerlessEngine]

    def __post_init__(self) -> None:
        """Refuse what the service does not offer."""
        check_kind("ServerlessEngine", "name", self.name, Kind(of=str, example="'valkey'", literal=True, rule="SLS-01"))
        check_kind(
            "ServerlessEngine",
            "major_version",
            self.major_version,
            Kind(of=str, example="'8'", literal=True, rule="SLS-01"),
        )
        offered = facts.serverless_majors(self.name)
        if not offered:
            raise ConfigurationError(
                got=f"ServerlessEngine({self.name!r}, ...)",
                allowed="serverless caches run redis, valkey or memcached, in lower case",
                fix="Use one of the constants, for example ServerlessEngine.VALKEY_8",
                rule="SLS-01",
            )
        if not _MAJOR.fullmatch(self.major_version):
            raise ConfigurationError(
                got=f"ServerlessEngine({self.name!r}, {self.major_version!r})",
                allowed="a major version is a number, or two with a dot",
                fix=f"Use {offered[-1]!r}",
                rule="SLS-26" if self.name == "redis" else "SLS-01",
            )
        if self.major_version not in offered and not self.unlisted:
            major = self.major_version.split(".")[0]
            raise ConfigurationError(
                got=f"ServerlessEngine({self.name!r}, {self.major_version!r})",
                allowed=f"new serverless caches run {self.name} {', '.join(offered)}",
                fix=f"Use {major!r}: the service chooses the rest"
                if major in offered
                else f"Use {offered[-1]!r}, or for a version that is newer than this package "
                f"ServerlessEngine({self.name!r}, {self.major_version!r}, unlisted=True)",
                rule="SLS-26" if self.name == "redis" else "SLS-01",
            )

    def __str__(self) -> str:
        """The name and version, for messages."""
        return f"{self.name} {self.major_version}"

    @property
    def version(self) -> str:
        """The newest version of this major version. The service chooses which one a cache runs."""
        return facts.newest_of(self.name, self.major_version)

    @property
    def is_serverless(self) -> bool:
        """Whether this is an engine of serverless caches, which have no search; always true."""
        return True

    @property
    def is_memcached(self) -> bool:
        """Whether the engine is Memcached, which has no users."""
        return self.name == "memcached"

    @property
    def ports(self) -> tuple[int, int]:
        """The two ports of a cache: for reads and writes, and for eventually consistent reads."""
        port = MEMCACHED_PORT if self.is_memcached else REDIS_PORT
        return port, port + 1


ServerlessEngine.VALKEY_7 = ServerlessEngine("valkey", "7")
ServerlessEngine.VALKEY_8 = ServerlessEngine("valkey", "8")
ServerlessEngine.VALKEY_9 = ServerlessEngine("valkey", "9")
ServerlessEngine.REDIS_7 = ServerlessEngine("redis", "7")
ServerlessEngine.MEMCACHED_1_6 = ServerlessEngine("memcached", "1.6")
