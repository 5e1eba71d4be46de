"""Users of a cache, as values. The cache creates their resources."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elasticache_constructs.access.permissions import Permissions
from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.tokens import is_unresolved

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import aws_secretsmanager as secretsmanager

    from elasticache_constructs.access.attached import AttachedCache

_PERMISSIONS = Kind(of=Permissions, example="Permissions.read_write('orders:*')", rule="RBC-10", secret=True)


@dataclass(frozen=True, slots=True)
class IamUser:
    """A user that logs in with a short-lived token signed by its IAM role. It has no password.

    The role needs `ReplicationGroup.grant_connect`. Renaming the user replaces it.

    Args:
        name: Both its user id and its user name, which must be equal for IAM authentication. Unique in the account and
            region: give it a prefix, as in ``orders-prod-app``. AWS documents no maximum length.
        permissions: Its permissions.

    Raises:
        ConfigurationError: If the name is not of lower-case letters, digits and single hyphens, or is ``default``.
    """

    name: str
    permissions: Permissions

    def __post_init__(self) -> None:
        """Refuse names that the service would."""
        _check_name(self.name, "IamUser")
        check_kind("IamUser", "permissions", self.permissions, _PERMISSIONS)


@dataclass(frozen=True, slots=True)
class PasswordUser:
    """A user that logs in with a password, which is generated into its own secret.

    Args:
        name: Its user name. Its user id is generated. Renaming the user replaces it.
        permissions: Its permissions.

    Raises:
        ConfigurationError: If the name is not of lower-case letters, digits and single hyphens, or is ``default``.
    """

    name: str
    permissions: Permissions

    def __post_init__(self) -> None:
        """Refuse names that the service would."""
        _check_name(self.name, "PasswordUser")
        check_kind("PasswordUser", "permissions", self.permissions, _PERMISSIONS)


@dataclass(frozen=True, slots=True)
class ExistingUser:
    """A user that this group does not make: one of another user group, or one that exists outside the app.

    Create one with `UserGroup.member`, `iam` or `with_password`. A user may be in several user groups. Its permissions
    and its password are changed where it is made, and changes reach every cache that it can log in to.
    """

    user_id: str
    name: str
    """The user name, which clients log in with."""
    is_iam: bool
    secret: secretsmanager.ISecret | None = field(default=None, repr=False)
    """Where its password is. ``None`` for IAM users, and if it is not known."""
    made: IamUser | PasswordUser | None = None
    """The user as its own group has it. ``None`` if it exists outside the app."""
    attach: Callable[[AttachedCache], None] | None = field(default=None, repr=False, compare=False)
    """Tells its own group of a cache that it can log in to."""

    def __post_init__(self) -> None:
        """Refuse ids and names that no user has."""
        kind = Kind(of=str, example="'orders-prod-app'", rule="NAM-05")
        check_kind("ExistingUser", "user_id", self.user_id, kind)
        check_kind("ExistingUser", "name", self.name, Kind(of=str, example="'app'", rule="NAM-05", literal=True))
        if not is_unresolved(self.user_id) and not re.fullmatch(
            r"(default\.)?[a-z][a-z0-9]*(-[a-z0-9]+)*", self.user_id
        ):
            raise ConfigurationError(
                got=f"ExistingUser with the id {self.user_id!r}",
                allowed="a user id begins with a letter and has lower-case letters, digits and single hyphens",
                fix="Use the id that DescribeUsers shows",
                rule="NAM-05",
            )

    @classmethod
    def iam(cls, name: str) -> ExistingUser:
        """A user that logs in through IAM.

        Args:
            name: Its user id, which is its user name as well.

        Raises:
            ConfigurationError: If no user can have the id.
        """
        return cls(name, name, is_iam=True)

    @classmethod
    def with_password(cls, user_id: str, *, name: str, secret: secretsmanager.ISecret | None = None) -> ExistingUser:
        """A user that logs in with a password, which is rotated where the user is made.

        Args:
            user_id: Its user id.
            name: Its user name.
            secret: The secret with ``{"username": ..., "password": ...}``, for ``connection_settings``. Default: not
                known.

        Raises:
            ConfigurationError: If no user can have the id.
        """
        return cls(user_id, name, is_iam=False, secret=secret)

    @property
    def permissions(self) -> Permissions | None:
        """Its permissions; ``None`` if it exists outside the app."""
        return None if self.made is None else self.made.permissions


User = IamUser | PasswordUser | ExistingUser
"""A member of a user group."""


def is_iam(user: User) -> bool:
    """Whether a user logs in through IAM."""
    return isinstance(user, IamUser) or (isinstance(user, ExistingUser) and user.is_iam)


@dataclass(frozen=True, slots=True)
class DefaultUser:
    """The identity of clients that send only a token (``AUTH <token>``), or do not authenticate.

    Every user group of Redis has one, and one of Valkey may do without. If it is not set here, the service's own
    default user needs no password.
    """

    permissions: Permissions | None = None
    is_absent: bool = False
    """Whether the user group has no such user."""

    def __post_init__(self) -> None:
        """Refuse a value that is not a `Permissions`."""
        if self.permissions is not None:
            check_kind("DefaultUser", "permissions", self.permissions, _PERMISSIONS)

    @classmethod
    def with_token(cls, permissions: Permissions | None = None) -> DefaultUser:
        """A default user with a generated AUTH token, so that legacy clients, which know only a token, can connect.

        Args:
            permissions: Its permissions. Default: read and write every key, without administration.
        """
        return cls(permissions or Permissions.read_write("*"))

    @classmethod
    def disabled(cls) -> DefaultUser:
        """A disabled default user: no client can log in as ``default``."""
        return cls(None)

    @classmethod
    def absent(cls) -> DefaultUser:
        """No default user at all: the group is of engine valkey, and no client logs in as ``default``.

        For caches whose users must all log in through IAM, which no default user can: serverless caches with a public
        endpoint. It needs Valkey. On a running cache the engine of the user group changes from redis to valkey, in
        place, and there is no way back to Redis.
        """
        return cls(None, is_absent=True)


def _check_name(name: str, what: str) -> None:
    check_kind(what, "name", name, Kind(of=str, example="'orders-prod-app'", rule="NAM-05"))
    if is_unresolved(name):
        raise ConfigurationError(
            got=f"{what} with a name that is known only when it is deployed",
            allowed="a user's name is part of construct ids, which are needed at synth",
            fix="Write it out, as in 'orders-prod-app'",
            rule="NAM-05",
        )
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigurationError(
            got=f"{what}({name!r})",
            allowed="a name begins with a letter and has lower-case letters, digits and single hyphens",
            fix=f"Use {_suggestion(name)!r}",
            rule="NAM-05",
        )
    if name == "default":
        raise ConfigurationError(
            got=f"{what}('default')",
            allowed="the user named default is for clients that give no name, and is configured separately",
            fix="Use Access.users(default=DefaultUser.with_token(), ...)",
            rule="IAM-03" if what == "IamUser" else "RBC-05",
        )


def _suggestion(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return slug if slug[:1].isalpha() else f"user-{slug}".rstrip("-")
