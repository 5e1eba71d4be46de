"""IPv6 of VPCs and subnets, which the emulator lacks: ranges of the VPC, of its subnets, and egress-only gateways."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import (
    HANDLERS,
    Private,
    Properties,
    Provisioned,
    ec2,
    handlers,
    is_true,
    new_id,
    register,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TOUCHES = (HANDLERS, Private("services.ec2", "_vpcs"), Private("services.ec2", "_subnets"))


def vpc_range(vpc_id: str) -> str:
    """The /56 that is Amazon's for a VPC; the emulator gives each its own from the start.

    Args:
        vpc_id: Id of the VPC.
    """
    digest = hashlib.sha256(vpc_id.encode()).hexdigest()
    return f"2a05:d018:{digest[:4]}:{digest[4:6]}00::/56"


def _associate(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    vpc = ec2._vpcs.get(props["VpcId"])
    if vpc is None:
        raise ValueError(f"InvalidVpcID.NotFound: the VPC {props['VpcId']!r} does not exist")
    name = new_id("vpc-cidr-assoc")
    if is_true(props.get("AmazonProvidedIpv6CidrBlock", False)):
        vpc["Ipv6CidrBlock"] = vpc_range(props["VpcId"])
    return name, {"Id": name}


def _disassociate(_name: str, props: Properties) -> None:
    if props["VpcId"] in ec2._vpcs:
        ec2._vpcs[props["VpcId"]].pop("Ipv6CidrBlock", None)


def _gateway(_logical_id: str, _props: Properties, _stack: str) -> Provisioned:
    name = new_id("eigw")
    return name, {"Id": name}


def _nothing(_name: str, _props: Properties) -> None:
    """It has no record."""


def _with_range(stock: Callable[..., Provisioned], properties: int) -> Callable[..., Provisioned]:
    def handler(*args: Any) -> Provisioned:
        props = args[properties]
        block = props.get("Ipv6CidrBlock")
        if block and "Ipv6CidrBlock" not in ec2._vpcs.get(props.get("VpcId"), {}):
            raise ValueError(f"InvalidSubnet.Range: the VPC {props.get('VpcId')!r} has no IPv6 range {block!r}")
        physical_id, attributes = stock(*args)
        subnet = ec2._subnets[physical_id]
        if block:
            subnet["Ipv6CidrBlock"] = block
        if is_true(props.get("Ipv6Native", False)):
            subnet["Ipv6Native"], subnet["CidrBlock"] = True, ""
        return physical_id, attributes

    return handler


def install() -> None:
    """Add the two types, and keep the IPv6 ranges of subnets."""
    register("AWS::EC2::VPCCidrBlock", _associate, _disassociate)
    register("AWS::EC2::EgressOnlyInternetGateway", _gateway, _nothing)
    subnet = handlers()["AWS::EC2::Subnet"]
    subnet["create"], subnet["update"] = _with_range(subnet["create"], 1), _with_range(subnet["update"], 2)
