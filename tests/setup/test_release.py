"""`make release`: what it refuses, what it writes, and that a failure changes nothing. And its workflow."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from elasticache_rules.terminal import Interrupted
from tests.conftest import ROOT

CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing. *In place.*\n\n## 1.1.0 - 2026-01-31\n\n- Old.\n"
PROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.1.0"
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
packages = ["{name}"]
"""
# What `python -m website FOLDER` does, in short.
WEBSITE = """import pathlib, re, sys
text = pathlib.Path("pyproject.toml").read_text()
(folder,) = sys.argv[1:]
pathlib.Path(folder, "html").mkdir(parents=True)
pathlib.Path(folder, "html", "index.html").write_text(re.findall('version = "(.*)"', text)[0])
sys.exit(pathlib.Path("dead link").exists() and "docs/a.md: the link to b.md leads nowhere")
"""
WORKFLOW = (ROOT / ".github" / "workflows" / "release.yml").read_text()
JOBS = dict(re.findall(r"^  (\w+):\n((?:(?:    .*)?\n)+)", WORKFLOW.partition("\njobs:\n")[2], flags=re.MULTILINE))


def _release() -> Any:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = _release()


def git(root: Path, *arguments: str) -> str:
    """Run git as someone."""
    command = ["git", "-c", "user.name=n", "-c", "user.email=n@example.com", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture(name="root")
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two small distributions of version 1.1.0, which is released, in a folder with a space."""
    root = tmp_path / "check out"
    for folder, name in ((root, "constructs"), (root / "client", "client")):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
        (folder / "pyproject.toml").write_text(PROJECT.format(name=name))
    (root / "CHANGELOG.md").write_text(CHANGELOG)
    (root / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    (root / "website").mkdir()
    (root / "website" / "__main__.py").write_text(WEBSITE)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "1.1.0")
    git(root, "tag", "v1.1.0")
    monkeypatch.chdir(root)
    return root


def test_a_release_is_prepared(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both versions, the section, the wheels with their hashes and the site of it; nothing is committed or tagged.

    The command that is printed for giving it up leaves nothing of it.
    """
    head = git(root, "rev-parse", "HEAD")
    (root / "dist").mkdir()
    (root / "dist" / "elasticache_old.whl").touch()
    (root / ".site" / "html").mkdir(parents=True)
    (root / ".site" / "html" / "old.html").touch()

    assert 0 == release.main(["prepare", "1.2.0"])

    assert " M CHANGELOG.md\n M client/pyproject.toml\n M pyproject.toml\n" == git(root, "status", "--porcelain")
    assert (head, "v1.1.0\n") == (git(root, "rev-parse", "HEAD"), git(root, "tag"))
    assert 2 == sum('version = "1.2.0"\n' in (root / file).read_text() for file in release.PROJECTS)
    text = (root / "CHANGELOG.md").read_text()
    assert re.search(r"^## Unreleased\n\n## 1\.2\.0 - \d{4}-\d\d-\d\d\n\n### Added\n\n- A thing", text, re.MULTILINE)
    assert text.count("## ") == CHANGELOG.count("## ") + 1
    names = [f"{name}-1.2.0-py3-none-any.whl" for name in ("client", "constructs")]
    assert {*names, "SHA256SUMS"} == {file.name for file in (root / "dist").iterdir()}
    sums = [f"{hashlib.sha256((root / 'dist' / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    assert "".join(sums) == (root / "dist" / "SHA256SUMS").read_text()
    said = capsys.readouterr().out
    assert ["index.html"] == [file.name for file in (root / ".site" / "html").iterdir()]
    assert "1.2.0" == (root / ".site" / "html" / "index.html").read_text()
    assert "git push --atomic origin HEAD v1.2.0" in said

    given_up = shutil.copytree(root, root.parent / "given up")
    (command,) = (line for line in said.splitlines() if line.startswith("  git restore "))
    subprocess.run(command, shell=True, check=True, cwd=given_up)  # noqa: S602 - our own line
    assert not git(given_up, "status", "--porcelain", "--ignored")

    git(root, "commit", "-qam", "1.2.0")
    assert 0 == release.main(["notes", "v1.2.0"])
    assert "### Added\n\n- A thing. *In place.*\n" == capsys.readouterr().out
    assert 2 == release.main(["notes", "v1.1.0"])
    assert "Tag the commit of `make release`: v1.2.0" in capsys.readouterr().err
    assert 2 == release.main(["prepare", "1.3.0"])
    assert "## Unreleased`, and there is nothing. Write an entry" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "broken", "said"),
    [
        ("client/pyproject.toml", 'packages = ["client"]\nonly-include = 3', "client: its wheel cannot be built: "),
        ("pyproject.toml", "packages = 3", "constructs: its wheel cannot be built: "),
    ],
)
def test_a_wheel_that_cannot_be_built_is_one_line(
    root: Path, capsys: pytest.CaptureFixture[str], file: str, broken: str, said: str
) -> None:
    """What was raised, and not the way there."""
    text = (root / file).read_text()
    (root / file).write_text(re.sub(r"packages = .*", broken, text))
    git(root, "commit", "-qam", "broken")

    assert 2 == release.main(["prepare", "1.2.0"])

    complained = capsys.readouterr().err
    assert re.search(rf"{said}TypeError: [^\n]*must be an array[^\n]*\. Mend {file}\.\n$", complained)
    assert len(complained) < 300
    assert not git(root, "status", "--porcelain", "--ignored")


