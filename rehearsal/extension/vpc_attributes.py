"""`Fn::GetAtt` on a VPC or a subnet: the emulator has few attributes, and not `CidrBlock`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.ipv6 import vpc_range
from rehearsal.extension.seam import HANDLERS, Private, Provisioned, ec2, handlers

if TYPE_CHECKING:
    from collections.abc import Callable

TOUCHES = (HANDLERS, Private("services.ec2", "_vpcs"), Private("services.ec2", "_subnets"))


def _vpc(vpc_id: str) -> dict[str, Any]:
    return {
        "CidrBlock": ec2._vpcs[vpc_id]["CidrBlock"],
        "CidrBlockAssociations": [],
        "Ipv6CidrBlocks": [vpc_range(vpc_id)],
    }


def _subnet(subnet_id: str) -> dict[str, Any]:
    subnet = ec2._subnets[subnet_id]
    return {"CidrBlock": subnet["CidrBlock"], "VpcId": subnet["VpcId"], "Ipv6CidrBlocks": []}


def _adding(
    stock: Callable[..., Provisioned], attributes: Callable[[str], dict[str, Any]]
) -> Callable[..., Provisioned]:
    def handler(*args: Any) -> Provisioned:
        physical_id, known = stock(*args)
        return physical_id, {**known, **attributes(physical_id)}

    return handler


def install() -> None:
    """Add the attributes that CDK's VPC construct uses."""
    for resource_type, attributes in (("AWS::EC2::VPC", _vpc), ("AWS::EC2::Subnet", _subnet)):
        handler = handlers()[resource_type]
        for verb in ("create", "update"):
            handler[verb] = _adding(handler[verb], attributes)
