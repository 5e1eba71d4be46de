"""Which grants of each role were used: every allowed decision is recorded, and every refusal with what decided.

A grant is an action of an Allow statement on a resource of it. It counts as used if a request that was allowed matches
both, so that "granted and never used" is a list of what a role does not need for what the rehearsal does.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live.identity.emulator import iam, iam_evaluator
from rehearsal.live.identity.policies import Statement, escape, glob, parse, resource_glob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rehearsal.live.identity.decisions import Decision
    from rehearsal.live.identity.policies import Request

TOUCHES = (
    Private("core.iam_evaluator", "_resolve_managed_policy_document", ("policy_arn", "account_id")),
    Private("services.iam", "_roles"),
)

Use = tuple[str, str]  # an action and the ARN of a resource

CALLER = "caller"
BOOTSTRAP = re.compile(r"cdk-\w+-[\w-]+-role-\d{12}-[\w-]+")  # roles of CDK's bootstrap stack, which no stack shortens
AWS_MANAGED = "arn:aws:iam::aws:policy/"
MAX_USES = 10_000  # of a role; further ones are not kept, so that a long run does not grow


class Grants:
    """What roles were allowed and refused.

    Args:
        write: Records an entry of the journal.
    """

    def __init__(self, write: Callable[..., None]) -> None:
        self._write = write
        self._used: dict[str, dict[Use, str]] = {}
        self._refused: dict[str, dict[Use, str]] = {}
        self._lock = threading.Lock()

    def record(self, request: Request, decision: Decision, *, by: str = CALLER) -> None:
        """Record a decision.

        Args:
            request: What was asked.
            decision: The answer.
            by: Who used the role: its own caller, or the service that acts with it, for example `lambda.amazonaws.com`.
        """
        role = request.principal.entity or request.principal.arn
        facts = {"role": role, "principal": request.principal.arn, "action": request.action}
        if not decision.allowed:
            reason = decision.reason(request)
            with self._lock:
                refused = self._refused.setdefault(role, {})
                if len(refused) < MAX_USES:
                    refused[request.action, request.resource] = reason
            self._write(
                "grant",
                **facts,
                resource=request.resource,
                allowed=False,
                by=by,
                policy=str(decision.kind),
                reason=reason,
            )
            return
        with self._lock:
            used = self._used.setdefault(role, {})
            if (request.action, request.resource) in used or len(used) >= MAX_USES:
                return
            used[request.action, request.resource] = by
        self._write(
            "grant", **facts, resource=request.resource, allowed=True, by=by, policy=str(decision.kind), reason=""
        )

    def used(self, role: str) -> dict[Use, str]:
        """The actions and resources that a role was allowed, with who used them."""
        with self._lock:
            return dict(self._used.get(role, {}))

    def report(self, account: str) -> dict[str, Any]:
        """The grants of every role by its ARN: `granted`, `used`, `unused` and `refused`.

        Each is a list of actions with a resource; of what was used it says by whom, of what was refused the reason.
        Policies that AWS manages are not a stack's to shorten, so they are listed by name only, in `aws_managed`; what
        is unused of the roles of CDK's bootstrap stack is left out.

        Args:
            account: Id of the account.
        """
        roles = [role for role in list(iam._roles.values()) if f":{account}:" in role.get("Arn", "")]
        return {role["Arn"]: self._role(role, account) for role in roles}

    def _role(self, role: Mapping[str, Any], account: str) -> dict[str, Any]:
        uses = self.used(role["Arn"])
        with self._lock:
            refused = dict(self._refused.get(role["Arn"], {}))
        managed = [arn for arn in role.get("AttachedPolicies") or () if arn.startswith(AWS_MANAGED)]
        own = {**role, "AttachedPolicies": [arn for arn in role.get("AttachedPolicies") or () if arn not in managed]}
        granted = list(dict.fromkeys(grants_of(statements_of(own, account))))
        used = {grant: sorted({by for use, by in uses.items() if _matches(grant, use)}) for grant in granted}
        unused = [] if BOOTSTRAP.fullmatch(role["RoleName"]) else [grant for grant, by in used.items() if not by]
        return {
            "trusted": _trusted(role),
            "aws_managed": managed,
            "granted": [_entry(grant) for grant in granted],
            "used": [{**_entry(grant), "by": by} for grant, by in used.items() if by],
            "unused": [_entry(grant) for grant in unused],
            "refused": [{**_entry(use), "reason": reason} for use, reason in refused.items()],
        }


def statements_of(role: Mapping[str, Any], account: str) -> list[Statement]:
    """The statements of a role's own policies."""
    documents = list((role.get("InlinePolicies") or {}).values())
    attached = role.get("AttachedPolicies") or ()
    documents += [iam_evaluator._resolve_managed_policy_document(arn, account) for arn in attached]
    return [statement for document in documents for statement in parse(document)]


def grants_of(statements: Iterable[Statement]) -> list[Use]:
    """The actions and resources of Allow statements; those with NotAction or NotResource are left out."""
    return [
        (action, resource)
        for statement in statements
        if statement.allows and not statement.other_actions and not statement.other_resources
        for action in statement.actions
        for resource in statement.resources or ("*",)
    ]


def _matches(grant: Use, use: Use) -> bool:
    (granted_action, granted_resource), (action, resource) = grant, use
    return glob(granted_action.lower(), action.lower()) and resource_glob(escape(granted_resource), resource)


def _entry(use: Use) -> dict[str, str]:
    return {"action": use[0], "resource": use[1]}


def _trusted(role: Mapping[str, Any]) -> list[str]:
    principals = [statement.principal for statement in parse(role.get("AssumeRolePolicyDocument"))]
    names = [p if isinstance(p, str) else name for p in principals if p for name in (_names(p))]
    return sorted(set(names) - {""})


def _names(principal: str | Mapping[str, tuple[str, ...]]) -> list[str]:
    if isinstance(principal, str):
        return [principal]
    return [name for names in principal.values() for name in names]
