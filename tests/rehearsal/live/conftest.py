"""Fixtures of the live layer's tests: a run in this process, in a short directory."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_servers.ports import free_port
from rehearsal.live.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def run() -> Iterator[Run]:
    """The parts of a live rehearsal, without modules."""
    directory = Path(tempfile.mkdtemp(prefix="live-"))
    made = Run.create(directory, account="000000000000", region="eu-west-1", gateway_port=free_port())
    yield made
    made.close()
    shutil.rmtree(directory)
