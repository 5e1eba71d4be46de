"""Handlers of EC2 types: created, changed and deleted as CloudFormation would."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest

from rehearsal.extension import seam
from rehearsal.extension.default_security_group import RESTRICT

ANYWHERE = "0.0.0.0/0"


@pytest.fixture
def vpc(cloudformation: Any) -> tuple[str, dict[str, Any]]:
    """A VPC."""
    made: tuple[str, dict[str, Any]] = cloudformation.create("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
    return made


@pytest.fixture
def subnet(cloudformation: Any, vpc: tuple[str, dict[str, Any]]) -> str:
    """A subnet in it."""
    name: str = cloudformation.create("AWS::EC2::Subnet", VpcId=vpc[0], CidrBlock="10.0.0.0/24")[0]
    return name


def _ec2(action: str, **parameters: str) -> str:
    body = urlencode({"Action": action, **parameters}).encode()
    _status, _headers, answer = asyncio.run(seam.ec2.handle_request("POST", "/", {}, body, {}))
    return str(answer.decode())


def test_vpc_and_subnet_have_the_attributes_templates_use(cloudformation: Any, vpc: Any, subnet: str) -> None:
    """GetAtt of CidrBlock works on both, after creation and after an update."""
    assert vpc[1]["CidrBlock"] == "10.0.0.0/16"
    properties = {"VpcId": vpc[0], "CidrBlock": "10.0.0.0/24"}
    assert subnet == cloudformation.update("AWS::EC2::Subnet", subnet, properties, {**properties, "Tags": []})
    assert (
        seam.handlers()["AWS::EC2::VPC"]["update"](
            vpc[0], {"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": True}, "stack", "Vpc"
        )[1]["CidrBlock"]
        == "10.0.0.0/16"
    )


def test_subnets_have_ipv6_ranges_of_a_vpc_that_has_one(cloudformation: Any, vpc: Any) -> None:
    """A subnet's IPv6 range is refused before the VPC's is associated, and kept afterwards; one may have it alone."""
    (whole,) = vpc[1]["Ipv6CidrBlocks"]
    properties = {"VpcId": vpc[0], "CidrBlock": "10.0.1.0/24", "Ipv6CidrBlock": whole.replace("/56", "/64")}
    with pytest.raises(ValueError, match=r"InvalidSubnet\.Range"):
        cloudformation.create("AWS::EC2::Subnet", **properties)
    cloudformation.create("AWS::EC2::VPCCidrBlock", VpcId=vpc[0], AmazonProvidedIpv6CidrBlock=True)
    name, _ = cloudformation.create("AWS::EC2::Subnet", **properties)
    del properties["CidrBlock"]
    alone, _ = cloudformation.create("AWS::EC2::Subnet", **properties, Ipv6Native=True)

    kept = [(seam.ec2._subnets[each]["CidrBlock"], seam.ec2._subnets[each]["Ipv6CidrBlock"]) for each in (name, alone)]
    assert [("10.0.1.0/24", properties["Ipv6CidrBlock"]), ("", properties["Ipv6CidrBlock"])] == kept


def test_default_security_group_is_open_until_restricted(cloudformation: Any, vpc: Any) -> None:
    """A default security group has AWS's rules, which the custom resource removes and its deletion restores."""
    group = vpc[1]["DefaultSecurityGroup"]
    record = seam.ec2._security_groups[group]
    assert [{"GroupId": group}] == record["IpPermissions"][0]["UserIdGroupPairs"]
    name, _ = cloudformation.create(RESTRICT, DefaultSecurityGroupId=group, ServiceToken="none", Account="0")
    assert ([], []) == (record["IpPermissions"], record["IpPermissionsEgress"])
    cloudformation.delete(RESTRICT, name, DefaultSecurityGroupId=group)
    assert [{"CidrIp": ANYWHERE}] == record["IpPermissionsEgress"][0]["IpRanges"]


def test_restricting_an_unknown_group_is_refused(cloudformation: Any) -> None:
    """The error of the custom resource names the group that does not exist."""
    with pytest.raises(ValueError, match="'sg-none' does not exist"):
        cloudformation.create(RESTRICT, DefaultSecurityGroupId="sg-none")


