"""Fixtures of the rehearsal's tests: the corrected emulator in this process, and a running one."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import emulator, extension, workspace
from rehearsal.extension import seam
from verification.account import Account
from verification.assembly import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

accounts = itertools.count(100_000_000_000)


@pytest.fixture(scope="session", autouse=True)
def _mended() -> None:
    """The emulator's modules in this process, corrected once."""
    extension.install()


@dataclass(frozen=True)
class CloudFormation:
    """CloudFormation's provisioning in this process, in a separate account."""

    def create(self, resource_type: str, **properties: Any) -> tuple[str, dict[str, Any]]:
        """Create a resource; returns its name and its attributes."""
        made: tuple[str, dict[str, Any]] = seam.handlers()[resource_type]["create"]("Logical", properties, "stack")
        return made

    def update(self, resource_type: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
        """Update a resource; returns its new name."""
        handler = seam.handlers()[resource_type]
        more = ("Logical",) if handler.get("update_with_logical_id") else ()
        updated: str = handler["update"](name, dict(old), dict(new), "stack", *more)[0]
        return updated

    def delete(self, resource_type: str, name: str, **properties: Any) -> None:
        """Delete a resource."""
        seam.handlers()[resource_type]["delete"](name, properties)


@pytest.fixture
def cloudformation() -> CloudFormation:
    """An empty account to create resources in."""
    seam.responses.set_request_account_id(str(next(accounts)))
    seam.responses.set_request_region("eu-west-1")
    return CloudFormation()


@pytest.fixture(scope="session")
def running() -> Iterator[emulator.Emulator]:
    """An emulator in a separate process, as a rehearsal starts it."""
    place = workspace.prepare()
    with emulator.running(place) as server:
        yield server
    workspace.remove(place)


@dataclass(frozen=True)
class Deployed:
    """A stack that the running emulator has deployed."""

    stack: Stack
    account: Account


def deploy(template: Mapping[str, Any]) -> Deployed:
    """Create the stack in the account of the environment."""
    account = Account("eu-west-1")
    client = account.client("cloudformation")
    client.create_stack(StackName="small", TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName="small", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
    return Deployed(Stack("small", "small", None, None, template), account)


def _small_stage(server: emulator.Emulator) -> Iterator[Deployed]:
    template = json.loads(Path(__file__).with_name("small_stage.template.json").read_text())
    account = str(next(accounts))
    with workspace.only(server.client_environment({}, account, "eu-west-1")):
        yield deploy(template)


@pytest.fixture(scope="module")
def small_stage(running: emulator.Emulator) -> Iterator[Deployed]:
    """A stack with a resource of each compared type, in a separate account; tests must not change it."""
    yield from _small_stage(running)


@pytest.fixture
def fresh_small_stage(running: emulator.Emulator) -> Iterator[Deployed]:
    """Such a stack for one test, which may change it."""
    yield from _small_stage(running)
