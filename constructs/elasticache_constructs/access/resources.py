"""The CloudFormation resources behind an `Access`: secrets, users and the group that attaches them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from aws_cdk import Names, Stack, Stage
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_secretsmanager as secretsmanager

from elasticache_constructs.access.users import LONGEST_PREFIX, IamUser
from elasticache_constructs.acknowledgements import acknowledge
from elasticache_constructs.errors import ConfigurationError

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct, IConstruct

    from elasticache_constructs.access.access import Access
    from elasticache_constructs.access.permissions import Permissions
    from elasticache_constructs.engine import Engine

_TOKEN_LENGTH = 64
_NOBODY = "off -@all"

_NOT_ROTATED = (
    "Rotation of cache tokens and passwords is being built: it must not fail a single login, which no published "
    "rotator achieves. Until it is there, rotate by hand in two steps as docs/runbooks/rotate-by-hand.md has it."
)
# By stage: user ids by environment, and the cache that has each.
_TAKEN: WeakKeyDictionary[IConstruct, dict[tuple[str, str], str]] = WeakKeyDictionary()
_ROTATION_RULES = (
    "AwsSolutions::AwsSolutions-SMG4",
    "HIPAA.Security::HIPAA.Security-SecretsManagerRotationEnabled",
    "NIST.800.53.R5::NIST.800.53.R5-SecretsManagerRotationEnabled",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessResources:
    """What a replication group needs of its access: exactly one of a token and a user group, and the secrets."""

    auth_token: str | None = None
    user_group_ids: list[str] | None = None
    secrets: dict[str, secretsmanager.ISecret] = field(default_factory=dict)


def create_access(scope: Construct, access: Access, *, engine: Engine, key: kms.IKey) -> AccessResources:
    """Create the secrets, and the users and their group where the access is by users."""
    if access.is_auth_token:
        secret = _token_secret(scope, "AuthToken", user_name="default", key=key)
        return AccessResources(auth_token=_password_of(secret), secrets={"default": secret})

    prefix = Names.unique_resource_name(scope, max_length=LONGEST_PREFIX, separator="-").lower()
    users: list[elasticache.CfnUser] = []
    secrets: dict[str, secretsmanager.ISecret] = {}

    _claim_ids(scope, [user.name for user in access.named if isinstance(user, IamUser)])

    def add(construct_id: str, user_name: str, permissions: Permissions, *, iam: bool) -> None:
        if not iam:
            secrets[user_name] = _token_secret(scope, f"{construct_id}Secret", user_name=user_name, key=key)
        user = elasticache.CfnUser(
            scope,
            construct_id,
            engine=engine.name,
            user_id=user_name if iam else f"{prefix}-{user_name}",
            user_name=user_name,
            access_string=permissions.access_string,
            authentication_mode={"Type": "iam"}
            if iam
            else {"Type": "password", "Passwords": [_password_of(secrets[user_name])]},
        )
        if permissions.reason is not None:
            # Where the posture rules look for it.
            user.add_metadata("BroadAccessReason", permissions.reason)
        users.append(user)

    if access.default is not None and access.default.permissions is not None:
        add("DefaultUser", "default", access.default.permissions, iam=False)
    elif engine.requires_default_user:
        users.append(
            elasticache.CfnUser(
                scope,
                "DefaultUser",
                engine=engine.name,
                user_id=f"{prefix}-default",
                user_name="default",
                access_string=_NOBODY,
                authentication_mode={"Type": "no-password-required"},
            )
        )
    for named in access.named:
        add(f"User{named.name}", named.name, named.permissions, iam=isinstance(named, IamUser))

    group = elasticache.CfnUserGroup(
        scope,
        "UserGroup",
        engine=engine.name,
        user_group_id=f"{prefix}-users",
        user_ids=[user.ref for user in users],
    )
    # A changed tag on a user group makes CloudFormation fail the whole stack: https://github.com/aws/aws-cdk/issues/15378
    group.add_property_deletion_override("Tags")
    return AccessResources(user_group_ids=[group.ref], secrets=secrets)


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
    secret = secretsmanager.Secret(
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
    acknowledge(secret, dict.fromkeys(_ROTATION_RULES, _NOT_ROTATED))
    return secret


def _password_of(secret: secretsmanager.ISecret) -> str:
    # A dynamic reference, which CloudFormation resolves at deployment: the template never holds the password.
    return secret.secret_value_from_json("password").unsafe_unwrap()
