"""The command that compares the catalogue with the packages, and writes it."""

from __future__ import annotations

import copy
import datetime as dt
import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elasticache_rules.facts import refresh
from elasticache_rules.facts.command import DIFFERENT, SAME, UNREADABLE, main
from elasticache_rules.facts.records import DATA, read

OFFERED = DATA / "offered.json"
AGAINST = " and ".join(package["title"] for package in read("offered")["packages"].values())

Mutilate = Callable[[dict[str, Any]], Any]


def group(content: dict[str, Any], family: str) -> dict[str, Any]:
    """The node types of a family."""
    found: dict[str, Any] = next(each for each in content["node_types"] if each["family"] == family)
    return found


# What is done to the file, and the lines that the command then shows.
MUTILATIONS: list[tuple[str, Mutilate, list[str]]] = [
    (
        "a version is missing",
        lambda c: c["engines"]["versions"]["valkey"].remove("9.1"),
        ["+ engine version valkey 9.1"],
    ),
    ("a version is made up", lambda c: c["engines"]["versions"]["redis"].append("7.2"), ["- engine version redis 7.2"]),
    (
        "an engine is missing",
        lambda c: c["engines"]["versions"].pop("redis"),
        [f"+ engine version redis {version}" for version in read("offered")["engines"]["versions"]["redis"]],
    ),
    (
        "a family is missing",
        lambda c: c["parameter_families"]["names"].remove("redis7"),
        ["+ parameter group family redis7"],
    ),
    ("a size is missing", lambda c: group(c, "r7g")["sizes"].remove("large"), ["+ node type cache.r7g.large"]),
    ("a size is made up", lambda c: group(c, "t4g")["sizes"].append("nano"), ["- node type cache.t4g.nano"]),
    ("a closed type is missing", lambda c: c["node_types"].remove(group(c, "c1")), ["+ node type cache.c1.xlarge"]),
    (
        "a region is missing",
        lambda c: group(c, "c7gn")["regions"].remove("eu-west-1"),
        [f"+ cache.c7gn.{size} in eu-west-1" for size in group(read("offered"), "c7gn")["sizes"]],
    ),
    (
        "a region is made up",
        lambda c: group(c, "t3")["regions"].append("mars-north-1"),
        [f"- cache.t3.{size} in mars-north-1" for size in ("micro", "small", "medium")],
    ),
    ("the order is another", lambda c: c["node_types"].reverse(), ["~ the same facts, in another order or form"]),
    (
        "a source is another",
        lambda c: c["engines"].update(source="botocore"),
        ["~ the same facts, in another order or form"],
    ),
    ("all node types are missing", lambda c: c["node_types"].clear(), ["+ node type cache.c1.xlarge"]),
]


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return Path(shutil.copy(OFFERED, tmp_path / "offered.json"))


def test_exit_codes_are_those_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names the three exit codes, for runs in a pipeline."""
    with pytest.raises(SystemExit):
        main(["--help"])

    assert (0, 1, 2) == (SAME, DIFFERENT, UNREADABLE)
    assert "Exits with 0 if they agree" in " ".join(capsys.readouterr().out.split())


def test_agreement_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is to be done where catalogue and packages agree."""
    assert SAME == main(["--file", str(file)])

    assert f"The catalogue agrees with {AGAINST}.\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("mutilate", "lines"), [each[1:] for each in MUTILATIONS], ids=[each[0] for each in MUTILATIONS]
)
def test_mutilated_file_is_shown_and_restored(
    mutilate: Mutilate, lines: list[str], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each difference is shown and fails; written, the file is what it was, byte for byte, and agrees."""
    content = json.loads(file.read_text())
    mutilate(content)
    file.write_text(json.dumps(content, indent=1) + "\n")
    mutilated = file.read_bytes()

    assert DIFFERENT == main(["--file", str(file)])

    assert mutilated == file.read_bytes()
    *shown, last = capsys.readouterr().out.splitlines()
    assert lines == shown[: len(lines)]
    assert f"The catalogue differs from {AGAINST}. To take this over, add --write and review the diff." == last

    assert SAME == main(["--file", str(file), "--write"])

    assert OFFERED.read_bytes() == file.read_bytes()
    assert f"Written from {AGAINST}: {file}" == capsys.readouterr().out.splitlines()[-1]
    assert SAME == main(["--file", str(file)])


def test_only_the_changed_lines_are_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One missing version is one line, and not a new list."""
    content = json.loads(file.read_text())
    content["engines"]["versions"]["valkey"].remove("9.1")
    file.write_text(json.dumps(content))

    main(["--file", str(file)])

    assert 2 == len(capsys.readouterr().out.splitlines())


def test_new_release_without_news_changes_nothing(file: Path) -> None:
    """The versions and dates of the packages are no difference by themselves, and are left as they are."""
    content = json.loads(file.read_text())
    content["packages"]["cfn-lint"].update(title="cfn-lint 1.0.0", as_of="2020-01-01")
    file.write_text(json.dumps(content, indent=1) + "\n")
    before = file.read_bytes()

    assert SAME == main(["--file", str(file), "--write"])

    assert before == file.read_bytes()


def test_package_without_a_date_keeps_the_day_it_was_first_read() -> None:
    """The day of botocore is that on which its version was first read; cfn-lint says its own."""
    recorded = copy.deepcopy(read("offered"))

    again = refresh.offered(recorded, dt.date(2030, 1, 1))
    assert recorded["packages"] == again["packages"]

    recorded["packages"]["botocore"]["title"] = "botocore 1.0.0"
    newer = refresh.offered(recorded, dt.date(2030, 1, 1))
    assert "2030-01-01" == newer["packages"]["botocore"]["as_of"]
    assert recorded["packages"]["cfn-lint"] == newer["packages"]["cfn-lint"]


class Changed(importlib.metadata.Distribution):
    """A package whose files are others."""

    def __init__(self, name: str, files: dict[str, str | None], directory: Path) -> None:
        self._real, self._files, self._directory = importlib.metadata.Distribution.from_name(name), files, directory

    def read_text(self, filename: str) -> str | None:
        """Its metadata are the real ones."""
        return self._real.read_text(filename)

    def locate_file(self, path: Any) -> Any:
        """The other file, where there is one; None in its place is a file that is gone."""
        name = Path(path).name
        if name not in self._files:
            return self._real.locate_file(path)
        text = self._files[name]
        if text is not None:
            (self._directory / name).write_text(text)
        return self._directory / name


@pytest.fixture(name="change")
def _change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str | None], None]:
    def change(package: str, name: str, text: str | None) -> None:
        real = importlib.metadata.distribution

        def distribution(asked: str) -> importlib.metadata.Distribution:
            return Changed(asked, {name: text}, tmp_path) if asked == package else real(asked)

        monkeypatch.setattr(importlib.metadata, "distribution", distribution)

    return change


