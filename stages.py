"""The stages that are deployed, and their differences: size, Availability Zones and retention, never security.

Most changes to what is deployed where are made here only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from application_constructs.database import DatabaseUser
from elasticache_constructs import (
    Access,
    AutoScaling,
    Backups,
    ConfigurationError,
    DefaultUser,
    Egress,
    Engine,
    IamUser,
    NodeType,
    Permissions,
    Subscribers,
    Topology,
)
from elasticache_constructs.checks.errors import reported_together
from elasticache_constructs.checks.locations import check_account_id, check_region_name
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.tags import check_tag

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """The VPC: its zones, named or counted, and how applications in it get out."""

    availability_zones: tuple[str, ...] | None = None
    max_azs: int | None = None
    cidr: str = "10.40.0.0/16"
    egress: Egress = Egress.ENDPOINTS


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """The Redis replication group. ``Engine.VALKEY_8_2`` in place of Redis is a change of one line."""

    engine: Engine = Engine.REDIS_7_1
    node_type: NodeType
    topology: Topology
    backups: Backups
    access: Access


@dataclass(frozen=True, slots=True, kw_only=True)
class MemcachedSettings:
    """The Memcached cluster, and the zone of each node where it is not that of the subnets in turn.

    With ``node_scaling`` the number of nodes is scaled, and ``nodes`` is the number that the cluster is made with.
    """

    engine: Engine = Engine.MEMCACHED_1_6_22
    node_type: NodeType
    nodes: int
    node_scaling: AutoScaling | None = None
    availability_zones: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """The PostgreSQL database: its size, and what a stage may do without."""

    instance_type: str
    users: tuple[DatabaseUser, ...]
    single_zone_reason: str | None = None
    unprotected_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSettings:
    """The reference applications: who each is in the cache, and the catalogue in the database."""

    catalogue: IamUser
    catalogue_database: DatabaseUser
    sessions: IamUser
    leaderboard: IamUser
    requests_per_second: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """One stage. Without an account or a region it can be deployed to any.

    Attributes:
        more_caches: Further caches, by a name that their stacks end with: ``cache-pages`` for ``pages``. Default: none.
        database: PostgreSQL. Default: none.
        workload: The reference applications, which need the database. Default: none of them.
        subscribers: Who is told of alarms and events. Default: no person, which synth warns of.
        tags: On every resource that takes them, but user groups, where a changed tag fails the stack. Default: none.
        ephemeral_reason: Why the data of the stage may be deleted with it, as in a preview: it leaves nothing behind.
            Default: caches and databases leave a final snapshot, and keys and logs are retained.
        no_reserved_concurrency_reason: Why no concurrency is reserved for functions. Default: it is reserved, 33
            executions with database and applications; Lambda keeps another 100 of the account's unreserved.
    """

    account: str | None = None
    region: str | None = None
    termination_protection: bool
    network: NetworkSettings
    redis: RedisSettings
    memcached: MemcachedSettings
    more_caches: Mapping[str, RedisSettings | MemcachedSettings] = field(default_factory=dict)
    database: DatabaseSettings | None = None
    workload: WorkloadSettings | None = None
    subscribers: Subscribers = field(default_factory=Subscribers)
    tags: Mapping[str, str] = field(default_factory=dict)
    ephemeral_reason: str | None = None
    no_reserved_concurrency_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse places that there are none of, tags that AWS does not take, and applications without a database."""
        with reported_together() as check:
            if self.account is not None:
                check(check_account_id, "account", self.account)
            if self.region is not None:
                check(check_region_name, "region", self.region)
            for name, value in self.tags.items():
                check(check_tag, name, value)
            for name in self.more_caches:
                check(_check_cache_name, name)
            check(self._check_database)
            check(self._check_ephemeral)

    def _check_database(self) -> None:
        if self.workload is not None and self.database is None:
            raise ConfigurationError(
                got="StageSettings(workload=..., database=None)",
                allowed="the catalogue keeps its products in the database",
                fix="Give the stage a database, or leave the workload out as well",
            )

    def _check_ephemeral(self) -> None:
        if self.ephemeral_reason is None:
            return
        checked_reason(self.ephemeral_reason, what="StageSettings(ephemeral_reason=...)")
        if self.termination_protection:
            raise ConfigurationError(
                got="StageSettings(termination_protection=True, ephemeral_reason=...)",
                allowed="what is protected keeps its data, and what is ephemeral loses them",
                fix="Use termination_protection=False, or leave ephemeral_reason out",
            )


