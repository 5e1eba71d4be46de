"""Users of a cache, as values: they become resources when a cache takes them in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aws_cdk import Token

from elasticache_constructs.access.permissions import Permissions
from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError

_PERMISSIONS = Kind(of=Permissions, example="Permissions.read_write('orders:*')", rule="RBC-10", secret=True)


@dataclass(frozen=True, slots=True)
class IamUser:
    """A user that logs in with a short-lived token signed by its IAM role; there is no password to keep.

    The role needs `ReplicationGroup.grant_connect`. Renaming the user replaces it.

    Args:
        name: Both its user id and its user name, since the service wants them equal for IAM. Unique in the account
            and region: give it a prefix, as in ``orders-prod-app``. AWS documents no longest one.
        permissions: What it may do.

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
    """A user that logs in with a password, which is generated into a secret of its own.

    Args:
        name: Its user name. Its user id is generated. Renaming the user replaces it.
        permissions: What it may do.

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
class DefaultUser:
    """Who a client is that sends ``AUTH <token>`` without a name, or nothing at all.

    Every cache with users has one: left to itself, the service lets it in without a password.
    """

    permissions: Permissions | None = None

    def __post_init__(self) -> None:
        """Refuse what are no permissions."""
        if self.permissions is not None:
            check_kind("DefaultUser", "permissions", self.permissions, _PERMISSIONS)

    @classmethod
    def with_token(cls, permissions: Permissions | None = None) -> DefaultUser:
        """A default user whose password is the generated AUTH token, so that any client of old gets in with it.

        Args:
            permissions: What it may do. Default: read and write every key, without administration.
        """
        return cls(permissions or Permissions.read_write("*"))

    @classmethod
    def disabled(cls) -> DefaultUser:
        """A default user that nobody can be."""
        return cls(None)


def _check_name(name: str, what: str) -> None:
    check_kind(what, "name", name, Kind(of=str, example="'orders-prod-app'", rule="NAM-05"))
    if Token.is_unresolved(name):
        raise ConfigurationError(
            got=f"{what} with a name that is known only when it is deployed",
            allowed="a user's name is part of construct ids, and is looked at before",
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
            allowed="the user named default is the one of clients that give no name, and is set apart",
            fix="Use Access.users(default=DefaultUser.with_token(), ...)",
            rule="IAM-03" if what == "IamUser" else "RBC-05",
        )


def _suggestion(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return slug if slug[:1].isalpha() else f"user-{slug}".rstrip("-")
