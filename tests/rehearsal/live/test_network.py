"""Who may connect in the emulated account: its state is read as templates are, and judged by the same code."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from elasticache_rules.posture.reachability import closed_stores, unreachable
from rehearsal.extension import seam
from rehearsal.live import network, peer
from rehearsal.live.edge.edge import Endpoint, Target
from rehearsal.live.peer import Peer
from tests.security.test_reachability import SERVICES, STORES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.live.run import Run

REGION = "eu-west-1"
FUNCTION = "orders"
IN_THE_VPC = ("AWS::EC2::SecurityGroup", "AWS::EC2::RouteTable", "AWS::EC2::NetworkAcl")
REQUIRED: dict[str, dict[str, Any]] = {
    "AWS::EC2::NatGateway": {"ConnectivityType": "private"},
    "AWS::EC2::PrefixList": {"PrefixListName": "offices", "AddressFamily": "IPv4", "MaxEntries": 5},
}
FROM_ELSEWHERE = "a prefix list from elsewhere"


class Account:
    """An account with the resources of a template."""

    def __init__(self, cloudformation: Any, run: Run) -> None:
        self._cloudformation = cloudformation
        self.run = replace(run, account=seam.responses.get_account_id())
        self.ids: dict[str, str] = {}
        for name, dns in (("vpc-1", True), ("vpc-2", True)):
            made = cloudformation.create(
                "AWS::EC2::VPC", CidrBlock="10.0.0.0/16", EnableDnsSupport=dns, EnableDnsHostnames=dns
            )
            self.ids[name] = made[0]
        self.judge = network.Judge(self.run)

    def deploy(self, template: dict[str, Any]) -> None:
        """Create what the judgement reads, in the order in which it is referred to."""
        waiting = dict(template["Resources"])
        while waiting:
            name, body = next((n, b) for n, b in waiting.items() if not self._needs(b) & set(waiting) - {n})
            del waiting[name]
            properties = self.resolved(body.get("Properties", {}))
            if body["Type"] == "AWS::Lambda::Function":
                config = {"FunctionName": FUNCTION, "VpcConfig": properties["VpcConfig"]}
                network.lambda_service._functions[FUNCTION] = {"config": config}
            elif body["Type"] in IN_THE_VPC:
                self.ids[name] = self.create(body["Type"], GroupDescription=name, VpcId=self.ids["vpc-1"], **properties)
            elif body["Type"].startswith("AWS::EC2::"):
                self.ids[name] = self.create(body["Type"], **{**REQUIRED.get(body["Type"], {}), **properties})
            else:
                self.ids[name] = name

    def create(self, kind: str, **properties: Any) -> str:
        """Create one resource."""
        name: str = self._cloudformation.create(kind, **properties)[0]
        return name

    def _needs(self, value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["Ref"]} if "Ref" in value else set()
            return own.union(*map(self._needs, value.values()))
        return set().union(*map(self._needs, value)) if isinstance(value, list) else set()

    def resolved(self, value: Any) -> Any:
        """Properties with the ids of what they refer to."""
        if isinstance(value, dict):
            if "Ref" in value:
                return {"AWS::Region": REGION}.get(value["Ref"]) or self.ids.get(value["Ref"], value["Ref"])
            if "Fn::Join" in value:
                return value["Fn::Join"][0].join(self.resolved(value["Fn::Join"][1]))
            return {key: self.resolved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolved(item) for item in value]
        return self.ids.get(value, value) if isinstance(value, str) else value


@pytest.fixture
def account(cloudformation: Any, run: Run) -> Iterator[Account]:
    """An account with two VPCs."""
    made = Account(cloudformation, run)
    yield made
    network.lambda_service._functions.pop(FUNCTION, None)


def cache(account: Account) -> Endpoint:
    """The endpoint of the cache of `small`."""
    subnet = account.ids["CacheSubnet"]
    groups = [account.ids["Nodes"]]
    target = Target(seam.ec2._subnets[subnet]["VpcId"], (subnet,), lambda: groups, "replication group orders")
    return Endpoint("orders-001", "127.0.0.1", 6379, "resp", "", None, target)


def _makeable(stages: dict[str, Any]) -> list[Any]:
    return [
        pytest.param(stage, id=name)
        for name, (stage, _) in stages.items()
        if name != FROM_ELSEWHERE and "parameter" not in name
    ]


@pytest.mark.parametrize("stage", _makeable(STORES))
def test_connections_are_judged_as_at_synth(account: Account, stage: Any) -> None:
    """What the check finds in templates, the edge refuses in the account that they make."""
    account.deploy(stage["stack"])
    reason = account.judge.admits(Peer(1, FUNCTION), cache(account))
    assert (reason is not None) == bool(closed_stores(stage)), reason
    assert account.judge.admits(Peer(1, None), cache(account)) is None


@pytest.mark.parametrize("stage", _makeable(SERVICES))
def test_apis_are_judged_as_at_synth(account: Account, stage: Any) -> None:
    """An API that the check finds unreachable does not answer the function."""
    account.deploy(stage["stack"])
    answers = account.judge.reachable_apis(FUNCTION)
    assert answers is not None
    missing = [service for finding in unreachable(stage) for service in finding.services]
    for service in ("s3", "secretsmanager"):
        host = f"{service}.{REGION}.amazonaws.com"
        assert answers.get(host, answers["*.amazonaws.com"]) == (service not in missing), answers


SMALL = STORES["the VPC's range"][0]["stack"]


def test_the_reason_names_the_missing_rule(account: Account) -> None:
    """A rule that is revoked by the API refuses the next connection, and one that is given back admits it."""
    account.deploy(SMALL)
    nodes, clients, subnet = (account.ids[name] for name in ("Nodes", "Clients", "AppSubnet"))
    permission = {
        "GroupId": nodes,
        "IpPermissions.1.IpProtocol": "tcp",
        "IpPermissions.1.FromPort": "6379",
        "IpPermissions.1.ToPort": "6379",
        "IpPermissions.1.IpRanges.1.CidrIp": "10.0.0.0/16",
    }
    _ec2("RevokeSecurityGroupIngress", **permission)
    assert account.judge.admits(Peer(1, FUNCTION), cache(account)) == (
        f"no inbound rule of replication group orders's security groups [{nodes}] allows tcp 6379 from function "
        f"{FUNCTION} (security groups [{clients}], addresses {seam.ec2._subnets[subnet]['CidrBlock']})"
    )
    _ec2("AuthorizeSecurityGroupIngress", **permission)
    assert account.judge.admits(Peer(1, FUNCTION), cache(account)) is None


def _ec2(action: str, **parameters: str) -> None:
    body = urlencode({"Action": action, **parameters}).encode()
    status, _headers, answer = asyncio.run(seam.ec2.handle_request("POST", "/", {}, body, {}))
    assert status == 200, answer


@pytest.mark.parametrize(
    ("permission", "admitted"),
    [
        ({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/24"}]}, True),
        ({"IpProtocol": "6", "FromPort": 6000, "ToPort": 7000, "UserIdGroupPairs": [{"GroupId": "Clients"}]}, True),
        ({"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "UserIdGroupPairs": [{"GroupId": "Nodes"}]}, False),
        ({"IpProtocol": "udp", "FromPort": 6379, "ToPort": 6379, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, False),
        ({"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, False),
        ({"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "own"}]}, True),
        ({"IpProtocol": "-1", "PrefixListIds": ["own"]}, True),
        ({"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "managed"}]}, False),
        ({"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-gone"}]}, False),
    ],
)
def test_permissions_of_every_kind(account: Account, permission: dict[str, Any], *, admitted: bool) -> None:
    """Groups, both kinds of ranges and prefix lists, in each form in which the emulator keeps them."""
    account.deploy(SMALL)
    seam.ec2._prefix_lists["own"] = {"Entries": [{"Cidr": "10.0.0.0/20"}]}
    managed = seam.ec2._get_aws_managed_prefix_lists()[0]["PrefixListId"]
    names = {**account.ids, "managed": managed}
    seam.ec2._security_groups[account.ids["Nodes"]]["IpPermissions"] = [_renamed(permission, names)]
    assert (account.judge.admits(Peer(1, FUNCTION), cache(account)) is None) == admitted


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list) else names.get(value, value)


def test_default_network_acl_is_asked(account: Account) -> None:
    """An entry that denies, added to the VPC's own network ACL, refuses connections between its subnets."""
    account.deploy(SMALL)
    [acl] = [acl for acl in seam.ec2._network_acls.values() if acl["VpcId"] == account.ids["vpc-1"]]
    assert account.judge.admits(Peer(1, FUNCTION), cache(account)) is None
    entry = {"RuleNumber": "1", "Protocol": "6", "RuleAction": "deny", "Egress": "false", "CidrBlock": "10.0.0.0/24"}
    entry |= {"NetworkAclId": acl["NetworkAclId"], "PortRange.From": "22", "PortRange.To": "22"}
    _ec2("CreateNetworkAclEntry", **entry)
    assert account.judge.admits(Peer(1, FUNCTION), cache(account)) is None
    _ec2("ReplaceNetworkAclEntry", **{**entry, "PortRange.To": "6379"})
    assert "the network ACL of" in str(account.judge.admits(Peer(1, FUNCTION), cache(account)))


