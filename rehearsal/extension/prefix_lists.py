"""`AWS::EC2::PrefixList`, which the emulator lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.extension.seam import HANDLERS, Private, ec2, new_id, register, responses

if TYPE_CHECKING:
    from rehearsal.extension.seam import Properties, Provisioned

TOUCHES = (HANDLERS, Private("services.ec2", "_prefix_lists"))


def _create(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    name, owner = new_id("pl"), responses.get_account_id()
    entries = props.get("Entries", [])
    ec2._prefix_lists[name] = {
        "PrefixListId": name,
        "PrefixListName": props["PrefixListName"],
        "State": "create-complete",
        "AddressFamily": props["AddressFamily"],
        "MaxEntries": int(props.get("MaxEntries", len(entries))),
        "Version": 1,
        "Entries": [{"Cidr": entry["Cidr"], "Description": entry.get("Description", "")} for entry in entries],
        "Tags": props.get("Tags", []),
        "OwnerId": owner,
        "PrefixListArn": f"arn:aws:ec2:{responses.get_region()}:{owner}:prefix-list/{name}",
    }
    found = ec2._prefix_lists[name]
    return name, {"PrefixListId": name, "Arn": found["PrefixListArn"], "OwnerId": owner, "Version": 1}


def _delete(name: str, _props: Properties) -> None:
    ec2._prefix_lists.pop(name, None)


def install() -> None:
    """Add the type."""
    register("AWS::EC2::PrefixList", _create, _delete)
