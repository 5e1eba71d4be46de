"""Prepare a release, build its wheels, and read its notes.

    python .ci/release.py prepare 1.2.0    what `make release VERSION=1.2.0` runs
    python .ci/release.py build dist       both wheels of this checkout and SHA256SUMS, built twice and compared
    python .ci/release.py notes v1.2.0     the section of CHANGELOG.md for a tag, if the tag fits the checkout

Nothing here commits, tags, pushes or publishes. What the number means is in docs/versions.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from elasticache_rules import terminal
from elasticache_rules.terminal import progress, say

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

PROJECTS = (Path("pyproject.toml"), Path("client/pyproject.toml"))
CHANGELOG = Path("CHANGELOG.md")
DIST = Path("dist")
SITE = Path(".site")
SUMS = "SHA256SUMS"
DONE, REFUSED = 0, 2
EXITS = {DONE: "it is prepared, built or read", REFUSED: "it is not, and nothing was changed"}
_FORM = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}((a|b|rc)(0|[1-9]\d*))?")
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)
_UNRELEASED = "## Unreleased\n"
# Of an exception, as the last line of a traceback has it.
_RAISED = re.compile(r"^ *((?:\w+\.)*\w*(?:Error|Exception): .*)$", re.MULTILINE)
_SECTION = re.compile(r"^## (?P<version>\d\S*) - \d{4}-\d\d-\d\d$", re.MULTILINE)


class ReleaseError(Exception):
    """A release cannot be made. The command exits with 2.

    Args:
        got: What was received.
        allowed: What is allowed.
        fix: The change that fixes it, as an imperative sentence without its full stop.
    """

    def __init__(self, got: str, allowed: str, fix: str) -> None:
        super().__init__(f"{got}: {allowed}. {fix}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command line. Default: that of the process.

    Returns:
        0, or 2 if it is refused.
    """
    parser = argparse.ArgumentParser(prog="python .ci/release.py", epilog=terminal.exit_codes(EXITS))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, argument in (
        ("prepare", prepare, "version"),
        ("build", lambda root, folder: build(root, root / folder), "folder"),
        ("notes", lambda root, tag: say(notes(root, tag)), "tag"),
    ):
        command = commands.add_parser(name)
        command.add_argument("given", metavar=argument.upper())
        command.set_defaults(run=run)
    options = parser.parse_args(arguments)
    run_chosen: Callable[[Path, str], None] = options.run
    try:
        run_chosen(Path.cwd(), options.given)
    except ReleaseError as error:
        terminal.fail(error)
        return REFUSED
    return DONE


def prepare(root: Path, wanted: str) -> None:
    """Check that a version can be released, write it and its section of the change log, build its wheels and its site.

    What is built is the commit with these changes. Nothing is changed unless all of it worked. What takes minutes, the
    site, comes last.

    Args:
        root: The checkout.
        wanted: The version, for example "1.2.0".

    Raises:
        ReleaseError: If the checkout is not clean, the version is not newer, nothing is unreleased, a build fails, or
            a page has a fault.
    """
    check_clean(root)
    version = checked_version(root, wanted)
    changed = {
        **{file: with_version((root / file).read_text(encoding="utf-8"), version) for file in PROJECTS},
        CHANGELOG: released((root / CHANGELOG).read_text(encoding="utf-8"), version, dt.datetime.now(dt.UTC).date()),
    }
    with tempfile.TemporaryDirectory(dir=root, prefix=".release-") as folder:
        copy, made = Path(folder, "checkout"), {name: Path(folder, name) for name in (DIST, SITE)}
        copy.mkdir()
        archive = _run(root, "git", "archive", "--format=tar", "HEAD")
        subprocess.run(["tar", "-x", "-C", str(copy)], input=archive, check=True)
        for file, text in changed.items():
            (copy / file).write_text(text, encoding="utf-8")
        build(copy, made[DIST])
        build_site(copy, made[SITE])
        with _all_or_none(root, changed, made.keys(), Path(folder, "old")):
            for name, new in made.items():
                new.replace(root / name)
    say(f"\n{version} is prepared and not committed. Read `git diff`, then run:")
    for line in (
        f'git commit --all --message "Release {version}"',
        f'git tag --annotate v{version} --message "Release {version}"',
        f"git push --atomic origin HEAD v{version}",
    ):
        say(f"  {line}")
    say("The tag has .github/workflows/release.yml build the same wheels and attach them. To give it up:")
    say(f"  git restore {' '.join(map(str, changed))} && rm -r {' '.join(map(str, made))}")