def test_function_outside_a_vpc(account: Account) -> None:
    """It reaches every API, and no cache; so does a function that has been deleted reach none."""
    account.deploy(SMALL)
    network.lambda_service._functions[FUNCTION] = {"config": {"FunctionName": FUNCTION}}
    assert account.judge.reachable_apis(FUNCTION) is None
    assert account.judge.reachable_apis("person") is None
    for name in (FUNCTION, "deleted"):
        reason = str(account.judge.admits(Peer(1, name), cache(account)))
        assert reason.startswith(f"function {name} is in no VPC, and replication group orders is in vpc-")


def test_private_dns_needs_dns_in_the_vpc(account: Account) -> None:
    """An endpoint of a VPC without host names does not take the service's name over."""
    stage, _ = SERVICES["NAT behind an interface endpoint that does not admit"]
    account.deploy(stage["stack"])
    host = f"secretsmanager.{REGION}.amazonaws.com"
    assert (account.judge.reachable_apis(FUNCTION) or {})[host] is False
    seam.ec2._vpcs[account.ids["vpc-1"]]["EnableDnsHostnames"] = False
    assert host not in (account.judge.reachable_apis(FUNCTION) or {})


def test_names_files_follow_changes_of_the_network(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change by the API or by CloudFormation, a function that runs sees it at its next lookup."""
    kind = "AWS::EC2::VPCEndpoint"
    monkeypatch.setattr(seam.ec2, "handle_request", seam.ec2.handle_request)
    copied = {name: dict(handler) for name, handler in seam.handlers().items()}
    monkeypatch.setattr(seam.provisioners, "_RESOURCE_HANDLERS", copied)
    network.install(account.run)
    stage, _ = SERVICES["an interface endpoint"]
    account.deploy(stage["stack"])
    file = account.run.addresses.names_file(FUNCTION)
    line = f"secretsmanager.{REGION}.amazonaws.com {account.run.addresses.api}\n"
    assert line in file.read_text()
    written = file.stat().st_ino
    seam.ec2._vpcs[account.ids["vpc-1"]]["EnableDnsHostnames"] = False
    _ec2("DescribeVpcEndpoints")
    assert file.stat().st_ino == written
    seam.ec2._vpcs[account.ids["vpc-1"]]["EnableDnsHostnames"] = True
    _ec2("DeleteVpcEndpoints", **{"VpcEndpointId.1": account.ids["Own"]})
    assert line not in file.read_text()
    account.ids["Own"] = account.create(kind, **account.resolved(stage["stack"]["Resources"]["Own"]["Properties"]))
    assert line in file.read_text()


FORKING = """
import os, socket, sys, time
if os.fork() == 0:
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    time.sleep(60)
time.sleep(60)
"""


def test_a_child_of_a_worker_counts_as_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that a function starts is not taken for a person."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        worker = subprocess.Popen([sys.executable, "-c", FORKING, str(port)], start_new_session=True)
        try:
            connection, address = server.accept()
            monkeypatch.setattr(peer, "workers", lambda: {worker.pid: FUNCTION})
            found = peer.identify(address, connection.getsockname())
            assert found.function == FUNCTION
            assert found.pid not in (None, worker.pid)
            connection.close()
        finally:
            os.killpg(worker.pid, 9)
            worker.wait()
