"""A deployed stage, compared with its cloud assembly: stacks, templates, resources, and what no template says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.settings import StackSettings
from elasticache_rules.change_gate.stacks import compare_stacks
from verification import posture, state
from verification.account import AccessDeniedError, ClientError
from verification.messages import refusal
from verification.posture import COMPLETE, Check, Findings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from verification.account import Account
    from verification.assembly import Stack

ITSELF = "(stack)"  # in place of the name of a resource
MAX_CHANGES = 3  # named in a line; the change gate lists them all


class StageError(Exception):
    """The stage cannot be verified; the message says why and what to do."""


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        stage: Name of the stage.
        account: Id of the account.
        region: Name of the Region.
        checks: All checks.
        to_note: What is no difference and wants attention, a line each.
        not_read: What the templates ask for and is not read back.
        denied: What the caller may not read, with the action that is needed.
    """

    stage: str
    account: str
    region: str
    checks: tuple[Check, ...]
    to_note: tuple[str, ...]
    not_read: tuple[str, ...]
    denied: tuple[str, ...]

    @property
    def differences(self) -> tuple[Check, ...]:
        """The checks that failed, without those that follow from another one."""
        return tuple(check for check in self.checks if not check.ok and not check.follows)

    @property
    def accepted(self) -> tuple[Check, ...]:
        """The checks that failed, and that the app accepts with a reason."""
        return tuple(check for check in self.checks if check.accepted)

    @property
    def ok(self) -> bool:
        """Whether there is no difference."""
        return not self.differences


def stacks_of(stage: str, stacks: Sequence[Stack]) -> tuple[Stack, ...]:
    """The stacks of a stage.

    Args:
        stage: Name of the stage.
        stacks: All stacks of an assembly.

    Raises:
        StageError: If it has no stack there.
    """
    found = tuple(stack for stack in stacks if stack.path.startswith(f"{stage}/"))
    if not found:
        known = sorted({stack.path.partition("/")[0] for stack in stacks})
        raise StageError(
            refusal(
                got=f"stage {stage}",
                allowed=f"the cloud assembly has {', '.join(known) or 'no stack'}",
                fix="Name one of them, or synthesise the stage",
            )
        )
    return found


def region_of(stacks: Sequence[Stack], default: str | None) -> str:
    """The one Region of the stacks.

    Args:
        stacks: The stacks of a stage.
        default: The Region of the caller, for a stage that names none.

    Raises:
        StageError: If there is no Region, or several.
    """
    named = {stack.region for stack in stacks if stack.region}
    if len(named) > 1:
        raise StageError(
            refusal(
                got=f"stacks in {', '.join(sorted(named))}",
                allowed="one Region is verified at a time",
                fix="Give all stacks of the stage the same Region",
            )
        )
    region = named.pop() if named else default
    if not region:
        raise StageError(
            refusal(got="no Region", allowed="neither the stage nor the credentials name one", fix="Set AWS_REGION")
        )
    return region


def check_caller(stacks: Sequence[Stack], account: Account) -> str:
    """The id of the caller's account, which must be that of the stage.

    Args:
        stacks: The stacks of the stage.
        account: The account of the credentials.

    Raises:
        StageError: If the stage belongs to another account.
    """
    caller = str(account.caller()["Account"])
    others = sorted({stack.account for stack in stacks if stack.account} - {caller})
    if others:
        raise StageError(
            refusal(
                got=f"credentials of the account {caller}",
                allowed=f"the stage is deployed to {', '.join(others)}",
                fix="Use credentials of that account",
            )
        )
    return caller


def verify(stage: str, stacks: Sequence[Stack], account: Account, now: dt.datetime) -> Report:
    """Compare a stage with what runs.

    Args:
        stage: Name of the stage.
        stacks: Its stacks, as this commit has them.
        account: The account and Region it is deployed to.
        now: The time, with its offset from UTC.

    Raises:
        StageError: If the credentials are those of another account.
    """
    caller = check_caller(stacks, account)
    found = Findings()
    deployed = [(stack, description) for stack in stacks if (description := _description(stack, account, found))]
    templates = _templates([stack for stack, _description in deployed], account, found)
    found.checks += _changes(deployed, templates)
    run = [replace(stack, template=templates.get(stack.name, stack.template)) for stack, _description in deployed]
    exports = account.exports()
    deployments = [posture.deployed(stack, account, exports) for stack in run]
    verdict = posture.verdict(deployments)
    beyond = state.look(deployments, account, now)
    checks = _with_notes((*found.checks, *verdict.checks, *beyond.checks), beyond.notes)
    in_order = sorted(checks, key=_order(stacks, checks))
    return Report(
        stage=stage,
        account=caller,
        region=account.region,
        checks=tuple(in_order),
        to_note=tuple(beyond.to_note),
        not_read=verdict.unproven,
        denied=tuple(dict.fromkeys((*found.denied, *verdict.denied, *beyond.denied))),
    )


