"""Writes the files of a project, all or none."""

from __future__ import annotations

import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from elasticache_tools.new import installation
from elasticache_tools.new.errors import NewProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

_SUFFIX = ".in"
"""What the files are shipped with, so that no tool takes them for a part of this package."""
_NAME = "@@NAME@@"
_BEFOREHAND = frozenset({".git"})
"""What the folder may have: that of a repository that was just made."""


def write(folder: Path) -> list[Path]:
    """Write a project into a folder.

    The files are written elsewhere and moved into the folder at the end; if anything interrupts that, they are gone.

    Args:
        folder: The folder. It is made if it does not exist.

    Returns:
        The files, relative to the folder.

    Raises:
        NewProjectError: If the folder is a file, has files in it or is not writable, or if the constructs cannot be
            installed in it.
    """
    check(folder)
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
            made = Path(temporary, "project")
            made.mkdir()
            _fill(made, folder.name)
            written = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
            _move(made, folder)
    except OSError as error:
        raise NewProjectError(
            str(folder), f"it cannot be written ({error.strerror})", "Name a folder that is writable"
        ) from error
    return written


def check(folder: Path) -> None:
    """Refuse a folder that no project can be written into.

    Args:
        folder: The folder, as an absolute path.

    Raises:
        NewProjectError: If it cannot.
    """
    if not folder.parent.is_dir():
        raise NewProjectError(
            str(folder), f"there is no folder {folder.parent}", f"Make it: mkdir -p '{folder.parent}'"
        )
    if folder.exists() and not folder.is_dir():
        raise NewProjectError(str(folder), "it is a file", "Name a folder that is empty, or that does not exist")
    found = sorted({path.name for path in folder.iterdir()} - _BEFOREHAND) if folder.is_dir() else []
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise NewProjectError(
            str(folder),
            f"a project is written into an empty folder, and it has {found[0]}{more}",
            "Name another folder, or one that does not exist",
        )


def _fill(made: Path, name: str) -> None:
    for source, path in _shipped(files("elasticache_tools.new") / "template", Path()):
        target = made / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text(encoding="utf-8").replace(_NAME, name), encoding="utf-8")
    (made / "elasticache.txt").write_text(f"{installation.requirement(made)}\n", encoding="utf-8")


def _shipped(folder: Traversable, path: Path) -> Iterator[tuple[Traversable, Path]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _shipped(entry, path / entry.name)
        elif entry.name.endswith(_SUFFIX):
            yield entry, path / entry.name.removesuffix(_SUFFIX)


def _move(made: Path, folder: Path) -> None:
    is_new = not folder.exists()
    moved: list[Path] = []
    try:
        folder.mkdir(exist_ok=True)
        for entry in sorted(made.iterdir()):
            moved.append(folder / entry.name)
            entry.rename(moved[-1])
    except BaseException:
        for path in moved:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if is_new and folder.exists():
            folder.rmdir()
        raise
