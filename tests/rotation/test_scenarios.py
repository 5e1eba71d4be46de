"""Zero failed logins, measured on real servers, next to what the order of operations of published rotators costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rotation.clients import POLICIES
from tests.rotation.scenarios import BEGIN, DOCUMENT, END, PAIRS, ROTATORS, Result, measure, table, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.rotation.engine import Engines

OURS = [rotator.name for rotator in ROTATORS if rotator.ours]
PROMISED = [pair for pair in PAIRS if pair[1] in OURS]
OUTCOMES = {
    "never applied": "testSecret fails",
    "twice, back to back": "second refused as too soon",
    "dies after its last change to the cache": "dies in setSecret",
}
CAREFUL = [policy.name for policy in POLICIES if policy.name != "static"]


FAILURES = [
    ("AWS's, user", "never applied", ["fresh", "cached", "cached, refreshes"]),
    ("AWS's, user", "status changes late", ["fresh"]),
    ("AWS's, user", "twice, back to back", ["cached"]),
    ("SET before promotion, AuthToken", "nothing unusual", ["cached"]),
    ("SET before promotion, AuthToken", "dies after its last change to the cache", CAREFUL),
    ("ROTATE without SET, AuthToken", "twice, back to back", ["cached"]),
]
"""Logins that fail under the order of operations of published rotators."""
KEEPERS = ["AWS's, user", "ROTATE without SET, AuthToken"]
"""Published orders that leave the old password working."""


@pytest.fixture(scope="module")
def results(engines: Engines, *, exhaustive: bool) -> dict[tuple[str, str], Result]:
    """What is promised of our rotators and said of published ones, measured once; exhaustively everything."""
    published = {(scenario, rotator) for rotator, scenario, _ in FAILURES}
    kept = {("nothing unusual", rotator) for rotator in KEEPERS}
    wanted = PAIRS if exhaustive else {*PROMISED} | published | kept
    return {(result.scenario, result.rotator.name): result for result in measure(engines, wanted)}


@pytest.mark.parametrize(("scenario", "rotator"), PROMISED)
def test_no_login_fails(results: dict[tuple[str, str], Result], scenario: str, rotator: str) -> None:
    """No client fails a login that reads the secret again within the grace time, and AWSCURRENT works at the end."""
    result = results[scenario, rotator]
    failed = {policy: result.tallies[policy].failed for policy in CAREFUL}

    assert dict.fromkeys(CAREFUL, 0) == failed
    assert all(tally.total >= 100 for tally in result.tallies.values())
    assert result.current_accepted


@pytest.mark.parametrize(("scenario", "rotator"), PROMISED)
def test_outcome_is_as_promised(results: dict[tuple[str, str], Result], scenario: str, rotator: str) -> None:
    """What can be rotated is, and its old password is refused everywhere; what cannot is refused and nothing lost."""
    result = results[scenario, rotator]
    outcome = OUTCOMES.get(scenario, "promoted")

    assert outcome == result.outcome
    assert (outcome in ("testSecret fails", "dies in setSecret")) == result.old_accepted


@pytest.mark.parametrize("rotator", OURS)
def test_measurement_is_not_blind(results: dict[tuple[str, str], Result], rotator: str) -> None:
    """A client that never reads the secret again does fail once the old password is retired."""
    assert results["nothing unusual", rotator].tallies["static"].failed > 0


@pytest.mark.parametrize(("rotator", "scenario", "policies"), FAILURES)
def test_published_orders_fail_logins(
    results: dict[tuple[str, str], Result], rotator: str, scenario: str, policies: list[str]
) -> None:
    """The same clients fail logins under the order of operations of published rotators."""
    tallies = results[scenario, rotator].tallies

    assert [] == [policy for policy in policies if not tallies[policy].failed]


@pytest.mark.parametrize("rotator", KEEPERS)
def test_published_orders_keep_the_old_password(results: dict[tuple[str, str], Result], rotator: str) -> None:
    """Two of the published orders leave the old password working until the rotation after the next one began."""
    assert results["nothing unusual", rotator].old_accepted


def test_committed_table_is_the_measured_one(results: dict[tuple[str, str], Result]) -> None:
    """The rows in the document are what the scenarios come to, on this machine too."""
    committed = DOCUMENT.read_text().split(BEGIN)[1].split(END)[0].splitlines()
    head, line, *measured = table(list(results.values())).splitlines()

    assert [head, line] == committed[1:3]
    assert len(committed) == len(PAIRS) + 4
    assert [] == [row for row in measured if row not in committed], (
        "run python -m tests.rotation.scenarios, and look at what changed"
    )


def test_table_is_written_between_its_markers(tmp_path: Path) -> None:
    """Writing the table replaces it and nothing else."""
    document = tmp_path / "rotation.md"
    document.write_text(f"before\n{BEGIN}old\n{END}after\n")
    write([], document)

    assert f"before\n{BEGIN}\n{table([])}\n{END}after\n" == document.read_text()
