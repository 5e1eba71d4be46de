"""Logins to a cache and their connection settings, for replication groups and serverless caches."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, cast

from aws_cdk import ArnFormat

from elasticache_constructs.access.users import ExistingUser, IamUser, User, is_iam
from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.locations import stack_of
from elasticache_constructs.shared.grants import grant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_secretsmanager as secretsmanager
    from constructs import Construct

    from elasticache_constructs.access.access import Access
    from elasticache_constructs.access.resources import GeneratedPassword

_IAM_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html"
_USER = Kind(of=User, example="one of the users that the cache was given", secret=True)


class Logins:
    """The logins of a cache of any type."""

    _engine_name: str
    _access: Access | None = None
    """``None`` if it is not known, and for Memcached, which has no logins."""
    _passwords: Mapping[str, GeneratedPassword] = {}
    _is_imported = False
    _noun = "cache"

    def grant_connect(self, grantee: iam.IGrantable, user: IamUser | ExistingUser) -> iam.Grant:
        """Allow a role to log in as an IAM user of the cache.

        IAM must allow ``elasticache:Connect`` on the cache and on the user; this grants both. The user's permissions
        decide what the role may do after the login. For network access, see ``connections``.

        Args:
            grantee: A role, or a function or other resource with a role, of the cache's own account.
            user: One of the cache's users. For an imported cache, any IAM user.

        Raises:
            ConfigurationError: If the cache has no such user, or no policy of the app could hold the permission.

        See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
        """
        self._check_user(user)
        if not is_iam(user):
            raise ConfigurationError(
                got=f"grant_connect for {type(user).__name__}({user.name!r})",
                allowed="IAM authentication is for IAM users; a user with a password logs in with its secret",
                fix=f"Use secret({user.name!r}).grant_read(role), or make it an IamUser",
                rule="IAM-01",
            )
        return grant(
            "grant_connect",
            grantee,
            of=self._scope,
            actions=["elasticache:Connect"],
            resource_arns=[self._cache_arn, self._arn("user", user.name)],
        )

    def connection_settings(self, user: User | None = None) -> dict[str, str]:
        """Environment variables for a function or container that connects to the cache.

        ``elasticache_client.connect()`` reads them. They hold no secret: for a user with a password they name its
        secret, which the application's role must be allowed to read.

        Args:
            user: One of the cache's users. For an imported cache, any IAM user. Default: the user with the AUTH token;
                no user if the cache has no authentication, as for Memcached.

        Raises:
            ConfigurationError: If the cache has no such user.
        """
        if user is not None:
            self._check_user(user)
        if user is not None and is_iam(user):
            return self._variables(iam_user=user.name)
        if user is None and self._is_open:
            return self._variables()
        name = "default" if user is None else user.name
        return self._variables(secret_user=name, secret_arn=self._secret(name).secret_arn)

    @property
    def _is_open(self) -> bool:
        return self._engine_name == "memcached" or (
            self._access is not None and self._access.without_login_reason is not None
        )

    def _secret(self, user_name: str) -> secretsmanager.ISecret:
        known = self._secrets()
        if user_name in known:
            return known[user_name]
        if self._is_imported:
            raise ConfigurationError(
                got=f"connection_settings of an imported {self._noun} for {user_name!r}, a user with a password",
                allowed=f"the secrets of an imported {self._noun} are not known",
                fix="Name an IamUser",
            )
        raise ConfigurationError(
            got=f"secret({user_name!r})",
            allowed=f"the users with a secret are {', '.join(map(repr, known)) or 'none'}",
            fix="IAM users need none: use grant_connect. For the AUTH token use DefaultUser.with_token()",
        )

    def _secrets(self) -> Mapping[str, secretsmanager.ISecret]:
        """The secrets of the cache's users, by user name."""
        own = {name: each.secret for name, each in self._passwords.items()}
        if self._access is None:
            return own
        if self._access.group is not None:
            return self._access.group.secrets
        existing = {each.name: each.secret for each in self._access.named if isinstance(each, ExistingUser)}
        return {**{name: secret for name, secret in existing.items() if secret is not None}, **own}

    def _check_user(self, user: User) -> None:
        check_kind("", "user", user, _USER)
        if self._engine_name == "memcached":
            raise ConfigurationError(
                got=f"{type(user).__name__}({user.name!r}) on Memcached",
                allowed="Memcached has no logins: any client with network access can use it",
                fix="Leave the user out, and let clients join client_security_group",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-mc.html",
            )
        members = self._access.members if self._access else ()
        if self._is_imported or (members is None and is_iam(user)):
            return
        known = [each for each in members or () if is_iam(each) == is_iam(user)]
        if not any(_is_same(each, user) for each in known):
            names = ", ".join(repr(each.name) for each in known) or "none"
            what = "IAM users" if is_iam(user) else "users with a password"
            raise ConfigurationError(
                got=f"{type(user).__name__}({user.name!r}) of another cache",
                allowed=f"the {what} of this {self._noun} are {names}",
                fix="Add the user to Access.users(users=[...]) first, and pass the same value here",
                page=_IAM_PAGE,
            )

    def _arn(self, resource: str, name: str) -> str:
        return stack_of(self._scope).format_arn(
            service="elasticache", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    @property
    def _scope(self) -> Construct:
        return cast("Construct", self)

    @property
    @abstractmethod
    def _cache_arn(self) -> str:
        """The ARN of the cache, for IAM authentication."""

    @abstractmethod
    def _variables(
        self, *, iam_user: str | None = None, secret_user: str | None = None, secret_arn: str | None = None
    ) -> dict[str, str]:
        """The connection settings of one login."""


def _is_same(member: User, user: User) -> bool:
    """Whether a member of the user group is the user that was named, there or in the group that makes it."""
    if isinstance(member, ExistingUser):
        made = user.made if isinstance(user, ExistingUser) else user
        return member == user or (member.made == made if member.made else member.name == user.name)
    return member == (user.made if isinstance(user, ExistingUser) else user)
