"""Compare each deployed resource with the properties of its template and with the rules that always hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verification.account import Account, ClientError
from verification.readers import IRRELEVANT, READERS, Reader, asked_rule, flat_rules
from verification.resolve import Deployment, UnresolvedError
from verification.rules import RULES

if TYPE_CHECKING:
    from verification.assembly import Resource, Stack

# What reading raises if an answer, or a part of it, is missing.
UNREADABLE = (UnresolvedError, ClientError, LookupError, TypeError, ValueError)
DEPLOYED = "CREATE_COMPLETE"
INLINE_RULES = ("SecurityGroupIngress", "SecurityGroupEgress")
RULE = "must: "  # prefix of the property of a check that no template asks for


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes:
        stack: Name of the stack.
        resource: Name of the resource.
        property: Name of the property, or the rule.
        asked: What the template or the rule asks for.
        read: What the account has.
        ok: Whether both agree.
    """

    stack: str
    resource: str
    property: str
    asked: str
    read: str
    ok: bool


@dataclass(frozen=True)
class Verdict:
    """The result of all checks.

    Attributes:
        checks: Checks of all stacks.
        unproven: What the templates ask for and no check covers.
    """

    checks: tuple[Check, ...]
    unproven: tuple[str, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.ok)


def verify(stacks: Sequence[Stack], account: Account) -> Verdict:
    """Check all resources of the stacks."""
    exports = account.exports()
    deployments = [deployed(stack, account, exports) for stack in stacks]
    checks: list[Check] = []
    for deployment in deployments:
        for resource in deployment.resources:
            status = deployment.status(resource)
            checks.append(_check(deployment, resource, "status", DEPLOYED, status))
            if status == DEPLOYED:
                checks += judge(deployment, resource)
    checks += unasked_rules(deployments)
    checks.sort(key=_position(checks))
    unproven = [line for deployment in deployments for line in not_compared(deployment)]
    return Verdict(tuple(checks), tuple(dict.fromkeys(unproven)))


def _position(checks: Sequence[Check]) -> Callable[[Check], int]:
    """A sort key that keeps the checks of a resource together, in order of first appearance."""
    first: dict[tuple[str, str], int] = {}
    for index, check in enumerate(checks):
        first.setdefault((check.stack, check.resource), index)
    return lambda check: first[check.stack, check.resource]


def deployed(stack: Stack, account: Account, exports: Mapping[str, str]) -> Deployment:
    """A stack and the resources that CloudFormation has created for it.

    Args:
        stack: The stack with its template.
        account: The account it is deployed to.
        exports: Exported values of all stacks, by name.
    """
    made = account.resources(stack.name)
    return Deployment(
        stack,
        account,
        physical_ids={name: item.get("PhysicalResourceId", "") for name, item in made.items()},
        statuses={name: item["ResourceStatus"] for name, item in made.items()},
        stack_id=account.stack_id(stack.name),
        exports=exports,
    )


def unasked_rules(deployments: Sequence[Deployment]) -> Iterator[Check]:
    """Checks for security group rules that exist although no template asks for them."""
    separate: dict[str, set[str]] = {}
    for deployment, resource in _all_of(deployments, "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        with suppress(*UNREADABLE):  # there is a failed check for it
            rule = deployment.resolve(dict(resource.properties))
            separate.setdefault(rule["GroupId"], set()).add(asked_rule(rule))
    for deployment, resource in _all_of(deployments, "AWS::EC2::SecurityGroup"):
        with suppress(*UNREADABLE):  # there is a failed check for it
            extra = _extra_rules(deployment, resource, separate)
            yield _check(deployment, resource, f"{RULE}has no rules besides those of templates", [], sorted(extra))


def _extra_rules(deployment: Deployment, resource: Resource, separate: Mapping[str, set[str]]) -> set[str]:
    group = deployment.physical_id(resource)
    asked = deployment.resolve(dict(resource.properties))
    inline = {asked_rule(rule) for name in INLINE_RULES for rule in asked.get(name, [])}
    found = deployment.account.security_group(group)
    present = flat_rules(found["IpPermissions"]) + flat_rules(found["IpPermissionsEgress"])
    return set(present) - inline - separate.get(group, set())


def _all_of(deployments: Sequence[Deployment], *types: str) -> Iterator[tuple[Deployment, Resource]]:
    for deployment in deployments:
        for resource in deployment.resources:
            if resource.type in types and deployment.status(resource) == DEPLOYED:
                yield deployment, resource


def judge(deployment: Deployment, resource: Resource) -> list[Check]:
    """All checks of one resource; what cannot be read is a failed check."""
    checks: list[Check] = []
    for part in (_compared, _held_to_rules):
        try:
            checks.extend(part(deployment, resource))
        except UNREADABLE as fault:
            reason = f"{type(fault).__name__}: {fault}"
            checks.append(Check(deployment.stack.name, resource.name, "readable", "yes", reason, ok=False))
    return checks


def _compared(deployment: Deployment, resource: Resource) -> Iterator[Check]:
    reader = READERS.get(resource.type)
    if reader is None:
        return
    asked = deployment.resolve(dict(resource.properties))
    read = reader.read(deployment.account, deployment.physical_id(resource), asked)
    for name, value in reader.asked(asked).items():
        if name not in IRRELEVANT and name not in reader.silent and name in read:
            yield _check(deployment, resource, name, value, read[name])


def _held_to_rules(deployment: Deployment, resource: Resource) -> Iterator[Check]:
    rule = RULES.get(resource.type)
    if rule is None:
        return
    for found in rule(deployment.account, deployment.physical_id(resource)):
        yield Check(deployment.stack.name, resource.name, RULE + found.what, found.required, found.read, found.ok)


def _check(deployment: Deployment, resource: Resource, name: str, asked: Any, read: Any) -> Check:
    same = canonical(asked) == canonical(read)
    return Check(deployment.stack.name, resource.name, name, shown(asked), shown(read), same)


def not_compared(deployment: Deployment) -> Iterator[str]:
    """What the templates ask for and no check covers."""
    for resource in deployment.resources:
        reader = READERS.get(resource.type)
        if deployment.status(resource) != DEPLOYED:
            continue  # there is a failed check for it
        if reader is None:
            yield f"{resource.type}: created, its properties are not read back"
            continue
        for name, reason in reader.silent.items():
            if name in resource.properties:
                yield f"{resource.type} {name}: {reason}"
        for name in unread(reader, deployment, resource):
            yield f"{resource.type} {name}: not read back"


def unread(reader: Reader, deployment: Deployment, resource: Resource) -> list[str]:
    """The properties of a template that the reader does not read back.

    Args:
        reader: Reader of the resource's type.
        deployment: The stack of the resource.
        resource: The resource.
    """
    try:
        asked = deployment.resolve(dict(resource.properties))
        read = reader.read(deployment.account, deployment.physical_id(resource), asked)
    except UNREADABLE:
        return []  # there is a failed check for it
    return [name for name in reader.asked(asked) if not {name} & (IRRELEVANT | set(read) | set(reader.silent))]


def canonical(value: Any) -> Any:
    """The value without differences that have no meaning: text or number, and the order of a list."""
    if isinstance(value, Mapping):
        return {name: canonical(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return sorted((canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def shown(value: Any) -> str:
    """The value as a line of text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "none"
    return json.dumps(value, sort_keys=True)
