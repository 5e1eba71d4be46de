"""What the policies that apply to a request decide together.

See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: a Deny in any policy
denies; in one account an Allow of an identity or of a resource policy allows, within the permissions boundary and the
session policies; across accounts both must allow; a key policy and a trust policy must always allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rehearsal.live.identity.policies import Document, Request, Statement, named, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Kind(StrEnum):
    """The kinds of policies, in the words of AWS's error messages."""

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    RESOURCE = "resource-based policy"
    ENDPOINT = "VPC endpoint policy"


@dataclass(frozen=True)
class Layer:
    """The policies of one kind that apply to a principal.

    Attributes:
        kind: Their kind.
        statements: Their statements.
    """

    kind: Kind
    statements: tuple[Statement, ...]

    @classmethod
    def of(cls, kind: Kind, documents: Iterable[Document]) -> Layer:
        """The layer of some documents."""
        return cls(kind, tuple(statement for document in documents for statement in parse(document)))

    def first(self, request: Request, *, allows: bool) -> Statement | None:
        """The first statement with this effect that applies to a request, or None."""
        return next((s for s in self.statements if s.allows == allows and s.applies(request)), None)


@dataclass(frozen=True)
class Decision:
    """What was decided.

    Attributes:
        allowed: Whether the request is allowed.
        explicit: Whether a statement decided, rather than the absence of one.
        kind: The kind of policy that decided.
        sid: The id of the statement that decided; may be empty.
    """

    allowed: bool
    explicit: bool
    kind: Kind
    sid: str = ""

    def reason(self, request: Request) -> str:
        """Why a request is refused, in the form of AWS's messages."""
        who, what = f"User: {request.principal.arn}", f"perform: {request.action} on resource: {request.resource}"
        if self.explicit:
            statement = f" (statement {self.sid})" if self.sid else ""
            why = f"with an explicit deny in {_article(self.kind)}{statement}"
        else:
            why = f"because no {self.kind} allows the {request.action} action"
        return f"{who} is not authorized to {what} {why}"


def _article(kind: Kind) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of the resource that a request is on.

    Attributes:
        document: The policy; None if the resource has none.
        account: The id of the account that owns the resource; empty if it is that of the principal.
        required: Whether it must allow in the owner's account too, as a key policy and a trust policy must.
    """

    document: Document
    account: str
    required: bool = False

    def naming(self, request: Request, *, allows: bool) -> list[Statement]:
        """The statements with this effect that apply to a request and name its principal."""
        return [
            s
            for s in parse(self.document)
            if s.allows == allows and named(s, request.principal).applies and s.applies(request)
        ]


def decide(
    request: Request,
    identity: Layer | None,
    limits: Sequence[Layer] = (),
    resource: ResourcePolicy | None = None,
) -> Decision:
    """Decide a request.

    Args:
        request: The request.
        identity: The policies of the user or role; None for the root user, which no policy of its account limits.
        limits: The permissions boundary and the session policies, as far as there are any.
        resource: The policy of the resource; None if resources of its kind have none.
    """
    for layer in (*([identity] if identity else []), *limits):
        if found := layer.first(request, allows=False):
            return Decision(allowed=False, explicit=True, kind=layer.kind, sid=found.sid)
    granted = identity is None or identity.first(request, allows=True) is not None
    missing = next((layer.kind for layer in limits if layer.first(request, allows=True) is None), None)
    own = Decision(allowed=granted and missing is None, explicit=False, kind=missing or Kind.IDENTITY)
    if not granted:
        own = Decision(allowed=False, explicit=False, kind=Kind.IDENTITY)
    return own if resource is None else _with_resource(request, own, missing, resource)


def _with_resource(request: Request, own: Decision, missing: Kind | None, resource: ResourcePolicy) -> Decision:
    if denying := resource.naming(request, allows=False):
        return Decision(allowed=False, explicit=True, kind=Kind.RESOURCE, sid=denying[0].sid)
    allowing = [named(statement, request.principal) for statement in resource.naming(request, allows=True)]
    same_account = not resource.account or request.principal.account in ("", resource.account)
    refused = Decision(allowed=False, explicit=False, kind=Kind.RESOURCE)
    if not same_account:
        return own if allowing or not own.allowed else refused
    if any(name.directly for name in allowing):
        return Decision(allowed=True, explicit=True, kind=Kind.RESOURCE)
    if any(not name.by_account for name in allowing):
        return Decision(allowed=missing is None, explicit=missing is None, kind=missing or Kind.RESOURCE)
    if own.allowed and resource.required and not allowing:
        return refused
    return own


def trusts(document: Document, request: Request) -> bool:
    """Whether a role's trust policy allows a principal to assume it; what the principal may do is not asked."""
    policy = ResourcePolicy(document, "", required=True)
    return bool(policy.naming(request, allows=True)) and not policy.naming(request, allows=False)


def service_decision(request: Request, policy: ResourcePolicy) -> Decision:
    """Decide a request that an AWS service sends in its own name, to which only the resource's policy applies.

    Args:
        request: The request, whose principal is the service.
        policy: The policy of the resource.
    """
    return decide(request, Layer(Kind.IDENTITY, ()), (), policy)


def endpoint_decision(request: Request, document: Document) -> Decision:
    """Decide a request by the policy of the VPC endpoint that it passes; without a policy everything passes."""
    if document is None:
        return Decision(allowed=True, explicit=False, kind=Kind.ENDPOINT)
    policy = ResourcePolicy(document, request.principal.account)
    if denying := policy.naming(request, allows=False):
        return Decision(allowed=False, explicit=True, kind=Kind.ENDPOINT, sid=denying[0].sid)
    return Decision(allowed=bool(policy.naming(request, allows=True)), explicit=False, kind=Kind.ENDPOINT)
