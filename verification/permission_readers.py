"""Read back what roles are allowed: managed and inline policies, and that nothing else is attached to a role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from verification.account import ABSENT, Account
from verification.reader import Properties, Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLE, MANAGED, INLINE = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"


def attached(account: Account, role: str) -> set[str]:
    """The ARNs of the managed policies of a role.

    Args:
        account: The account.
        role: Name of the role.
    """
    listed = account.read("iam", "list_attached_role_policies", RoleName=role)["AttachedPolicies"]
    return {policy["PolicyArn"] for policy in listed}


def inline(account: Account, role: str) -> set[str]:
    """The names of the inline policies of a role.

    Args:
        account: The account.
        role: Name of the role.
    """
    return set(account.read("iam", "list_role_policies", RoleName=role)["PolicyNames"])


def _document(account: Account, role: str, name: str) -> Any:
    return account.read("iam", "get_role_policy", RoleName=role, PolicyName=name)["PolicyDocument"]


def _read_role(account: Account, name: str, asked: Properties) -> Properties:
    role = account.read("iam", "get_role", RoleName=name)["Role"]
    view = {key: role[key] for key in ("AssumeRolePolicyDocument", "MaxSessionDuration", "Path") if key in role}
    # What is attached besides is another check: policies of the template attach themselves as well.
    wanted, own = asked.get("ManagedPolicyArns", []), {policy["PolicyName"] for policy in asked.get("Policies", [])}
    return {
        **view,
        "Description": role.get("Description", ABSENT),
        "PermissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ABSENT),
        "ManagedPolicyArns": [arn for arn in wanted if arn in attached(account, name)],
        "Policies": [
            {"PolicyName": policy, "PolicyDocument": _document(account, name, policy)}
            for policy in sorted(own & inline(account, name))
        ],
    }


def _read_managed(account: Account, name: str, asked: Properties) -> Properties:
    policy = account.read("iam", "get_policy", PolicyArn=name)["Policy"]
    version = account.read("iam", "get_policy_version", PolicyArn=name, VersionId=policy["DefaultVersionId"])
    return {
        "ManagedPolicyName": policy["PolicyName"],
        "Path": policy.get("Path", "/"),
        "Description": policy.get("Description", ""),
        "PolicyDocument": version["PolicyVersion"]["Document"],
        "Roles": [role for role in asked.get("Roles", []) if name in attached(account, role)],
    }


def _read_inline(account: Account, _name: str, asked: Properties) -> Properties:
    name = asked["PolicyName"]
    roles = [role for role in asked.get("Roles", []) if name in inline(account, role)]
    documents = [_document(account, role, name) for role in roles]
    same = all(json.dumps(one) == json.dumps(documents[0]) for one in documents)
    found = documents[0] if documents and same else documents or ABSENT
    return {"PolicyName": name, "PolicyDocument": found, "Roles": roles}


PERMISSION_READERS: Mapping[str, Reader] = {
    ROLE: Reader(_read_role),
    MANAGED: Reader(_read_managed),
    INLINE: Reader(_read_inline, follows={"Roles": ("PolicyDocument",)}),
}