@pytest.mark.parametrize(
    ("kind", "store", "peer"),
    [
        ("AWS::EC2::SecurityGroupIngress", "IpPermissions", "SourceSecurityGroupId"),
        ("AWS::EC2::SecurityGroupEgress", "IpPermissionsEgress", "DestinationSecurityGroupId"),
    ],
)
def test_security_group_rule_lives_and_dies(cloudformation: Any, vpc: Any, kind: str, store: str, peer: str) -> None:
    """A rule is added, refused if it exists, replaced by an update and removed; other rules stay."""
    group, _ = cloudformation.create("AWS::EC2::SecurityGroup", GroupDescription="nodes", VpcId=vpc[0])
    record = seam.ec2._security_groups[group]
    before = list(record[store])
    rule = {"GroupId": group, "IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, peer: group}
    name, attributes = cloudformation.create(kind, **rule)
    assert {"Id": name} == attributes
    with pytest.raises(ValueError, match="already exists"):
        cloudformation.create(kind, **rule)
    cloudformation.update(kind, name, rule, {**rule, "FromPort": 6380, "ToPort": 6380})
    assert [6380] == [item["FromPort"] for item in record[store] if "FromPort" in item]
    cloudformation.delete(kind, name, **{**rule, "FromPort": 6380, "ToPort": 6380})
    assert before == record[store]


def test_rule_of_an_unknown_group_is_refused(cloudformation: Any) -> None:
    """The error of a rule names the group that does not exist; deleting such a rule succeeds."""
    rule = {"GroupId": "sg-none", "IpProtocol": "-1", "CidrIp": ANYWHERE}
    with pytest.raises(ValueError, match="'sg-none' does not exist"):
        cloudformation.create("AWS::EC2::SecurityGroupIngress", **rule)
    cloudformation.delete("AWS::EC2::SecurityGroupIngress", "sgr-none", **rule)


OWNER = "Groups.1.UserId"
GROUP_RULE = {"IpProtocol": "tcp", "FromPort": "6379", "ToPort": "6379"}


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
@pytest.mark.parametrize(
    ("permission", "left"),
    [
        ({"Groups.1.GroupId": "group"}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Groups.1.GroupId": "group", OWNER: "123456789012"}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Groups.1.GroupId": "group", "Groups.1.Description": "clients"}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"IpProtocol": "6", "IpRanges.1.CidrIp": "10.0.1.0/24"}, ["10.0.0.0/24", "group"]),
        ({"IpRanges.1.CidrIp": "10.0.0.0/24", "IpRanges.2.CidrIp": "10.0.1.0/24"}, ["group"]),
        ({"IpRanges.1.CidrIp": "10.0.2.0/24"}, None),
        ({"IpRanges.1.CidrIp": "10.0.0.0/24", "IpRanges.2.CidrIp": "10.0.2.0/24"}, None),
        ({"IpRanges.1.CidrIp": "10.0.0.0/24", "ToPort": "6380"}, None),
    ],
)
def test_rules_are_revoked_as_they_are_described(
    cloudformation: Any, vpc: Any, direction: str, permission: dict[str, str], left: list[str] | None
) -> None:
    """Each range and group counts for itself, without description and owner; if one is missing, nothing is revoked."""
    store = {"Ingress": "IpPermissions", "Egress": "IpPermissionsEgress"}[direction]
    group, _ = cloudformation.create("AWS::EC2::SecurityGroup", GroupDescription="nodes", VpcId=vpc[0])
    record = seam.ec2._security_groups[group]
    whole: dict[str, Any] = {
        "IpProtocol": "tcp",
        "FromPort": 6379,
        "ToPort": 6379,
        "Ipv6Ranges": [],
        "PrefixListIds": [],
    }
    ranges = [{"CidrIp": "10.0.0.0/24", "Description": "first"}, {"CidrIp": "10.0.1.0/24"}]
    record[store] = [{**whole, "IpRanges": ranges, "UserIdGroupPairs": [{"GroupId": "group", "Description": "d"}]}]
    before = list(record[store])
    body = {f"IpPermissions.1.{key}": value for key, value in {**GROUP_RULE, **permission}.items()}
    answer = _ec2(f"RevokeSecurityGroup{direction}", GroupId=group, **body)
    if left is None:
        assert "<Code>InvalidPermission.NotFound</Code>" in answer
        assert before == record[store]
        return
    assert "<return>true</return>" in answer
    ends = [end for rule in record[store] for end in (*rule["IpRanges"], *rule["UserIdGroupPairs"])]
    assert sorted(end.get("CidrIp") or end["GroupId"] for end in ends) == sorted(left)