_TAKEN = ("database", "memcached", "monitoring", "network", "notifications", "redis", "workload")


def _check_cache_name(name: str) -> None:
    if name in _TAKEN or not re.fullmatch(r"[a-z][a-z0-9]{0,19}", name):
        raise ConfigurationError(
            got=f"more_caches={{{name!r}: ...}}",
            allowed="a name begins with a letter, has lower-case letters and digits, 20 at most, and is that of no "
            f"stack of every stage: {', '.join(_TAKEN)}",
            fix="Name what the cache holds, for example 'pages'",
        )


_CATALOGUE = DatabaseUser("catalogue")
_NEW_ACCOUNT = "Lambda keeps 100 executions unreserved, and a new account has 10 in all until its quota is raised"
_MADE_UP = "The data of dev are made up again at every deployment of its catalogue"


def _workload(stage: str) -> WorkloadSettings:
    # The name of an IAM user is unique in an account and region, so it carries the stage.
    return WorkloadSettings(
        catalogue=IamUser(f"{stage}-catalogue", Permissions.read_write("catalogue:*")),
        catalogue_database=_CATALOGUE,
        sessions=IamUser(f"{stage}-sessions", Permissions.read_write("session:*")),
        leaderboard=IamUser(f"{stage}-leaderboard", Permissions.read_write("leaderboard:*")),
    )


def _access(stage: str) -> Access:
    application = IamUser(f"{stage}-application", Permissions.read_write("app:*"))
    users = _workload(stage)
    return Access.users(
        default=DefaultUser.with_token(), users=[application, users.catalogue, users.sessions, users.leaderboard]
    )


STAGES: dict[str, StageSettings] = {
    "dev": StageSettings(
        termination_protection=False,
        network=NetworkSettings(max_azs=2),
        redis=RedisSettings(
            node_type=NodeType("cache.t4g.small"),
            topology=Topology(shards=1, replicas_per_shard=1),
            backups=Backups(retention_days=15),
            access=_access("dev"),
        ),
        memcached=MemcachedSettings(node_type=NodeType("cache.t4g.small"), nodes=2),
        database=DatabaseSettings(
            instance_type="t4g.micro",
            users=(_CATALOGUE,),
            single_zone_reason=_MADE_UP,
            unprotected_reason=_MADE_UP,
        ),
        workload=_workload("dev"),
        no_reserved_concurrency_reason=_NEW_ACCOUNT,
    ),
    "prod": StageSettings(
        region="eu-west-1",
        termination_protection=True,
        network=NetworkSettings(availability_zones=("eu-west-1a", "eu-west-1b", "eu-west-1c")),
        redis=RedisSettings(
            node_type=NodeType("cache.r7g.large"),
            topology=Topology(shards=1, replicas_per_shard=2),
            backups=Backups(retention_days=35),
            access=_access("prod"),
        ),
        memcached=MemcachedSettings(node_type=NodeType("cache.r7g.large"), nodes=3),
        database=DatabaseSettings(instance_type="m7g.large", users=(_CATALOGUE,)),
        workload=_workload("prod"),
    ),
}


def selected_stages(name: str | None) -> dict[str, StageSettings]:
    """The stages to synthesise: the one named, or all.

    Raises:
        ConfigurationError: If no stage has that name.
    """
    if name is None:
        return STAGES
    if name not in STAGES:
        raise ConfigurationError(
            got=f"stage={name}",
            allowed=f"the stages in stages.py are {', '.join(STAGES)}",
            fix="Name one of them, or add a stage to stages.py",
        )
    return {name: STAGES[name]}