def _order(stacks: Sequence[Stack], checks: Sequence[Check]) -> Callable[[Check], tuple[int, int]]:
    """A sort key: by stack as the assembly has them, and by resource in order of first appearance."""
    names = {stack.name: index for index, stack in enumerate(stacks)}
    first: dict[tuple[str, str], int] = {}
    for index, check in enumerate(checks):
        first.setdefault((check.stack, check.resource), index)
    return lambda check: (names[check.stack], first[check.stack, check.resource])


def _with_notes(checks: Sequence[Check], notes: Mapping[tuple[str, str, str], str]) -> list[Check]:
    """The checks; a difference that is known to wait, or to have failed, says so, and what waits follows from it."""
    differing = {(check.stack, check.resource, check.property) for check in checks if not check.ok}
    found = []
    for check in checks:
        name = check.property.removeprefix(state.WAITS)
        place = (check.stack, check.resource, name)
        if not check.ok and name != check.property and place in differing:
            found.append(replace(check, follows=f"{check.stack} {check.resource}: {name}"))
        elif not check.ok and place in notes:
            found.append(replace(check, note=notes[place]))
        else:
            found.append(check)
    return found


def _description(stack: Stack, account: Account, found: Findings) -> dict[str, Any] | None:
    """A stack as CloudFormation describes it; None if it does not exist."""
    try:
        described = account.stack(stack.name)
    except ClientError as fault:
        if "does not exist" not in str(fault):
            raise
        found.checks.append(Check(stack.name, ITSELF, "status", "deployed", "does not exist", ok=False))
        return None
    status = described["StackStatus"]
    reason = described.get("StackStatusReason", "")
    found.checks.append(Check(stack.name, ITSELF, "status", "deployed", status, status in COMPLETE, note=reason))
    return described


def _templates(stacks: Sequence[Stack], account: Account, found: Findings) -> dict[str, Mapping[str, Any]]:
    """The templates that are deployed, as they were written, by the name of the stack."""
    templates = {}
    for stack in stacks:
        try:
            answer = account.read("cloudformation", "get_template", StackName=stack.name, TemplateStage="Original")
        except AccessDeniedError as fault:
            found.denied.append(f"{stack.name} template: {fault}; resources are compared with this commit's template")
            continue
        templates[stack.name] = answer["TemplateBody"]
    return templates


def _changes(
    deployed: Sequence[tuple[Stack, Mapping[str, Any]]], templates: Mapping[str, Mapping[str, Any]]
) -> Iterator[Check]:
    """A check for the template of each stack, and one for each setting that is not in a template."""
    new = {stack.name: stack.template for stack, _described in deployed if stack.name in templates}
    changes = list(compare_stacks(templates, new))
    for stack, described in deployed:
        lines = [line for line in changes if line.stack == stack.name]
        if stack.name in templates:
            named = [f"{line.resource} {line.property}: {line.old} -> {line.new}" for line in lines[:MAX_CHANGES]]
            more = [f"and {len(lines) - MAX_CHANGES} more"] if len(lines) > MAX_CHANGES else []
            read = f"another: {len(lines)} changes are not deployed" if lines else "this commit's"
            note = "; ".join((*named, *more))
            yield Check(stack.name, ITSELF, "template", "this commit's", read, not lines, note=note)
        settings = StackSettings(
            tags={tag["Key"]: tag["Value"] for tag in described.get("Tags", ())},
            is_protected=described.get("EnableTerminationProtection", False),
        )
        for name, asked, read_back in (
            ("termination protection", stack.is_protected, settings.is_protected),
            ("tags", dict(stack.tags), dict(settings.tags)),
        ):
            same = asked == read_back
            yield Check(stack.name, ITSELF, name, posture.shown(asked), posture.shown(read_back), same)