def test_prefix_lists_of_requests_are_kept(cloudformation: Any, vpc: Any) -> None:
    """A rule by prefix list is authorized and revoked."""
    group, _ = cloudformation.create("AWS::EC2::SecurityGroup", GroupDescription="nodes", VpcId=vpc[0])
    record = seam.ec2._security_groups[group]
    rule = {f"IpPermissions.1.{key}": value for key, value in GROUP_RULE.items()}
    rule["IpPermissions.1.PrefixListIds.1.PrefixListId"] = "pl-1"
    _ec2("AuthorizeSecurityGroupIngress", GroupId=group, **rule)
    assert [{"PrefixListId": "pl-1"}] == record["IpPermissions"][0]["PrefixListIds"]
    _ec2("RevokeSecurityGroupIngress", GroupId=group, **rule)
    assert [] == record["IpPermissions"]


def test_rules_of_every_protocol_are_revoked_whatever_their_ports(cloudformation: Any, vpc: Any) -> None:
    """AWS ignores ports of such a rule, and describes none."""
    group, _ = cloudformation.create("AWS::EC2::SecurityGroup", GroupDescription="nodes", VpcId=vpc[0])
    rule = {"IpPermissions.1.IpProtocol": "-1", "IpPermissions.1.IpRanges.1.CidrIp": ANYWHERE}
    _ec2("RevokeSecurityGroupEgress", GroupId=group, **rule, **{"IpPermissions.1.FromPort": "-1"})
    assert [] == seam.ec2._security_groups[group]["IpPermissionsEgress"]


def test_nat_gateway_with_its_address(cloudformation: Any, subnet: str) -> None:
    """An address and a gateway in a subnet are described until they are deleted."""
    address, attributes = cloudformation.create("AWS::EC2::EIP", Domain="vpc", Tags=[{"Key": "Name", "Value": "out"}])
    assert address == attributes["PublicIp"]
    gateway, _ = cloudformation.create("AWS::EC2::NatGateway", SubnetId=subnet, AllocationId=attributes["AllocationId"])
    assert gateway in _ec2("DescribeNatGateways")
    assert address in _ec2("DescribeAddresses")
    cloudformation.delete("AWS::EC2::NatGateway", gateway)
    cloudformation.delete("AWS::EC2::EIP", address)
    assert gateway not in _ec2("DescribeNatGateways")
    assert address not in _ec2("DescribeAddresses")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SubnetId": "subnet-none"}, "'subnet-none' does not exist"),
        ({"AllocationId": "eipalloc-none"}, "'eipalloc-none' does not exist"),
    ],
)
def test_nat_gateway_needs_what_it_stands_on(
    cloudformation: Any, subnet: str, changes: dict[str, str], message: str
) -> None:
    """A public gateway without its subnet or its address is refused."""
    allocation = cloudformation.create("AWS::EC2::EIP")[1]["AllocationId"]
    with pytest.raises(ValueError, match=message):
        cloudformation.create("AWS::EC2::NatGateway", **{"SubnetId": subnet, "AllocationId": allocation, **changes})


