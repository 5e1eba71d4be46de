"""Whether AWS allows a call, by the policies of its caller and of what it calls, as IAM evaluates them.

Identity policies, resource policies and key policies, explicit denials, conditions. Service control policies,
permissions boundaries and session policies are not there: what this repo deploys has none. A word that is not known
here is an error, never a no or a yes.

See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Statement = dict[str, Any]

_UNDERSTOOD = {
    *("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"),
}
_ARN_PARTS = 6


class NotUnderstoodError(Exception):
    """A policy says what this evaluator does not know."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls: a role, user or group's member of an account, or a service of AWS."""

    account: str = ""
    """Empty for a service."""
    arn: str = ""
    """Of the role or user; empty for a service."""
    service: str = ""
    """For example ``logs.eu-west-1.amazonaws.com``; empty for an identity."""
    statements: tuple[Statement, ...] = ()
    """Of all policies of the identity."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request."""

    action: str
    """For example ``kms:Decrypt``."""
    resource: str = "*"
    """The ARN of what is called; ``*`` for actions that take no resource."""
    context: Mapping[str, str | list[str]] = field(default_factory=dict)
    """Condition keys, for example ``kms:ViaService``."""

    @property
    def keys(self) -> dict[str, list[str]]:
        """Values by condition key, in lower case: keys are compared without regard to case."""
        listed = {name: value if isinstance(value, list) else [value] for name, value in self.context.items()}
        return {name.lower(): value for name, value in listed.items()}


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is called, and its own policy."""

    account: str
    statements: tuple[Statement, ...] | None = None
    """``None`` where it has no policy."""
    is_key: bool = False
    """KMS keys and roles to assume: their own policy decides, and no identity's policy does without it."""


def is_allowed(caller: Caller, call: Call, target: Target) -> bool:
    """Whether the call is allowed.

    Raises:
        NotUnderstoodError: If a statement has an element, an operator or a variable that is not known here.
    """
    about_it = [each for each in caller.statements if _is_about(each, call)]
    of_it = [each for each in target.statements or () if _is_about(each, call, own=target.is_key)]
    named = [each for each in of_it if _names(each, caller)]
    if any(each["Effect"] == "Deny" for each in (*about_it, *named)):
        return False
    by_identity = any(each["Effect"] == "Allow" for each in about_it)
    directly = any(each["Effect"] == "Allow" and _names(each, caller, alone=True) for each in named)
    through_account = any(each["Effect"] == "Allow" for each in named)
    if caller.service:
        return directly
    if caller.account != target.account:
        return by_identity and through_account
    if target.is_key:
        return directly or (by_identity and through_account)
    return directly or by_identity


def _is_about(statement: Statement, call: Call, *, own: bool = False) -> bool:
    """Whether a statement is about an action, a resource and the circumstances.

    Args:
        statement: The statement.
        call: The call.
        own: Whether the statement is the policy of the resource itself, in which ``*`` is that resource.
    """
    unknown = statement.keys() - _UNDERSTOOD
    if unknown or statement.get("Effect") not in ("Allow", "Deny"):
        raise NotUnderstoodError(f"{sorted(unknown)} in {statement}")
    return (
        _is_among(statement, "Action", lambda pattern: _like(call.action.lower(), pattern.lower()))
        and (
            ("Resource" not in statement and "NotResource" not in statement and own)
            or _is_among(statement, "Resource", lambda pattern: _arn_like(call.resource, _filled(pattern, call)))
        )
        and _holds(statement.get("Condition", {}), call)
    )


def _is_among(statement: Statement, element: str, matches: Callable[[str], bool]) -> bool:
    if f"Not{element}" in statement:
        return not any(matches(each) for each in _listed(statement[f"Not{element}"]))
    if element not in statement:
        raise NotUnderstoodError(f"no {element} in {statement}")
    return any(matches(each) for each in _listed(statement[element]))


def _names(statement: Statement, caller: Caller, *, alone: bool = False) -> bool:
    """Whether a resource's policy names a caller.

    Args:
        statement: The statement.
        caller: Who calls.
        alone: Whether it names the caller itself or every principal, and not the caller's account, whose administrators
            decide then.
    """
    if "NotPrincipal" in statement:
        raise NotUnderstoodError(f"NotPrincipal in {statement}")
    principal = statement.get("Principal")
    if principal is None:
        raise NotUnderstoodError(f"no Principal in {statement}")
    if principal == "*":
        return True
    unknown = principal.keys() - {"AWS", "Service"}
    if unknown:
        raise NotUnderstoodError(f"{sorted(unknown)} in {statement}")
    for name in _listed(principal.get("AWS", [])):
        if name == "*" or (caller.arn and name == caller.arn):
            return True
        if (
            not alone
            and caller.account
            and re.fullmatch(rf"{caller.account}|arn:[\w-]+:iam::{caller.account}:root", name)
        ):
            return True
    return bool(caller.service) and caller.service in _listed(principal.get("Service", []))


# Conditions


def _holds(condition: Mapping[str, Mapping[str, Any]], call: Call) -> bool:
    return all(
        _compares(operator, [_filled(str(each), call) for each in _listed(wanted)], call.keys.get(key.lower()))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _compares(operator: str, wanted: list[str], found: list[str] | None) -> bool:
    quantifier, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if name == "Null":
        (truth,) = wanted
        return (found is None) == (truth.lower() == "true")
    if quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise NotUnderstoodError(operator)
    negated = name in _NEGATED
    matches = _OPERATORS.get(_NEGATED.get(name, name))
    if matches is None:
        raise NotUnderstoodError(operator)
    if found is None or (not found and quantifier):
        return rest.endswith("IfExists") or quantifier == "ForAllValues" or (negated and not quantifier)

    def satisfies(value: str) -> bool:
        return negated != any(matches(value, each) for each in wanted)

    return any(map(satisfies, found)) if quantifier == "ForAnyValue" else all(map(satisfies, found))


def _like(value: str, pattern: str) -> bool:
    # Brackets are no wildcards in policies.
    return fnmatch.fnmatchcase(value, re.sub(r"\[", "[[]", pattern))


def _arn_like(value: str, pattern: str) -> bool:
    """Part by part, as ARNs are compared: a wildcard does not reach beyond its colon but in the last part."""
    if pattern == "*":
        return True
    theirs, ours = pattern.split(":", _ARN_PARTS - 1), value.split(":", _ARN_PARTS - 1)
    return len(theirs) == len(ours) and all(_like(*each) for each in zip(ours, theirs, strict=True))


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(float(value), float(wanted))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericEquals": _number(lambda value, wanted: value == wanted),
    "NumericLessThan": _number(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _number(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": _number(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _number(lambda value, wanted: value >= wanted),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
}


def _filled(text: str, call: Call) -> str:
    """The text with its policy variables filled in from the circumstances."""

    def value(match: re.Match[str]) -> str:
        found = call.keys.get(match[1].lower())
        if found is None or len(found) != 1:
            raise NotUnderstoodError(f"{match[0]} in {text}")
        return found[0]

    return re.sub(r"\$\{([\w:/.-]+)\}", value, text)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def without(statements: Iterable[Statement], number: int) -> tuple[Statement, ...]:
    """The statements without one of them."""
    return tuple(each for position, each in enumerate(statements) if position != number)
