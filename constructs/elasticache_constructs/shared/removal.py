"""What ``apply_removal_policy`` may do to a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy

from elasticache_constructs.checks.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import NoReturn

_PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"


def refuse_for_imported(noun: str) -> NoReturn:
    """Refuse a removal policy of a cache that the app does not have: its own stack says what happens to it."""
    raise ConfigurationError(
        got=f"apply_removal_policy of an imported {noun}",
        allowed="a removal policy belongs to the stack that creates the resource",
        fix=f"Call it on the construct that creates the {noun}",
        page=_PAGE,
    )


def refuse_snapshot(policy: RemovalPolicy, *, noun: str, because: str) -> None:
    """Refuse the policy Snapshot for a type of resource that CloudFormation takes no snapshot of.

    Raises:
        ConfigurationError: If the policy is ``SNAPSHOT``.
    """
    if policy is RemovalPolicy.SNAPSHOT:
        raise ConfigurationError(
            got=f"apply_removal_policy(RemovalPolicy.SNAPSHOT) of a {noun}",
            allowed=because,
            fix="Leave it out, or use RemovalPolicy.RETAIN to keep the cache",
            page=_PAGE,
        )
