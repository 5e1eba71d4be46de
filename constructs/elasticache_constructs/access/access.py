"""Authentication of a Redis or Valkey replication group: users or one AUTH token; or neither, until it is migrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from elasticache_constructs.access.shared_group import SharedUserGroup, check_group_engine
from elasticache_constructs.access.users import DefaultUser, ExistingUser, IamUser, PasswordUser, User, is_iam
from elasticache_constructs.checks.argument_types import Kind, check_kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.features import check_feature
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elasticache_constructs.access.attached import AttachedCache
    from elasticache_constructs.access.permissions import Permissions
    from elasticache_constructs.values.engine import Engine
    from elasticache_constructs.values.serverless_engine import ServerlessEngine

_MAX_USERS = facts.limit("users_per_group").maximum
_DEFAULT_USER = Kind(
    of=DefaultUser,
    example="DefaultUser.disabled(), or DefaultUser.with_token() for clients that give no name",
    rule="RBC-05",
    secret=True,
)
_USER = Kind(of=User, example="[IamUser('orders-app', Permissions...)]", secret=True)
_OWN_USER = Kind(of=IamUser | PasswordUser, example="[IamUser('orders-app', Permissions...)]", secret=True)
_GROUP = Kind(of=SharedUserGroup, example="UserGroup(...), or ExistingUserGroup('shop-users')", secret=True)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may log in. Create one with `users`, `user_group` or `auth_token`.

    Under CloudFormation, a change between users and an AUTH token replaces the group, although the service can do it in
    place: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2356.
    """

    default: DefaultUser | None
    named: tuple[User, ...]
    removing: tuple[IamUser | PasswordUser, ...] = ()
    without_login_reason: str | None = None
    """Why clients need no authentication; ``None`` if they need it."""
    group: SharedUserGroup | None = None
    """The user group that other caches may have as well; ``None`` if the cache has its own users."""

    def __post_init__(self) -> None:
        """Refuse what the service would, and an access without an enabled user."""
        if self.without_login_reason is not None:
            checked_reason(self.without_login_reason, what="Access.without_login")
        elif self.group is not None:
            check_kind("Access.user_group", "group", self.group, _GROUP)
        elif self.default is not None or self.named or self.removing:
            check_kind("Access.users", "default", self.default, _DEFAULT_USER)
            checked_list("Access.users", "users", self.named, _USER)
            checked_list("Access.users", "removing", self.removing, _OWN_USER)
            with reported_together() as check:
                check(self._check_names)
                check(self._check_size)
                check(self._check_enabled_user)

    @classmethod
    def users(
        cls,
        *,
        default: DefaultUser,
        users: Sequence[User] = (),
        removing: Sequence[IamUser | PasswordUser] = (),
    ) -> Access:
        """A user group with IAM users, password users and a default user.

        Adding a user, or changing its permissions, is an in-place update.

        Args:
            default: The identity of clients that send no user name. ``DefaultUser.with_token()`` gives the group an
                AUTH token; with ``DefaultUser.disabled()`` only the named users can log in.
            users: The named users; an `ExistingUser` is one that is made elsewhere. Default: no named users.
            removing: Users that are removed from the group now and deleted with a later deployment
                (docs/runbooks/remove-a-user.md). They cannot log in. Default: no users.

        Raises:
            ConfigurationError: If two users share a name, there are more than 100, or no user could log in.
        """
        check_kind("Access.users", "default", default, _DEFAULT_USER)
        named = checked_list("Access.users", "users", users, _USER)
        return cls(default, named, checked_list("Access.users", "removing", removing, _OWN_USER))

    @classmethod
    def user_group(cls, group: SharedUserGroup) -> Access:
        """The users of a user group that other caches may have, too.

        A cache has one user group. Another one is attached in place, and users that are not in it are logged out:
        docs/runbooks/share-users.md has the order.

        Args:
            group: A `UserGroup` of the app, of any stack, or an `ExistingUserGroup`.

        Raises:
            ConfigurationError: If it is no user group.
        """
        check_kind("Access.user_group", "group", group, _GROUP)
        return cls(None, (), group=group)

    @classmethod
    def auth_token(cls) -> Access:
        """One generated AUTH token for all clients, for engines and clients that do not support users."""
        return cls(None, ())

    @classmethod
    def without_login(cls, *, reason: str) -> Access:
        """No authentication: any client with network access can use the cache.

        For existing groups, until they are migrated (docs/runbooks/tls.md).

        Args:
            reason: Why, and until when.

        Raises:
            ConfigurationError: If the reason has fewer than 20 characters.
        """
        return cls(None, (), without_login_reason=checked_reason(reason, what="Access.without_login"))

    @property
    def is_auth_token(self) -> bool:
        """Whether the group has its own AUTH token instead of users."""
        return self.default is None and self.without_login_reason is None and self.group is None

    @property
    def has_users(self) -> bool:
        """Whether the group has users."""
        return self.default is not None or self.group is not None

    @property
    def members(self) -> Sequence[User] | None:
        """The named users; ``None`` if they are not known."""
        return self.named if self.group is None else self.group.members

    @property
    def has_iam_users(self) -> bool:
        """Whether a user may log in through IAM; true if the users are not known."""
        return self.members is None or any(map(is_iam, self.members))

    @property
    def is_iam_only(self) -> bool:
        """Whether all users are known to log in through IAM, which no default user can."""
        if self.group is not None:
            return self.group.is_iam_only
        return self.is_valkey and bool(self.named) and all(map(is_iam, self.named))

    @property
    def is_valkey(self) -> bool:
        """Whether the cache's own user group is of engine valkey."""
        return self.default is not None and self.default.is_absent

    def attach(self, cache: AttachedCache) -> None:
        """Tell the groups that own users of the cache that the cache accepts their passwords."""
        if self.group is not None:
            self.group.attach(cache)
        for user in self.named:
            if isinstance(user, ExistingUser) and user.attach is not None:
                user.attach(cache)

    def check_engine(self, engine: Engine | ServerlessEngine) -> None:
        """Refuse users, or permissions of users, that the engine does not support.

        Raises:
            ConfigurationError: If the engine has no user groups, has no IAM authentication and there is an IAM user, or
                does not know a rule of a user's permissions.
        """
        if self.group is not None:
            self.group.check_engine(engine)
        if self.default is None:
            return
        fix = "Use a newer engine, or Access.auth_token()"
        check_feature(engine, "user_groups", got=f"Access.users on {engine}", fix=fix, rule="RBC-02")
        with reported_together() as check:
            check(
                check_group_engine,
                is_valkey=self.is_valkey,
                engine=engine,
                got=f"Access.users(default=DefaultUser.absent()) on {engine}",
            )
            # Users that are being removed exist until the next deployment.
            for user in (*self.named, *self.removing):
                if is_iam(user):
                    got, fix = f"IamUser({user.name!r}) on {engine}", "Use a newer engine, or a PasswordUser"
                    check(check_feature, engine, "iam", got=got, fix=fix, rule="IAM-01")
            for permissions in (*self.permissions, *(user.permissions for user in self.removing)):
                check(permissions.check_engine, engine)

    @property
    def permissions(self) -> list[Permissions]:
        """The permissions of the cache's own users, as far as they are known."""
        users = [self.default, *self.named] if self.default else self.named
        return [user.permissions for user in users if user.permissions is not None]

    def _check_names(self) -> None:
        names = [user.name for user in (*self.named, *self.removing)]
        twice = sorted({name for name in ("default", *names) if ("default", *names).count(name) > 1})
        if twice:
            raise ConfigurationError(
                got=f"Access.users with {twice[0]!r} twice",
                allowed="each user of a group has a unique name",
                fix="Rename one of the two",
                rule="RBC-05",
            )

    def _check_size(self) -> None:
        if len(self.named) >= _MAX_USERS:
            raise ConfigurationError(
                got=f"Access.users with {len(self.named)} users and the default user",
                allowed=f"a user group has at most {_MAX_USERS} users, including the default user",
                fix="Let applications with the same permissions share a user",
                rule="RBC-22",
            )

    def _check_enabled_user(self) -> None:
        unknown = any(isinstance(each, ExistingUser) and each.made is None for each in self.named)
        if not unknown and not any(permissions.can_log_in for permissions in self.permissions):
            raise ConfigurationError(
                got="Access.users with no enabled user",
                allowed="at least one user must be able to log in",
                fix="Enable one with 'on' in its access string, or use DefaultUser.with_token()",
                rule="RBC-11",
            )
