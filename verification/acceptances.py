"""What an app accepts: rules that are acknowledged at a resource, or at what it is in, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_rules.reasons import is_reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verification.assembly import Resource
    from verification.finding import Finding
    from verification.resolve import Deployment


class Acceptances:
    """The acknowledgements of all resources.

    Args:
        deployments: The stacks with the resources that were made of them. Default: none, so that nothing is accepted.
    """

    def __init__(self, deployments: Iterable[Deployment] = ()) -> None:
        self._by_id = {
            deployment.physical_ids[resource.logical_id]: resource
            for deployment in deployments
            for resource in deployment.resources
            if resource.acknowledged and deployment.physical_ids.get(resource.logical_id)
        }

    def reason(self, resource: Resource, finding: Finding) -> str:
        """Why a finding is accepted; empty if it is not.

        It is accepted by the acknowledgement of its own rule, at the resource that was read or at the one that the
        finding is about. A property whose value the deployment decides is not accepted: the reason was given before.

        Args:
            resource: The resource that was read.
            finding: What a rule found.
        """
        if any(isinstance(resource.properties.get(name), dict) for name in finding.of):
            return ""
        about = (self._by_id[name] for name in finding.of if name in self._by_id)
        reasons = (found.acknowledged.get(rule, "") for found in (resource, *about) for rule in finding.accepted_by)
        return next((reason for reason in reasons if is_reason(reason)), "")