def test_what_is_quick_is_checked_first() -> None:
    """Nothing is built before the version is known to be one: the recipe does nothing but prepare."""
    recipe = re.findall(r"^release:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert ["\t@python .ci/release.py prepare '$(VERSION)'\n"] == recipe


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.1.0", "1.1.0 is released"),
        ("1.0.9", "1.1.0 is released"),
        ("1.1.0rc1", "1.1.0 is released"),
        ("1.2", "a version has three numbers"),
        ("v1.2.0", "a version has three numbers"),
        ("1.2.0.dev1", "a version has three numbers"),
        ("1.02.0", "a version has three numbers"),
        ("1.2.0; ls", "a version has three numbers"),
    ],
)
def test_versions_that_are_refused(root: Path, capsys: pytest.CaptureFixture[str], version: str, said: str) -> None:
    """In one line, and nothing is changed."""
    assert 2 == release.main(["prepare", version])
    complained = capsys.readouterr().err
    assert (True, 1) == (f"VERSION={version}: {said}" in complained, complained.count("\n"))
    assert not git(root, "status", "--porcelain")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("tag", "1.5.0 is released"),
        ("untracked", "new file.py: a release is what is committed"),
        ("out of step", "1.1.0 and 1.4.0: pyproject.toml and client/pyproject.toml have one version"),
        ("ahead", "pyproject.toml has 2.0.0, and a version is not older"),
        ("no checkout", "a release is made in a git checkout"),
    ],
)
def test_checkouts_that_are_refused(root: Path, capsys: pytest.CaptureFixture[str], change: str, said: str) -> None:
    """The tags count as well as the change log."""
    files = {"out of step": ["client/pyproject.toml"], "ahead": ["pyproject.toml", "client/pyproject.toml"]}
    for file in files.get(change, []):
        text = (root / file).read_text().replace("1.1.0", "2.0.0" if change == "ahead" else "1.4.0")
        (root / file).write_text(text)
        git(root, "commit", "-qam", change)
    if change == "tag":
        git(root, "tag", "v1.5.0")
    elif change == "untracked":
        (root / "new file.py").touch()
    elif change == "no checkout":
        (root / ".git").rename(root / "no git")

    assert 2 == release.main(["prepare", "1.4.5"])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["interrupt", "differ", "dead link"])
@pytest.mark.parametrize("kept", [True, False], ids=["with a dist and a site", "without"])
def test_a_failure_changes_nothing(root: Path, fault: str, monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> None:
    """Neither the files nor `dist` nor the site, wherever it fails."""
    files = ["dist/kept.whl", ".site/kept.html"] if kept else []
    for file in files:
        (root / file).parent.mkdir()
        (root / file).touch()
    if fault == "dead link":
        (root / fault).touch()
        git(root, "add", ".")
        git(root, "commit", "-qm", fault)
        monkeypatch.setattr(release, "build", lambda _root, folder: folder.mkdir())
        assert 2 == release.main(["prepare", "1.2.0"])
    elif fault == "interrupt":
        monkeypatch.setattr(release, "build", lambda _root, folder: folder.mkdir())

        replace = Path.replace

        def interrupted(source: Path, target: Path) -> Path:
            if (source.name, target.parent) == (".site", root) and source.parent.name != "old":  # the last step
                raise Interrupted(2)
            return replace(source, target)

        monkeypatch.setattr(Path, "replace", interrupted)
        with pytest.raises(Interrupted):
            release.main(["prepare", "1.2.0"])
    else:
        built = iter([{"a.whl": "1"}, {"a.whl": "2"}])
        monkeypatch.setattr(release, "_wheels", lambda _root, _folder: next(built))
        assert 2 == release.main(["prepare", "1.2.0"])

    ignored = [line for line in git(root, "status", "--porcelain", "--ignored=matching", "-uall").splitlines() if line]
    assert sorted(f"!! {Path(file).parent}/" for file in files) == sorted(ignored)
    assert files == [file for file in files if (root / file).exists()]


def test_versions_are_in_step() -> None:
    """Those of this checkout."""
    assert release.current_version(ROOT)


def test_publishing_is_off_by_one_line() -> None:
    """Without it, the job publishes what the release has, by trusted publishing: no secret, one permission."""
    off = [line for line in JOBS["publish"].splitlines() if line.strip().startswith("if:")]
    assert 1 == len(off)
    assert re.fullmatch(r" +if: false # .*docs/versions\.md.*", off[0])
    assert ["id-token: write"] == re.findall(r"[\w-]+: write", JOBS["publish"])
    assert "secrets." not in WORKFLOW
    for file in release.PROJECTS:
        assert "Do Not Upload" not in (ROOT / file).read_text()


def test_what_is_attached_was_tried_and_is_attested() -> None:
    """The same wheels go from job to job, none builds others, and only the job that attaches may write."""
    assert {"build", "try", "attach", "publish"} == set(JOBS)
    assert ["release.py build dist"] == re.findall(r"release\.py build \w+", WORKFLOW)
    assert "needs: build\n" in JOBS["try"]
    assert "needs: [build, try]\n" in JOBS["attach"]
    assert "needs: attach\n" in JOBS["publish"]
    assert ["attestations", "contents", "id-token"] == re.findall(r"([\w-]+): write", JOBS["attach"])
    assert "actions/attest-build-provenance@" in JOBS["attach"]
    assert "sha256sum --check --strict SHA256SUMS" in JOBS["attach"]
    assert re.search(r"WHEELS: dist\n", JOBS["try"])
    # A cache could hold what another run has left in it.
    assert [] == re.findall(r"^ +cache:", WORKFLOW, flags=re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="make")
def test_the_version_must_be_named() -> None:
    """The message says how."""
    done = subprocess.run(["make", "release"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "VERSION is not set. Name the new one" in done.stderr
