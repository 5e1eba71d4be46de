"""The emulator's evaluator, as `policies` and `decisions` correct it.

The emulator's own is wrong where AWS's documentation is clear: policy variables match nothing, so that a Deny with one
denies nothing; `aws:PrincipalArn` of a session is that of the session; wildcards of ARN operators reach beyond a colon;
NotPrincipal never applies; tags of a resource are known to identity policies only; a role for a service admits the root
user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live.identity.decisions import Decision, Kind, Layer, ResourcePolicy, decide, trusts
from rehearsal.live.identity.emulator import elasticache, iam, iam_evaluator, rds_iam, tagging
from rehearsal.live.identity.policies import Document, Principal, Request, Statement, Value, named, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

TOUCHES = (
    Private("core.iam_evaluator", "evaluate", ("ctx", "policies")),
    Private("core.iam_evaluator", "parse_policy_document", ("doc",)),
    Private("core.iam_evaluator", "evaluate_trust_policy", ("trust_doc", "caller_arn", "ctx")),
    Private(
        "core.iam_evaluator",
        "evaluate_resource_policy",
        ("doc", "ctx", "service", "named_only", "direct_only"),
    ),
    Private(
        "core.iam_evaluator",
        "combine_resource_policy",
        ("identity", "ctx", "policy", "owner_account", "required", "limits"),
    ),
    Private("core.iam_evaluator", "_resolve_condition_key", ("key", "ctx")),
    Private("core.iam_evaluator", "_names_condition_key", ("policies", "prefix")),
    Private("core.iam_evaluator", "_permissions_boundary", ("store", "name", "account_id")),
    Private("core.iam_evaluator", "_session_policy_limits", ("session", "account_id")),
    Private("core.iam_evaluator", "_resource_policy", ("service", "resource_arn")),
    Private("core.iam_evaluator", "_role_name_from_assumed_arn", ("assumed_arn",)),
    Private("services.iam", "_roles"),
    Private("services.iam", "_users"),
    Private("services.elasticache", "_tags"),
    Private("services.tagging", "resource_tags", ("arn",)),
)

KINDS = {"Root": "Account", "WebIdentityUser": "Federated", "*": "Anonymous"}
FALSE_UNLESS_SET = ("aws:principalisawsservice", "aws:viaawsservice")
ARN_PARTS = 6

_stock_value: Any = iam_evaluator._resolve_condition_key


@dataclass(frozen=True)
class Judged:
    """A decision of the evaluator with what it was about.

    Attributes:
        request: The request.
        identity: The policies of the user or role.
        limits: Its permissions boundary and session policies.
        decision: The decision.
    """

    request: Request
    identity: Layer
    limits: tuple[Layer, ...]
    decision: Decision


class Limits(list[Any]):
    """The policies of a permissions boundary or of a session, in the emulator's form.

    Attributes:
        kind: Which of the two.
    """

    def __init__(self, kind: Kind, policies: list[Any]) -> None:
        super().__init__(policies)
        self.kind = kind


def entity_of(arn: str, account: str) -> tuple[str, bool]:
    """The ARN of the role or user behind a caller, and whether it has a permissions boundary."""
    if ":assumed-role/" in arn:
        name = iam_evaluator._role_name_from_assumed_arn(arn)
        role = iam._roles.get_scoped(account, None, name) or {}
        return role.get("Arn") or f"arn:aws:iam::{account}:role/{name}", bool(role.get("PermissionsBoundary"))
    if ":user/" in arn:
        user = iam._users.get_scoped(account, None, arn.rsplit("/", 1)[-1]) or {}
        return arn, bool(user.get("PermissionsBoundary"))
    return arn, False


def principal_of(arn: str, kind: str, account: str) -> Principal:
    """A caller, as the emulator describes it."""
    kind = KINDS.get(arn) or KINDS.get(kind, kind)
    if kind in ("Anonymous", "Federated"):
        return Principal(arn, account if kind == "Federated" else "", kind)
    entity, bounded = entity_of(arn, account)
    return Principal(arn, account, kind, entity, bounded)


def request_of(context: Any) -> Request:
    """A request, as the emulator describes it."""
    principal = principal_of(context.principal_arn, context.principal_type, context.principal_account)
    return Request(principal, context.action, context.resource_arn, lambda key: value_of(key, context, principal))


def value_of(key: str, context: Any, principal: Principal) -> Value:
    """The value of a condition key.

    Args:
        key: Its name in lower case.
        context: The request, as the emulator describes it.
        principal: Who sends it.
    """
    if key == "aws:principalarn":
        return principal.entity or principal.arn
    if key == "aws:principaltype":
        return principal.kind
    if key == "aws:sourceip" and "aws:sourcevpce" in context.service_context:
        return None  # AWS sets aws:VpcSourceIp in its place
    found = context.service_context[key] if key in context.service_context else _stock_value(key, context)
    if found is None and key in FALSE_UNLESS_SET:
        return "false"
    if found is None and ":resourcetag/" in key:
        found = tags_of(context.resource_arn).get(key.partition("/")[2])
    return _text(found)


def _text(value: Any) -> Value:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return [str(item) for item in value] if isinstance(value, list | tuple | set) else str(value)


def tags_of(arn: str) -> dict[str, str]:
    """The tags of a resource; their keys are in lower case, since condition keys have no case."""
    tags: Mapping[str, str] = tagging.resource_tags(arn) or {
        tag["Key"]: tag["Value"] for tag in elasticache._tags.get(arn) or ()
    }
    return {key.lower(): value for key, value in tags.items()}


def _result(judged: Judged) -> Any:
    decision, request = judged.decision, judged.request
    word = "Allow" if decision.allowed else "Deny" if decision.explicit else "ImplicitDeny"
    result = iam_evaluator.EvalResult(word, request.principal.arn, decision.sid, decision.reason(request))
    if word == "Deny" and decision.kind is Kind.RESOURCE:
        result.resource_policy_arn = request.resource
    result.judged = judged
    return result


def _statements(policies: Any) -> tuple[Statement, ...]:
    return tuple(statement for policy in policies for statement in policy)


def evaluate(ctx: Any, policies: Any, *limits: Any) -> Any:
    """Decide by identity policies, permissions boundary and session policies; in the emulator's form."""
    request = request_of(ctx)
    identity = Layer(Kind.IDENTITY, _statements(policies))
    layers = tuple(Layer(getattr(layer, "kind", Kind.BOUNDARY), _statements(layer)) for layer in limits)
    return _result(Judged(request, identity, layers, decide(request, identity, layers)))


