"""User groups that a cache uses and does not make."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs import Construct

from elasticache_constructs.access.users import ExistingUser, User, is_iam
from elasticache_constructs.checks.argument_types import Kind, check_kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.features import check_feature
from elasticache_constructs.checks.locations import Place, differ, place_of
from elasticache_constructs.checks.tokens import is_unresolved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_secretsmanager as secretsmanager

    from elasticache_constructs.access.attached import AttachedCache
    from elasticache_constructs.values.engine import Engine
    from elasticache_constructs.values.serverless_engine import ServerlessEngine

_ID = r"(default\.)?[a-z][a-z0-9]*(-[a-z0-9]+)*"


class SharedUserGroup:
    """A user group that several caches may have."""

    user_group_id: str
    """The group's id."""

    reference: str
    """The id for the property of a cache, which makes CloudFormation wait for the group if the app makes it."""

    members: Sequence[User] | None
    """Its users, without the default user; ``None`` if they are not known."""

    is_iam_only: bool
    """Whether all of its users are known to log in through IAM."""

    secrets: Mapping[str, secretsmanager.ISecret]
    """The secrets of its users with a password, by user name."""

    @abstractmethod
    def check_engine(self, engine: Engine | ServerlessEngine) -> None:
        """Refuse an engine that does not take the group or one of its users.

        Raises:
            ConfigurationError: If it does not.
        """

    def attach(self, cache: AttachedCache) -> None:
        """Note a cache that the group is attached to."""


@dataclass(frozen=True, slots=True)
class ExistingUserGroup(SharedUserGroup):
    """A user group that exists outside the app, to attach to caches. Nothing about it is changed.

    Args:
        user_group_id: Its id. That of AWS's own group of IAM users is ``default.iam-user-group``.
        users: Its users, as far as applications log in as them. Default: not known; then `grant_connect` and
            ``connection_settings`` take any IAM user.
        is_valkey: Whether it is of engine valkey, which Redis does not take. Default: of engine redis.

    Raises:
        ConfigurationError: If the id is not one of a user group.
    """

    user_group_id: str
    users: Sequence[ExistingUser] | None = None
    is_valkey: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no id of a user group."""
        check_kind("ExistingUserGroup", "user_group_id", self.user_group_id, Kind(of=str, example="'shop-users'"))
        if self.users is not None:
            kind = Kind(of=ExistingUser, example="[ExistingUser.iam('orders-app')]", secret=True)
            object.__setattr__(self, "users", checked_list("ExistingUserGroup", "users", self.users, kind))
        if not is_unresolved(self.user_group_id) and not re.fullmatch(_ID, self.user_group_id):
            raise ConfigurationError(
                got=f"ExistingUserGroup({self.user_group_id!r})",
                allowed="the id of a user group begins with a letter and has lower-case letters, digits and single "
                "hyphens",
                fix="Use the id that DescribeUserGroups shows",
                rule="NAM-06",
            )

    @property
    def reference(self) -> str:  # type: ignore[override] # read only
        """The id."""
        return self.user_group_id

    @property
    def members(self) -> Sequence[User] | None:  # type: ignore[override] # read only
        """The users that are known."""
        return self.users

    @property
    def is_iam_only(self) -> bool:  # type: ignore[override] # read only
        """Whether all of its users are known to log in through IAM; those of AWS's own group do."""
        if self.user_group_id == "default.iam-user-group":
            return True
        return bool(self.users) and all(map(is_iam, self.users or ()))

    @property
    def secrets(self) -> Mapping[str, secretsmanager.ISecret]:  # type: ignore[override] # read only
        """The secrets that are known."""
        return {each.name: each.secret for each in self.users or () if each.secret is not None}

    def check_engine(self, engine: Engine | ServerlessEngine) -> None:
        """Refuse an engine without user groups, Redis for a group of Valkey, and IAM users on an old engine.

        Raises:
            ConfigurationError: If the service would refuse the group.
        """
        got = f"ExistingUserGroup({self.user_group_id!r}) on {engine}"
        check_feature(engine, "user_groups", got=got, fix="Use a newer engine, or Access.auth_token()", rule="RBC-02")
        check_group_engine(is_valkey=self.is_valkey, engine=engine, got=got)
        if any(map(is_iam, self.users or ())):
            check_feature(engine, "iam", got=f"{got} with an IAM user", fix="Use a newer engine", rule="IAM-01")


def check_group_engine(*, is_valkey: bool, engine: Engine | ServerlessEngine, got: str) -> None:
    """Refuse a user group of engine valkey on Redis.

    Raises:
        ConfigurationError: If it is one.
    """
    if is_valkey and engine.name == "redis":
        raise ConfigurationError(
            got=got,
            allowed="Redis takes user groups of engine redis only",
            fix="Use Valkey, or a user group of engine redis: Access.users(default=DefaultUser.disabled(), ...)",
            rule="RBC-07",
        )


def check_place_of_group(group: SharedUserGroup, cache: Construct) -> None:
    """Refuse a group of another account or Region, whose id the CDK would carry over to no avail.

    Args:
        group: A user group. What is known of one that exists outside the app is its id alone.
        cache: The cache that it is attached to.

    Raises:
        ConfigurationError: If it is.
    """
    if not isinstance(group, Construct):
        return
    for kind, theirs, ours in zip(Place._fields, place_of(group), place_of(cache), strict=True):
        if differ(theirs, ours):
            raise ConfigurationError(
                got=f"Access.user_group with a UserGroup of the {kind} {theirs} for a cache in {ours}",
                allowed=f"a user group is in the {kind} of the caches that have it",
                fix="Make a UserGroup in the stack of the cache, with users of the same names",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html",
            )
