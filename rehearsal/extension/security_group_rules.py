"""`AWS::EC2::SecurityGroupIngress` and `AWS::EC2::SecurityGroupEgress`, which the emulator lacks."""

from __future__ import annotations

from typing import Any

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, ec2, new_id, provisioners, register

TOUCHES = (
    HANDLERS,
    Private("services.ec2", "_security_groups"),
    Private("services.cloudformation.provisioners", "_ec2_sg_permissions", ("rules",)),
    Private("services.cloudformation.provisioners", "_ec2_sg_reconcile", ("store", "old_perms", "new_perms")),
)


def _rules(group_id: str, direction: str) -> list[dict[str, Any]]:
    group = ec2._security_groups.get(group_id)
    if group is None:
        raise ValueError(f"InvalidGroup.NotFound: the security group {group_id!r} does not exist")
    rules: list[dict[str, Any]] = group[direction]
    return rules


def _register(resource_type: str, direction: str) -> None:
    def create(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
        rules = _rules(props["GroupId"], direction)
        [rule] = provisioners._ec2_sg_permissions([props])
        if rule in rules:
            raise ValueError(f"InvalidPermission.Duplicate: the specified rule {rule} already exists")
        rules.append(rule)
        rule_id = new_id("sgr")
        return rule_id, {"Id": rule_id}

    def delete(_physical_id: str, props: Properties) -> None:
        if props["GroupId"] in ec2._security_groups:
            removed = provisioners._ec2_sg_permissions([props])
            provisioners._ec2_sg_reconcile(_rules(props["GroupId"], direction), removed, [])

    register(resource_type, create, delete)


def install() -> None:
    """Add both rule types."""
    _register("AWS::EC2::SecurityGroupIngress", "IpPermissions")
    _register("AWS::EC2::SecurityGroupEgress", "IpPermissionsEgress")
