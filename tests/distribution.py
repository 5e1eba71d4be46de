"""Which tests run in one worker, and which groups workers begin with.

Not pytest-xdist's own ``--dist loadgroup``: with pytest 9.2 it no longer groups anything
(https://github.com/pytest-dev/pytest-xdist/issues/1386), and it says nothing about that.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    import pytest

_ROOT = Path(__file__).parents[1]

_FOLDERS = {"tests/deployable/*": "accepted", "tests/workloads/test_*": "applications"}
"""Files that share what takes seconds to make: random configurations; a database and the applications on it."""

_ALONE = tuple(f"tests/workloads/test_{name}.py" for name in ("create_users", "local", "outages"))
"""Files of these folders that start separate servers."""

_FIXTURES = {r"\bsynthesised: Synthesised": "synthesised", r"\brunning: [\w.]*Emulator": "running"}
"""Fixtures that take seconds: the synth of everything, and an emulated AWS. Files with a test that asks for one."""

_LONGEST = (
    "applications",
    "synthesised",
    "accepted",
    "tests/rehearsal/test_rehearsal.py",
    "tests/client/caching/test_shards.py",
    "tests/synth/test_app.py",
    "running",
    "tests/client/test_cluster.py",
    "tests/security/test_disguises.py",
    "tests/website/test_site.py",
    "tests/unit/test_global_datastore.py",
    "tests/workloads/test_outages.py",
    "tests/verification/test_planted.py",
    "tests/setup/test_release.py",
    "tests/workloads/test_create_users.py",
    "tests/local_servers/test_servers.py",
    "tests/security/test_posture_rules.py",
    "tests/rehearsal/live/caches/test_nodes.py",
    "tests/rehearsal/live/caches/test_snapshots.py",
    "tests/rehearsal/live/test_edge.py",
    "tests/rehearsal/live/test_sites.py",
    "tests/rehearsal/live/functions/test_invocations.py",
    "tests/rehearsal/live/caches/test_scaling.py",
    "tests/operations/test_drills.py",
    "tests/client/test_storm.py",
    "tests/rotation/test_scenarios.py",
    "tests/rotation/test_crashes.py",
    "tests/client/test_forks.py",
    "tests/engines/test_permissions.py",
    "tests/security/test_native_engine.py",
    "tests/rehearsal/test_posture.py",
)
"""Groups that workers begin with, so that none is left with them in the end."""


@cache
def group(file: str) -> str:
    """The group that the tests of a file belong to, by its path in the project. Most files are one by themselves."""
    if file in _ALONE:
        return file
    for pattern, name in _FOLDERS.items():
        if fnmatch(file, pattern):
            return name
    text = (_ROOT / file).read_text(encoding="utf-8")
    return next((name for pattern, name in _FIXTURES.items() if re.search(pattern, text)), file)


def place(item: pytest.Item) -> int:
    """Where the group of a test stands among those that are begun with."""
    name = group(item.nodeid.partition("::")[0])
    return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)


class Groups(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each worker a whole group at a time, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid.partition("::")[0])


def made_once(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Say that this worker makes something dear.

    Raises:
        RuntimeError: If another worker has made it, so that tests were not kept together.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    try:
        (tmp_path_factory.getbasetemp().parent / f"{name}.made").touch(exist_ok=False)
    except FileExistsError:
        message = f"{name} is made in two workers: tests/distribution.py does not keep its tests together"
        raise RuntimeError(message) from None