def test_network_acl_lives_and_dies(cloudformation: Any, vpc: Any, subnet: str) -> None:
    """It has its entries and its subnet, of which each has one network ACL only, until they are deleted."""
    kinds = ("AWS::EC2::NetworkAcl", "AWS::EC2::NetworkAclEntry", "AWS::EC2::SubnetNetworkAclAssociation")
    first, second = (cloudformation.create(kinds[0], VpcId=vpc[0])[0] for _ in range(2))
    ports = {"From": 6379, "To": 6379}
    rule = {"RuleNumber": 100, "Protocol": 6, "RuleAction": "allow", "CidrBlock": ANYWHERE, "PortRange": ports}
    entry = {"NetworkAclId": first, "Egress": False, **rule}
    name, _ = cloudformation.create(kinds[1], **entry)
    cloudformation.create(kinds[1], **{**entry, "Egress": True})
    with pytest.raises(ValueError, match="NetworkAclEntryAlreadyExists"):
        cloudformation.create(kinds[1], **entry)
    for acl in (first, second):
        cloudformation.create(kinds[2], NetworkAclId=acl, SubnetId=subnet)
    stored = seam.ec2._network_acls
    assert ([], [subnet]) == tuple([one["SubnetId"] for one in stored[acl]["Associations"]] for acl in (first, second))
    assert ports == stored[first]["Entries"][-1]["PortRange"]
    cloudformation.delete(kinds[1], name, **entry)
    assert [(32767, False), (32767, True), (100, True)] == [
        (one["RuleNumber"], one["Egress"]) for one in stored[first]["Entries"]
    ]
    cloudformation.delete(kinds[2], "aclassoc-1", NetworkAclId=second, SubnetId=subnet)
    assert [] == stored[second]["Associations"]
    for acl in (first, second):
        cloudformation.delete(kinds[0], acl)
        assert acl not in _ec2("DescribeNetworkAcls")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("AWS::EC2::NetworkAclEntry", {"RuleNumber": 1, "Protocol": -1, "RuleAction": "deny", "CidrBlock": ANYWHERE}),
        ("AWS::EC2::SubnetNetworkAclAssociation", {"SubnetId": "subnet-1"}),
    ],
)
def test_network_acl_that_does_not_exist_is_refused(cloudformation: Any, kind: str, more: dict[str, Any]) -> None:
    """Of entries and associations; their deletion succeeds."""
    with pytest.raises(ValueError, match="'acl-none' does not exist"):
        cloudformation.create(kind, NetworkAclId="acl-none", **more)
    cloudformation.delete(kind, "x", NetworkAclId="acl-none", **more)


def test_prefix_list_is_described_until_it_is_deleted(cloudformation: Any) -> None:
    """With its entries."""
    kind = "AWS::EC2::PrefixList"
    properties = {
        "PrefixListName": "offices",
        "AddressFamily": "IPv4",
        "MaxEntries": 2,
        "Entries": [{"Cidr": ANYWHERE}],
    }
    name, attributes = cloudformation.create(kind, **properties)
    assert name == attributes["PrefixListId"]
    assert ANYWHERE in _ec2("GetManagedPrefixListEntries", PrefixListId=name)
    cloudformation.delete(kind, name, **properties)
    assert name not in _ec2("DescribeManagedPrefixLists")


def test_flow_log_has_its_log_group(cloudformation: Any, vpc: Any) -> None:
    """DescribeFlowLogs returns the log group and the role, until the flow log is deleted."""
    log, _ = cloudformation.create(
        "AWS::EC2::FlowLog",
        ResourceId=vpc[0],
        ResourceType="VPC",
        LogGroupName="flows",
        DeliverLogsPermissionArn="arn:role",
    )
    described = _ec2("DescribeFlowLogs")
    assert "<logGroupName>flows</logGroupName>" in described
    assert "<deliverLogsPermissionArn>arn:role</deliverLogsPermissionArn>" in described
    cloudformation.delete("AWS::EC2::FlowLog", log)
    assert log not in _ec2("DescribeFlowLogs")


def test_endpoint_has_its_groups_and_private_dns(cloudformation: Any, vpc: Any) -> None:
    """DescribeVpcEndpoints returns the security groups and whether private DNS is enabled."""
    cloudformation.create(
        "AWS::EC2::VPCEndpoint",
        VpcId=vpc[0],
        ServiceName="com.amazonaws.eu-west-1.elasticache",
        SecurityGroupIds=["sg-1"],
        PrivateDnsEnabled=True,
    )
    described = _ec2("DescribeVpcEndpoints")
    assert "<groupId>sg-1</groupId>" in described
    assert "<privateDnsEnabled>true</privateDnsEnabled>" in described
