"""What the tests of the rehearsal share: the mended emulator in this process, and one running beside it."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearsal import emulator, extension, surroundings
from rehearsal.account import Account
from rehearsal.assembly import Stack
from rehearsal.extension import seam

accounts = itertools.count(100_000_000_000)


@pytest.fixture(scope="session", autouse=True)
def _mended() -> None:
    """The emulator's modules in this process, mended once."""
    extension.install()


@dataclass(frozen=True)
class CloudFormation:
    """CloudFormation's provisioning in this process, in an account of its own."""

    def create(self, resource_type: str, **properties: Any) -> tuple[str, dict[str, Any]]:
        """Create a resource; its name and attributes."""
        made: tuple[str, dict[str, Any]] = seam.handlers()[resource_type]["create"]("Logical", properties, "stack")
        return made

    def update(self, resource_type: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
        """Update a resource; its name afterwards."""
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
    """An emulator in a process of its own, as a rehearsal starts it."""
    place = surroundings.prepare()
    with emulator.running(place) as server:
        yield server
    surroundings.forget(place)


@dataclass(frozen=True)
class Deployed:
    """A stack that CloudFormation in the running emulator has made."""

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
    with surroundings.only(server.client_environment({}, account, "eu-west-1")):
        yield deploy(template)


@pytest.fixture(scope="module")
def small_stage(running: emulator.Emulator) -> Iterator[Deployed]:
    """A stack with one of each resource that is verified, in an account of its own; not to be changed."""
    yield from _small_stage(running)


@pytest.fixture
def fresh_small_stage(running: emulator.Emulator) -> Iterator[Deployed]:
    """The same for one test alone, to change at will."""
    yield from _small_stage(running)
