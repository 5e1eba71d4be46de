"""The stage that an operation is for: its stacks as they are deployed, and the account that they are in."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rehearsal.drills.stage import DeployedStage
from verification import assembly
from verification.account import Account, ClientError, default_region
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from verification.assembly import Stack


class RefusedError(Exception):
    """An operation is not begun; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """A deployed stage.

    Attributes:
        stage: Name of the stage.
        account: Id of the account of the credentials.
        caller: ARN of whose credentials they are.
        region: Name of the Region.
        stacks: Its stacks, with the templates that are deployed.
        described: The stacks as `DescribeStacks` has them, by name.
    """

    stage: str
    account: str
    caller: str
    region: str
    stacks: tuple[Stack, ...]
    described: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, directory: Path, stage: str) -> Target:
        """Find a stage in the account of the credentials.

        Args:
            directory: The cloud assembly, which says which stacks the stage has.
            stage: Name of the stage.

        Raises:
            RefusedError: If the assembly does not have the stage, the credentials are for another account, no Region is
                set, or a stack is not deployed.
        """
        stacks = _of_stage(directory, stage)
        region = _region(stacks, stage)
        account = Account(region)
        identity = account.client("sts").get_caller_identity()
        wanted = {stack.account for stack in stacks if stack.account}
        if wanted - {identity["Account"]}:
            raise RefusedError(
                refusal(
                    got=f"credentials for the account {identity['Account']}",
                    allowed=f"the stage {stage} belongs to {', '.join(sorted(wanted))}",
                    fix="Use credentials for that account: set AWS_PROFILE, for example",
                )
            )
        described = {stack.name: _described(account, stack.name, stage, identity["Account"]) for stack in stacks}
        deployed = tuple(_deployed(account, stack) for stack in stacks)
        return cls(stage, identity["Account"], identity["Arn"], region, deployed, described)

    @property
    def protected(self) -> tuple[str, ...]:
        """The stacks with termination protection."""
        return tuple(name for name, stack in self.described.items() if stack.get("EnableTerminationProtection"))

    @cached_property
    def deployed(self) -> DeployedStage:
        """The stage with a client of the account, which keeps what it has read."""
        return self.fresh()

    def fresh(self) -> DeployedStage:
        """The stage, read again."""
        return DeployedStage(self.stacks, Account(self.region))


def _of_stage(directory: Path, stage: str) -> tuple[Stack, ...]:
    every = assembly.stacks(directory)
    found = tuple(stack for stack in every if stack.path.partition("/")[0] == stage)
    if not found:
        stages = sorted({stack.path.partition("/")[0] for stack in every})
        raise RefusedError(
            refusal(
                got=f"STAGE={stage}",
                allowed=f"the stages in {directory} are {', '.join(stages) or 'none'}",
                fix="Name one of the stages in stages.py",
            )
        )
    return found


def _region(stacks: tuple[Stack, ...], stage: str) -> str:
    """The Region of the stage, or that of the credentials for a stage that can be deployed to any."""
    regions = {stack.region for stack in stacks if stack.region}
    if len(regions) > 1:
        raise RefusedError(
            refusal(
                got=f"stacks in {', '.join(sorted(regions))}",
                allowed="an operation has one Region",
                fix=f"Give all stacks of {stage} the same one in stages.py",
            )
        )
    region = regions.pop() if regions else default_region()
    if not region:
        raise RefusedError(
            refusal(
                got=f"no Region for the stage {stage}",
                allowed="stages.py has none for it, so it is that of the credentials",
                fix="Set AWS_REGION to the Region that it is deployed to",
            )
        )
    return str(region)


def _described(account: Account, stack: str, stage: str, number: str) -> Mapping[str, Any]:
    try:
        [found] = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as fault:
        if "does not exist" not in str(fault):
            raise
        raise RefusedError(
            refusal(
                got=f"no stack {stack} in the account {number} and {account.region}",
                allowed=f"every stack of {stage} must be deployed",
                fix=f"Deploy it with `make deploy STAGE={stage}`, or use the credentials and the Region that it is in",
            )
        ) from None
    described: Mapping[str, Any] = found
    return described


def _deployed(account: Account, stack: Stack) -> Stack:
    """The stack with the template that is deployed, in place of that of the checkout."""
    body = account.client("cloudformation").get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"]
    return replace(stack, template=json.loads(body) if isinstance(body, str) else body)
