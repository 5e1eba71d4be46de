"""One rehearsal from start to end."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from rehearsal import causes, emulator, inventory, kept, report, secret_values, workspace
from rehearsal.cdk import CdkError, Cli
from rehearsal.drills import plan, process
from rehearsal.kept import Kept
from rehearsal.report import findings, topology
from rehearsal.workspace import ACCOUNT, REGION, ROOT, Workspace
from verification import assembly, posture
from verification.account import Account
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rehearsal.drills import outcome as drill_outcome
    from rehearsal.emulator import Emulator
    from verification.assembly import Stack

QUIET = ("--no-notices", "--no-version-reporting")


class StageError(Exception):
    """The stage cannot be rehearsed; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """The environment of all stacks of the stage.

    Attributes:
        account: Id of the account.
        region: Name of the Region.
    """

    account: str
    region: str

    @classmethod
    def of(cls, stacks: tuple[Stack, ...]) -> Target:
        """The one account and Region of all stacks.

        Raises:
            StageError: If the stacks have different accounts or Regions.
        """
        accounts = {stack.account or ACCOUNT for stack in stacks}
        regions = {stack.region or REGION for stack in stacks}
        if len(accounts) != 1 or len(regions) != 1:
            raise StageError(
                refusal(
                    got=f"stacks for accounts {sorted(accounts)} and Regions {sorted(regions)}",
                    allowed="a rehearsal has one account and one Region",
                    fix="Give all stacks of the stage the same environment",
                )
            )
        return cls(accounts.pop(), regions.pop())


