"""Compare each deployed resource with the properties of its template and with the rules that always hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from verification import permission_readers
from verification.acceptances import Acceptances
from verification.account import AccessDeniedError, Account, ClientError
from verification.equality import canonical, same
from verification.grace import retiring
from verification.reader import IRRELEVANT, Reader
from verification.readers import PLACEHOLDER, READERS, asked_rule, flat_rules
from verification.resolve import Deployment, UnknownFunctionError, UnresolvedError
from verification.rules import NO_OTHER_POLICIES, NO_OTHER_RULES, RULES, Rule
from verification.scaling import ranges

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from verification.assembly import Resource, Stack

# What reading raises if an answer, or a part of it, is missing.
UNREADABLE = (UnresolvedError, ClientError, LookupError, TypeError, ValueError)
COMPLETE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
# Statuses of resources that do not exist; one that was not updated does.
MISSING = ("absent", "CREATE_FAILED", "CREATE_IN_PROGRESS", "DELETE_")
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
        note: What else is known about a difference.
        follows: The check whose failure is the reason for this one. Default: it stands for itself.
        accepted: The reason with which the app accepts that they do not agree; then ``ok`` is true. Default: they
            agree, or it does not.
    """

    stack: str
    resource: str
    property: str
    asked: str
    read: str
    ok: bool
    note: str = ""
    follows: str = ""
    accepted: str = ""


@dataclass(frozen=True)
class Verdict:
    """The result of all checks.

    Attributes:
        checks: Checks of all stacks.
        unproven: What the templates ask for and no check covers.
        denied: What the caller may not read, with the action that is needed.
    """

    checks: tuple[Check, ...]
    unproven: tuple[str, ...]
    denied: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.ok)


@dataclass(frozen=True)
class Knowledge:
    """How each type of resource is read and judged.

    Attributes:
        readers: Readers by type.
        rules: Rules by type.
    """

    readers: Mapping[str, Reader] = field(default_factory=lambda: READERS)
    rules: Mapping[str, Rule] = field(default_factory=lambda: RULES)


KNOWLEDGE = Knowledge()


@dataclass
class Findings:
    """What is found while resources are checked.

    Attributes:
        checks: The checks.
        denied: What the caller may not read.
        repeats: What a check repeats: names of properties, and ids or types of other resources.
        acceptances: What the app accepts.
    """

    acceptances: Acceptances = field(default_factory=Acceptances)
    checks: list[Check] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    repeats: dict[Check, tuple[str, ...]] = field(default_factory=dict)


def verify(stacks: Sequence[Stack], account: Account, knowledge: Knowledge = KNOWLEDGE) -> Verdict:
    """Check all resources of the stacks.

    Args:
        stacks: The stacks, which must exist.
        account: The account they are deployed to.
        knowledge: How each type is read and judged. Default: without any secret's value.
    """
    exports = account.exports()
    return verdict([deployed(stack, account, exports) for stack in stacks], knowledge)


def verdict(deployments: Sequence[Deployment], knowledge: Knowledge = KNOWLEDGE) -> Verdict:
    """Check all resources of deployed stacks.

    Args:
        deployments: The stacks with the resources that were made of them.
        knowledge: How each type is read and judged. Default: without any secret's value.
    """
    found = Findings(Acceptances(deployments))
    for deployment in deployments:
        for resource in deployment.resources:
            status = deployment.status(resource)
            ok = status in COMPLETE
            found.checks.append(Check(deployment.stack.name, resource.name, "status", "complete", status, ok))
            if not status.startswith(MISSING):
                _judge(deployment, resource, knowledge, found)
    found.checks += (*unasked_rules(deployments), *unasked_policies(deployments))
    found.checks.sort(key=_position(found.checks))
    checks = linked(found.checks, found.repeats, places(deployments))
    unproven = [line for deployment in deployments for line in not_compared(deployment, knowledge)]
    return Verdict(checks, tuple(dict.fromkeys(unproven)), tuple(dict.fromkeys(found.denied)))


Place = tuple[str, str]  # the name of a stack and of a resource in it


def places(deployments: Sequence[Deployment]) -> dict[str, set[Place]]:
    """The resources by their physical ids and by their types.

    Args:
        deployments: The stacks.
    """
    found: dict[str, set[Place]] = {}
    for deployment in deployments:
        for resource in deployment.resources:
            for name in (deployment.physical_ids.get(resource.logical_id), resource.type):
                if name:
                    found.setdefault(name, set()).add((deployment.stack.name, resource.name))
    return found


