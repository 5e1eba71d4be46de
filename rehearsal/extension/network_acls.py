"""Network ACLs by CloudFormation, which the emulator lacks; and the ports of their entries, which its API drops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import (
    HANDLERS,
    REFUSED,
    Private,
    Properties,
    Provisioned,
    ec2,
    is_true,
    new_id,
    param,
    register,
    responses,
)

if TYPE_CHECKING:
    from rehearsal.extension.seam import Action, Query, Response

TOUCHES = (
    HANDLERS,
    Private("services.ec2", "_network_acls"),
    Private("services.ec2", "_ACTION_MAP"),
    Private("services.ec2", "_create_network_acl_entry", ("params",)),
    Private("services.ec2", "_replace_network_acl_entry", ("params",)),
)

LAST = 32767  # number of the entry that denies what no other one allows
ANYWHERE = "0.0.0.0/0"


def _acl(name: str) -> dict[str, Any]:
    acl: dict[str, Any] | None = ec2._network_acls.get(name)
    if acl is None:
        raise ValueError(f"InvalidNetworkAclID.NotFound: the network ACL {name!r} does not exist")
    return acl


def _create(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    name = new_id("acl")
    deny = {"RuleNumber": LAST, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": ANYWHERE}
    ec2._network_acls[name] = {
        "NetworkAclId": name,
        "VpcId": props["VpcId"],
        "IsDefault": False,
        "Entries": [{**deny, "Egress": way} for way in (False, True)],
        "Associations": [],
        "Tags": props.get("Tags", []),
        "OwnerId": responses.get_account_id(),
    }
    return name, {"Id": name}


def _delete(name: str, _props: Properties) -> None:
    ec2._network_acls.pop(name, None)


def _place(entry: Properties) -> tuple[int, bool]:
    return int(entry["RuleNumber"]), is_true(entry.get("Egress", False))


def _add_entry(logical_id: str, props: Properties, _stack: str) -> Provisioned:
    acl = _acl(props["NetworkAclId"])
    if any(_place(known) == _place(props) for known in acl["Entries"]):
        raise ValueError(
            f"NetworkAclEntryAlreadyExists: the network ACL {props['NetworkAclId']} has an entry {props['RuleNumber']}"
        )
    number, outbound = _place(props)
    entry = {"RuleNumber": number, "Protocol": str(props["Protocol"]), "RuleAction": props["RuleAction"]}
    entry |= {name: props[name] for name in ("CidrBlock", "Ipv6CidrBlock", "PortRange") if name in props}
    acl["Entries"].append({**entry, "Egress": outbound})
    return f"{logical_id}-{new_id('acle')}", {}


def _remove_entry(_name: str, props: Properties) -> None:
    if acl := ec2._network_acls.get(props["NetworkAclId"]):
        acl["Entries"] = [entry for entry in acl["Entries"] if _place(entry) != _place(props)]


def _associate(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    acl, name = _acl(props["NetworkAclId"]), new_id("aclassoc")
    _forget(props["SubnetId"])
    acl["Associations"].append({"NetworkAclAssociationId": name, "SubnetId": props["SubnetId"]})
    return name, {"AssociationId": name}


def _disassociate(_name: str, props: Properties) -> None:
    _forget(props["SubnetId"])


def _forget(subnet: str) -> None:
    """The subnet has the VPC's default network ACL again."""
    for acl in ec2._network_acls.values():
        acl["Associations"] = [known for known in acl["Associations"] if known["SubnetId"] != subnet]


def _with_ports(stock: Action) -> Action:
    def action(query: Query) -> Response:
        answer = stock(query)
        first, last = param(query, "PortRange.From"), param(query, "PortRange.To")
        if answer[0] < REFUSED and first and last:
            added = {"RuleNumber": param(query, "RuleNumber"), "Egress": param(query, "Egress")}
            for entry in _acl(param(query, "NetworkAclId"))["Entries"]:
                if _place(entry) == _place(added):
                    entry["PortRange"] = {"From": int(first), "To": int(last)}
        return answer

    return action


def install() -> None:
    """Add the three types, and keep ports."""
    register("AWS::EC2::NetworkAcl", _create, _delete)
    register("AWS::EC2::NetworkAclEntry", _add_entry, _remove_entry)
    register("AWS::EC2::SubnetNetworkAclAssociation", _associate, _disassociate)
    ec2._ACTION_MAP["CreateNetworkAclEntry"] = _with_ports(ec2._create_network_acl_entry)
    ec2._ACTION_MAP["ReplaceNetworkAclEntry"] = _with_ports(ec2._replace_network_acl_entry)