def combine_resource_policy(  # noqa: PLR0917 - the emulator's signature
    identity: Any,
    ctx: Any,
    policy: Any,
    owner_account: str | None,
    required: bool = False,  # noqa: FBT001, FBT002 - the emulator's signature
    limits: Any = (),  # noqa: ARG001 - the emulator's signature
) -> Any:
    """Decide with the policy of the resource as well; in the emulator's form."""
    judged: Judged = identity.judged
    required = required or ctx.action.startswith("sts:AssumeRole")
    resource = ResourcePolicy(policy, owner_account or ctx.principal_account, required)
    decision = decide(judged.request, judged.identity, judged.limits, resource)
    return _result(Judged(judged.request, judged.identity, judged.limits, decision))


def evaluate_resource_policy(
    doc: Any,
    ctx: Any,
    service: str | None = None,
    named_only: bool = False,  # noqa: FBT001, FBT002 - the emulator's signature
    direct_only: bool = False,  # noqa: FBT001, FBT002 - the emulator's signature
) -> Any:
    """Decide by a resource's policy alone; in the emulator's form.

    Args:
        doc: The policy.
        ctx: The request.
        service: The service principal that sends it, if one does.
        named_only: Count only what names the caller, and not only its account.
        direct_only: Count only what names the user or session itself.
    """
    request = request_of(ctx)
    callers = [request.principal]
    if service:
        callers.append(Principal(service, "", "Service"))
    applying = []
    for statement in parse(doc):
        names = [name for caller in callers if (name := named(statement, caller)).applies]
        if named_only:
            names = [name for name in names if not name.by_account]
        if direct_only:
            names = [name for name in names if name.directly]
        if names and statement.applies(request):
            applying.append(statement)
    denying = next((statement for statement in applying if not statement.allows), None)
    decision = Decision(
        allowed=bool(applying) and denying is None,
        explicit=bool(applying),
        kind=Kind.RESOURCE,
        sid=denying.sid if denying else "",
    )
    return _result(Judged(request, Layer(Kind.IDENTITY, ()), (), decision))


def evaluate_trust_policy(trust_doc: Document, caller_arn: str, ctx: Any = None) -> bool:
    """Whether a role's trust policy admits a caller."""
    if ctx is None:
        kind = "User" if ":user/" in caller_arn else "AssumedRole" if ":assumed-role/" in caller_arn else "Root"
        parts = caller_arn.split(":")
        account = parts[4] if len(parts) == ARN_PARTS else ""
        ctx = iam_evaluator.EvalContext(caller_arn, kind, account, "sts:AssumeRole", "*", "")
    return trusts(trust_doc, request_of(ctx))


def parsed(doc: Any) -> list[Statement]:
    """The statements of a policy, in the emulator's form."""
    return list(parse(doc))


def install() -> None:
    """Put the functions of this module in the place of the emulator's."""
    stock_boundary, stock_session = iam_evaluator._permissions_boundary, iam_evaluator._session_policy_limits
    stock_policy = iam_evaluator._resource_policy

    def permissions_boundary(store: Any, name: str, account_id: str) -> list[Limits]:
        return [Limits(Kind.BOUNDARY, layer) for layer in stock_boundary(store, name, account_id)]

    def session_policies(session: Any, account_id: str) -> list[Limits]:
        return [Limits(Kind.SESSION, layer) for layer in stock_session(session, account_id)]

    def resource_policy(service: str, resource_arn: str) -> tuple[Any, str] | None:
        if service == "sts" and ":role/" in resource_arn:
            account = resource_arn.split(":")[4]
            role = iam._roles.get_scoped(account, None, resource_arn.rsplit("/", 1)[-1])
            return (role.get("AssumeRolePolicyDocument"), account) if role else None
        found: tuple[Any, str] | None = stock_policy(service, resource_arn)
        return found

    iam_evaluator.evaluate = evaluate
    iam_evaluator.parse_policy_document = parsed
    iam_evaluator.combine_resource_policy = combine_resource_policy
    iam_evaluator.evaluate_resource_policy = evaluate_resource_policy
    iam_evaluator.evaluate_trust_policy = evaluate_trust_policy
    iam_evaluator._permissions_boundary = permissions_boundary
    iam_evaluator._session_policy_limits = session_policies
    iam_evaluator._resource_policy = resource_policy
    iam_evaluator._names_condition_key = lambda _policies, _prefix: False  # tags are looked up when they are asked for
    rds_iam.evaluate = evaluate  # it has imported the emulator's
