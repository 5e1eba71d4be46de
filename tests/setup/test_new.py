"""`python -m elasticache_tools.new`: what it refuses, leaves and writes. `.ci/wheels` runs a project's own tests."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_rules.terminal import Interrupted
from elasticache_tools.new import installation, project
from elasticache_tools.new.command import main
from elasticache_tools.new.errors import NewProjectError
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TEMPLATE = ROOT / "constructs" / "elasticache_tools" / "new" / "template"
SHA256 = "ab" * 32


@pytest.fixture(name="installed", autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Mapping[str, Any] | None], None]:
    """Says where the constructs were installed from; from a wheel unless told otherwise."""

    class Installed:
        version = "1.2.3"
        origin: str | None = None

        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return self.origin

    found = Installed()

    def install(origin: Mapping[str, Any] | None) -> None:
        found.origin = None if origin is None else json.dumps(origin)

    (tmp_path / "some wheels").mkdir()
    wheel = tmp_path / "some wheels" / "elasticache_constructs-1.2.3-py3-none-any.whl"
    wheel.write_text("a wheel")
    install({"url": wheel.as_uri(), "archive_info": {}})
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _name: found)
    return install


def test_a_project_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a path with spaces, with the wheel that is installed; and the next commands are shown as they are typed."""
    folder = tmp_path / "our caches"

    assert 0 == main([str(folder)])
    assert f"  cd '{folder}'\n  make test\n" in capsys.readouterr().out
    digest = hashlib.sha256(b"a wheel").hexdigest()
    name = "wheels/elasticache_constructs-1.2.3-py3-none-any.whl"
    assert f"./{name} --hash=sha256:{digest}\n" == (folder / "elasticache.txt").read_text()
    assert "a wheel" == (folder / name).read_text()
    assert "# our caches\n" == (folder / "README.md").read_text()[:13]
    shipped = {str(file.relative_to(TEMPLATE)).removesuffix(".in") for file in TEMPLATE.rglob("*.in")}
    assert shipped | {"elasticache.txt", name} == {
        str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()
    }
    assert {"our caches", "some wheels"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("content", [[], [".git"]])
def test_an_empty_folder_is_filled(tmp_path: Path, content: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the one that the user is in, and that of a repository that was just made."""
    folder = tmp_path / "here"
    folder.mkdir()
    for name in content:
        (folder / name).mkdir()
    monkeypatch.chdir(folder)

    assert 0 == main(["."])
    assert {"app.py", *content} <= {path.name for path in Path.cwd().iterdir()}
    assert "# here\n" == (folder / "README.md").read_text()[:7]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("full", "it has .hidden and 1 more. Name another folder"),
        ("full/file", "it is a file. Name a folder that is empty"),
        ("missing/project", "there is no folder {}/missing. Make it: mkdir -p '{}/missing'."),
    ],
)
def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str) -> None:
    """In one line, and what is there stays."""
    (tmp_path / "full").mkdir()
    for file in ("file", ".hidden"):
        (tmp_path / "full" / file).write_text("kept")

    assert 2 == main([str(tmp_path / name)])
    complained = capsys.readouterr().err
    assert said.replace("{}", str(tmp_path)) in complained
    assert 1 == complained.count("\n")
    assert ["kept", "kept"] == [(tmp_path / "full" / file).read_text() for file in ("file", ".hidden")]
    assert {"full", "some wheels"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("where", ["requirement", "rename"])
def test_an_interrupt_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    is_there: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Neither while the files are written nor while they are moved."""
    folder = tmp_path / "project"
    if is_there:
        (folder / ".git").mkdir(parents=True)
    before = set(tmp_path.rglob("*"))
    rename, calls = Path.rename, [0]

    def interrupted(*arguments: Any) -> Any:
        calls[0] += 1
        if where == "requirement" or calls[0] == 5:
            raise Interrupted(2)
        return rename(*arguments)

    if where == "requirement":
        monkeypatch.setattr(installation, "requirement", interrupted)
    else:
        monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(Interrupted):
        project.write(folder)

    assert before == set(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (None, "elasticache-constructs==1.2.3"),
        (
            {"url": "https://example.com/a.whl", "archive_info": {"hashes": {"sha256": SHA256}}},
            f"elasticache-constructs @ https://example.com/a.whl --hash=sha256:{SHA256}",
        ),
        (
            {"url": "https://example.com/a.whl", "archive_info": {}},
            "elasticache-constructs @ https://example.com/a.whl",
        ),
        (
            {"url": "https://example.com/r.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "elasticache-constructs @ git+https://example.com/r.git@c0ffee",
        ),
    ],
)
def test_the_same_constructs_are_installed(
    tmp_path: Path, installed: Callable[[Any], None], origin: Mapping[str, Any] | None, line: str
) -> None:
    """Wherever they came from: an index, an address, a repository."""
    installed(origin)
    assert line == installation.requirement(tmp_path)


def test_a_wheel_that_is_gone(tmp_path: Path, installed: Callable[[Any], None]) -> None:
    """The message says how to get on, and nothing is left."""
    installed({"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}})
    with pytest.raises(NewProjectError, match=r"gone.whl: .* it is gone. Install the constructs again"):
        project.write(tmp_path / "project")
    assert {"some wheels"} == {path.name for path in tmp_path.iterdir()}


def test_a_checkout_that_cannot_be_built(tmp_path: Path, installed: Callable[[Any], None]) -> None:
    """What pip says is in the message."""
    installed({"url": (tmp_path / "some wheels").as_uri(), "dir_info": {"editable": True}})
    with pytest.raises(NewProjectError, match=r"pip says .*(pyproject.toml|installable).*Install the constructs from"):
        project.write(tmp_path / "project")


@pytest.mark.parametrize("name", ["cdk.json", "package.json", "package-lock.json", ".npmrc"])
def test_what_is_in_both_places_is_the_same(name: str) -> None:
    """If not: `make lock`, which copies it."""
    assert (ROOT / name).read_text() == (TEMPLATE / f"{name}.in").read_text()


def test_versions_are_those_that_are_tested_here() -> None:
    """Each pin of a project is one of requirements-dev.txt, with a hash; and no line names an index."""
    pin = re.compile(r"^[a-z0-9][\w.\[\]-]*==[^ ;\n]+", re.MULTILINE)
    locked = (TEMPLATE / "requirements.txt.in").read_text()
    found = pin.findall(locked)
    assert {"aws-cdk-lib", "cfn-lint", "pytest", "syrupy"} <= {each.partition("==")[0] for each in found}
    assert set() == set(found) - set(pin.findall((ROOT / "requirements-dev.txt").read_text()))
    assert "://" not in locked
    assert len(found) == len(re.findall(r"^[^ \n].* \\\n    --hash=sha256:", locked, flags=re.MULTILINE))


def test_its_workflow_is_as_ours(tmp_path: Path) -> None:
    """Actions by the commits that our workflows have, and nothing that zizmor finds."""
    workflow = tmp_path / ".github" / "workflows" / "ci.yml"
    workflow.parent.mkdir(parents=True)
    text = (TEMPLATE / ".github" / "workflows" / "ci.yml.in").read_text()
    workflow.write_text(text)
    ours = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    actions = re.findall(r"uses: \S+@[0-9a-f]{40} # v\S+", text)
    assert len(re.findall("uses:", text)) == len(actions) == 2
    assert [] == [action for action in actions if action not in ours]
    done = subprocess.run(
        ["zizmor", "--offline", "--quiet", str(workflow.parents[1])], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def test_its_code_is_formatted(tmp_path: Path) -> None:
    """By the rules that its `make test` checks."""
    project.write(tmp_path / "project")
    for arguments in (["format", "--check"], ["check"]):
        done = subprocess.run(
            ["ruff", *arguments, "--no-cache", "."],
            cwd=tmp_path / "project",
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stdout
