"""One rehearsal from start to end."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil

from rehearsal import assembly, emulator, inventory, posture, report, surroundings
from rehearsal.account import Account
from rehearsal.assembly import Stack
from rehearsal.cdk import CdkError, Cli
from rehearsal.emulator import Emulator
from rehearsal.surroundings import ACCOUNT, REGION, ROOT, Surroundings

QUIET = ("--no-notices", "--no-version-reporting")


class StageError(Exception):
    """The stage cannot be rehearsed; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """Where the stacks of the stage want to go."""

    account: str
    region: str

    @classmethod
    def of(cls, stacks: tuple[Stack, ...]) -> "Target":
        """The one account and region of all stacks."""
        accounts = {stack.account or ACCOUNT for stack in stacks}
        regions = {stack.region or REGION for stack in stacks}
        if len(accounts) != 1 or len(regions) != 1:
            raise StageError(
                f"got stacks for accounts {sorted(accounts)} and regions {sorted(regions)}; a rehearsal has one of "
                "each. Give every stack of the stage the same environment."
            )
        return cls(accounts.pop(), regions.pop())


@dataclass(frozen=True)
class Kept:
    """An emulator that was left running, and how to use it."""

    pid: int
    settings: Mapping[str, str]

    def instructions(self) -> str:
        """What to type."""
        exports = "\n".join(f"  export {name}={value}" for name, value in self.settings.items())
        return f"\nThe emulator is still running. To use it:\n{exports}\nTo stop it:\n  kill -KILL -- -{self.pid}"


@dataclass(frozen=True)
class Outcome:
    """What a rehearsal found out, and what it left running if it was asked to."""

    results: report.Results
    kept: Kept | None


@dataclass(frozen=True)
class Rehearsal:
    """What to rehearse and where."""

    stage: str
    keep: bool
    surroundings: Surroundings
    progress: report.Progress

    def run(self) -> Outcome:
        """Deploy, verify, destroy. The emulator ends with this call, unless it is to be kept."""
        if shutil.which("cdk", path=self.surroundings.environment()["PATH"]) is None:
            raise StageError("got no `cdk` on the PATH or in node_modules; install it with `make setup`")
        with ExitStack() as stack:
            with self.progress.phase("start the emulator"):
                server = stack.enter_context(emulator.running(self.surroundings))
            try:
                stacks, target = self._synthesised(server)
                results = self._deployed(server, stacks, target)
            except CdkError as fault:
                if fault.name == "synth":
                    raise StageError(str(fault)) from None
                fault.add_note(f"The emulator's log ends with\n{server.log_tail()}")
                raise
            if not self.keep:
                return Outcome(results, kept=None)
            server.keep()
            settings = server.client_environment({}, target.account, target.region)
            return Outcome(results, Kept(server.pid, settings))

    def _deployed(self, server: Emulator, stacks: tuple[Stack, ...], target: Target) -> report.Results:
        environment = self._client_environment(server, target)
        with surroundings.only(environment):
            account = Account(target.region)
            before = inventory.take(account)
            cli = Cli(environment, self.surroundings.run, self.surroundings.run)
            with self.progress.phase(f"deploy {len(stacks)} stacks"):
                self._cdk(cli, "deploy", "--require-approval", "never", "--concurrency", "2")
            with self.progress.phase("read everything back"):
                account = Account(target.region)
                verdict = posture.verify(stacks, account)
            kept = inventory.to_be_kept(stacks, account)
            memory = psutil.Process(server.pid).memory_info().rss / 1e6
            left = None
            if not self.keep:
                with self.progress.phase("destroy"):
                    _unprotect(stacks, account)
                    self._cdk(cli, "destroy", "--force")
                    left = inventory.leftovers(before, inventory.take(Account(target.region)), kept)
        return report.Results(
            stage=self.stage,
            region=target.region,
            phases=tuple(self.progress.phases),
            seconds=round(self.progress.elapsed, 2),
            emulator_megabytes=round(memory, 1),
            verdict=verdict,
            leftovers=left,
        )

    def _synthesised(self, server: Emulator) -> tuple[tuple[Stack, ...], Target]:
        """Synthesise, and bootstrap the usual environment meanwhile: on two cores that takes no longer."""
        usual = Target(ACCOUNT, REGION)
        cli = Cli(self._client_environment(server, usual), self.surroundings.run, self.surroundings.run)
        with self.progress.phase("synthesise and bootstrap"):
            with self._bootstrapping(cli, usual), self._synthesising(cli):
                pass
            stacks = assembly.stacks(self.surroundings.assembly)
            target = Target.of(stacks)
            if target != usual:
                elsewhere = Cli(self._client_environment(server, target), cli.directory, cli.logs)
                with self._bootstrapping(elsewhere, target):
                    pass
        return stacks, target

    @contextmanager
    def _bootstrapping(self, cli: Cli, target: Target) -> Iterator[None]:
        arguments = ("bootstrap", f"aws://{target.account}/{target.region}", *QUIET)
        with cli.started("bootstrap", *arguments) as process:
            yield
            cli.finish("bootstrap", process)

    @contextmanager
    def _synthesising(self, cli: Cli) -> Iterator[None]:
        output = ("--output", str(self.surroundings.assembly))
        arguments = ("synth", "--quiet", "-c", f"stage={self.stage}", *output, *QUIET)
        with cli.started("synth", *arguments, directory=ROOT) as process:
            yield
            cli.finish("synth", process)

    def _cdk(self, cli: Cli, command: str, *options: str) -> None:
        source = ("--app", str(self.surroundings.assembly))
        cli.run(command, command, f"{self.stage}/*", *source, *options, *QUIET, say=self.progress.say)

    def _client_environment(self, server: Emulator, target: Target) -> dict[str, str]:
        base = self.surroundings.environment()
        return server.client_environment(base, target.account, target.region)


def _unprotect(stacks: tuple[Stack, ...], account: Account) -> None:
    """Lift the protection of stacks and databases, which a production stage has: here nothing is worth it."""
    for stack in stacks:
        for resource in account.resources(stack.name).values():
            if resource["ResourceType"] == "AWS::RDS::DBInstance":
                account.client("rds").modify_db_instance(
                    DBInstanceIdentifier=resource["PhysicalResourceId"], DeletionProtection=False, ApplyImmediately=True
                )
        account.client("cloudformation").update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=False
        )
