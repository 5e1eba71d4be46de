"""Raise the exact pins of pyproject.toml to the newest versions that fit together, as far as an index has them.

`make upgrade` runs this, then `make lock`. A bot that reads requirements files could not: the pins of a group are
resolved together, eight lock files follow from them, and two of those are for another platform.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

from elasticache_rules import terminal

ROOT = Path(__file__).parents[1]
FILES = (ROOT / "pyproject.toml", ROOT / "client" / "pyproject.toml")
# `bench` includes `dev`, which includes the rest. `scan` has a separate environment, for its pins contradict these.
GROUPS = ("bench", "scan")
_PIN = re.compile(r"([\w.-]+)(\[[\w,-]+\])?==([\w.]+)")


def pins(text: str, group: str) -> dict[str, str]:
    """The exact pins of a group and of the groups that it includes.

    Args:
        text: What pyproject.toml has.
        group: The group.

    Returns:
        The versions by requirement, as it is written.
    """
    found: dict[str, str] = {}
    for entry in tomllib.loads(text)["dependency-groups"][group]:
        if isinstance(entry, dict):
            found |= pins(text, entry["include-group"])
        elif match := _PIN.fullmatch(entry):
            found[match[1] + (match[2] or "")] = match[3]
    return found


def relaxed(text: str) -> str:
    """The text with each exact pin as a lower bound."""
    return re.sub(f'"{_PIN.pattern}"', r'"\1\2>=\3"', text)


def newest(text: str, group: str, resolved: str) -> dict[str, str]:
    """The pins of a group that are older than what was resolved.

    Args:
        text: What pyproject.toml has.
        group: The group.
        resolved: Lines `name==version`, as `uv pip compile` prints them.

    Returns:
        The new pins by the old ones, both as requirements.
    """
    versions = {match[1]: match[3] for match in _PIN.finditer(resolved)}
    raised = {
        f"{name}=={version}": f"{name}=={versions[_normalised(name)]}" for name, version in pins(text, group).items()
    }
    return {old: new for old, new in raised.items() if old != new}


def _normalised(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", requirement.partition("[")[0]).lower()


def _resolve(text: str, group: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "pyproject.toml")
        project.write_text(text)
        # One version of each package for all Pythons, since a pin is one line.
        command = [
            *(
                "uv",
                "pip",
                "compile",
                "--quiet",
                "--universal",
                "--python-version",
                "3.11",
                "--fork-strategy",
                "fewest",
            ),
            *("--no-header", "--no-annotate", "--group", f"{project}:{group}"),
        ]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    """Rewrite the files and print what has changed."""
    text = FILES[0].read_text()
    raised: dict[str, str] = {}
    for group in GROUPS:
        raised |= newest(text, group, _resolve(relaxed(text), group))
    for file in FILES:
        written = file.read_text()
        for old, new in raised.items():
            written = written.replace(f'"{old}"', f'"{new}"')
        terminal.write_whole(file, written)
    for old, new in raised.items():
        terminal.say(f"{old} -> {new.rpartition('==')[2]}")
    return 0


if __name__ == "__main__":
    terminal.run("raise_pins")
