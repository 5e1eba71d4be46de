"""The CloudFormation resources of an `Access`: secrets, users and the user group."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import SecretValue
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_secretsmanager as secretsmanager

from elasticache_constructs.access.password_secret import PasswordSecret
from elasticache_constructs.access.permissions import Permissions
from elasticache_constructs.access.shared_group import check_place_of_group
from elasticache_constructs.access.users import ExistingUser, IamUser
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tags import warn_of_stack_tags
from elasticache_constructs.shared.claims import RENAME, claim
from elasticache_constructs.shared.names import unique_name

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from elasticache_constructs.access.access import Access
    from elasticache_constructs.access.users import PasswordUser
    from elasticache_constructs.values.engine import Engine
    from elasticache_constructs.values.serverless_engine import ServerlessEngine

_TOKEN_LENGTH = 64
_MAX_ID_LENGTH = 40
_MAX_PREFIX_LENGTH = 20
_HASH_LENGTH = 8
_DEFAULT = "default"
_DISABLED = Permissions("off -@all")
# Valkey accepts users and user groups of engine redis; Redis accepts no others. So the users stay unchanged if a cache
# changes from Redis to Valkey, or from Valkey 7.2 back. Otherwise CloudFormation would change them before the cache.
_ENGINE_OF_USERS = "redis"
# Of groups without a default user, which Redis does not have. They take users of engine redis with a password or IAM.
_ENGINE_WITHOUT_DEFAULT = "valkey"

_LEAVING = (
    "The user is leaving: it was taken out of its group, cannot log in, and is deleted with a later deployment "
    "(docs/runbooks/remove-a-user.md)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedPassword:
    """A generated password in a secret, and its user."""

    user_name: str
    secret: secretsmanager.ISecret
    user_id: str | None
    """``None`` for the group's AUTH token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessResources:
    """The properties that a cache gets from its access: an AUTH token or a user group or neither, and the passwords."""

    passwords: tuple[GeneratedPassword, ...]
    auth_token: str | None = None
    user_group_id: str | None = None
    """The literal id, for ARNs."""
    user_group_ids: list[str] | None = None
    """The id as a reference, which makes CloudFormation wait for the user group."""


def create_access(
    scope: Construct, access: Access, *, engine: Engine | ServerlessEngine, key: kms.IKey
) -> AccessResources:
    """Create the secrets, and for an access with users also the users and their user group."""
    if access.without_login_reason is not None:
        return AccessResources(passwords=())
    if access.group is not None:
        check_place_of_group(access.group, scope)
        # Its users and their passwords belong to the group.
        group_id, reference = access.group.user_group_id, access.group.reference
        return AccessResources(user_group_id=group_id, user_group_ids=[reference], passwords=())
    if access.is_auth_token:
        secret = PasswordSecret(scope, "AuthToken", user_name=_DEFAULT, length=_TOKEN_LENGTH, key=key)
        password = GeneratedPassword(user_name=_DEFAULT, secret=secret, user_id=None)
        return AccessResources(auth_token=_password_of(secret), passwords=(password,))

    users = _Users(scope, engine, key)
    _claim_ids(scope, access, users)
    default = access.default.permissions if access.default else None
    members = [
        *([] if access.is_valkey else [users.add_default(default).ref]),
        *(user.user_id if isinstance(user, ExistingUser) else users.add(user).ref for user in access.named),
    ]
    passwords = tuple(users.passwords)
    for user in access.removing:
        users.acknowledge_removal(users.add(user))

    user_group_id = f"{users.prefix}-users"
    group = elasticache.CfnUserGroup(
        scope,
        "UserGroup",
        engine=_ENGINE_WITHOUT_DEFAULT if access.is_valkey else _ENGINE_OF_USERS,
        user_group_id=user_group_id,
        user_ids=members,
    )
    # A changed tag on a user group makes CloudFormation fail the whole stack: https://github.com/aws/aws-cdk/issues/15378
    group.add_property_deletion_override("Tags")
    warn_of_stack_tags(group)
    return AccessResources(user_group_id=user_group_id, user_group_ids=[group.ref], passwords=passwords)


