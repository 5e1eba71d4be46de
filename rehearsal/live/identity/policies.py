"""Policies of AWS as statements, and whether a statement applies to a request.

A question that cannot be answered, such as an operator that does not exist, has the answer None: an Allow with it does
not apply, and a Deny with it does. So what is not understood denies.
See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

Document = str | Mapping[str, Any] | None
Value = str | Sequence[str] | None
Answer = bool | None
Test = Callable[[str, str], Answer]

VARIABLES_SINCE = "2012-10-17"
ARN_PARTS = 6
VARIABLE = re.compile(r"\$\{([^}]*)\}")
ACCOUNT_PRINCIPAL = re.compile(r"(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?")
OTHER_PRINCIPALS = ("Service", "Federated")  # keys of Principal other than AWS
LITERALS = {"*": "*", "?": "?", "$": "$"}


@dataclass(frozen=True)
class Principal:
    """Who sends a request.

    Attributes:
        arn: The ARN as GetCallerIdentity returns it: of a role, the ARN of the session. Of a service, its name.
        account: The id of its account; empty for a service and for a request without credentials.
        kind: The value of `aws:PrincipalType`, or "Service".
        entity: What policies are attached to: the ARN of the user or of the role. Default: `arn`.
        bounded: Whether it has a permissions boundary.
    """

    arn: str
    account: str
    kind: str
    entity: str = ""
    bounded: bool = False

    @property
    def identities(self) -> frozenset[str]:
        """The ARNs that name it in a policy, apart from its account."""
        return frozenset((self.arn, self.entity or self.arn))


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        principal: Who asks.
        action: For example `elasticache:Connect`.
        resource: The ARN, or `*` if the action is on none.
        value: The value of a condition key, by its name in lower case; None if the request does not have it.
    """

    principal: Principal
    action: str
    resource: str
    value: Callable[[str], Value] = field(default=lambda _key: None)


@dataclass(frozen=True)
class Condition:
    """One key of a condition.

    Attributes:
        test: Compares a value of the request with a value of the policy; None if the operator does not exist.
        negated: Whether the operator asks that no value matches.
        quantifier: `forallvalues`, `foranyvalue`, or empty.
        if_exists: Whether it holds if the request does not have the key.
        null: Whether it asks only if the request has the key.
        variables: Whether the values may have variables.
        key: The name of the key in lower case.
        expected: The values of the policy.
    """

    test: Test | None
    negated: bool
    quantifier: str
    if_exists: bool
    null: bool
    variables: bool
    key: str
    expected: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, ready to be compared with requests.

    Attributes:
        allows: Whether its effect is Allow; otherwise it is Deny.
        sid: Its id; may be empty.
        actions: Its Action or NotAction.
        other_actions: Whether these are NotAction.
        resources: Its Resource or NotResource; None if it has neither.
        other_resources: Whether these are NotResource.
        conditions: Its Condition.
        principal: Its Principal or NotPrincipal; None if it has neither.
        other_principals: Whether this is NotPrincipal.
        variables: Whether the version of the policy has variables.
    """

    allows: bool
    sid: str
    actions: tuple[str, ...]
    other_actions: bool
    resources: tuple[str, ...] | None
    other_resources: bool
    conditions: tuple[Condition, ...]
    principal: str | Mapping[str, tuple[str, ...]] | None
    other_principals: bool
    variables: bool

    def applies(self, request: Request) -> bool:
        """Whether it applies to a request, regardless of who asks."""
        if not self._names_action(request.action):
            return False
        answers = [self._names_resource(request), *(condition_holds(c, request, self) for c in self.conditions)]
        answer = _every(answers)
        return not self.allows if answer is None else answer

    def _names_action(self, action: str) -> bool:
        return (self._action_pattern.fullmatch(action) is not None) != self.other_actions

    @cached_property
    def _action_pattern(self) -> re.Pattern[str]:
        patterns = (re.escape(escape(action)).replace(ANY, ".*").replace(ONE, ".") for action in self.actions)
        return re.compile("|".join(patterns) or r"(?!)", re.DOTALL | re.IGNORECASE)

    def _names_resource(self, request: Request) -> Answer:
        if self.resources is None:
            return True
        answers = []
        for pattern in self.resources:
            variable = self.variables and "${" in pattern
            filled = fill(pattern, request, wildcards=True) if variable else escape(pattern)
            answers.append(None if filled is None else resource_glob(filled, request.resource))
        if self.other_resources:
            found = _some(answers)
            return None if found is None else not found
        return any(answers)  # a variable without a value matches nothing


def _every(answers: Sequence[Answer]) -> Answer:
    if any(answer is False for answer in answers):
        return False
    return None if any(answer is None for answer in answers) else True


def _some(answers: Sequence[Answer]) -> Answer:
    if any(answers):
        return True
    return None if any(answer is None for answer in answers) else False


# -- patterns: in one that `fill` or `escape` made, the wildcards are these two characters -----------------------------

ANY, ONE = "\ue000", "\ue001"


def escape(pattern: str) -> str:
    """A pattern of a policy with its wildcards marked, so that values of variables can be told from them."""
    return pattern.replace("*", ANY).replace("?", ONE)


@lru_cache(maxsize=4096)
def _compiled(pattern: str, *, any_text: str) -> re.Pattern[str]:
    text = re.escape(pattern)
    return re.compile(text.replace(ANY, any_text).replace(ONE, "."), re.DOTALL)


def glob(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern with the wildcards `*` and `?` anywhere, with regard to case."""
    return _compiled(escape(pattern), any_text=".*").fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled_resource(pattern: str) -> re.Pattern[str]:
    """A wildcard reaches beyond a colon only at the end of a segment; the resource itself may have colons."""
    parts = pattern.split(":", ARN_PARTS - 1)
    texts = []
    for number, part in enumerate(parts):
        if number == ARN_PARTS - 1:
            texts.append(re.escape(part).replace(ANY, ".*"))
            continue
        body, end = (part[:-1], ".*") if part.endswith(ANY) else (part, "")
        texts.append(re.escape(body).replace(ANY, "[^:]*") + end)
    return re.compile(":".join(texts).replace(ONE, "."), re.DOTALL)


