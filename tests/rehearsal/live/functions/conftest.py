"""Fixtures of the tests of functions: the live modules in this process, and a process that runs a function."""

from __future__ import annotations

import io
import itertools
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.extension import seam
from rehearsal.live import alarms, client_side, deliveries, functions, identity, rotation, schedules
from rehearsal.live.functions import inside
from rehearsal.live.functions.bundles import Bundles
from rehearsal.live.functions.process import FunctionProcess, Settings
from rehearsal.live.functions.seam import lambda_runtime
from tests.rehearsal.live import restored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rehearsal.live.run import Run

accounts = itertools.count(200_000_000_000)


@pytest.fixture
def installed(run: Run) -> Iterator[Run]:
    """The run with the modules of functions installed in this process, in an empty account."""
    seam.responses.set_request_account_id(str(next(accounts)))
    seam.responses.set_request_region("eu-west-1")
    with restored.emulator():
        for module in (identity, deliveries, alarms, functions, rotation, schedules):
            module.install(run)
        yield run
        lambda_runtime.reset()


def packed(**files: str) -> bytes:
    """A ZIP file of Python modules."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return content.getvalue()


CONFIG = {
    "FunctionName": "probe",
    "FunctionArn": "arn:aws:lambda:eu-west-1:000000000000:function:probe",
    "Handler": "app.handler",
    "Runtime": "python3.14",
    "Timeout": 20,
    "MemorySize": 256,
    "Environment": {"Variables": {"FILE": "/var/task/file.pem", "AWS_REGION": "not-this-one"}},
}


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A directory with what processes of functions need."""
    directory = Path(tempfile.mkdtemp(prefix="functions-"))
    for name in ("names", "inside", "tmp"):
        (directory / name).mkdir()
    (directory / "ca.pem").write_text("the run's authority")
    (directory / "names" / "probe").write_text("known.abc.eu-west-1.rds.amazonaws.com 127.70.0.1\n")
    for package in (inside, client_side):
        for source in Path(package.__path__[0]).glob("*.py"):
            shutil.copy(source, directory / "inside")
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def new_process(place: Path) -> Iterator[Callable[..., FunctionProcess]]:
    """Creates processes of functions from the source of the module `app`; settings override `CONFIG`."""
    authority = place / "ca.pem"
    bundles = Bundles(place / "bundles", authority)
    settings = Settings(
        directory=place / "tmp",
        client_side=place / "inside",
        authority=authority,
        names=lambda function: place / "names" / function,
        credentials=lambda _config: {"AWS_ACCESS_KEY_ID": "ASIAKEY"},
        unpack=bundles.unpack,
        started=lambda *_: None,
    )
    made: list[FunctionProcess] = []

    def create(source: str, **config: Any) -> FunctionProcess:
        made.append(FunctionProcess(settings, "probe", {**CONFIG, **config}, packed(app=source)))
        return made[-1]

    yield create
    for process in made:
        process.kill()
