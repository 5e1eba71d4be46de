"""A cache that a user group is attached to, as the rotation of the group's passwords needs to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedCache:
    """A cache that accepts the passwords of users, and how a function reaches it."""

    path: str
    """Of the construct."""
    cache_id: str
    """The id of a replication group, or the name of a serverless cache."""
    is_serverless: bool
    user_group_id: str | None
    """Of the cache; ``None`` if it has its own AuthToken."""
    vpc: ec2.IVpc
    client_security_group: ec2.ISecurityGroup
    is_ipv6_only: bool = False
    """Whether it has IPv6 addresses alone."""
