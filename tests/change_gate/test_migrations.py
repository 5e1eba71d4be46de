"""The runbooks' phases pass the gate one after the other, and the same change in one step does not."""

from __future__ import annotations

import itertools

import pytest

from elasticache_constructs.change_gate import Effect, compare
from tests.change_gate.migrations import MIGRATIONS, Migration, template_of
from tests.conftest import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = ("## When", "## What clients notice", "## Phases", "## Check", "## Going back", "## AWS pages")

for_each_migration = pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda each: each.runbook)


@for_each_migration
def test_every_phase_passes(migration: Migration) -> None:
    """No phase is stopped, but for what the runbook says to allow in the last one."""
    steps = list(itertools.pairwise(migration.phases))
    for number, (old, new) in enumerate(steps, 1):
        allow = migration.allowed if number == len(steps) else ()
        stopped = compare(template_of(old), template_of(new)).blocking(allow)

        assert [] == [(number, each.resource, each.property, each.reason) for each in stopped]


@for_each_migration
def test_every_phase_changes_something(migration: Migration) -> None:
    """No phase passes because nothing happens in it."""
    for old, new in itertools.pairwise(migration.phases):
        assert len(compare(template_of(old), template_of(new))) > 0


@for_each_migration
def test_one_step_is_stopped(migration: Migration) -> None:
    """The change in one step is stopped, by the rule that the runbook is about."""
    stopped = compare(template_of(migration.phases[0]), template_of(migration.naive)).blocking()

    assert migration.stopped_by in {rule for each in stopped for rule in each.rules}


@pytest.mark.parametrize("migration", [each for each in MIGRATIONS if each.allowed], ids=lambda each: each.runbook)
def test_allowance_is_needed(migration: Migration) -> None:
    """What the runbook says to allow would be stopped otherwise."""
    old, new = migration.phases[-2:]

    assert {each.resource for each in compare(template_of(old), template_of(new)).blocking()} == set(migration.allowed)


def test_endpoints_survive() -> None:
    """Of all the phases only those that need an allowance replace or remove a cache."""
    gone = {
        migration.runbook
        for migration in MIGRATIONS
        for old, new in itertools.pairwise(migration.phases)
        for each in compare(template_of(old), template_of(new))
        if each.effect in (Effect.REPLACEMENT, Effect.DATA_LOSS)
    }

    assert gone == {each.runbook for each in MIGRATIONS if each.allowed}


def test_every_runbook_has_its_phases() -> None:
    """A runbook whose phases are not walked here, or phases without a runbook, would not be known to work."""
    with_phases = {file.stem for file in RUNBOOKS.glob("*.md") if "## Phases" in file.read_text()}

    assert with_phases == {each.runbook for each in MIGRATIONS}


@for_each_migration
def test_runbook_says_it_all(migration: Migration) -> None:
    """Each says when, what clients notice, the phases, how to check and go back, and where AWS says so."""
    text = (RUNBOOKS / f"{migration.runbook}.md").read_text()

    assert [section for section in SECTIONS if section not in text] == []
    assert migration.stopped_by in text
    assert "https://docs.aws.amazon.com/" in text.partition("## AWS pages")[2]