def resource_glob(pattern: str, resource: str) -> bool:
    """Whether a resource matches a marked pattern of the Resource element.

    See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html.
    """
    return pattern == ANY or _compiled_resource(pattern).fullmatch(resource) is not None


def fill(pattern: str, request: Request, *, wildcards: bool) -> str | None:
    """A text of a policy with the values of its variables; None if one has neither value nor default.

    Args:
        pattern: The text.
        request: What has the values.
        wildcards: Whether to mark the wildcards of the text.
    """
    marked = escape if wildcards else str
    if "${" not in pattern:
        return marked(pattern)
    filled, end = "", 0
    for variable in VARIABLE.finditer(pattern):
        value = _variable(variable[1], request)
        if value is None:
            return None
        filled += marked(pattern[end : variable.start()]) + value
        end = variable.end()
    return filled + marked(pattern[end:])


def _variable(text: str, request: Request) -> str | None:
    if text in LITERALS:
        return LITERALS[text]
    key, comma, default = text.partition(",")
    value = request.value(key.strip().lower())
    if isinstance(value, str):
        return value
    default = default.strip()
    return default[1:-1] if comma and len(default) > 1 and default[0] == default[-1] == "'" else None


# -- principals --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Named:
    """How a statement of a resource's policy names a principal.

    Attributes:
        applies: Whether it names it at all.
        by_account: Whether it names only its account, which delegates to the account's own policies.
        directly: Whether it names the user or the session itself, so that no boundary and no session policy limits it.
    """

    applies: bool
    by_account: bool = False
    directly: bool = False


NOT_NAMED = Named(applies=False)
NAMED = Named(applies=True)


def named(statement: Statement, principal: Principal) -> Named:
    """How the Principal or NotPrincipal of a statement names a principal.

    See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html and, on
    NotPrincipal, reference_policies_elements_notprincipal.html.
    """
    if statement.principal is None:
        return NOT_NAMED
    if statement.other_principals:
        excepted = _excepted(statement.principal, principal)
        return NAMED if not statement.allows and not excepted else NOT_NAMED
    if isinstance(statement.principal, str):
        return NAMED if statement.principal == "*" else NOT_NAMED
    if "*" in statement.principal.get("AWS", ()):
        return NAMED
    return _listed(statement.principal, principal)


def _listed(names: Mapping[str, tuple[str, ...]], principal: Principal) -> Named:
    if principal.kind in OTHER_PRINCIPALS:
        found = principal.arn.lower() in (name.lower() for name in names.get(principal.kind, ()))
        return Named(applies=found, directly=found)
    listed = names.get("AWS", ())
    if principal.kind != "Account" and principal.arn in listed:
        return Named(applies=True, directly=True)
    if principal.identities & set(listed):
        return NAMED
    by_account = bool(principal.account) and any(_account(name) == principal.account for name in listed)
    return Named(applies=by_account, by_account=by_account)