def test_sizes_may_differ_in_their_regions(change: Callable[[str, str, str | None], None]) -> None:
    """Sizes of one family that other regions offer stand apart, smaller ones first."""
    table = {
        "description": "of what is here",
        "eu-west-1": {"enum": ["cache.r9g.2xlarge", "cache.r9g.large"]},
        "eu-west-2": {"enum": ["cache.r9g.large"]},
    }
    change("cfn-lint", "cachenodetype_enum.json", json.dumps(table))

    known = refresh.offered(read("offered"), dt.date(2030, 1, 1))

    r9g = [each for each in known["node_types"] if each["family"] == "r9g"]
    assert [
        {"family": "r9g", "sizes": ["large"], "regions": ["eu-west-1", "eu-west-2"], "source": "cfn-lint"},
        {"family": "r9g", "sizes": ["2xlarge"], "regions": ["eu-west-1"], "source": "cfn-lint"},
    ] == r9g
    assert "node type cache.r9g.large" in refresh.difference(read("offered"), known).new


@pytest.mark.parametrize("package", ["botocore", "cfn-lint"])
def test_missing_package_is_named(
    package: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one of the two packages there is one line that says which, and what to do."""
    real = importlib.metadata.distribution

    def distribution(asked: str) -> importlib.metadata.Distribution:
        if asked == package:
            raise importlib.metadata.PackageNotFoundError(asked)
        return real(asked)

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)

    assert UNREADABLE == main([])

    assert (
        f"error: {package} is not installed, and the catalogue is compared with what it knows. "
        "Run this after `make setup`, or install botocore and cfn-lint.\n" == capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("package", "name", "text", "message"),
    [
        ("cfn-lint", "engine_version.json", None, "has no cfnlint/data/schemas/extensions/"),
        ("cfn-lint", "engine_version.json", '{"allOf": []}', "keeps its data in another form"),
        ("cfn-lint", "engine_version.json", "[]", "keeps its data in another form"),
        ("cfn-lint", "cachenodetype_enum.json", '{"eu-west-1": {"enum": ["r7g"]}}', "keeps its data in another form"),
        ("cfn-lint", "cachenodetype_enum.json", "[]", "keeps its data in another form"),
        ("cfn-lint", "cachenodetype_enum.json", '{"description": ""}', "keeps its data in another form"),
        ("cfn-lint", "version.json", "{}", "keeps its data in another form"),
    ],
)
def test_other_form_is_not_taken_for_news(  # noqa: PLR0917
    package: str,
    name: str,
    text: str | None,
    message: str,
    change: Callable[[str, str, str | None], None],
    file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A package that keeps its data elsewhere or otherwise is said to; nothing is written."""
    change(package, name, text)

    assert UNREADABLE == main(["--file", str(file), "--write"])

    error = capsys.readouterr().err
    assert message in error
    assert "requirements-dev.txt" in error
    assert 1 == len(error.splitlines())
    assert OFFERED.read_bytes() == file.read_bytes()


@pytest.mark.parametrize("text", [None, "{"])
def test_unreadable_file_is_named(text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there, or is no JSON, is named with what to do; it is not written again."""
    file = tmp_path / "offered.json"
    if text is not None:
        file.write_text(text)

    assert UNREADABLE == main(["--file", str(file), "--write"])

    assert capsys.readouterr().err.startswith(f"error: {file} cannot be read (")
    assert (text is not None) == file.exists()


def test_command_is_there(file: Path) -> None:
    """`python -m elasticache_rules.facts` runs, and its exit code is the answer."""
    content = json.loads(file.read_text())
    content["engines"]["versions"]["valkey"].remove("9.1")
    file.write_text(json.dumps(content))
    command = [sys.executable, "-m", "elasticache_rules.facts", "--file", str(file)]

    run = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 1 == run.returncode
    assert "+ engine version valkey 9.1" == run.stdout.splitlines()[0]
