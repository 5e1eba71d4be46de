"""Who may do what: signed API calls, logins, keys, VPC endpoints and roles, decided as AWS documents it.

Other modules of the live layer ask by the object of `state`: `roles` for what a service may do with a role or in its own
name, `endpoint_policy_refusal` for a VPC endpoint. `NOT_JUDGED` is what the report has to say.
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
    log_groups,
    logins,
    resources,
    roles,
)
from rehearsal.live.identity.endpoints import endpoint_policy_refusal
from rehearsal.live.identity.grants import Grants
from rehearsal.live.identity.keys import Keys
from rehearsal.live.identity.roles import Roles

if TYPE_CHECKING:
    from rehearsal.live.run import Run

__all__ = ["NOT_JUDGED", "TOUCHES", "Identity", "endpoint_policy_refusal", "install", "state"]

PARTS = (evaluator, resources, keys, endpoints, enforcement, grants, roles, lambda_roles, log_groups, logins)
TOUCHES = tuple(dict.fromkeys(private for part in PARTS for private in part.TOUCHES))

NOT_JUDGED = (
    (
        "CloudFormation's own calls: the emulator provisions resources without the execution role (cdk-...-cfn-exec-role), so"
        " neither its policies nor iam:PassRole for the roles in a template are asked. The roles that the CDK CLI assumes"
        " (deploy, publishing, lookup), and that they may pass the execution role, are."
    ),
    "Service control policies and resource control policies of AWS Organizations.",
    (
        "Grants of KMS keys: only policies are asked. A function's role must allow kms:Decrypt for its environment, which AWS"
        " may allow by a grant of Lambda."
    ),
    "Keys of objects in S3, of queues and of parameters in Systems Manager.",
    "Service-linked roles, access points, and policies of log groups and event buses for callers in the account.",
    "Actions on several resources, outside of ElastiCache, S3, DynamoDB, EventBridge and IoT: the emulator asks for one.",
    (
        "A condition operator without ForAllValues or ForAnyValue on a key with several values, which AWS does not define:"
        " an Allow does not apply, a Deny does."
    ),
    "Values of variables with * or ?: they are characters, and no wildcards.",
)
"""What IAM of the rehearsal does not decide as AWS does, for the report. Where it can differ it denies, but for the
first two and the fourth, which it does not know."""


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
    log_groups.install(run, identity.roles, identity.keys)

    def report() -> dict[str, Any]:
        with run.in_account():
            return identity.grants.report(run.account)

    run.control.register("grants", report)
    _state["identity"] = identity
