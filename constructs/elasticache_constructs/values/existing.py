"""Caches that exist: what cannot be changed in place, or cannot be read, and is therefore taken as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from elasticache_constructs.checks.argument_types import Kind, check_kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.tokens import is_unresolved

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import.html"
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[a-zA-Z0-9-]+")
_SECURITY_GROUP_ID = re.compile(r"sg-[0-9a-f]{8,17}")
_SUBNET_ID = re.compile(r"subnet-[0-9a-f]{8,17}")
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class EncryptionAtRest:
    """How an existing cache encrypts its data at rest. Create one with `customer_key`, `service_key` or `disabled`.

    It is chosen when a cache is made: another choice replaces it. A snapshot that is restored into a new cache brings
    the data along (docs/runbooks/adopt.md).

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/at-rest-encryption.html
    """

    key_arn: str | None
    """The customer managed key; ``None`` for the key of the service, and for no encryption."""
    is_enabled: bool = True
    reason: str | None = None
    """Why there is no customer managed key."""

    def __post_init__(self) -> None:
        """Refuse what is not the ARN of a key, and less than a customer managed key without a reason."""
        if self.key_arn is None:
            checked_reason(
                self.reason or "", what=f"EncryptionAtRest.{'service_key' if self.is_enabled else 'disabled'}"
            )
            return
        check_kind("EncryptionAtRest.customer_key", "key_arn", self.key_arn, Kind(of=str, example=f"'{_KEY_EXAMPLE}'"))
        _check_literal("EncryptionAtRest.customer_key(key_arn=...)", self.key_arn)
        if not _KEY_ARN.fullmatch(self.key_arn):
            raise ConfigurationError(
                got=f"EncryptionAtRest.customer_key({self.key_arn!r})",
                allowed="an existing cache names its key by the ARN that DescribeReplicationGroups shows as KmsKeyId",
                fix=f"Write it as in {_KEY_EXAMPLE!r}",
                page=PAGE,
            )

    @classmethod
    def customer_key(cls, key_arn: str) -> EncryptionAtRest:
        """Encrypted with a customer managed key.

        Args:
            key_arn: The ARN of the key, as the service shows it.

        Raises:
            ConfigurationError: If it is not the ARN of a key.
        """
        return cls(key_arn)

    @classmethod
    def service_key(cls, *, reason: str) -> EncryptionAtRest:
        """Encrypted with a key of the service, which has no policy and cannot be taken away from anyone.

        Args:
            reason: Why that is enough, or until when.

        Raises:
            ConfigurationError: If the reason has fewer than 20 characters.
        """
        return cls(None, reason=reason)

    @classmethod
    def disabled(cls, *, reason: str) -> EncryptionAtRest:
        """Not encrypted, backups neither.

        Args:
            reason: Why that is acceptable, or until when.

        Raises:
            ConfigurationError: If the reason has fewer than 20 characters.
        """
        return cls(None, is_enabled=False, reason=reason)


_KEY_EXAMPLE = "arn:aws:kms:eu-west-1:111122223333:key/0123abcd-01ab-01ab-01ab-0123456789ab"
_AT_REST = Kind(of=EncryptionAtRest, example="EncryptionAtRest.service_key(reason='...')")


@dataclass(frozen=True, slots=True, kw_only=True)
class _ExistingCache:
    """What the existing caches of all kinds have in common."""

    security_group_ids: Sequence[str] | None = None

    def __post_init__(self) -> None:
        with reported_together() as check:
            for each in fields(self):
                if each.name.endswith("_reason") and getattr(self, each.name) is not None:
                    what = f"{type(self).__name__}({each.name}=...)"
                    check(checked_reason, getattr(self, each.name), what=what)
            if self.security_group_ids is not None:
                check(self._check_ids, "security_group_ids", _SECURITY_GROUP_ID, "sg-0123456789abcdef0")

    def _check_ids(self, name: str, form: re.Pattern[str], example: str) -> None:
        what = type(self).__name__
        ids = checked_list(what, name, getattr(self, name), Kind(of=str, example=f"['{example}']"))
        wrong = [each for each in ids if is_unresolved(each) or not form.fullmatch(each)]
        if wrong or not ids:
            raise ConfigurationError(
                got=f"{what}({name}={wrong or list(ids)!r})",
                allowed="what is imported names them by their ids, and is in at least one",
                fix=f"Write them as in [{example!r}], as the service shows them",
                page=PAGE,
            )
        object.__setattr__(self, name, ids)

    def _check_text(self, name: str, example: str, *, form: re.Pattern[str] | None = None) -> None:
        what, value = type(self).__name__, getattr(self, name)
        check_kind(what, name, value, Kind(of=str, example=repr(example)))
        _check_literal(f"{what}({name}=...)", value)
        if not value.strip() or (form is not None and not form.fullmatch(value)):
            raise ConfigurationError(
                got=f"{what}({name}={value!r})",
                allowed="an existing cache is named as the service shows it"
                + (": lower-case letters, digits and single hyphens" if form is not None else ""),
                fix=f"Write it as in {example!r}",
                page=PAGE,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ExistingNodes(_ExistingCache):
    """What existing replication groups and Memcached clusters have in common."""

    subnet_group_name: str
    parameter_group_name: str | None = None
    has_no_notification_topic: bool = False

    def __post_init__(self) -> None:
        with reported_together() as check:
            check(_ExistingCache.__post_init__, self)
            check(self._check_text, "subnet_group_name", "cache-subnets")
            if self.parameter_group_name is not None:
                check(self._check_text, "parameter_group_name", "default.valkey8")
            what, topics = type(self).__name__, Kind(of=bool, example="True")
            check(check_kind, what, "has_no_notification_topic", self.has_no_notification_topic, topics)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingReplicationGroup(_ExistingNodes):
    """A replication group that exists, and comes under this code with ``cdk import``: docs/adopt.md.

    ``python -m elasticache_tools.adopt`` writes it from what the service answers. Its id, subnet group and encryption
    at rest stay as long as the group does: without them it would be replaced. Each other argument is a choice that was
    made elsewhere. Leave one out to have the construct make it, in place: its own security group, parameter group or
    event topic. Logs, users and a topic that it has are the usual arguments, with what exists: ``Log.to_log_group``,
    ``Access.user_group``, ``notification_topic``.

    Args:
        replication_group_id: The group's id, in lower case.
        subnet_group_name: Its subnet group, which stays as it is and outside the stack.
        encryption_at_rest: How it encrypts its data at rest.
        security_group_ids: The security groups of its nodes. The first one gets a rule that admits the client security
            group of the construct. Default: the construct's own security group for nodes.
        parameter_group_name: Its parameter group, as ``default.redis7``, which stays outside the stack. Default: the
            construct's own, with ``parameters``.
        has_no_notification_topic: Whether its events go to no topic. Default: to ``notification_topic``, or to the
            construct's own topic.
        auth_token_secret: The secret that has its AUTH token, by name or ARN, as ``{"password": "..."}``. The token
            cannot be read from the service: its owner puts it there, before the import. Default: a generated token.
        node_ids: The ids of its nodes, where they are not numbered from ``<group>-001`` onward without gaps.
        no_backups_reason: Why no snapshots are taken. Default: they are, as ``backups`` says.
        no_multi_az_reason: Why its nodes may all be in one Availability Zone although failover is on. Default: Multi-AZ
            is on where failover is.

    Raises:
        ConfigurationError: If a name, id or reason is not valid.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import.html
    """

    replication_group_id: str
    encryption_at_rest: EncryptionAtRest
    auth_token_secret: str | None = None
    node_ids: Sequence[str] = ()
    no_backups_reason: str | None = None
    no_multi_az_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is not as the service shows it."""
        with reported_together() as check:
            check(_ExistingNodes.__post_init__, self)
            check(self._check_text, "replication_group_id", "orders-2019", form=_ID)
            check(check_kind, type(self).__name__, "encryption_at_rest", self.encryption_at_rest, _AT_REST)
            if self.auth_token_secret is not None:
                check(self._check_text, "auth_token_secret", "orders/auth-token")
            nodes = Kind(of=str, example="['orders-2019-002', 'orders-2019-003']")
            object.__setattr__(
                self, "node_ids", check(checked_list, type(self).__name__, "node_ids", self.node_ids, nodes)
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingMemcachedCluster(_ExistingNodes):
    """A Memcached cluster that exists, and comes under this code with ``cdk import``: docs/adopt.md.

    ``python -m elasticache_tools.adopt`` writes it from what the service answers. Its id, subnet group and TLS stay as
    long as the cluster does: without them it would be replaced.

    Args:
        cluster_id: The cluster's id, in lower case.
        subnet_group_name: Its subnet group, which stays as it is and outside the stack.
        security_group_ids: The security groups of its nodes. The first one gets a rule that admits the client security
            group of the construct. Default: the construct's own security group for nodes.
        parameter_group_name: Its parameter group, which stays outside the stack. Default: the construct's own.
        has_no_notification_topic: Whether its events go to no topic. Default: to ``notification_topic``, or to the
            construct's own topic.
        no_tls_reason: Why its clients speak plain text. Default: TLS is required.
        no_multi_az_reason: Why all its nodes are in one Availability Zone. Default: they are in several if there are
            several.

    Raises:
        ConfigurationError: If a name, id or reason is not valid.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import.html
    """

    cluster_id: str
    no_tls_reason: str | None = None
    no_multi_az_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is not as the service shows it."""
        with reported_together() as check:
            check(_ExistingNodes.__post_init__, self)
            check(self._check_text, "cluster_id", "pages-2018", form=_ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingServerlessCache(_ExistingCache):
    """A serverless cache that exists, and comes under this code with ``cdk import``: docs/adopt.md.

    ``python -m elasticache_tools.adopt`` writes it from what the service answers. Its name, subnets and key stay as
    long as the cache does: without them it would be replaced.

    Args:
        serverless_cache_name: The cache's name, in lower case.
        encryption_at_rest: The key that encrypts its data.
        subnet_ids: Its subnets. Default: none, which a cache with a public endpoint alone has
            (``public_endpoint_reason`` of the construct).
        security_group_ids: Its security groups. The first one gets a rule that admits the client security group of the
            construct. Default: the construct's own security group.
        no_backups_reason: Why no daily snapshots are taken. Default: they are, as ``backups`` says.

    Raises:
        ConfigurationError: If a name, id or reason is not valid.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import.html
    """

    serverless_cache_name: str
    encryption_at_rest: EncryptionAtRest
    subnet_ids: Sequence[str] | None = None
    no_backups_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is not as the service shows it."""
        with reported_together() as check:
            check(_ExistingCache.__post_init__, self)
            check(self._check_text, "serverless_cache_name", "pages-2025", form=_ID)
            if self.subnet_ids is not None:
                check(self._check_ids, "subnet_ids", _SUBNET_ID, "subnet-0123456789abcdef0")
            check(check_kind, type(self).__name__, "encryption_at_rest", self.encryption_at_rest, _AT_REST)
            check(self._check_encrypted)

    def _check_encrypted(self) -> None:
        if not self.encryption_at_rest.is_enabled:
            raise ConfigurationError(
                got="ExistingServerlessCache(encryption_at_rest=EncryptionAtRest.disabled(...))",
                allowed="a serverless cache is always encrypted at rest",
                fix="Use EncryptionAtRest.service_key(reason='...') where it has no KmsKeyId",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/at-rest-encryption.html",
            )


def _check_literal(what: str, value: str) -> None:
    if is_unresolved(value):
        raise ConfigurationError(
            got=f"{what} with a CDK token",
            allowed="what is imported refers to nothing that the same deployment would make",
            fix="Write it out as the service shows it",
            page=PAGE,
        )
