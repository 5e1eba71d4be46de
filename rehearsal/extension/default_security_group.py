"""A VPC's default security group: open between its members as on AWS, until `Custom::VpcRestrictDefaultSG` empties it.

CDK empties it with a custom resource, whose function is written for Node and needs an SDK that AWS's runtime brings.
The emulator looks a custom type up among its handlers before it calls a function, so one of that name replaces it.
"""

from collections.abc import Callable
from typing import Any

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, ec2, handlers, register

TOUCHES = (HANDLERS, Private("services.ec2", "_security_groups"))

RESTRICT = "Custom::VpcRestrictDefaultSG"


def _open(group: dict[str, Any]) -> None:
    """The two rules AWS gives every default group; the emulator leaves the inbound one out."""
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
    """Open default groups as AWS does, and empty them where the template asks."""
    vpc = handlers()["AWS::EC2::VPC"]
    vpc["create"] = _opening(vpc["create"])
    register(RESTRICT, _restrict, _relax)
