"""Secrets with generated passwords, whose grants include the KMS key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.locations import place_of
from elasticache_constructs.shared.grants import check_open, is_foreign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

_READ = ("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret")
_WRITE = ("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret", "secretsmanager:UpdateSecretVersionStage")
_DECRYPT = ("kms:Decrypt",)
_ENCRYPT = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
_PAGE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html"


class PasswordSecret(secretsmanager.Secret):
    """A secret with a user's generated password, as ``{"username": ..., "password": ...}``.

    A grant includes the use of its key, through Secrets Manager only. For roles, users and groups of the account, both
    permissions are in their own policy. The CDK would write the second one into the key's policy, which makes a cycle
    between stacks, and is not possible for an imported key. For any other principal, both are in the policies of the
    secret and of the key.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        user_name: The user of the password.
        length: Length of the password, which has letters and digits only.
        key: The key that encrypts the secret.
    """

    def __init__(self, scope: Construct, construct_id: str, *, user_name: str, length: int, key: kms.IKey) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"ElastiCache password of the user {user_name}",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                # AUTH tokens allow few symbols (! & # $ ^ < > -) and users forbid others: letters and digits suit both.
                exclude_punctuation=True,
                password_length=length,
                secret_string_template=f'{{"username":"{user_name}"}}',
                generate_string_key="password",
            ),
        )
        # Not by the constructor, which would add to the key's policy, with wildcards, what the account may do anyway.
        self.node.default_child.kms_key_id = key.key_arn  # type: ignore[union-attr]
        self._key = key

    @property
    def encryption_key(self) -> kms.IKey:
        """The key that encrypts the secret."""
        return self._key

    def grant_read(self, grantee: iam.IGrantable, version_stages: Sequence[str] | None = None) -> iam.Grant:
        """Allow a role, or a resource with a role, to read the password and to decrypt it with the key.

        Args:
            grantee: The principal. A principal of another account needs the same permissions in its own policy too.
            version_stages: The staging labels of the versions that it may read. Default: all versions.

        Raises:
            ConfigurationError: If no policy of the app could hold the permission, or the one for the key.
        """
        return self._grant("grant_read", grantee, _READ, _DECRYPT, version_stages)

    def grant_write(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a role, or a resource with a role, to write a new password and to encrypt it with the key.

        Args:
            grantee: The principal. A principal of another account needs the same permissions in its own policy too.

        Raises:
            ConfigurationError: If no policy of the app could hold the permission, or the one for the key.
        """
        return self._grant("grant_write", grantee, _WRITE, _ENCRYPT)

    def _grant(
        self,
        call: str,
        grantee: iam.IGrantable,
        actions: Sequence[str],
        key_actions: Sequence[str],
        version_stages: Sequence[str] | None = None,
    ) -> iam.Grant:
        call = f"secret().{call}"
        principal = grantee.grant_principal
        if not is_foreign(principal, of=self):
            check_open(call, principal)
        made = iam.Grant.add_to_principal_or_resource(
            grantee=grantee, actions=list(actions), resource_arns=[self._arn_for_policies], resource=self
        )
        statement = made.principal_statement or made.resource_statement
        if version_stages is not None and statement is not None:
            statement.add_condition("ForAnyValue:StringEquals", {"secretsmanager:VersionStage": list(version_stages)})
        service = f"secretsmanager.{place_of(self).region}.amazonaws.com"
        by_identity = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=list(key_actions),
            resource_arns=[self._key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": service}},
        )
        if made.resource_statement is not None:
            through_service = kms.ViaServicePrincipal(service, principal)
            wanted = iam.PolicyStatement(actions=list(key_actions), resources=["*"], principals=[through_service])
            added = self._key.add_to_resource_policy(wanted, True).statement_added
            if not added and (is_foreign(principal, of=self) or not by_identity.success):
                raise ConfigurationError(
                    got=f"{call} of a secret whose key was imported",
                    allowed="the key's policy must name a principal that is no role, user or group of the account, and "
                    "this app does not write it",
                    fix="Grant it to an iam.Role of the account that the others may assume, or give the cache an "
                    "EncryptionKey",
                    page=_PAGE,
                )
        return made.combine(by_identity)