def check_clean(root: Path) -> None:
    """Refuse a checkout with changes that are not committed.

    Raises:
        ReleaseError: If there is one, or the folder is no checkout.
    """
    try:
        changes = _run(root, "git", "status", "--porcelain", "-z").decode().rstrip("\0").split("\0")
    except (OSError, subprocess.CalledProcessError) as error:
        raise ReleaseError(str(root), "a release is made in a git checkout", "Run it in one") from error
    if any(changes):
        more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
        raise ReleaseError(
            f"{changes[0][3:]}{more}",
            "a release is what is committed, and this is not",
            "Commit it, or put it away: git stash --include-untracked",
        )


def checked_version(root: Path, wanted: str) -> Version:
    """The version, if it is newer than each that was released, and not older than that of the checkout.

    Raises:
        ReleaseError: If it is not.
    """
    if not _FORM.fullmatch(wanted):
        raise ReleaseError(
            f"VERSION={wanted}",
            "a version has three numbers, and after them a pre-release or not: 1.2.0, 1.2.0rc1",
            "Name one as docs/versions.md says: make release VERSION=1.2.0",
        )
    version = Version(wanted)
    tags = _run(root, "git", "tag", "--list", "v*").decode().split()
    known = [*_SECTION.findall((root / CHANGELOG).read_text(encoding="utf-8")), *(tag[1:] for tag in tags)]
    newest = max(map(Version, filter(_is_version, known)), default=None)
    if newest is not None and version <= newest:
        raise ReleaseError(
            f"VERSION={wanted}", f"{newest} is released, and a version is newer than that", "Name a newer one"
        )
    current = current_version(root)
    if version < current:
        raise ReleaseError(
            f"VERSION={wanted}", f"pyproject.toml has {current}, and a version is not older", "Name a newer one"
        )
    return version


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def current_version(root: Path) -> Version:
    """The version of both distributions.

    Raises:
        ReleaseError: If they differ.
    """
    found = {tomllib.loads((root / file).read_text(encoding="utf-8"))["project"]["version"] for file in PROJECTS}
    if len(found) != 1:
        raise ReleaseError(
            " and ".join(sorted(found)),
            f"{' and '.join(map(str, PROJECTS))} have one version",
            "Give them the version that was released last",
        )
    return Version(found.pop())


def with_version(text: str, version: Version) -> str:
    """A pyproject.toml with another version.

    Raises:
        ReleaseError: If it has no such line, or several.
    """
    if len(_VERSION.findall(text)) != 1:
        raise ReleaseError("pyproject.toml", 'it has one line `version = "..."`', "Restore it from version control")
    return _VERSION.sub(f'version = "{version}"', text)


def released(text: str, version: Version, day: dt.date) -> str:
    """The change log with what is unreleased under the version, and an empty section of what is not.

    Args:
        text: The change log.
        version: The version.
        day: The day of the release.

    Raises:
        ReleaseError: If nothing is unreleased.
    """
    before, heading, rest = text.partition(_UNRELEASED)
    entries = rest.partition("\n## ")[0]
    if not heading or not re.search(r"^- \S", entries, re.MULTILINE):
        raise ReleaseError(
            str(CHANGELOG),
            "what a release changes stands under `## Unreleased`, and there is nothing",
            "Write an entry, which says what it does to a running cache",
        )
    return f"{before}{heading}\n## {version} - {day.isoformat()}\n{rest}"


