"""Who may do what: signed API calls, logins, keys, VPC endpoints and roles, decided as AWS documents it.

Other modules of the live layer ask `state().roles` what a service may do with a role or in its own name, and
`endpoint_policy_refusal` about a VPC endpoint. `NOT_JUDGED` is what the report has to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.live.identity import (
    endpoints,
    enforcement,
    evaluator,
    grants,
    keys,
    lambda_roles,
    logins,
    resources,
    roles,
    service_uses,
)
from rehearsal.live.identity.endpoints import endpoint_policy_refusal
from rehearsal.live.identity.grants import Grants
from rehearsal.live.identity.keys import Keys
from rehearsal.live.identity.roles import Roles

if TYPE_CHECKING:
    from rehearsal.live.run import Run

__all__ = ["NOT_JUDGED", "TOUCHES", "Identity", "endpoint_policy_refusal", "install", "state"]

PARTS = (evaluator, resources, keys, endpoints, enforcement, grants, roles, lambda_roles, service_uses, logins)
TOUCHES = tuple(dict.fromkeys(private for part in PARTS for private in part.TOUCHES))

NOT_JUDGED = (
    "CloudFormation's own calls: neither the policies of its execution role nor iam:PassRole for a template's roles",
    "service control policies and resource control policies of AWS Organizations",
    "keys of objects in S3, of queues and of parameters in Systems Manager, when a service uses them for its caller",
    "further resources of an action, but for those of ElastiCache, S3, DynamoDB, EventBridge and IoT",
    "policies of log groups and event buses for callers of the account, access points, service-linked roles",
    "grants of KMS keys, denied: a function's role must allow kms:Decrypt for its environment",
    "logs that a function's role does not allow, denied: AWS makes the function and loses the logs",
    "a condition on a key with several values without ForAllValues or ForAnyValue, denied: AWS does not define it",
    "a policy variable whose value has * or ?, denied: they are characters here, and no wildcards",
)
"""What IAM of the rehearsal does not decide as AWS does, for the report; `denied` means that it refuses then."""


@dataclass(frozen=True)
class Identity:
    """What other modules ask.

    Attributes:
        grants: What roles were allowed and refused.
        roles: What a role allows a service, and what a service may do in its own name.
        keys: The customer's keys.
    """

    grants: Grants
    roles: Roles
    keys: Keys


_state: dict[str, Identity] = {}


def state() -> Identity:
    """The object of this process.

    Raises:
        KeyError: If the layer is not installed.
    """
    return _state["identity"]


def install(run: Run) -> None:
    """Judge the requests and logins of the rehearsal.

    Args:
        run: The rehearsal.
    """
    recorded = Grants(run.journal.write)
    identity = Identity(recorded, Roles(recorded, run.region), Keys())
    evaluator.install()
    enforcement.install(identity.grants)
    resources.install(identity.keys)
    logins.install(run, identity.grants)
    lambda_roles.install(run, identity.roles, identity.keys)
    service_uses.install(run, identity.roles, identity.keys)

    def report() -> dict[str, Any]:
        with run.in_account():
            return identity.grants.report(run.account)

    run.control.register("grants", report)
    run.control.register("not-judged", lambda: {"not_judged": list(NOT_JUDGED)})
    _state["identity"] = identity