def linked(
    checks: Sequence[Check], repeats: Mapping[Check, tuple[str, ...]], known: Mapping[str, set[Place]]
) -> tuple[Check, ...]:
    """The checks; those that failed because of the same difference as another one say which that is.

    Args:
        checks: All checks.
        repeats: What a check repeats: names of properties, and ids or types of other resources.
        known: Resources by id and type.
    """
    failed = [check for check in checks if not check.ok]
    shared: dict[
        tuple[str, str, tuple[str, ...]], Check
    ] = {}  # what several caches say of the same subnet, for example
    found = []
    for check in checks:
        reasons = repeats.get(check, ())
        reason = None
        if not check.ok and reasons:
            reason = next(
                (other for other in failed if other != check and _is_reason(other, check, reasons, known)), None
            )
            first = shared.setdefault((check.property, check.read, reasons), check)
            if reason is None and any(name in check.property for name in reasons) and first != check:
                reason = first
        follows = f"{reason.stack} {reason.resource}: {reason.property}" if reason else ""
        found.append(replace(check, follows=follows))
    return tuple(found)


def _is_reason(other: Check, check: Check, reasons: tuple[str, ...], known: Mapping[str, set[Place]]) -> bool:
    place = (other.stack, other.resource)
    if place == (check.stack, check.resource):
        return other.property.removeprefix(RULE) in reasons
    return any(place in known.get(name, ()) for name in reasons)


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
        with suppress(AccessDeniedError, *UNREADABLE):  # it is reported with its resource
            rule = deployment.resolve(dict(resource.properties))
            separate.setdefault(rule["GroupId"], set()).add(asked_rule(rule))
    for deployment, resource in _all_of(deployments, "AWS::EC2::SecurityGroup"):
        with suppress(AccessDeniedError, *UNREADABLE):  # it is reported with its resource
            extra = _extra_rules(deployment, resource, separate)
            yield _check(deployment, resource, f"{RULE}{NO_OTHER_RULES}", [], sorted(extra))


def unasked_policies(deployments: Sequence[Deployment]) -> Iterator[Check]:
    """Checks for policies that roles have although no template asks for them."""
    managed: dict[str, set[str]] = {}
    inline: dict[str, set[str]] = {}
    for deployment, resource in _all_of(deployments, permission_readers.MANAGED, permission_readers.INLINE):
        with suppress(AccessDeniedError, *UNREADABLE):  # it is reported with its resource
            asked = deployment.resolve(
                {name: resource.properties[name] for name in ("PolicyName", "Roles") if name in resource.properties}
            )
            is_managed = resource.type == permission_readers.MANAGED
            name = deployment.physical_id(resource) if is_managed else asked["PolicyName"]
            for role in asked.get("Roles", []):
                (managed if is_managed else inline).setdefault(role, set()).add(name)
    for deployment, resource in _all_of(deployments, permission_readers.ROLE):
        with suppress(AccessDeniedError, *UNREADABLE):  # it is reported with its resource
            asked, _not_followed = _resolved(deployment, resource)
            role, account = deployment.physical_id(resource), deployment.account
            attached = permission_readers.attached(account, role) - managed.get(role, set())
            named = permission_readers.inline(account, role) - inline.get(role, set())
            extra = (attached - set(asked.get("ManagedPolicyArns", []))) | (
                named - {policy["PolicyName"] for policy in asked.get("Policies", [])}
            )
            yield _check(deployment, resource, f"{RULE}{NO_OTHER_POLICIES}", [], sorted(extra))


def _extra_rules(deployment: Deployment, resource: Resource, separate: Mapping[str, set[str]]) -> set[str]:
    group = deployment.physical_id(resource)
    asked = deployment.resolve(dict(resource.properties))
    inline = {asked_rule(rule) for name in INLINE_RULES for rule in asked.get(name, [])}
    found = deployment.account.security_group(group)
    present = flat_rules(found["IpPermissions"]) + flat_rules(found["IpPermissionsEgress"])
    return set(present) - inline - separate.get(group, set()) - {PLACEHOLDER}


def _all_of(deployments: Sequence[Deployment], *types: str) -> Iterator[tuple[Deployment, Resource]]:
    for deployment in deployments:
        for resource in deployment.resources:
            if resource.type in types and not deployment.status(resource).startswith(MISSING):
                yield deployment, resource