@dataclass(frozen=True)
class Outcome:
    """The end of a rehearsal.

    Attributes:
        results: What it found.
        kept: The emulator, if it keeps running.
    """

    results: report.Results
    kept: Kept | None


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal of one stage.

    Attributes:
        stage: Name of the stage.
        keep: Whether the stage stays deployed and the emulator keeps running.
        live: Whether engines, logins, IAM and functions work, and not only records exist.
        workspace: Directories of the rehearsal.
        progress: Shows the steps.
        drills: Names of the drills to run if the rehearsal is live. Default: all.
        prepared: A cloud assembly to deploy. Default: the stage is synthesised.
        app: The command that synthesises the stage. Default: that of cdk.json.
        destroys: Whether the stage is destroyed at the end, unless it is kept.
    """

    stage: str
    keep: bool
    live: bool
    workspace: Workspace
    progress: report.Progress
    drills: tuple[str, ...] = ()
    prepared: Path | None = None
    app: str | None = None
    destroys: bool = True

    def run(self) -> Outcome:
        """Deploy, check and destroy the stage. The emulator ends with this call unless it is kept.

        Raises:
            StageError: If the stage cannot be synthesised, or not be rehearsed.
            CdkError: If the deployment or the destroy fails.
            EmulatorError: If the emulator does not start.
        """
        if shutil.which("cdk", path=self.workspace.environment()["PATH"]) is None:
            raise StageError(
                refusal(
                    got="no program `cdk`",
                    allowed="the CDK CLI must be in node_modules/.bin or in PATH",
                    fix="Install it with `make setup`",
                )
            )
        began = time.time()
        stacks: tuple[Stack, ...] = ()
        with ExitStack() as stack:
            default = Target(ACCOUNT, REGION)
            server = self._started(stack, default)
            try:
                stacks, target = self._synthesised(server, default)
                if target != default:
                    if self.live:  # its names and servers belong to one account and Region
                        server = self._started(stack, target)
                    with self.progress.phase("bootstrap"):
                        self._bootstrap(server, target)
                results = self._deployed(server, stacks, target)
            except CdkError as fault:
                if fault.name == "synth":
                    raise StageError(str(fault)) from None
                fault.add_note(f"The emulator's log ends with\n{server.log_tail()}")
                if server.live is not None:
                    journal = findings.Live(server.live.path).journal
                    refused = (*causes.since(journal, began), *causes.in_templates(stacks))
                    fault.add_note("\n".join(["Refused or failed meanwhile", *(f"  {line}" for line in refused)]))
                raise
            if not self.keep:
                return Outcome(results, kept=None)
            server.keep()
            return Outcome(results, self._kept(server, target))

    def _kept(self, server: Emulator, target: Target) -> Kept:
        settings = server.client_environment({}, target.account, target.region)
        one = Kept(
            stage=self.stage,
            pid=server.pid,
            started=psutil.Process(server.pid).create_time(),
            directory=self.workspace.run,
            live=None if server.live is None else server.live.path,
            settings=settings,
            examples=kept.examples(settings, server.live, target.region),
        )
        one.save()
        return one

    def _deployed(self, server: Emulator, stacks: tuple[Stack, ...], target: Target) -> report.Results:
        environment = self._client_environment(server, target)
        with workspace.only(environment):
            account = Account(target.region)
            before = inventory.take(account)
            cli = Cli(environment, self.workspace.run, self.workspace.run)
            with self.progress.phase(f"deploy {len(stacks)} stacks"):
                self._cdk(cli, "deploy", "--require-approval", "never", "--concurrency", "4")
            with self.progress.phase("read everything back"):
                account = Account(target.region)
                verdict = posture.verify(stacks, account, secret_values.KNOWLEDGE)
            retained = inventory.to_be_kept(stacks, account)
            memory = psutil.Process(server.pid).memory_info().rss / 1e6
            network = topology.read(stacks, account)
            found = self._drilled(server, environment, target)
            if outside := emulator.listeners(server.pid):
                raise emulator.EmulatorError(f"the emulator and its servers listen on {outside}, and not on 127/8 only")
            left = None
            if self.destroys and not self.keep:
                with self.progress.phase("destroy"):
                    _unprotect(stacks, account)
                    self._cdk(cli, "destroy", "--force")
                    left = inventory.leftovers(before, inventory.take(Account(target.region)), retained)
        return report.Results(
            stage=self.stage,
            region=target.region,
            phases=tuple(self.progress.phases),
            seconds=round(self.progress.elapsed, 2),
            emulator_megabytes=round(memory, 1),
            verdict=verdict,
            leftovers=left,
            live=server.live is not None,
            drills=found.drills,
            grants=found.grants,
            engines=found.engines,
            topology=network,
            not_judged=found.not_judged,
        )

    def _started(self, stack: ExitStack, target: Target) -> Emulator:
        live = emulator.Live(target.account, target.region) if self.live else None
        with self.progress.phase("start the emulator"):
            return stack.enter_context(emulator.running(self.workspace, live))

    def _drilled(self, server: Emulator, environment: Mapping[str, str], target: Target) -> findings.Findings:
        """Run the drills, and ask the emulator what it has seen of them."""
        if server.live is None:
            return findings.Findings()
        selected = plan.selected(self.drills)
        live = findings.Live(server.live.path)
        if not selected:
            return live.findings((), Account(target.region))
        with self.progress.phase(f"run {len(selected)} drills"):
            outcomes = process.run(
                [drill.name for drill in selected],
                environment=live.environment(environment),
                arguments=[
                    *("--assembly", str(self.workspace.assembly)),
                    *("--region", target.region),
                    *("--control", str(live.control)),
                    *("--journal", str(live.journal)),
                ],
                directory=self.workspace.run,
                say=self.progress.say,
            )
            drills = tuple(self._shown(outcome) for outcome in outcomes)
        return live.findings(drills, Account(target.region))

    def _shown(self, outcome: drill_outcome.Outcome) -> drill_outcome.Outcome:
        if outcome.status != "passed":
            self.progress.say(f"{outcome.name}: {outcome.status}{f': {outcome.reason}' if outcome.reason else ''}")
        return outcome

    def _synthesised(self, server: Emulator, default: Target) -> tuple[tuple[Stack, ...], Target]:
        """Synthesise, and bootstrap the default environment at the same time: on two cores that takes no longer."""
        cli = Cli(self._client_environment(server, default), self.workspace.run, self.workspace.run)
        with self.progress.phase("synthesise and bootstrap"):
            with self._bootstrapping(cli, default), self._synthesising(cli):
                pass
            stacks = assembly.stacks(self.workspace.assembly)
        return stacks, Target.of(stacks)

    def _bootstrap(self, server: Emulator, target: Target) -> None:
        cli = Cli(self._client_environment(server, target), self.workspace.run, self.workspace.run)
        with self._bootstrapping(cli, target):
            pass

    @contextmanager
    def _bootstrapping(self, cli: Cli, target: Target) -> Iterator[None]:
        arguments = ("bootstrap", f"aws://{target.account}/{target.region}", *QUIET)
        with cli.started("bootstrap", *arguments) as process:
            yield
            cli.finish("bootstrap", process)

    @contextmanager
    def _synthesising(self, cli: Cli) -> Iterator[None]:
        if self.prepared is not None:
            shutil.copytree(self.prepared, self.workspace.assembly)
            yield
            return
        output = ("--output", str(self.workspace.assembly))
        source = ("--app", self.app) if self.app else ()
        arguments = ("synth", "--quiet", *source, "-c", f"stage={self.stage}", *output, *QUIET)
        with cli.started("synth", *arguments, directory=ROOT) as process:
            yield
            cli.finish("synth", process)

    def _cdk(self, cli: Cli, command: str, *options: str) -> None:
        source = ("--app", str(self.workspace.assembly))
        cli.run(command, command, f"{self.stage}/*", *source, *options, *QUIET, show=self.progress.say)

    def _client_environment(self, server: Emulator, target: Target) -> dict[str, str]:
        base = self.workspace.environment()
        return server.client_environment(base, target.account, target.region)


def _unprotect(stacks: tuple[Stack, ...], account: Account) -> None:
    """Remove the deletion protection of stacks and databases, which a production stage has."""
    for stack in stacks:
        for resource in account.resources(stack.name).values():
            if resource["ResourceType"] == "AWS::RDS::DBInstance":
                account.client("rds").modify_db_instance(
                    DBInstanceIdentifier=resource["PhysicalResourceId"], DeletionProtection=False, ApplyImmediately=True
                )
        account.client("cloudformation").update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=False
        )
