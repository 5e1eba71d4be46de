"""DescribeVpcEndpoints: the emulator has an endpoint's security groups and private DNS, but does not return them."""

from __future__ import annotations

import re

from rehearsal.extension.seam import Action, Private, Query, Response, ec2, is_true

TOUCHES = (
    Private("services.ec2", "_vpc_endpoints"),
    Private("services.ec2", "_ACTION_MAP"),
    Private("services.ec2", "_describe_vpc_endpoints", ("p",)),
)


def _missing(match: re.Match[bytes]) -> bytes:
    endpoint = ec2._vpc_endpoints[match[1].decode()]
    groups = "".join(f"<item><groupId>{group}</groupId></item>" for group in endpoint["SecurityGroupIds"])
    private = str(is_true(endpoint["PrivateDnsEnabled"])).lower()
    return match[0] + f"<groupSet>{groups}</groupSet><privateDnsEnabled>{private}</privateDnsEnabled>".encode()


def _completing(stock: Action) -> Action:
    def describe(query: Query) -> Response:
        status, headers, body = stock(query)
        return status, headers, re.sub(rb"<vpcEndpointId>(vpce-\w+)</vpcEndpointId>", _missing, body)

    return describe


def install() -> None:
    """Return both in DescribeVpcEndpoints."""
    ec2._ACTION_MAP["DescribeVpcEndpoints"] = _completing(ec2._describe_vpc_endpoints)
