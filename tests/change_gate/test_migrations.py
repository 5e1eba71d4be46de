"""The runbooks' phases pass the gate one after the other, and the same change in one step does not."""

from __future__ import annotations

import itertools

import pytest

from elasticache_rules.change_gate import Effect, compare
from tests.change_gate.migrations import PHASES, RUNBOOKS, migration, phases_of, runbooks

SECTIONS = ("## When", "## What clients notice", "## Phases", "## Check", "## Going back", "## AWS pages")

# By runbook: the rule that stops the change in one step.
STOPPED_BY = {
    "adopt": "KMS-01",
    "auth-token-to-users": "AUT-08",
    "auto-scaling": "ASC-08",
    "cluster-mode": "TOP-22",
    "durability": "DUR-02",
    "engine-upgrade": "LOG-04",
    "global-datastore": "GDS-06",
    "node-type": "NOD-18",
    "redis-to-valkey": "ENG-24",
    "replicas-and-failover": "TOP-07",
    "share-users": "RBC-01",
    "shards": "UPD-06",
    "snapshot-and-restore": "KMS-01",
    "tls": "TLS-08",
}

for_each_runbook = pytest.mark.parametrize("runbook", STOPPED_BY)


def test_every_runbook_with_phases_is_walked() -> None:
    """A runbook whose phases are not walked here would not be known to work."""
    assert sorted(STOPPED_BY) == runbooks()


@for_each_runbook
def test_every_phase_passes(runbook: str) -> None:
    """No phase is stopped but the last one, and that only by what the runbook has allowed in it."""
    *steps, last = itertools.pairwise(migration(runbook).phases)

    assert [] == [(each.resource, each.reason) for old, new in steps for each in compare(old, new).blocking()]
    assert migration(runbook).allowed == {each.resource for each in compare(*last).blocking()}


@for_each_runbook
def test_every_phase_changes_the_cache(runbook: str) -> None:
    """No phase passes because nothing happens to a cache in it."""
    for old, new in itertools.pairwise(migration(runbook).phases):
        kinds = {
            template["Resources"].get(each.resource, {}).get("Type")
            for each in compare(old, new)
            for template in (old, new)
        }

        # What scales a cache, and who may log in to it, is changed without it.
        assert kinds & {
            "AWS::ElastiCache::ReplicationGroup",
            "AWS::ElastiCache::GlobalReplicationGroup",
            "AWS::ElastiCache::UserGroup",
            "AWS::ApplicationAutoScaling::ScalableTarget",
        }


@for_each_runbook
def test_one_step_is_stopped(runbook: str) -> None:
    """The change in one step is stopped, by the rule that the runbook is about."""
    stopped = compare(migration(runbook).phases[0], migration(runbook).at_once).blocking()

    assert STOPPED_BY[runbook] in {rule for each in stopped for rule in each.rules}


def test_endpoints_survive() -> None:
    """Of all the phases only those that have something allowed replace or remove a cache."""
    gone = {
        runbook
        for runbook in STOPPED_BY
        for old, new in itertools.pairwise(migration(runbook).phases)
        for each in compare(old, new)
        if each.effect in (Effect.REPLACEMENT, Effect.DATA_LOSS)
    }

    assert gone == {runbook for runbook in STOPPED_BY if migration(runbook).allowed}


@for_each_runbook
def test_runbook_says_it_all(runbook: str) -> None:
    """Each says when, what clients notice, the phases, how to check and go back, and where AWS says so."""
    text = (RUNBOOKS / f"{runbook}.md").read_text()
    table = text.partition("## Phases")[2].partition("```")[0]
    deployments = [row for row in table.splitlines() if row.startswith("| ") and row[2].isdigit()]

    assert [section for section in SECTIONS if section not in text] == []
    assert STOPPED_BY[runbook] in text
    assert len(deployments) == len(migration(runbook).phases) - 1 <= len(PHASES)
    assert "https://docs.aws.amazon.com/" in text.partition("## AWS pages")[2]


def test_the_mode_of_a_cluster_is_stated_alone() -> None:
    """An upgraded group in cluster mode states its modes one after the other; both at once are stopped (TOP-23)."""
    *phases, at_once = phases_of("engine-upgrade", "sharded")
    steps = [compare(old, new) for old, new in itertools.pairwise(phases)]
    stopped = compare(phases[1], at_once).blocking()

    assert [[], [], []] == [list(step.blocking()) for step in steps]
    assert {"ClusterMode", "AuthToken"} == {each.property for each in steps[-1]}
    assert [("ClusterMode", Effect.SEVERAL_DEPLOYMENTS, ("TOP-23",))] == [
        (each.property, each.effect, each.rules) for each in stopped
    ]


def test_a_seeded_cluster_no_longer_states_its_shards_first() -> None:
    """Replicas are added once the template does not name the shards; both at once are stopped (UPD-07)."""
    *phases, at_once = phases_of("shards", "seeded")
    steps = [compare(old, new) for old, new in itertools.pairwise(phases)]
    stopped = compare(phases[0], at_once).blocking()

    assert [[], []] == [list(step.blocking()) for step in steps]
    assert {"NodeGroupConfiguration"} == {each.property for each in steps[0]}
    assert {"UPD-07"} <= {rule for each in stopped for rule in each.rules}
