"""What policy packs say of a replication group that is right as it is, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_constructs.checks.situations import Situation
from elasticache_constructs.checks.tokens import is_token
from elasticache_constructs.values.ports import PORT_LATER, REDIS_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_constructs.replication_group.settings import ReplicationGroupSettings

_USUAL_PORT = (
    "Access is by security group, TLS and login, not by an obscure port; clients, tools and runbooks expect 6379. "
    "Another port can be chosen: ReplicationGroup(port=...)."
)
_HAS_USERS = (
    "The service takes users or an AuthToken, never both. This group has users, and its default user has a generated "
    "token or is disabled (AmazonElastiCache/latest/dg/Clusters.RBAC.html)."
)
_HAS_ONE_SHARED_LOGIN = (
    "The service takes users or an AuthToken, never both. This group has a generated AuthToken because "
    "Access.auth_token() was asked for."
)
_RETENTION_LATER = (
    "How long backups are kept is known at deployment only, where no rule reads it: who deploys names 15 to 35 days."
)
_OF_THE_PRIMARY = (
    "It is a secondary of a global datastore: the service takes this from the primary, and refuses to be told "
    "(GDS-04). The primary is judged in its own stack."
)
_AFTER_THE_UPGRADE = (
    "The service checks a deployment against the engine that runs, which does not know this yet: it comes with the "
    "deployment after the upgrade (docs/runbooks/engine-upgrade.md)."
)


def findings(settings: ReplicationGroupSettings) -> dict[Situation, str | None]:
    """The situations that a group is in, each with its reason. Rules of Control Tower do not know Valkey."""
    return {
        **_always(settings),
        **_known_later(settings),
        **_after_the_upgrade(settings),
        **_relaxed(settings),
        **_without_logs(settings),
        **_existing(settings),
        **settings.relaxed(),
    }


def _always(settings: ReplicationGroupSettings) -> dict[Situation, str | None]:
    engine, access, backups = settings.engine, settings.access, settings.backups
    is_redis = engine.name == "redis"
    has_one_login = is_redis and access.is_auth_token and engine.supports_user_groups
    return {
        # AEC5 does not know Valkey and is silent about it; a secondary states no engine and counts as Redis.
        Situation.CACHE_ON_DEFAULT_PORT: _USUAL_PORT
        if (is_redis or settings.is_secondary) and settings.port == REDIS_PORT
        else None,
        Situation.SECONDARY_OF_A_GLOBAL_DATASTORE: _OF_THE_PRIMARY if settings.is_secondary else None,
        Situation.GROUP_WITH_USERS: _HAS_USERS if access.has_users else None,
        Situation.REDIS_GROUP_WITHOUT_USERS: _HAS_ONE_SHARED_LOGIN if has_one_login else None,
        Situation.GROUP_WITH_SHORT_RETENTION: backups.short_retention_reason if backups.below_policy_floor else None,
    }


def _known_later(settings: ReplicationGroupSettings) -> dict[Situation, str | None]:
    """What the policies say of values that are CDK tokens, which they cannot read."""
    later: dict[Situation, str | None] = {}
    if is_token(settings.backups.retention_days):
        later[Situation.GROUP_WITHOUT_BACKUPS] = _RETENTION_LATER
    if is_token(settings.port):
        later[Situation.CACHE_ON_DEFAULT_PORT] = PORT_LATER
    return later


def _after_the_upgrade(settings: ReplicationGroupSettings) -> dict[Situation, str | None]:
    """What an upgrade leaves to the deployment after it."""
    return dict.fromkeys(_left_to_the_next(settings), _AFTER_THE_UPGRADE)


def _left_to_the_next(settings: ReplicationGroupSettings) -> Iterator[Situation]:
    new, running = settings.engine, settings.running
    if new.supports_transit_encryption_mode and not running.supports_transit_encryption_mode:
        yield Situation.GROUP_WITHOUT_REQUIRED_TLS
    if new.supports_slow_log and not running.supports_slow_log:
        yield Situation.GROUP_WITHOUT_SLOW_LOG
    if new.supports_engine_log and not running.supports_engine_log:
        yield Situation.GROUP_WITHOUT_ENGINE_LOG


def _existing(settings: ReplicationGroupSettings) -> dict[Situation, str | None]:
    """What an existing group is without, with the reason that was given."""
    kept = settings.existing
    if kept is None:
        return {}
    found: dict[Situation, str | None] = {}
    is_redis, at_rest = settings.engine.name == "redis", kept.encryption_at_rest
    found[Situation.CACHE_WITHOUT_CUSTOMER_KEY] = at_rest.reason
    if not at_rest.is_enabled:
        found[Situation.GROUP_WITHOUT_ENCRYPTION_AT_REST] = at_rest.reason
        found[Situation.REDIS_GROUP_WITHOUT_ENCRYPTION_AT_REST] = at_rest.reason if is_redis else None
    found[Situation.GROUP_WITHOUT_BACKUPS] = kept.no_backups_reason
    found[Situation.GROUP_WITHOUT_FAILOVER] = kept.no_multi_az_reason
    return {situation: reason for situation, reason in found.items() if reason is not None}


def _without_logs(settings: ReplicationGroupSettings) -> dict[Situation, str | None]:
    """The logs that the engine has and that are not delivered, with the reason that was given."""
    of_engine = {
        "slow-log": (Situation.GROUP_WITHOUT_SLOW_LOG, settings.engine.supports_slow_log),
        "engine-log": (Situation.GROUP_WITHOUT_ENGINE_LOG, settings.engine.supports_engine_log),
    }
    found = {kind: settings.log_delivery.log(kind).disabled_reason for kind in of_engine}
    return {of_engine[kind][0]: reason for kind, reason in found.items() if reason is not None and of_engine[kind][1]}


def _relaxed(settings: ReplicationGroupSettings) -> dict[Situation, str | None]:
    """What a group on its way to what the policies ask for relaxes, with the reason that was given."""
    engine, transit = settings.engine, settings.transit_encryption
    no_login, no_failover = settings.access.without_login_reason, settings.topology.no_failover_reason
    is_redis = engine.name == "redis"
    relaxed: dict[Situation, str | None] = {}
    if transit.reason is not None:
        if transit.mode is None:
            relaxed[Situation.GROUP_WITHOUT_TLS] = transit.reason
            relaxed[Situation.REDIS_GROUP_WITHOUT_TLS] = transit.reason if is_redis else None
        if engine.supports_transit_encryption_mode:
            relaxed[Situation.GROUP_WITHOUT_REQUIRED_TLS] = transit.reason
    if no_login is not None:
        relaxed[Situation.GROUP_WITHOUT_LOGIN] = no_login
        if is_redis and engine.supports_user_groups:
            relaxed[Situation.REDIS_GROUP_WITHOUT_USERS] = no_login
        elif is_redis:
            relaxed[Situation.REDIS_GROUP_WITHOUT_AUTH_TOKEN] = no_login
    if no_failover is not None:
        relaxed[Situation.GROUP_WITHOUT_FAILOVER] = no_failover
        relaxed[Situation.REDIS_GROUP_WITHOUT_FAILOVER] = no_failover if is_redis else None
    return relaxed
