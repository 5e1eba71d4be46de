"""What a serverless cache is to be, checked as a whole before anything is constructed."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import Fn

from elasticache_constructs.access import Access
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.shared.monitoring.table import CacheKind, CacheProfile
from elasticache_constructs.shared.settings import CacheSettings, Setting
from elasticache_constructs.values.backups import Backups
from elasticache_constructs.values.existing import PAGE, ExistingServerlessCache
from elasticache_constructs.values.name import Name, check_name
from elasticache_constructs.values.network_type import NetworkType
from elasticache_constructs.values.restore import Snapshot
from elasticache_constructs.values.serverless_engine import ServerlessEngine
from elasticache_constructs.values.serverless_limits import ServerlessLimits
from elasticache_rules import facts

LONGEST_NAME = 40
_FIRST_PUBLIC_VALKEY = 9
_LONGEST_DESCRIPTION = facts.limit("description_characters").maximum


def _snapshot_time(cache: ServerlessCacheSettings) -> str:
    window = cache.backups.window
    return str(Fn.select(0, Fn.split("-", window))) if is_unresolved(window) else window.split("-")[0]


def _check_access(cache: ServerlessCacheSettings) -> None:
    if cache.engine.is_memcached and cache.access is not None:
        raise ConfigurationError(
            got=f"ServerlessCache(engine={cache.engine}, access=...)",
            allowed="Memcached has no logins: only its security groups and TLS protect it",
            fix="Leave access out",
            rule="SLS-11",
        )
    if not cache.engine.is_memcached and cache.access is None:
        raise ConfigurationError(
            got=f"ServerlessCache(engine={cache.engine}) without access",
            allowed="a Valkey or Redis cache needs a user; without, any client that reaches it can use it",
            fix="Use Access.users(default=DefaultUser.disabled(), users=[IamUser(...)])",
            rule="SLS-12",
        )
    if cache.access is not None and cache.access.is_auth_token:
        raise ConfigurationError(
            got="ServerlessCache(access=Access.auth_token())",
            allowed="a serverless cache itself has no AuthToken",
            fix="Use Access.users(...); DefaultUser.with_token() allows clients that know only a token",
            rule="AUT-15",
        )
    if cache.access is not None:
        cache.access.check_engine(cache.engine)


def _check_restore(cache: ServerlessCacheSettings) -> None:
    snapshot = cache.restore_from
    if snapshot is None:
        return
    if snapshot.files:
        raise ConfigurationError(
            got="ServerlessCache(restore_from=Snapshot.rdb_files(...))",
            allowed="a serverless cache is restored from a snapshot; AWS documents no way from files",
            fix="Load the files into a ReplicationGroup, take a snapshot of it, and use Snapshot.named('...')",
            rule="SNP-20",
        )
    if cache.engine.is_memcached and not snapshot.is_serverless:
        raise ConfigurationError(
            got=f"ServerlessCache(engine={cache.engine}, restore_from=Snapshot.named({snapshot.name!r}))",
            allowed="a serverless cache of Memcached is restored from a snapshot of another one; clusters of nodes "
            "have no snapshots",
            fix="Use Snapshot.of_serverless_cache('...')",
            rule="SNP-20",
        )


def _check_existing(cache: ServerlessCacheSettings) -> None:
    if cache.existing is None:
        return
    with reported_together() as check:
        if cache.restore_from is not None:
            check(_refuse_restore)
        check(_check_existing_place, cache.existing, is_public=cache.public_endpoint_reason is not None)


def _refuse_restore() -> None:
    raise ConfigurationError(
        got="ServerlessCache(existing=..., restore_from=...)",
        allowed="a cache that exists is not restored",
        fix="Leave restore_from out",
        page=PAGE,
    )


def _check_existing_place(existing: ExistingServerlessCache, *, is_public: bool) -> None:
    of_vpc = [name for name in ("subnet_ids", "security_group_ids") if getattr(existing, name) is not None]
    if is_public and of_vpc:
        raise ConfigurationError(
            got=f"ServerlessCache(public_endpoint_reason=...) with {' and '.join(of_vpc)} of existing",
            allowed="a cache with a public endpoint is in no VPC",
            fix=f"Leave {' and '.join(of_vpc)} out, or leave public_endpoint_reason out",
            rule="SLS-09",
        )
    if not is_public and existing.subnet_ids is None:
        raise ConfigurationError(
            got="ServerlessCache(existing=...) without subnet_ids",
            allowed="a cache in a VPC stays in the subnets that it has",
            fix="Add subnet_ids=[...] to ExistingServerlessCache; if its ConnectionType is public, add "
            "public_endpoint_reason='...'",
            rule="SLS-07",
        )


def _check_discovery(cache: ServerlessCacheSettings) -> None:
    if (
        cache.network_type.needs_ipv6
        and cache.network_type.ip_discovery == "ipv6"
        and cache.network_type.name != "ipv6"
    ):
        raise ConfigurationError(
            got="ServerlessCache(network_type=NetworkType.dual_stack(ip_discovery='ipv6'))",
            allowed="clients of a serverless cache are told a name, and there is no choice of its addresses",
            fix="Use NetworkType.dual_stack(), or NetworkType.IPV6",
            rule="NET-16",
        )


def _check_public_endpoint(cache: ServerlessCacheSettings) -> None:
    if cache.public_endpoint_reason is None:
        return
    checked_reason(cache.public_endpoint_reason, what="ServerlessCache(public_endpoint_reason=...)")
    with reported_together() as check:
        check(_check_public_engine, cache.engine)
        check(_check_public_access, cache.access)
        check(_check_public_network_type, cache.network_type)


def _check_public_engine(engine: ServerlessEngine) -> None:
    major = engine.major_version.partition(".")[0]
    if engine.name != "valkey" or (major.isdecimal() and int(major) < _FIRST_PUBLIC_VALKEY):
        raise ConfigurationError(
            got=f"ServerlessCache(engine={engine}, public_endpoint_reason=...)",
            allowed=f"caches with a public endpoint run at least Valkey {_FIRST_PUBLIC_VALKEY}",
            fix="Use engine=ServerlessEngine.VALKEY_9, or leave public_endpoint_reason out",
            rule="SLS-09",
        )


def _check_public_access(access: Access | None) -> None:
    if access is None or not access.is_iam_only:
        raise ConfigurationError(
            got="ServerlessCache(public_endpoint_reason=...) with users that do not all log in through IAM",
            allowed="every user of a cache with a public endpoint logs in through IAM, and no default user can",
            fix="Use Access.users(default=DefaultUser.absent(), users=[IamUser(...)])",
            rule="SLS-10",
        )


def _check_public_network_type(network_type: NetworkType) -> None:
    if network_type.needs_ipv6:
        raise ConfigurationError(
            got=f"ServerlessCache(network_type={network_type.name}, public_endpoint_reason=...)",
            allowed="IPv6 needs subnets that have it, and a cache with a public endpoint has no subnets",
            fix="Leave network_type out",
            rule="SLS-09",
        )


def _check_description(cache: ServerlessCacheSettings) -> None:
    text = cache.description
    if not is_unresolved(text) and (len(text) > _LONGEST_DESCRIPTION or "<" in text or ">" in text):
        raise ConfigurationError(
            got=f"a description of {len(text)} characters"
            if len(text) > _LONGEST_DESCRIPTION
            else f"the description {text!r}",
            allowed=f"that of a serverless cache has {_LONGEST_DESCRIPTION} at most, and neither < nor >",
            fix="Shorten it, or leave the signs out",
            rule="NAM-17",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerlessCacheSettings(CacheSettings):
    """Everything about a serverless cache that is not another resource.

    Raises:
        ConfigurationError: If the service would refuse it; with all mistakes, if there are several.
    """

    CONSTRUCT = "ServerlessCache"

    engine: ServerlessEngine = field(
        default=ServerlessEngine.VALKEY_8,
        metadata=Setting(
            l1={
                "engine": lambda cache: cache.engine.name,
                "major_engine_version": lambda cache: cache.engine.major_version,
            },
            example="ServerlessEngine.VALKEY_8",
            rule="SLS-01",
        ),
    )
    limits: ServerlessLimits = field(
        metadata=Setting(
            l1={"cache_usage_limits": lambda cache: cache.limits.usage_limits()},
            example="ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000)",
            rule="SLS-04",
        )
    )
    access: Access | None = field(
        default=None,
        metadata=Setting(
            made_by_construct=("user_group_id",),
            example="Access.users(default=DefaultUser.disabled(), users=[...])",
            check=_check_access,
            secret=True,
        ),
    )
    name: Name | None = field(
        default=None,
        metadata=Setting(
            made_by_construct=("serverless_cache_name",),
            example="Name('orders', reason='...')",
            check=lambda cache: check_name(cache, longest=LONGEST_NAME, rule="NAM-09"),
            rule="NAM-09",
        ),
    )
    description: str = field(
        metadata=Setting(
            l1="description", example="'Sessions of the shop'", check=_check_description, rule="NAM-17", free=True
        )
    )
    backups: Backups = field(
        default_factory=Backups,
        metadata=Setting(
            l1={
                "snapshot_retention_limit": lambda cache: (
                    0 if cache.existing and cache.existing.no_backups_reason else cache.backups.retention_days
                ),
                "daily_snapshot_time": _snapshot_time,
            },
            example="Backups(retention_days=35)",
            rule="SNP-01",
        ),
    )
    restore_from: Snapshot | None = field(
        default=None,
        metadata=Setting(
            made_by_construct=("snapshot_arns_to_restore",),
            example="Snapshot.of_serverless_cache('nightly')",
            check=_check_restore,
            rule="SNP-20",
        ),
    )
    network_type: NetworkType = field(
        default=NetworkType.IPV4,
        metadata=Setting(
            l1={"network_type": lambda cache: cache.network_type.name if cache.network_type.needs_ipv6 else None},
            example="NetworkType.IPV4",
            check=_check_discovery,
            rule="NET-13",
        ),
    )
    existing: ExistingServerlessCache | None = field(
        default=None,
        metadata=Setting(
            made_by_construct=("serverless_cache_name", "subnet_ids", "kms_key_id", "security_group_ids"),
            example="ExistingServerlessCache(serverless_cache_name='pages-2025', ...)",
            check=_check_existing,
        ),
    )

    public_endpoint_reason: str | None = field(
        default=None,
        metadata=Setting(
            l1={"connection_type": lambda cache: None if cache.public_endpoint_reason is None else "public"},
            check=_check_public_endpoint,
        ),
    )

    def profile(self) -> CacheProfile:
        """What its alarms follow from."""
        return CacheProfile(
            kind=CacheKind.SERVERLESS,
            engine=self.engine.name,
            has_users=self.access is not None and self.access.has_users,
            has_iam_users=self.access is not None and self.access.has_iam_users,
            maximum_storage_gb=self.limits.maximum_storage_gb,
            maximum_ecpu_per_second=self.limits.maximum_ecpu_per_second,
        )
