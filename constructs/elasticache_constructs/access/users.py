"""Users of a cache, as values. The cache creates their resources."""

from __future__ import annotations

import re
from dataclasses import dataclass

from elasticache_constructs.access.permissions import Permissions
from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.tokens import is_unresolved

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
class DefaultUser:
    """The identity of clients that send only a token (``AUTH <token>``), or do not authenticate.

    Every user group has one. If it is not set here, the service's own default user needs no password.
    """

    permissions: Permissions | None = None

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
