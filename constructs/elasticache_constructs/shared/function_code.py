"""Which files of a folder are shipped as the code of a Lambda function."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path

from elasticache_constructs.checks.errors import ConfigurationError

SKIPPED = (
    ".*",  # .env, .git, .venv, caches of tools, settings of editors, what systems leave behind
    "__pycache__",
    "*.py[cdo]",
    *("*~", "[#]*#", "*.swp", "*.swo", "*.bak", "*.orig", "*.rej", "*.tmp"),  # what editors and patches leave behind
    *("node_modules", "venv", "*.egg-info"),
)
"""Names of files and folders that are never shipped, at any depth."""


def shipped(folder: Path) -> list[Path]:
    """The files of a folder that are shipped with a function, in a fixed order: all but `SKIPPED`.

    Raises:
        ConfigurationError: If a symbolic link leads out of the folder, to a file that is not shipped, to a folder,
            or to nothing: its target would be published with the code, or be missing from it.
    """
    top, found = folder.resolve(), []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_skipped(name)]
        for name in (*(each for each in folders if Path(place, each).is_symlink()), *names):
            file = Path(place, name)
            if _is_skipped(name):
                continue
            if file.is_symlink():
                _check_link(file, top)
            if file.is_file():
                found.append(file)
    return sorted(found)


def _is_skipped(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in SKIPPED)


def _check_link(link: Path, top: Path) -> None:
    target = Path(os.path.realpath(link))  # a link to itself comes to itself, and is no file
    inside = target.is_relative_to(top) and not any(map(_is_skipped, target.relative_to(top).parts))
    if inside and target.is_file():
        return
    raise ConfigurationError(
        got=f"the link {link} to {link.readlink()} in a function's code",
        allowed="links lead to files of the same source that are shipped as well, since their content is",
        fix="Put the file in its place, or take the link away",
    )
