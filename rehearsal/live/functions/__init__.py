"""Functions that run: their code, processes, credentials, settings and invocations."""

from __future__ import annotations

import functools
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live import client_side, peer
from rehearsal.live.functions import credentials, inside, invocations, service_calls
from rehearsal.live.functions.bundles import Bundles
from rehearsal.live.functions.process import FunctionProcess, Settings
from rehearsal.live.functions.seam import lambda_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.live.functions.bundles import Bundle
    from rehearsal.live.run import Run

TOUCHES = (
    *credentials.TOUCHES,
    *invocations.TOUCHES,
    *service_calls.TOUCHES,
    Private("core.lambda_runtime", "_worker_class_for", ("config",)),
    Private("core.lambda_runtime", "_workers"),
)

DIRECTORY = "functions"

_installed: dict[str, Any] = {}  # one run for each process


def install(run: Run) -> None:
    """Run the account's functions in processes of this package."""
    directory = run.directory / DIRECTORY
    (directory / "tmp").mkdir(mode=0o700, parents=True)
    inner = directory / "inside"
    inner.mkdir()
    for package in (inside, client_side):
        for source in Path(package.__path__[0]).glob("*.py"):
            shutil.copy(source, inner)
    given = credentials.Credentials()
    ran = Environments()
    run.control.register("function-environments", ran.describe)
    shared = Settings(
        directory=directory / "tmp",
        client_side=inner,
        authority=run.authority.ca_file,
        names=_names(run),
        credentials=given.of,
        unpack=Bundles(directory / "bundles", run.authority.ca_file).unpack,
        started=ran.add,
    )
    create = functools.partial(FunctionProcess, shared)
    lambda_runtime._worker_class_for = lambda _config: create
    peer.workers = workers
    credentials.install(given)
    _installed.update(invocations=invocations.install(run), credentials=given)


def invocations_of_run() -> invocations.Invocations:
    """The invocations of this process's run."""
    found: invocations.Invocations = _installed["invocations"]
    return found


def credentials_of_run() -> credentials.Credentials:
    """The credentials of the functions' roles in this process's run."""
    found: credentials.Credentials = _installed["credentials"]
    return found


class Environments:
    """What the functions of a run were made for, and what they ran on, for the report."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._differences: set[str] = set()
        self._confined = True

    def add(self, config: Mapping[str, Any], bundle: Bundle, confined: bool) -> None:  # noqa: FBT001 - a callback
        """Add a process that has loaded its handler.

        Args:
            config: The function's configuration.
            bundle: Its code.
            confined: Whether the kernel confines the process.
        """
        self._asked.add(f"{config['Runtime']} on {', '.join(config.get('Architectures') or ['x86_64'])}")
        self._differences.update(bundle.differences)
        self._confined = self._confined and confined

    def describe(self) -> dict[str, Any]:
        """What is known so far."""
        return {
            "asked": sorted(self._asked),
            "ran": f"python{platform.python_version()} on {platform.machine()}",
            "differences": sorted(self._differences),
            "confined_by_the_kernel": self._confined,
        }


def workers() -> Mapping[int, str]:
    """The process ids of all functions that run, and the functions' names."""
    processes = [process for pool in list(lambda_runtime._workers.values()) for process in list(pool)]
    return {process.pid: process.func_name for process in processes if process.pid is not None}


def _names(run: Run) -> Callable[[str], Path]:
    def names(function: str) -> Path:
        path: Path = run.addresses.names_file(function)
        run.addresses.refresh()  # what the function's network reaches may have changed
        return path

    return names
