"""`AWS::EC2::SecurityGroupIngress` and `AWS::EC2::SecurityGroupEgress`, which the emulator lacks; revoking of rules.

The emulator revokes a permission only if it is written as it was authorized: one that it has described itself, with the
owner of a group or a description, stays without an error. AWS compares each range and group for itself. The emulator
also drops the prefix lists of a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import (
    HANDLERS,
    REFUSED,
    Private,
    Properties,
    Provisioned,
    ec2,
    new_id,
    param,
    provisioners,
    register,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rehearsal.extension.seam import Action, Query, Response

TOUCHES = (
    HANDLERS,
    Private("services.ec2", "_security_groups"),
    Private("services.ec2", "_ACTION_MAP"),
    Private("services.ec2", "_error", ("code", "message", "status")),
    Private("services.ec2", "_parse_ip_permissions", ("params", "prefix")),
    Private("services.ec2", "_revoke_sg_egress", ("p",)),
    Private("services.ec2", "_revoke_sg_ingress", ("p",)),
    Private("services.ec2", "_revoked_sg_rule_xml", ("sg_id", "rule", "is_egress")),
    Private("services.ec2", "_xml", ("status", "root_tag", "inner")),
    Private("services.cloudformation.provisioners", "_ec2_sg_permissions", ("rules",)),
    Private("services.cloudformation.provisioners", "_ec2_sg_reconcile", ("store", "old_perms", "new_perms")),
)

ENDS = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
    "UserIdGroupPairs": "GroupId",
}  # lists of a permission, and what tells their items apart
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}


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


def _singles(permission: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A permission for each range, group and prefix list of one that has several."""
    ends = [(kind, end) for kind in ENDS for end in permission.get(kind) or ()]
    if not ends:
        yield permission
    for kind, end in ends:
        yield {**permission, **{other: [] for other in ENDS}, kind: [end]}


def _identity(single: dict[str, Any]) -> tuple[object, ...]:
    """What AWS compares of a permission with one other end: neither its description nor the owner of a group."""
    protocol = PROTOCOLS.get(str(single["IpProtocol"]).lower(), str(single["IpProtocol"]).lower())
    ports = () if protocol == "-1" else (single.get("FromPort"), single.get("ToPort"))
    for kind, key in ENDS.items():
        for end in single.get(kind) or ():
            return protocol, ports, key, end if isinstance(end, str) else end.get(key)
    return protocol, ports


def _revoking(stock: Action, direction: str) -> Action:
    is_egress = direction == "IpPermissionsEgress"
    answer = f"RevokeSecurityGroup{'Egress' if is_egress else 'Ingress'}Response"

    def revoke(query: Query) -> Response:
        group_id = param(query, "GroupId")
        group = ec2._security_groups.get(group_id)
        if group is None or param(query, "SecurityGroupRuleId.1"):
            return stock(query)
        wanted = {
            _identity(single)
            for permission in ec2._parse_ip_permissions(query, "IpPermissions")
            for single in _singles(permission)
        }
        kept: list[dict[str, Any]] = []
        revoked: list[dict[str, Any]] = []
        for permission in group[direction]:
            singles = list(_singles(permission))
            gone = [single for single in singles if _identity(single) in wanted]
            revoked += gone
            kept += [single for single in singles if single not in gone] if gone else [permission]
        if {_identity(single) for single in revoked} != wanted:
            message = "The specified rule does not exist in this security group."
            return _typed(ec2._error("InvalidPermission.NotFound", message, REFUSED))
        group[direction] = kept
        items = "".join(ec2._revoked_sg_rule_xml(group_id, single, is_egress=is_egress) for single in revoked)
        inner = f"<return>true</return><revokedSecurityGroupRuleSet>{items}</revokedSecurityGroupRuleSet>"
        return _typed(ec2._xml(200, answer, inner))

    return revoke


def _typed(response: Any) -> Response:
    made: Response = response
    return made


def _with_prefix_lists(stock: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
    def parse(query: Query, prefix: str) -> list[dict[str, Any]]:
        found = stock(query, prefix)
        for number, permission in enumerate(found, 1):
            place = f"{prefix}.{number}.PrefixListIds"
            names: list[str] = []
            while name := param(query, f"{place}.{len(names) + 1}.PrefixListId"):
                names.append(name)
            permission["PrefixListIds"] = [{"PrefixListId": name} for name in names]
        return found

    return parse


def install() -> None:
    """Add both rule types, take prefix lists, and revoke rules as AWS does."""
    ec2._parse_ip_permissions = _with_prefix_lists(ec2._parse_ip_permissions)
    ec2._ACTION_MAP["RevokeSecurityGroupIngress"] = _revoking(ec2._revoke_sg_ingress, "IpPermissions")
    ec2._ACTION_MAP["RevokeSecurityGroupEgress"] = _revoking(ec2._revoke_sg_egress, "IpPermissionsEgress")
    _register("AWS::EC2::SecurityGroupIngress", "IpPermissions")
    _register("AWS::EC2::SecurityGroupEgress", "IpPermissionsEgress")