def existing_token(scope: Construct, secret_id: str) -> AccessResources:
    """The AUTH token that an existing group has, from the secret that its owner put it into."""
    is_arn = secret_id.startswith("arn:")
    secret = (
        secretsmanager.Secret.from_secret_complete_arn(scope, "AuthToken", secret_id)
        if is_arn
        else secretsmanager.Secret.from_secret_name_v2(scope, "AuthToken", secret_id)
    )
    token = SecretValue.secrets_manager(secret_id, json_field="password").unsafe_unwrap()
    password = GeneratedPassword(user_name=_DEFAULT, secret=secret, user_id=None)
    return AccessResources(auth_token=token, passwords=(password,))


class _Users:
    """Creates the users of one user group, and the secrets of those with a password."""

    def __init__(self, scope: Construct, engine: Engine | ServerlessEngine, key: kms.IKey) -> None:
        self._scope, self._engine, self._key = scope, engine, key
        self.prefix = unique_name(scope, longest=_MAX_PREFIX_LENGTH)
        self.passwords: list[GeneratedPassword] = []

    def add(self, user: IamUser | PasswordUser) -> elasticache.CfnUser:
        if isinstance(user, IamUser):
            return self._add(f"User{user.name}", user.name, user.name, user.permissions, {"Type": "iam"})
        return self._add_with_password(f"User{user.name}", user.name, user.permissions)

    def add_default(self, permissions: Permissions | None) -> elasticache.CfnUser:
        if permissions is not None:
            return self._add_with_password("DefaultUser", _DEFAULT, permissions)
        no_password = {"Type": "no-password-required"}
        return self._add("DefaultUser", _DEFAULT, f"{self.prefix}-{_DEFAULT}", _DISABLED, no_password)

    def acknowledge_removal(self, user: elasticache.CfnUser) -> None:
        accept(user, {Situation.USER_WITHOUT_GROUP: _LEAVING})
        secret = self._scope.node.try_find_child(f"{user.node.id}Secret")
        if secret is not None:
            accept(secret, {Situation.SECRET_WITHOUT_ROTATION: _LEAVING})

    def _add_with_password(self, construct_id: str, user_name: str, permissions: Permissions) -> elasticache.CfnUser:
        secret = PasswordSecret(
            self._scope, f"{construct_id}Secret", user_name=user_name, length=_TOKEN_LENGTH, key=self._key
        )
        user_id = self.id_of(user_name)
        self.passwords.append(GeneratedPassword(user_name=user_name, secret=secret, user_id=user_id))
        mode = {"Type": "password", "Passwords": [_password_of(secret)]}
        return self._add(construct_id, user_name, user_id, permissions, mode)

    def id_of(self, user_name: str) -> str:
        """The generated id of a user, at most as long as the id of a user group."""
        whole = f"{self.prefix}-{user_name}"
        if len(whole) <= _MAX_ID_LENGTH:
            return whole
        mark = hashlib.sha256(user_name.encode()).hexdigest()[:_HASH_LENGTH]
        return f"{whole[: _MAX_ID_LENGTH - 1 - _HASH_LENGTH].rstrip('-')}-{mark}"

    def _add(
        self, construct_id: str, user_name: str, user_id: str, permissions: Permissions, mode: dict[str, Any]
    ) -> elasticache.CfnUser:
        user = elasticache.CfnUser(
            self._scope,
            construct_id,
            engine=_ENGINE_OF_USERS,
            user_id=user_id,
            user_name=user_name,
            access_string=permissions.written_for(self._engine),
            authentication_mode=mode,
        )
        if permissions.reason is not None:
            # The posture rules read it here.
            user.add_metadata("BroadAccessReason", permissions.reason)
        return user


def _claim_ids(scope: Construct, access: Access, users: _Users) -> None:
    """Refuse user ids that another cache or user group of the same account and region makes too."""
    users_of_group = [user for user in (*access.named, *access.removing) if not isinstance(user, ExistingUser)]
    generated = [
        *([] if access.is_valkey else [_DEFAULT]),
        *(user.name for user in users_of_group if not isinstance(user, IamUser)),
    ]
    claim(
        scope,
        "user ids",
        [user.name for user in users_of_group if isinstance(user, IamUser)],
        thing="a user",
        what="IamUser({})",
        fix="Give each cache's user a unique name, or share a UserGroup",
        rule="NAM-05",
    )
    claim(
        scope,
        "user ids",
        [users.id_of(name) for name in generated],
        thing="a user",
        what="the user id {}",
        fix=RENAME,
        rule="NAM-05",
    )


def _password_of(secret: secretsmanager.ISecret) -> str:
    # A dynamic reference, which CloudFormation resolves at deployment: the template never holds the password.
    return secret.secret_value_from_json("password").unsafe_unwrap()
