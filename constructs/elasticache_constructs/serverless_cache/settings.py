"""What a serverless cache is to be, checked as a whole before anything is constructed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Fn, Token

from elasticache_constructs.access import Access
from elasticache_constructs.checks.argument_types import Kind, check_kinds
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.values.backups import Backups
from elasticache_constructs.values.network_type import NetworkType
from elasticache_constructs.values.serverless_engine import ServerlessEngine
from elasticache_constructs.values.serverless_limits import ServerlessLimits

_LONGEST_DESCRIPTION = 255
_GUIDE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg"
_KINDS = {
    "description": Kind(of=str, example="'Sessions of the shop'", free=True, rule="NAM-17"),
    "engine": Kind(of=ServerlessEngine, example="ServerlessEngine.VALKEY_8", rule="SLS-01"),
    "limits": Kind(
        of=ServerlessLimits,
        example="ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000)",
        rule="SLS-04",
    ),
    "access": Kind(of=Access | None, example="Access.users(default=DefaultUser.disabled(), users=[...])", secret=True),
    "backups": Kind(of=Backups, example="Backups(retention_days=35)", rule="SNP-01"),
    "network_type": Kind(of=NetworkType, example="NetworkType.IPV4", rule="NET-13"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerlessCacheSettings:
    """Everything about a serverless cache that is not another resource.

    Raises:
        ConfigurationError: When the service would refuse it; with all mistakes, where there are several.
    """

    description: str
    engine: ServerlessEngine
    limits: ServerlessLimits
    access: Access | None
    backups: Backups
    network_type: NetworkType

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        check_kinds("ServerlessCache", self, _KINDS)
        with reported_together() as check:
            check(self._check_access)
            check(self._check_description)
            check(self._check_discovery)

    def properties(self) -> dict[str, Any]:
        """The arguments of ``CfnServerlessCache`` that follow from the settings alone, without unset ones."""
        arguments: dict[str, Any] = {
            "description": self.description,
            "engine": self.engine.name,
            "major_engine_version": self.engine.major_version,
            "cache_usage_limits": self.limits.usage_limits(),
            "network_type": self.network_type.name if self.network_type.needs_ipv6 else None,
            "snapshot_retention_limit": self.backups.retention_days,
            "daily_snapshot_time": self._snapshot_time(),
        }
        return {name: value for name, value in arguments.items() if value is not None}

    def _snapshot_time(self) -> str:
        window = self.backups.window
        return str(Fn.select(0, Fn.split("-", window))) if Token.is_unresolved(window) else window.split("-")[0]

    def _check_access(self) -> None:
        if self.engine.is_memcached and self.access is not None:
            raise ConfigurationError(
                got=f"ServerlessCache(engine={self.engine}, access=...)",
                allowed="Memcached has no logins: its security groups and TLS are all that guard it",
                fix="Leave access out",
                page=f"{_GUIDE}/in-transit-encryption-mc.html",
                rule="SLS-11",
            )
        if not self.engine.is_memcached and self.access is None:
            raise ConfigurationError(
                got=f"ServerlessCache(engine={self.engine}) without access",
                allowed="somebody has to be named who may log in; else whoever reaches the cache is let in",
                fix="Use Access.users(default=DefaultUser.disabled(), users=[IamUser(...)])",
                page=f"{_GUIDE}/Clusters.RBAC.html",
                rule="SLS-12",
            )
        if self.access is not None and self.access.is_auth_token:
            raise ConfigurationError(
                got="ServerlessCache(access=Access.auth_token())",
                allowed="a serverless cache has no AuthToken of its own",
                fix="Use Access.users(...); DefaultUser.with_token() lets clients in that know a token only",
                page=f"{_GUIDE}/auth.html",
                rule="AUT-15",
            )
        if self.access is not None:
            self.access.check_engine(self.engine)

    def _check_discovery(self) -> None:
        if (
            self.network_type.needs_ipv6
            and self.network_type.ip_discovery == "ipv6"
            and self.network_type.name != "ipv6"
        ):
            raise ConfigurationError(
                got="ServerlessCache(network_type=NetworkType.dual_stack(ip_discovery='ipv6'))",
                allowed="clients of a serverless cache are told a name, and there is no choice of its addresses",
                fix="Use NetworkType.dual_stack(), or NetworkType.IPV6",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateServerlessCache.html",
                rule="NET-16",
            )

    def _check_description(self) -> None:
        text = self.description
        if not Token.is_unresolved(text) and (len(text) > _LONGEST_DESCRIPTION or "<" in text or ">" in text):
            raise ConfigurationError(
                got=f"a description of {len(text)} characters"
                if len(text) > _LONGEST_DESCRIPTION
                else f"the description {text!r}",
                allowed=f"that of a serverless cache has {_LONGEST_DESCRIPTION} at most, and neither < nor >",
                fix="Shorten it, or leave the signs out",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateServerlessCache.html",
                rule="NAM-17",
            )
