"""A user group that several caches, of several stacks, have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from elasticache_constructs.access.access import Access
from elasticache_constructs.access.resources import GeneratedPassword, create_access
from elasticache_constructs.access.shared_group import SharedUserGroup, check_group_engine
from elasticache_constructs.access.users import ExistingUser, IamUser, PasswordUser, User, is_iam
from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.features import check_feature
from elasticache_constructs.shared.encryption_key import EncryptionKey, checked_key
from elasticache_constructs.values.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager

    from elasticache_constructs.access.attached import AttachedCache
    from elasticache_constructs.values.serverless_engine import ServerlessEngine

_ACCESS = Kind(of=Access, example="Access.users(default=DefaultUser.disabled(), users=[...])", secret=True)
_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html"
_OWN = Kind(of=IamUser | PasswordUser, example="one of the users that the group was given", secret=True)


class UserGroup(Construct, SharedUserGroup):
    """A user group with its users and their secrets, for caches of any stack of one account and region.

    ``access=Access.user_group(group)`` attaches it: to replication groups and to serverless caches of Valkey and Redis.
    A user has the same permissions and the same password on all of them, and a change reaches all of them, in place. A
    role needs `grant_connect` of each cache that it connects to, and joins the client security group of each.

    CloudFormation makes users before their group, and the group before its caches, over stacks as well: the stack of a
    cache imports the id. So a group, or a user of it that is in other groups, can be deleted only once no other stack
    uses it (docs/runbooks/share-users.md).

    Replaced, which fails while a cache has it, if its construct path changes. Changed in place: ``access``, ``engine``.
    Another ``encryption_key`` encrypts the next version of each secret.

    Args:
        scope: The parent.
        construct_id: The id in the parent. It decides the ids of the group and of its users with a password.
        access: Its users: ``Access.users``.
        engine: The engine that the permissions are written for. Older Redis needs other access strings: caches whose
            engine does not read them alike are refused. Default: Redis 7.1, whose strings Valkey reads alike; Valkey
            7.2 for a group without a default user.
        encryption_key: Encrypts the secrets. Default: an `EncryptionKey` for this group, which costs 1 USD a month, if
            a user has a password; otherwise none.

    Raises:
        ConfigurationError: If the service would refuse the group.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        access: Access,
        engine: Engine | ServerlessEngine | None = None,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        with reported_together() as check:
            check(_check_access, access)
            engine = engine or (Engine.VALKEY_7_2 if access.is_valkey else Engine.REDIS_7_1)
            check(access.check_engine, engine)
            given_key = check(checked_key, encryption_key, of=scope) if encryption_key is not None else None
        super().__init__(scope, construct_id)
        key = given_key
        if key is None and _has_passwords(access):
            key = EncryptionKey(self, "Key", description=f"ElastiCache users {construct_id}")
        # Without passwords nothing is encrypted.
        made = create_access(self, access, engine=engine, key=key)  # type: ignore[arg-type]
        self.user_group_id = str(made.user_group_id)
        self.reference = (made.user_group_ids or [])[0]
        self.members: Sequence[User] = access.named
        self.is_iam_only = access.is_iam_only
        self.is_valkey: bool = access.is_valkey
        self.passwords: tuple[GeneratedPassword, ...] = made.passwords
        """The generated passwords of the users that this group makes."""
        self.encryption_key: kms.IKey | None = key
        """Encrypts the secrets; ``None`` if there are none."""
        self._access, self._engine = access, engine
        self._caches: dict[str, AttachedCache] = {}
        self._rotated_by: str | None = None

    @property
    def secrets(self) -> Mapping[str, secretsmanager.ISecret]:  # type: ignore[override] # read only
        """The secrets of its users with a password, by user name."""
        existing = {
            each.name: each.secret
            for each in self.members
            if isinstance(each, ExistingUser) and each.secret is not None
        }
        return {**existing, **{each.user_name: each.secret for each in self.passwords}}

    @property
    def caches(self) -> Sequence[AttachedCache]:
        """The caches of the app that its users can log in to so far."""
        return tuple(self._caches.values())

    def secret(self, user_name: str = "default") -> secretsmanager.ISecret:
        """The secret with a user's generated password, as ``{"username": ..., "password": ...}``.

        Args:
            user_name: The user. Default: ``default``, whose password is the token of clients that send no name.

        Raises:
            ConfigurationError: If the user has no password: it is an IAM user, disabled, or does not exist.
        """
        if user_name not in self.secrets:
            raise ConfigurationError(
                got=f"secret({user_name!r})",
                allowed=f"the users with a secret are {', '.join(map(repr, self.secrets)) or 'none'}",
                fix="IAM users need none: use grant_connect. For the AUTH token use DefaultUser.with_token()",
            )
        return self.secrets[user_name]

    def member(self, user: IamUser | PasswordUser) -> ExistingUser:
        """One of its users, as a member of another user group too.

        Args:
            user: The user, as it was given to this group.

        Raises:
            ConfigurationError: If the group does not make such a user.
        """
        check_kind("UserGroup.member", "user", user, _OWN)
        if user not in self._access.named:
            names = ", ".join(repr(each.name) for each in self._access.named) or "none"
            raise ConfigurationError(
                got=f"UserGroup.member({type(user).__name__}({user.name!r})) of {self.node.path}",
                allowed=f"the users that this group makes are {names}",
                fix="Pass one of them, or add the user to its Access.users(users=[...])",
                page=_PAGE,
            )
        resource = self.node.find_child(f"User{user.name}")
        return ExistingUser(
            resource.ref,  # type: ignore[attr-defined]
            user.name,
            is_iam=is_iam(user),
            secret=self.secrets.get(user.name),
            made=user,
            attach=self.attach,
        )

    def check_engine(self, engine: Engine | ServerlessEngine) -> None:
        """Refuse an engine that does not take the group, or does not read its access strings as they are written.

        Raises:
            ConfigurationError: If it does not.
        """
        got = f"Access.user_group({self.node.path}) on {engine}"
        with reported_together() as check:
            fix = "Use a newer engine, or Access.auth_token()"
            check(check_feature, engine, "user_groups", got=got, fix=fix, rule="RBC-02")
            check(check_group_engine, is_valkey=self.is_valkey, engine=engine, got=got)
            check(self._check_strings, engine, got)
        self._access.check_engine(engine)

    def _check_strings(self, engine: Engine | ServerlessEngine, got: str) -> None:
        permissions = self._access.permissions
        if any(each.written_for(engine) != each.written_for(self._engine) for each in permissions):
            raise ConfigurationError(
                got=got,
                allowed=f"its access strings are written for {self._engine}, and this engine needs others",
                fix=f"Make another UserGroup for this cache, whose engine=... is {engine}",
                rule="RBC-10",
            )

    def attach(self, cache: AttachedCache) -> None:
        """Note a cache that its users can log in to: every password is proven on every cache when it is rotated.

        Raises:
            ConfigurationError: If the rotation of its passwords was made without the cache.
        """
        if self._rotated_by is not None and cache.path not in self._caches:
            raise ConfigurationError(
                got=f"{cache.path} with users of {self.node.path}, after their rotation {self._rotated_by}",
                allowed="the rotation of a group may reach the caches that had the group when it was made",
                fix="Make the UserGroupRotation after the last cache",
            )
        self._caches[cache.path] = cache
        for user in self.members:
            if isinstance(user, ExistingUser) and user.attach is not None:
                user.attach(cache)

    def rotate_by(self, path: str) -> None:
        """Note the construct that rotates the passwords of the group.

        Raises:
            ConfigurationError: If another one does.
        """
        if self._rotated_by is not None:
            raise ConfigurationError(
                got=f"the rotation {path} of {self.node.path}, which {self._rotated_by} rotates",
                allowed="the passwords of a group are rotated once, however many caches it has",
                fix="Leave the second one out",
            )
        self._rotated_by = path


def _has_passwords(access: Access) -> bool:
    default = access.default is not None and access.default.permissions is not None
    return default or any(isinstance(each, PasswordUser) for each in (*access.named, *access.removing))


def _check_access(access: Access) -> None:
    check_kind("UserGroup", "access", access, _ACCESS)
    if access.default is None:
        raise ConfigurationError(
            got="UserGroup(access=...) without users",
            allowed="a user group is made of users",
            fix="Use Access.users(...)",
            page=_PAGE,
        )