def _account(name: str) -> str | None:
    found = ACCOUNT_PRINCIPAL.fullmatch(name)
    return found[1] if found else None


def _excepted(listed: str | Mapping[str, tuple[str, ...]], principal: Principal) -> bool:
    """Whether a NotPrincipal excepts a principal: it and its account must be listed, and a boundary undoes that."""
    if isinstance(listed, str):
        return listed == "*"
    if principal.kind in OTHER_PRINCIPALS:
        return principal.arn in listed.get(principal.kind, ())
    names = listed.get("AWS", ())
    if "*" in names:
        return True
    with_account = any(_account(name) == principal.account for name in names)
    return (
        with_account
        and principal.identities <= {*names, f"arn:aws:iam::{principal.account}:root"}
        and (not principal.bounded)
    )


# -- conditions --------------------------------------------------------------------------------------------------------


def condition_holds(condition: Condition, request: Request, statement: Statement) -> Answer:
    """Whether one key of a condition holds.

    See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
    """
    found = request.value(condition.key)
    values = (found,) if isinstance(found, str) else tuple(found or ())
    if condition.null:
        asked = {text.lower() for text in condition.expected}
        return None if asked - {"true", "false"} else ("true" if not values else "false") in asked
    if condition.test is None:
        return None
    if not values:
        return (
            condition.if_exists
            or condition.quantifier == "forallvalues"
            or (condition.negated and not condition.quantifier)
        )
    if len(values) > 1 and not condition.quantifier:
        return None  # AWS asks for a set operator with such keys
    answers = [_compare(condition, value, request, statement) for value in values]
    return _some(answers) if condition.quantifier == "foranyvalue" else _every(answers)


def _compare(condition: Condition, value: str, request: Request, statement: Statement) -> Answer:
    answers: list[Answer] = []
    for text in condition.expected:
        if not condition.variables:
            expected: str | None = text
        elif statement.variables:
            expected = fill(text, request, wildcards=True)
        else:
            expected = escape(text)
        answers.append(None if expected is None or condition.test is None else condition.test(value, expected))
    found = _some(answers)
    return None if found is None else found != condition.negated


def _unmark(pattern: str) -> str:
    return pattern.replace(ANY, "*").replace(ONE, "?")


def _equal(value: str, pattern: str) -> bool:
    return value == _unmark(pattern)


def _equal_ignoring_case(value: str, pattern: str) -> bool:
    return value.lower() == _unmark(pattern).lower()


def _like(value: str, pattern: str) -> bool:
    return _compiled(pattern, any_text=".*").fullmatch(value) is not None


def _arn_like(value: str, pattern: str) -> Answer:
    """Compare the six components of two ARNs one by one."""
    if pattern == ANY:
        return True
    patterns, values = pattern.split(":", ARN_PARTS - 1), value.split(":", ARN_PARTS - 1)
    if len(patterns) != ARN_PARTS:
        return None
    return len(values) == ARN_PARTS and all(_like(v, p) for v, p in zip(values, patterns, strict=True))


def _numeric(compare: Callable[[float, float], bool]) -> Test:
    def test(value: str, expected: str) -> Answer:
        try:
            return compare(float(value), float(expected))
        except ValueError:
            return None

    return test


def _moment(text: str) -> dt.datetime:
    """A date in one of the W3C's forms of ISO 8601, or in seconds since the epoch."""
    if re.fullmatch(r"-?\d{5,}(?:\.\d+)?", text):
        return dt.datetime.fromtimestamp(float(text), dt.UTC)
    text = f"{text}-01" if re.fullmatch(r"\d{4}-\d{2}", text) else f"{text}-01-01" if len(text) == len("2026") else text
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _dated(compare: Callable[[dt.datetime, dt.datetime], bool]) -> Test:
    def test(value: str, expected: str) -> Answer:
        try:
            return compare(_moment(value), _moment(expected))
        except (ValueError, OverflowError, OSError):
            return None

    return test


def _boolean(value: str, expected: str) -> Answer:
    return None if expected.lower() not in ("true", "false") else value.lower() == expected.lower()


