"""The CloudFormation resources behind an `Access`: secrets, users and the group that attaches them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from aws_cdk import Names, Stack, Stage
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_secretsmanager as secretsmanager

from elasticache_constructs.access.users import LONGEST_PREFIX, IamUser
from elasticache_constructs.errors import ConfigurationError

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct, IConstruct

    from elasticache_constructs.access.access import Access
    from elasticache_constructs.access.permissions import Permissions
    from elasticache_constructs.engine import Engine

_TOKEN_LENGTH = 64
_NOBODY = "off -@all"

# By stage: user ids by environment, and the cache that has each.
_TAKEN: WeakKeyDictionary[IConstruct, dict[tuple[str, str], str]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedPassword:
    """A password that was generated into a secret, and whose it is."""

    user_name: str
    secret: secretsmanager.ISecret
    user_id: str | None
    """``None`` for a group's own AuthToken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessResources:
    """What a replication group needs of its access: exactly one of a token and a user group, and the passwords."""

    passwords: tuple[GeneratedPassword, ...]
    auth_token: str | None = None
    user_group_id: str | None = None
    """The id as written, for ARNs."""
    user_group_ids: list[str] | None = None
    """The same as a reference, which makes CloudFormation wait for the group."""


def create_access(scope: Construct, access: Access, *, engine: Engine, key: kms.IKey) -> AccessResources:
    """Create the secrets, and the users and their group where the access is by users."""
    if access.is_auth_token:
        secret = _token_secret(scope, "AuthToken", user_name="default", key=key)
        password = GeneratedPassword(user_name="default", secret=secret, user_id=None)
        return AccessResources(auth_token=_password_of(secret), passwords=(password,))

    _claim_ids(scope, [user.name for user in access.named if isinstance(user, IamUser)])
    prefix = Names.unique_resource_name(scope, max_length=LONGEST_PREFIX, separator="-").lower()
    users: list[elasticache.CfnUser] = []
    passwords: list[GeneratedPassword] = []

    def add(construct_id: str, user_name: str, user_id: str, access_string: str, mode: dict[str, Any]) -> None:
        users.append(
            elasticache.CfnUser(
                scope,
                construct_id,
                engine=engine.name,
                user_id=user_id,
                user_name=user_name,
                access_string=access_string,
                authentication_mode=mode,
            )
        )

    def add_with_password(construct_id: str, user_name: str, access_string: str) -> None:
        secret = _token_secret(scope, f"{construct_id}Secret", user_name=user_name, key=key)
        user_id = f"{prefix}-{user_name}"
        passwords.append(GeneratedPassword(user_name=user_name, secret=secret, user_id=user_id))
        mode = {"Type": "password", "Passwords": [_password_of(secret)]}
        add(construct_id, user_name, user_id, access_string, mode)

    def explain(permissions: Permissions) -> None:
        if permissions.reason is not None:
            # Where the posture rules look for it.
            users[-1].add_metadata("BroadAccessReason", permissions.reason)

    if access.default is not None and access.default.permissions is not None:
        add_with_password("DefaultUser", "default", access.default.permissions.access_string)
        explain(access.default.permissions)
    elif engine.requires_default_user:
        add("DefaultUser", "default", f"{prefix}-default", _NOBODY, {"Type": "no-password-required"})
    for user in access.named:
        if isinstance(user, IamUser):
            add(f"User{user.name}", user.name, user.name, user.permissions.access_string, {"Type": "iam"})
        else:
            add_with_password(f"User{user.name}", user.name, user.permissions.access_string)
        explain(user.permissions)

    user_group_id = f"{prefix}-users"
    group = elasticache.CfnUserGroup(
        scope,
        "UserGroup",
        engine=engine.name,
        user_group_id=user_group_id,
        user_ids=[user.ref for user in users],
    )
    # A changed tag on a user group makes CloudFormation fail the whole stack: https://github.com/aws/aws-cdk/issues/15378
    group.add_property_deletion_override("Tags")
    return AccessResources(user_group_id=user_group_id, user_group_ids=[group.ref], passwords=tuple(passwords))


def _claim_ids(scope: Construct, names: list[str]) -> None:
    """Refuse an IAM user that another cache of the same stage, account and region has as well."""
    if not names:
        return
    taken = _TAKEN.setdefault(Stage.of(scope) or scope, {})
    environment, path = Stack.of(scope).environment, scope.node.path
    for name in names:
        owner = taken.setdefault((environment, name), path)
        if owner != path:
            raise ConfigurationError(
                got=f"IamUser({name!r}) for {path}",
                allowed=f"{owner} has a user of that name, and user ids are unique in an account and region",
                fix=f"Give each cache's user a name of its own, {f'{name}-2'!r} say",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html",
            )


def _token_secret(scope: Construct, construct_id: str, *, user_name: str, key: kms.IKey) -> secretsmanager.Secret:
    return secretsmanager.Secret(
        scope,
        construct_id,
        description=f"ElastiCache password of the user {user_name}",
        encryption_key=key,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            # AUTH tokens allow few signs (! & # $ ^ < > -) and users forbid others: letters and digits suit both.
            exclude_punctuation=True,
            password_length=_TOKEN_LENGTH,
            secret_string_template=f'{{"username":"{user_name}"}}',
            generate_string_key="password",
        ),
    )


def _password_of(secret: secretsmanager.ISecret) -> str:
    # A dynamic reference, which CloudFormation resolves at deployment: the template never holds the password.
    return secret.secret_value_from_json("password").unsafe_unwrap()
