"""Fixtures of the tests of operations: a small stage on a live emulator, and the commands as a user runs them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_rules import terminal
from operations.command import main
from rehearsal import emulator, workspace
from rehearsal.emulator import Live
from rehearsal.live import journal
from rehearsal.live.control import Controller
from rehearsal.workspace import ACCOUNT, REGION, ROOT
from tests.operations.stage import STACK, STAGE, template, write_assembly
from verification.account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rehearsal.emulator import Emulator


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    output: str


@dataclass
class Operator:
    """Someone who runs commands on the small stage, as on AWS.

    Attributes:
        server: The emulator.
        assembly: The cloud assembly.
        account: The account, as its root.
        directory: Where the commands run.
        credentials: In place of the root's.
    """

    server: Emulator
    assembly: Path
    account: Account
    directory: Path
    credentials: Mapping[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a separate process, with nothing to read."""
        return subprocess.Popen(
            [sys.executable, "-m", "operations", *arguments, "--assembly", str(self.assembly)],
            cwd=self.directory,
            env=self._settings(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, typed: str = "", **environment: str) -> Ended:
        """Run a command to its end in this process, which is quicker."""
        shown = io.StringIO()
        with (
            workspace.only({**self._settings(), **environment}),
            contextlib.chdir(self.directory),
            contextlib.redirect_stdout(shown),
            contextlib.redirect_stderr(shown),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(sys, "stdin", io.StringIO(typed))
            patch.setattr(terminal, "QUIET_SECONDS", 600)  # progress is no part of its output
            try:
                code = main([*arguments, "--assembly", str(self.assembly)])
            except SystemExit as ended:  # of the parser
                code = int(ended.code or 0)
        return Ended(code, shown.getvalue())

    def _settings(self) -> dict[str, str]:
        base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(self.directory)}
        return {**self.server.client_environment(base, ACCOUNT, REGION), **self.credentials}

    def drill(self, name: str, *arguments: str, typed: str = "", **environment: str) -> Ended:
        """Run a drill on the stage; its name is typed unless told otherwise."""
        return self.run("drill", "--stage", STAGE, "--name", name, *arguments, typed=typed, **environment)

    @property
    def control(self) -> Controller:
        """The emulator's control socket."""
        assert self.server.live is not None
        return Controller(self.server.live.control)

    @property
    def records(self) -> list[dict[str, Any]]:
        """What the drills have written, the newest last."""
        return [json.loads(file.read_text()) for file in sorted((self.directory / ".drills").glob("*.json"))]

    def made_by_drills(self) -> list[str]:
        """Names of groups and snapshots that drills have made and that exist."""
        client = self.account.client("elasticache")
        names = [group["ReplicationGroupId"] for group in client.describe_replication_groups()["ReplicationGroups"]]
        names += [snapshot["SnapshotName"] for snapshot in client.describe_snapshots()["Snapshots"]]
        return [name for name in names if name.startswith("drill-")]

    def actions(self, role: str) -> set[str]:
        """The actions that a role was asked about."""
        assert self.server.live is not None
        entries = journal.read(self.server.live.journal, "grant")
        return {entry["action"] for entry in entries if str(entry.get("role", "")).rpartition("/")[2] == role}


@pytest.fixture(scope="session")
def server() -> Iterator[Emulator]:
    """A live emulator with the small stage."""
    place = workspace.prepare()
    with emulator.running(place, Live(ACCOUNT, REGION)) as made:
        yield made
    workspace.remove(place)


@pytest.fixture(scope="session")
def deployed(server: Emulator) -> Account:
    """The account that the small stage is deployed to."""
    with workspace.only(server.client_environment({}, ACCOUNT, REGION)):
        account = Account(REGION)
        for service in ("cloudwatch", "elasticache", "iam", "lambda", "secretsmanager", "sts"):
            account.client(service)  # with the settings of the emulator, which last for this block only
        client = account.client("cloudformation")
        client.create_stack(StackName=STACK, TemplateBody=json.dumps(template()), Capabilities=["CAPABILITY_NAMED_IAM"])
        client.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 0.2, "MaxAttempts": 300}
        )
    return account


@pytest.fixture
def operator(server: Emulator, deployed: Account, tmp_path: Path) -> Operator:
    """An operator with the credentials of the root."""
    folder = tmp_path / "assembly"
    folder.mkdir()
    return Operator(server, write_assembly(folder), deployed, tmp_path)
