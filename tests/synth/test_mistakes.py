"""Mistakes in the app end it with one line each, and what was synthesised before stays."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from elasticache_constructs.checks.errors import reference
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="app")
def _app(tmp_path: Path) -> Path:
    """A copy of the app, to be broken."""
    directory = tmp_path / "app"
    directory.mkdir()
    for name in ("app.py", "stages.py", "cdk.json"):
        shutil.copy(ROOT / name, directory)
    shutil.copytree(ROOT / "stacks", directory / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("workloads", "client"):
        (directory / name).symlink_to(ROOT / name)
    return directory


def _broken(app: Path, old: str, new: str) -> None:
    stages = app / "stages.py"
    text = stages.read_text(encoding="utf-8")
    assert old in text
    stages.write_text(text.replace(old, new), encoding="utf-8")


def _line(app: Path, text: str) -> int:
    lines = (app / "stages.py").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def _run(app: Path) -> tuple[int, list[str]]:
    """The app's exit code, and what it says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=app,
        env={**kept, "CDK_OUTDIR": str(app / "cdk.out"), "CDK_CONTEXT_JSON": json.dumps({"stage": "prod"})},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()


def test_mistakes_in_a_stage_end_the_app_with_a_line_each(app: Path) -> None:
    """Mistakes in stages.py are reported line by line: no traceback, nothing of jsii, and nothing is written."""
    _broken(app, "Topology(shards=1, replicas_per_shard=2)", "Topology(shards=0, replicas_per_shard=6)")
    code, lines = _run(app)

    assert 1 == code
    shards = "Topology(shards=0): a group has 1 to 500 shards. Use shards=1 for a group without cluster mode."
    replicas = (
        "Topology(replicas_per_shard=6): a shard has 0 to 5 replicas. Use replicas_per_shard=1, or 2 over three "
        "Availability Zones."
    )
    place = f"[stages.py:{_line(app, 'shards=0')}]"
    assert [
        f"error: {shards} {reference('TOP-19')} {place}",
        f"error: {replicas} {reference('TOP-03')} {place}",
    ] == lines
    assert not (app / "cdk.out").exists()


def test_mistakes_in_a_construct_leave_what_was_synthesised_before(app: Path) -> None:
    """A refusal while stacks are built leaves the last assembly as it was, so that nothing half is deployed."""
    before = {"manifest.json": "{}", "assembly-dev/manifest.json": "{}", "assembly-dev/cache.template.json": "{}"}
    for name, text in before.items():
        file = app / "cdk.out" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    _broken(app, 'NodeType("cache.r7g.large")', 'NodeType("cache.r6gd.xlarge")')
    _broken(app, ", nodes=3)", ", nodes=61)")
    code, lines = _run(app)

    files = (app / "cdk.out").rglob("*.json")
    assert (1, ["NOD-03", "MEM-01"]) == (
        code,
        re.findall(r"\((\w+-\d+)\) \[stacks/memcached.py:\d+\]$", "\n".join(lines), re.MULTILINE),
    )
    assert before == {file.relative_to(app / "cdk.out").as_posix(): file.read_text(encoding="utf-8") for file in files}
