"""The app as its users start it."""

from __future__ import annotations

import json
import os
import runpy
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest

from elasticache_constructs import posture
from elasticache_constructs.posture import reachability
from every_example import files
from tests.conftest import FLAGS, ROOT
from tests.synth.test_snapshots import STACKS

if TYPE_CHECKING:
    from pathlib import Path

CDK = ROOT / "node_modules" / ".bin" / "cdk"


def environment() -> dict[str, str]:
    """The environment without anything of AWS, and with this Python first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "CDK_DISABLE_CLI_TELEMETRY": "true", "AWS_EC2_METADATA_DISABLED": "true"}


def run_python(source: str, **context: str) -> subprocess.CompletedProcess[str]:
    """Run an app's source as the CLI would."""
    variables = {**environment(), "CDK_CONTEXT_JSON": json.dumps({**FLAGS, **context})}
    return subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )


def run_cli(*arguments: str, outdir: Path, app: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the CDK CLI without credentials."""
    command = [str(CDK), "--no-notices", "--output", str(outdir), *arguments, *(["--app", app] if app else [])]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


def test_wrong_input_gives_one_line() -> None:
    """A stage that does not exist ends the app with exit code 1 and one line: got, allowed, fix."""
    result = run_python("import runpy; runpy.run_path('app.py')", stage="staging")

    message = (
        "error: stage=staging: the stages in stages.py are dev, prod. Name one of them, or add a stage to stages.py.\n"
    )
    assert (1, "", message) == (result.returncode, result.stdout, result.stderr)


def test_cdk_ls_names_every_stack(tmp_path: Path) -> None:
    """The real CLI lists the stacks of all stages, offline and without credentials."""
    result = run_cli("ls", outdir=tmp_path / "out")

    expected = {f"{stage}/{stack}" for stage, stack in STACKS}
    assert expected == {line.split(" ")[0] for line in result.stdout.splitlines()}
    assert result.returncode == 0


WEAK = """
        from aws_cdk import aws_elasticache
        aws_elasticache.CfnCacheCluster(
            cdk.Stack(main, "Weak"), "Cache", engine="memcached", cache_node_type="cache.t4g.micro", num_cache_nodes=1
        )
        add_posture_rules(main)"""


def test_a_finding_fails_the_cli(tmp_path: Path) -> None:
    """An example is a separate program, and a weak cache in it makes `cdk synth` fail, with the name of the rule."""
    example = (ROOT / "examples" / "memcached.py").read_text()
    begin, rules, end = example.partition("\n        add_posture_rules(main)")
    assert rules
    (tmp_path / "weak.py").write_text(begin + WEAK + end)
    result = run_cli(
        "synth", "--quiet", outdir=tmp_path / "out", app=shlex.join([sys.executable, str(tmp_path / "weak.py")])
    )

    assert result.returncode == 1
    report = result.stdout + result.stderr
    assert "elasticache_memcached_encrypts_in_transit" in report
    assert ("Weak/Cache" in report, "example-memcached" in report) == (True, False)


@pytest.mark.parametrize("file", files(), ids=lambda file: file.stem)
def test_an_example_is_an_app(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It builds its stacks under this project's checks and synthesises them; `synthesised` says what comes of them."""
    done: list[str] = []

    def synth(app: cdk.App) -> None:
        stacks = [each for each in app.node.find_all() if isinstance(each, cdk.Stack)]
        done.append("synth" if stacks else "synth of nothing")

    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))
    monkeypatch.setattr(posture, "add_posture_rules", lambda _: done.append("rules"))
    monkeypatch.setattr(reachability, "add_reachability_check", lambda _: done.append("reachability"))
    monkeypatch.setattr(cdk.App, "synth", synth)
    runpy.run_path(str(file), run_name="__main__")

    assert ["rules", "reachability", "synth"] == done