def judge(deployment: Deployment, resource: Resource, knowledge: Knowledge = KNOWLEDGE) -> list[Check]:
    """All checks of one resource; what cannot be read is a failed check.

    Args:
        deployment: The stack of the resource.
        resource: The resource.
        knowledge: How each type is read and judged. Default: without any secret's value.
    """
    found = Findings(Acceptances([deployment]))
    _judge(deployment, resource, knowledge, found)
    return found.checks


def _judge(deployment: Deployment, resource: Resource, knowledge: Knowledge, found: Findings) -> None:
    place = (deployment.stack.name, resource.name)
    unreadable = False
    for part in (_compared, partial(_held_to_rules, found.acceptances)):
        try:
            for check, repeats in part(deployment, resource, knowledge):
                found.checks.append(check)
                found.repeats[check] = repeats
        except AccessDeniedError as fault:
            found.denied.append(f"{deployment.stack.name} {resource.name}: {fault}")
        except UNREADABLE as fault:
            if not unreadable:  # a rule would only say it again
                found.checks.append(Check(*place, "readable", "yes", f"{type(fault).__name__}: {fault}", ok=False))
            unreadable = True


Judged = Iterator[tuple[Check, tuple[str, ...]]]


def _compared(deployment: Deployment, resource: Resource, knowledge: Knowledge) -> Judged:
    reader = knowledge.readers.get(resource.type)
    if reader is None:
        return
    asked, _not_followed = _resolved(deployment, resource)
    read = reader.read(deployment.account, deployment.physical_id(resource), asked)
    equal = partial(same, engine=str(asked.get("Engine", "")), key_arn=deployment.account.key_arn)
    owners = {**ranges(deployment, resource), **retiring(deployment, resource, asked)}
    for name, value in reader.asked(asked).items():
        if name not in IRRELEVANT and name not in reader.silent and name in read:
            owner = owners.get(name)
            if owner is None and name in owners:
                continue
            ok = equal(name, value, read[name]) if owner is None else owner.holds(read[name])
            wanted = shown(value) if owner is None else str(owner)
            reasons = tuple(reason for reason, others in reader.follows.items() if name in others)
            yield Check(deployment.stack.name, resource.name, name, wanted, shown(read[name]), ok), reasons


def _resolved(deployment: Deployment, resource: Resource) -> tuple[dict[str, Any], list[str]]:
    """The properties of a template in the account's terms, and the names of those with a function unknown here."""
    found, unknown = {}, []
    for name, value in resource.properties.items():
        try:
            resolved = deployment.resolve(value)
        except UnknownFunctionError:
            unknown.append(name)
            continue
        if resolved is not None:
            found[name] = resolved
    return found, unknown


def _held_to_rules(
    acceptances: Acceptances, deployment: Deployment, resource: Resource, knowledge: Knowledge
) -> Judged:
    rule = knowledge.rules.get(resource.type)
    if rule is None:
        return
    for found in rule(deployment.account, deployment.physical_id(resource)):
        place, what = (deployment.stack.name, resource.name), RULE + found.what
        reason = "" if found.ok else acceptances.reason(resource, found)
        ok = found.ok or bool(reason)
        yield Check(*place, what, found.required, found.read, ok, accepted=reason), found.of


def _check(deployment: Deployment, resource: Resource, name: str, asked: Any, read: Any) -> Check:
    equal = canonical(asked) == canonical(read)
    return Check(deployment.stack.name, resource.name, name, shown(asked), shown(read), equal)


def not_compared(deployment: Deployment, knowledge: Knowledge = KNOWLEDGE) -> Iterator[str]:
    """What the templates ask for and no check covers.

    Args:
        deployment: The stack.
        knowledge: How each type is read and judged. Default: without any secret's value.
    """
    for resource in deployment.resources:
        reader = knowledge.readers.get(resource.type)
        if deployment.status(resource).startswith(MISSING):
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
        asked, unknown = _resolved(deployment, resource)
        read = reader.read(deployment.account, deployment.physical_id(resource), asked)
    except (AccessDeniedError, *UNREADABLE):
        return []  # it is reported with its resource
    names = [*unknown, *(name for name in reader.asked(asked) if name not in read)]
    return [name for name in names if not {name} & (IRRELEVANT | set(reader.silent))]


def shown(value: Any) -> str:
    """The value as a line of text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "none"
    return json.dumps(value, sort_keys=True)