def _binary(value: str, expected: str) -> Answer:
    try:
        return base64.b64decode(value, validate=True) == base64.b64decode(expected, validate=True)
    except (binascii.Error, ValueError):
        return None


def _address(value: str, expected: str) -> Answer:
    try:
        address, network = ipaddress.ip_address(value), ipaddress.ip_network(expected, strict=False)
    except ValueError:
        return None
    return address.version == network.version and address in network


WITH_VARIABLES: dict[str, Test] = {
    "stringequals": _equal,
    "stringequalsignorecase": _equal_ignoring_case,
    "stringlike": _like,
    "arnequals": _arn_like,
    "arnlike": _arn_like,
}
WITHOUT_VARIABLES: dict[str, Test] = {
    "numericequals": _numeric(lambda a, b: a == b),
    "numericlessthan": _numeric(lambda a, b: a < b),
    "numericlessthanequals": _numeric(lambda a, b: a <= b),
    "numericgreaterthan": _numeric(lambda a, b: a > b),
    "numericgreaterthanequals": _numeric(lambda a, b: a >= b),
    "dateequals": _dated(lambda a, b: a == b),
    "datelessthan": _dated(lambda a, b: a < b),
    "datelessthanequals": _dated(lambda a, b: a <= b),
    "dategreaterthan": _dated(lambda a, b: a > b),
    "dategreaterthanequals": _dated(lambda a, b: a >= b),
    "bool": _boolean,
    "binaryequals": _binary,
    "ipaddress": _address,
}
NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
}


def _condition(operator: str, key: str, expected: Any) -> Condition:
    name = operator.lower()
    quantifier, colon, rest = name.partition(":")
    quantifier, name = (quantifier, rest) if colon else ("", name)
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    plain = NEGATED.get(name, name)
    known = quantifier in ("", "forallvalues", "foranyvalue")
    test = WITH_VARIABLES.get(plain) or WITHOUT_VARIABLES.get(plain)
    return Condition(
        test=test if known else None,
        negated=name in NEGATED,
        quantifier=quantifier,
        if_exists=if_exists,
        null=name == "null" and not if_exists and not colon,
        variables=plain in WITH_VARIABLES,
        key=key.lower(),
        expected=tuple(_text(item) for item in (expected if isinstance(expected, list) else [expected])),
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- documents ---------------------------------------------------------------------------------------------------------


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _principal(value: Any) -> str | Mapping[str, tuple[str, ...]] | None:
    if isinstance(value, Mapping):
        return {kind: _texts(names) for kind, names in value.items()}
    return value if isinstance(value, str) else None


def _statement(raw: Mapping[str, Any], *, variables: bool) -> Statement | None:
    effect = raw.get("Effect")
    other_actions, other_resources = "NotAction" in raw, "NotResource" in raw
    other_principals = "NotPrincipal" in raw
    if effect not in ("Allow", "Deny") or ("Action" in raw) == other_actions:
        return None
    conditions = raw.get("Condition") or {}
    return Statement(
        allows=effect == "Allow",
        sid=str(raw.get("Sid", "")),
        actions=_texts(raw["NotAction" if other_actions else "Action"]),
        other_actions=other_actions,
        resources=_texts(raw["NotResource" if other_resources else "Resource"])
        if other_resources or "Resource" in raw
        else None,
        other_resources=other_resources,
        conditions=tuple(
            _condition(operator, key, expected)
            for operator, keys in conditions.items()
            for key, expected in (keys if isinstance(keys, Mapping) else {"": []}).items()
        ),
        principal=_principal(raw["NotPrincipal" if other_principals else "Principal"])
        if other_principals or "Principal" in raw
        else None,
        other_principals=other_principals,
        variables=variables,
    )


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[Statement, ...]:
    try:
        document = json.loads(text)
    except ValueError:
        return ()
    if not isinstance(document, dict):
        return ()
    raw = document.get("Statement", [])
    variables = document.get("Version") == VARIABLES_SINCE
    found = [
        _statement(item, variables=variables)
        for item in (raw if isinstance(raw, list) else [raw])
        if isinstance(item, dict)
    ]
    return tuple(statement for statement in found if statement)


def parse(document: Document) -> tuple[Statement, ...]:
    """The statements of a policy; those that AWS would not accept are left out.

    Args:
        document: The policy as text or as an object.
    """
    if not document:
        return ()
    return _parsed(document if isinstance(document, str) else json.dumps(document))
