"""`AWS::EC2::EIP` and `AWS::EC2::NatGateway`, which the emulator lacks. They route no traffic."""

from __future__ import annotations

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, ec2, new_id, provisioners, register

TOUCHES = (
    HANDLERS,
    Private("services.ec2", "_addresses"),
    Private("services.ec2", "_nat_gateways"),
    Private("services.ec2", "_subnets"),
    Private("services.ec2", "_random_ip", ("prefix",)),
    Private("services.ec2", "_now_ts", ()),
    Private("services.cloudformation.provisioners", "_ec2_apply_tags", ("physical_id", "props", "old_props")),
)


def _address(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    allocation, address = new_id("eipalloc"), ec2._random_ip("52.")
    ec2._addresses[allocation] = {
        "AllocationId": allocation,
        "PublicIp": address,
        "Domain": props.get("Domain", "vpc"),
        "AssociationId": None,
        "InstanceId": None,
        "NetworkInterfaceId": None,
        "PrivateIpAddress": None,
    }
    provisioners._ec2_apply_tags(allocation, props)
    return address, {"AllocationId": allocation, "PublicIp": address}


def _release(address: str, _props: Properties) -> None:
    for allocation in [key for key, known in ec2._addresses.items() if known["PublicIp"] == address]:
        del ec2._addresses[allocation]


def _gateway(logical_id: str, props: Properties, _stack: str) -> Provisioned:
    subnet = ec2._subnets.get(props["SubnetId"])
    if subnet is None:
        raise ValueError(f"{logical_id}: InvalidSubnetID.NotFound: the subnet {props['SubnetId']!r} does not exist")
    allocation, connectivity = props.get("AllocationId"), props.get("ConnectivityType", "public")
    if connectivity == "public" and allocation not in ec2._addresses:
        raise ValueError(f"{logical_id}: InvalidAllocationID.NotFound: the allocation {allocation!r} does not exist")
    gateway = new_id("nat")
    ec2._nat_gateways[gateway] = {
        "NatGatewayId": gateway,
        "SubnetId": props["SubnetId"],
        "VpcId": subnet["VpcId"],
        "AllocationId": allocation,
        "ConnectivityType": connectivity,
        "State": "available",
        "CreateTime": ec2._now_ts(),
        "Tags": props.get("Tags", []),
    }
    provisioners._ec2_apply_tags(gateway, props)
    return gateway, {"NatGatewayId": gateway}


def _remove(gateway: str, _props: Properties) -> None:
    ec2._nat_gateways.pop(gateway, None)


def install() -> None:
    """Add both types."""
    register("AWS::EC2::EIP", _address, _release)
    register("AWS::EC2::NatGateway", _gateway, _remove)
