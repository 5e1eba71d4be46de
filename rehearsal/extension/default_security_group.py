"""The default security group of a VPC, with AWS's two rules until `Custom::VpcRestrictDefaultSG` removes them.

CDK removes them with a custom resource, whose function needs Node and the SDK of AWS's runtime. The emulator looks for
a handler of a custom type before it calls a function, so a handler of that name replaces the function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, ec2, handlers, register

if TYPE_CHECKING:
    from collections.abc import Callable

TOUCHES = (HANDLERS, Private("services.ec2", "_security_groups"))

RESTRICT = "Custom::VpcRestrictDefaultSG"


def _open(group: dict[str, Any]) -> None:
    """Add the two rules that AWS gives each default group; the emulator omits the inbound one."""
    empty: dict[str, list[Any]] = {"IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
    inside = {"IpProtocol": "-1", **empty, "UserIdGroupPairs": [{"GroupId": group["GroupId"]}]}
    outside = {"IpProtocol": "-1", **empty, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    group["IpPermissions"], group["IpPermissionsEgress"] = [inside], [outside]


def _restrict(logical_id: str, props: Properties, _stack: str) -> Provisioned:
    group = ec2._security_groups.get(props["DefaultSecurityGroupId"])
    if group is None:
        raise ValueError(f"{logical_id}: the security group {props['DefaultSecurityGroupId']!r} does not exist")
    group["IpPermissions"], group["IpPermissionsEgress"] = [], []
    return f"{logical_id}-{group['GroupId']}", {}


def _relax(_physical_id: str, props: Properties) -> None:
    if group := ec2._security_groups.get(props["DefaultSecurityGroupId"]):
        _open(group)


def _opening(stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def create(*args: Any) -> Provisioned:
        vpc_id, attributes = stock(*args)
        _open(ec2._security_groups[attributes["DefaultSecurityGroup"]])
        return vpc_id, attributes

    return create


def install() -> None:
    """Create default groups as AWS does, and remove their rules if the template asks for it."""
    vpc = handlers()["AWS::EC2::VPC"]
    vpc["create"] = _opening(vpc["create"])
    register(RESTRICT, _restrict, _relax)