def notes(root: Path, tag: str) -> str:
    """The section of the change log for a tag.

    Raises:
        ReleaseError: If the checkout has another version, or the change log no section for it.
    """
    version = current_version(root)
    if tag != f"v{version}":
        raise ReleaseError(tag, f"the checkout is v{version}", f"Tag the commit of `make release`: v{version}")
    text = (root / CHANGELOG).read_text(encoding="utf-8")
    sections = list(_SECTION.finditer(text))
    for section in sections:
        if section["version"] == str(version):
            return text[section.end() :].partition("\n## ")[0].strip()
    raise ReleaseError(
        tag, f"{CHANGELOG} has no section for it", f"Write it with `make release VERSION={version}`, and move the tag"
    )


def build(root: Path, folder: Path) -> None:
    """Build both wheels twice, compare them, and write them with their hashes.

    Args:
        root: The checkout.
        folder: Where they go. Wheels that are there already stay.

    Raises:
        ReleaseError: If a build fails, or two builds of one distribution differ.
    """
    with progress("Building the wheels"), tempfile.TemporaryDirectory() as temporary:
        first, second = (_wheels(root, Path(temporary, name)) for name in ("first", "second"))
        if first != second:
            names = ", ".join(sorted(name for name in first.keys() | second if first.get(name) != second.get(name)))
            raise ReleaseError(names, "two builds of one commit are the same, and these differ", "Find what does")
        folder.mkdir(parents=True, exist_ok=True)
        for name in first:
            shutil.copyfile(Path(temporary, "first", name), folder / name)
    (folder / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(first.items())))
    for name, digest in sorted(first.items()):
        say(f"{digest}  {name}")


def build_site(root: Path, folder: Path) -> None:
    """Build the site of a checkout: a dead link or a public name without a docstring is no release.

    Args:
        root: The checkout.
        folder: Where the site goes, as `html`.

    Raises:
        ReleaseError: If a page has a fault. The faults are written to standard error before.
    """
    # The packages of that checkout, and not those that are installed from the one that it is a copy of.
    paths = os.pathsep.join(str(root / name) for name in ("constructs", "client"))
    command = [sys.executable, "-m", "website", str(folder)]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise ReleaseError("the site", "a page with a fault is no release, and its faults stand above", "Mend them")


def _wheels(root: Path, folder: Path) -> dict[str, str]:
    """Builds both wheels; their hashes by their names."""
    for file in PROJECTS:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-index"]
        command += ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(root / file.parent)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr or done.stdout
            *_, last = _RAISED.findall(said) or said.strip().splitlines() or [f"pip ends with {done.returncode}"]
            name = "client" if file.parent.name else "constructs"
            raise ReleaseError(name, f"its wheel cannot be built: {last.strip().rstrip('.')}", f"Mend {file}")
    return {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in folder.glob("*.whl")}


@contextmanager
def _all_or_none(root: Path, changed: Mapping[Path, str], folders: Collection[Path], old: Path) -> Iterator[None]:
    """Write files for good and put folders aside if the block succeeds; have all as it was otherwise."""
    before = {file: (root / file).read_text(encoding="utf-8") for file in changed}
    there = [name for name in folders if (root / name).exists()]
    old.mkdir()
    try:
        for file, text in changed.items():
            terminal.write_whole(root / file, text)
        for name in there:
            (root / name).replace(old / name)
        yield
    except BaseException:
        for file, text in before.items():
            terminal.write_whole(root / file, text)
        for name in folders:
            if name not in there or (old / name).exists():
                shutil.rmtree(root / name, ignore_errors=True)
            if (old / name).exists():
                (old / name).replace(root / name)
        raise


def _run(root: Path, *command: str) -> bytes:
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


if __name__ == "__main__":
    terminal.run("release")
