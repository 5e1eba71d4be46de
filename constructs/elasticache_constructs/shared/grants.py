"""Grants that take effect: where the CDK would silently write no statement, the grant is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aws_cdk import aws_iam as iam
from constructs import Dependable

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.locations import place_of
from elasticache_constructs.checks.tokens import is_unresolved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

# The context of iam.Role.customize_roles: the CDK writes no policies then, and reports the permissions that roles need.
_CUSTOMIZE_ROLES_CONTEXT = "@aws-cdk/iam:customizeRoles"
_GRANTEE = Kind(of=iam.IGrantable, method="grant_principal", example="a role, function, task definition or user")
_IDENTITY = Kind(of=iam.IIdentity, method="add_managed_policy", example="a role, user or group")
_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_identity-vs-resource.html"


def grant(
    call: str,
    grantee: iam.IGrantable,
    *,
    of: Construct,
    actions: Sequence[str],
    resource_arns: Sequence[str],
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> iam.Grant:
    """Add a statement to the policy of a role, user or group, for resources without a resource policy.

    Args:
        call: The method that was called, for messages, for example ``cache.grant_connect``.
        grantee: A role, or a function or another resource that has one.
        of: The resource. Only roles of its account can be granted access.
        actions: The actions.
        resource_arns: The resources of the statement.
        conditions: The conditions of the statement. Default: no condition.

    Raises:
        ConfigurationError: If the grantee is of another account, has no policy that the app writes, or has a policy
            that must not be changed.
    """
    check_kind(call, "grantee", grantee, _GRANTEE)
    principal = grantee.grant_principal
    check_account(call, principal, of=of)
    check_open(call, principal)
    made = iam.Grant.add_to_principal(
        grantee=grantee,
        actions=list(actions),
        resource_arns=list(resource_arns),
        conditions={name: dict(each) for name, each in (conditions or {}).items()} or None,
    )
    if not made.success:
        raise ConfigurationError(
            got=f"{call} to {type(grantee.grant_principal).__name__}",
            allowed="the permission is written into a policy of a role, user or group, and this has none",
            fix="Grant it to an iam.Role, or to the function or task that makes the calls",
            page=_PAGE,
        )
    return made


def attach(call: str, identity: iam.IIdentity, policy: iam.ManagedPolicy, *, of: Construct) -> None:
    """Attach a managed policy to a role, user or group.

    Raises:
        ConfigurationError: If it is of another account, or its policies must not be changed.
    """
    check_kind(call, "identity", identity, _IDENTITY)
    principal = identity.grant_principal
    check_account(call, principal, of=of)
    check_open(call, principal)
    # What is imported by name drops managed policies, or refuses them; a policy takes names.
    if hasattr(identity, "group_name") and not isinstance(identity, iam.Group):
        policy.attach_to_group(cast("iam.IGroup", identity))
    elif hasattr(identity, "user_name") and not isinstance(identity, iam.User):
        policy.attach_to_user(cast("iam.IUser", identity))
    else:
        identity.add_managed_policy(policy)


def check_account(call: str, principal: iam.IPrincipal, *, of: Construct) -> None:
    """Refuse a principal of another account. Accounts that are not known are not compared.

    Raises:
        ConfigurationError: If it is of another one.
    """
    if is_foreign(principal, of=of):
        theirs, ours = principal.principal_account, place_of(of).account
        raise ConfigurationError(
            got=f"{call} to the account {theirs} in {ours}",
            allowed="only roles, users and groups of the account itself can be granted it",
            fix=f"Grant it to an iam.Role of {ours} that the other account may assume: "
            f"assumed_by=iam.AccountPrincipal('{theirs}')",
            page="https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_cross-account-with-roles.html",
        )


def is_foreign(principal: iam.IPrincipal, *, of: Construct) -> bool:
    """Whether a principal is known to be of another account."""
    # Of what was imported without a role nothing is known, not even that.
    theirs, ours = getattr(principal, "principal_account", None), place_of(of).account
    return theirs not in (None, ours) and not is_unresolved(theirs) and not is_unresolved(ours)


def check_open(call: str, principal: iam.IPrincipal) -> None:
    """Refuse a principal that drops grants, for which the CDK reports success nevertheless.

    Raises:
        ConfigurationError: If it is a role that was imported as immutable, or belongs to a function or another
            resource that was imported without its role.
    """
    if isinstance(principal, iam.UnknownPrincipal) or _is_immutable(principal):
        raise ConfigurationError(
            got=f"{call} to a role whose policies this app does not write",
            allowed="the permission is written into a policy of the role, and would be nowhere",
            fix="Grant it to the role itself: import it without mutable=False, and a function together with its role",
            page="https://docs.aws.amazon.com/cdk/v2/guide/define-iam-l2.html",
        )


def _is_immutable(principal: iam.IPrincipal) -> bool:
    if not (node := getattr(principal, "node", None)):
        return False
    if node.try_get_context(_CUSTOMIZE_ROLES_CONTEXT):
        return False
    # Such a role stands for another one, and so depends on that one and not on itself.
    roots = Dependable.of(cast("Construct", principal)).dependency_roots
    return [each.node.path for each in roots] != [node.path]
