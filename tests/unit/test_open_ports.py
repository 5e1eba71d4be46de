"""The table of ports: a line for each rule, wherever and however it is written."""

from __future__ import annotations

from typing import Any

import pytest

from elasticache_rules.posture.open_ports import OpenPort, markdown, open_ports

DOOR = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "Nodes"}}
CLIENTS = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "Clients"}}
CACHE = {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": {"SecurityGroupIds": [{"Ref": "Door"}]}}
SHOP = {"Type": "AWS::Lambda::Function", "Properties": {"VpcConfig": {"SecurityGroupIds": [{"Ref": "Clients"}]}}}


def stack(**resources: Any) -> dict[str, Any]:
    """A template with a cache, its group, and the group of its clients."""
    return {"Resources": {"Door": DOOR, "Clients": CLIENTS, "Cache1234ABCD": CACHE, **resources}}


def rule(**properties: Any) -> dict[str, Any]:
    """A rule of the cache's group, apart from it."""
    defaults = {"GroupId": {"Ref": "Door"}, "IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}
    return {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {**defaults, **properties}}


@pytest.mark.parametrize(
    ("properties", "port", "admits", "members"),
    [
        pytest.param({"SourceSecurityGroupId": {"Ref": "Clients"}}, "6379/tcp", "Clients", "Shop", id="a group"),
        pytest.param({"SourceSecurityGroupId": "sg-1"}, "6379/tcp", "another group", "", id="a group from elsewhere"),
        pytest.param({"CidrIp": "10.0.0.0/8"}, "6379/tcp", "10.0.0.0/8", "", id="a range"),
        pytest.param({"CidrIpv6": "::/0"}, "6379/tcp", "::/0", "", id="another kind of range"),
        pytest.param({"CidrIp": "10.0.0.0/8", "ToPort": 6380}, "6379 to 6380/tcp", "10.0.0.0/8", "", id="two ports"),
        pytest.param({"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}, "all", "0.0.0.0/0", "", id="every port"),
    ],
)
def test_rule_is_a_line(properties: dict[str, Any], port: str, admits: str, members: str) -> None:
    """What is open, on what, to whom, and who that is."""
    templates = {"dev/cache": stack(Rule=rule(**properties), ShopABCD1234=SHOP)}

    assert [OpenPort(port, "Cache", "dev/cache", admits, members)] == list(open_ports(templates))


def test_rule_inside_the_group_counts_too() -> None:
    """A rule need not be a separate resource."""
    inline = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
    door = {**DOOR, "Properties": {"GroupDescription": "Nodes", "SecurityGroupIngress": [inline]}}

    assert ["22/tcp"] == [each.port for each in open_ports({"dev/cache": stack(Door=door)})]


def test_members_in_another_stack_are_found() -> None:
    """A function that joins the group from its own stack is named."""
    exported = {"Clients": {"Value": {"Ref": "Clients"}, "Export": {"Name": "clients"}}}
    function = {**SHOP, "Properties": {"VpcConfig": {"SecurityGroupIds": [{"Fn::ImportValue": "clients"}]}}}
    templates = {
        "dev/cache": {**stack(Rule=rule(SourceSecurityGroupId={"Ref": "Clients"})), "Outputs": exported},
        "dev/shop": {"Resources": {"Shop": function}},
    }

    assert ["Shop"] == [each.members for each in open_ports(templates)]


def test_group_without_members_is_said() -> None:
    """A client group without members admits no client."""
    templates = {"dev/cache": stack(Rule=rule(SourceSecurityGroupId={"Ref": "Clients"}))}

    assert ["no member yet"] == [each.members for each in open_ports(templates)]


@pytest.mark.parametrize(
    ("authorization", "members"),
    [("AWS_IAM", "roles that are granted execute-api:Invoke, with signed requests"), ("NONE", "anybody")],
)
def test_http_api_is_a_line(authorization: str, members: str) -> None:
    """An API is open to the internet, and says whom it answers."""
    route = {
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {"ApiId": {"Ref": "ShopApi1234ABCD"}, "AuthorizationType": authorization},
    }
    templates = {"dev/shop": {"Resources": {"Route": route, "ShopApi1234ABCD": {"Type": "AWS::ApiGatewayV2::Api"}}}}

    assert [OpenPort("443/tcp", "ShopApi", "dev/shop", "Internet", members)] == list(open_ports(templates))


def test_what_stages_have_alike_is_one_line() -> None:
    """A line names the stages that have it; lines are sorted by port, as numbers."""
    open_to = {"CidrIp": "10.0.0.0/8"}
    dev = stack(Rule=rule(**open_to), Other=rule(**open_to, FromPort=11211, ToPort=11211))
    lines = markdown({"dev/cache": dev, "prod/cache": stack(Rule=rule(**open_to))}).splitlines()[-2:]

    assert [
        "| 6379/tcp | Cache | cache | 10.0.0.0/8 |  | dev, prod |",
        "| 11211/tcp | Cache | cache | 10.0.0.0/8 |  | dev |",
    ] == lines
