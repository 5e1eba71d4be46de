"""The VPC endpoint that a function's request passes, and what its policy says.

See https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, is_true
from rehearsal.live.identity.decisions import endpoint_decision
from rehearsal.live.identity.emulator import ec2, lambda_service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.live.identity.policies import Document, Request

TOUCHES = (
    Private("services.ec2", "_vpc_endpoints"),
    Private("services.ec2", "_route_tables"),
    Private("services.lambda_svc", "_functions"),
)

SESSION = re.compile(r"arn:aws[a-z-]*:sts::\d{12}:assumed-role/(?P<role>[^/]+)/(?P<session>.+)")
HOSTS = {"apigateway": "execute-api"}
"""Names of services in endpoints, where the emulator calls them otherwise."""


def function_of(session: str) -> Mapping[str, Any] | None:
    """The configuration of the function whose session an ARN is, or None; Lambda names a session after the function."""
    found = SESSION.fullmatch(session)
    record = lambda_service._functions.get(found["session"]) if found else None
    config: Mapping[str, Any] = (record or {}).get("config") or {}
    return config if found and str(config.get("Role", "")).endswith(f"/{found['role']}") else None


def endpoint_of(function: Mapping[str, Any], service: str) -> Mapping[str, Any] | None:
    """The VPC endpoint that a function's requests of a service pass, or None if they pass none.

    Args:
        function: Configuration of the function.
        service: Name of the service as in the names of endpoints, for example `secretsmanager`.
    """
    network = function.get("VpcConfig") or {}
    subnets = set(network.get("SubnetIds") or ())
    if not subnets:
        return None
    vpc = network.get("VpcId")
    for endpoint in ec2._vpc_endpoints.values():
        if str(endpoint.get("ServiceName", "")).rsplit(".", 1)[-1] != HOSTS.get(service, service):
            continue
        if endpoint.get("VpcEndpointType") == "Gateway":
            if subnets & _subnets_with(set(endpoint.get("RouteTableIds") or ())):
                return dict(endpoint)
        elif is_true(endpoint.get("PrivateDnsEnabled")) and vpc in (None, endpoint.get("VpcId")):
            return dict(endpoint)
    return None


def _subnets_with(tables: set[str]) -> set[str]:
    return {
        association["SubnetId"]
        for table in ec2._route_tables.values()
        if table["RouteTableId"] in tables
        for association in table.get("Associations", ())
        if association.get("SubnetId")
    }


def endpoint_policy_refusal(request: Request, policy: Document) -> str | None:
    """Why the policy of a VPC endpoint refuses a request, or None.

    Args:
        request: The request.
        policy: The policy; None if the endpoint has none, which allows everything.
    """
    decision = endpoint_decision(request, policy)
    return None if decision.allowed else decision.reason(request)
