"""docs/commands.md, and that each command behaves as it says: by starting it through `elasticache_rules.terminal`."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.conftest import ROOT
from tests.docs import commands

FOLDERS = ("constructs", "cost", "operations", "rehearsal", "verification", "website", "workloads")
WITHOUT = {
    "application_constructs",  # python -m application_constructs.bundling is a part of make setup
    "rehearsal.drills",  # the rehearsal starts it
}


def test_the_table_is_up_to_date() -> None:
    """If not: python -m tests.docs."""
    assert commands.DOCUMENT.read_text() == commands.written()


def test_every_command_has_a_row() -> None:
    """Each package that can be started."""
    mains = [file for folder in FOLDERS for file in (ROOT / folder).rglob("__main__.py")]
    packages = {".".join(file.relative_to(ROOT).parts[:-1]).removeprefix("constructs.") for file in mains}

    assert {command.package for command in commands.COMMANDS} == packages - WITHOUT


@pytest.mark.parametrize("command", commands.COMMANDS, ids=lambda command: command.package)
def test_every_command_is_started_by_the_terminal(command: commands.Command) -> None:
    """So that signals, pipes and its end are those of tests/setup/test_terminal.py; its help has its exit codes."""
    name = f"{command.package}.command"
    module = importlib.import_module(name)
    [folder] = importlib.import_module(command.package).__path__
    assert f'    terminal.run("{name}")\n' in (ROOT / folder / "__main__.py").read_text()
    assert "terminal.exit_codes(EXITS)" in (ROOT / str(module.__file__)).read_text()


def test_every_target_of_the_table_exists() -> None:
    """And starts that command."""
    recipes = (ROOT / "Makefile").read_text()
    for command in commands.COMMANDS:
        for target in command.typed:
            found = re.search(rf"^{target.removeprefix('make ')}:.*\n((?:\t.*\n)+)", recipes, flags=re.MULTILINE)
            assert found, target
            assert re.search(rf"python -m {command.package}\s", found[1])
