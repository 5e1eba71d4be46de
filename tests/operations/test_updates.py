"""Service updates of a stage: those that are pending are listed, and one is applied after a question."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.operations.stage import STAGE
from tests.operations.test_policy import as_role
from tests.operations.test_refusals import protected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.operations.conftest import Ended, Operator

GROUP = "small-orders"
LATE, EARLY = "2026-01-31T00:00:00+00:00", "2099-01-31T00:00:00+00:00"


@pytest.fixture(autouse=True)
def released(operator: Operator) -> Iterator[None]:
    """Two updates: one that is overdue and is applied automatically, one that is neither."""
    operator.control("release-service-update", name="late", severity="medium", apply_by=LATE, kind="engine-update")
    operator.control("release-service-update", name="early", severity="critical", apply_by=EARLY, automatic=False)
    yield
    for name in ("late", "early"):
        operator.control("hold-service-update", name=name, status="complete")


def updates(operator: Operator, *arguments: str, typed: str = "") -> Ended:
    """Run the command."""
    return operator.run("updates", "--stage", STAGE, *arguments, typed=typed)


def test_pending_updates_are_listed_the_most_severe_first(operator: Operator) -> None:
    """With severity, status, date and what happens then; the exit code says that one is overdue."""
    ended = updates(operator)
    first, second, hint = ended.output.splitlines()
    assert first == f"critical   early (security-update): {GROUP} not-applied, nodes 0/2, apply by 2099-01-31"
    assert second == (
        f"medium     late (engine-update): {GROUP} not-applied, nodes 0/2, apply by 2026-01-31 OVERDUE, automatic in a "
        "maintenance window afterwards"
    )
    assert hint == "Apply one: make updates STAGE=small APPLY=early"
    assert ended.code == 1
    as_json = updates(operator, "--json")
    found = [(item["name"], item["cache"], item["apply_by"], item["is_overdue"]) for item in json.loads(as_json.output)]
    assert found == [("early", GROUP, EARLY, False), ("late", GROUP, LATE, True)]
    assert as_json.code == 1
    operator.control("hold-service-update", name="late", status="complete")
    assert updates(operator).code == 0
    operator.control("hold-service-update", name="early", status="not-applicable")
    assert updates(operator).output == (
        "No service update is pending for the caches of small. Serverless caches have none.\n"
    )


def test_an_update_is_applied_after_the_question(operator: Operator) -> None:
    """The progress is shown until every node has it; the other update stays pending."""
    refused = updates(operator, "--apply", "early", typed="no\n")
    assert refused.code == 2
    assert "nothing was done" in refused.output
    assert re.search(r"^Update +early, critical$", refused.output, flags=re.MULTILINE)
    assert "early (security-update): small-orders not-applied" in updates(operator).output

    ended = updates(operator, "--apply", "early", typed="small\n")
    assert ended.code == 0, ended.output
    assert ended.output.splitlines()[-1] == f"{GROUP}: complete, nodes 2/2"
    assert "aws elasticache batch-stop-update-action --service-update-name early" in ended.output
    assert "early" not in updates(operator).output
    assert "late" in updates(operator).output


def test_an_update_that_is_not_pending_is_refused(operator: Operator) -> None:
    """The message names those that can be applied."""
    ended = updates(operator, "--apply", "no-such-update", "--yes")
    assert ended.code == 2
    assert (
        "Refused. APPLY=no-such-update: can be applied to the caches of small: early, late. List them with `make "
        "updates STAGE=small`." in ended.output
    )


def test_another_engine_is_a_matter_of_the_template(operator: Operator) -> None:
    """An update that brings another major version is refused, and the runbook is named."""
    operator.control("release-service-update", name="other", apply_by=EARLY, kind="engine-major-version-update")
    ended = updates(operator, "--apply", "other", "--yes")
    operator.control("hold-service-update", name="other", status="complete")
    assert ended.code == 2
    assert (
        "Refused. other is of the type engine-major-version-update: another engine or major version is deployed by its "
        "template, which would undo or refuse it. Follow docs/runbooks/engine-upgrade.md." in ended.output
    )


def test_a_protected_stage_is_refused(operator: Operator) -> None:
    """As a drill refuses it; to list is always allowed."""
    with protected(operator):
        ended = updates(operator, "--apply", "early", "--yes")
        assert updates(operator).code == 1
    assert ended.code == 2
    assert "the stage small must be named twice. Add PROTECTED=small" in ended.output
    assert "early (security-update): small-orders not-applied" in updates(operator).output


def test_the_policy_is_enough_and_no_more(operator: Operator) -> None:
    """A role with exactly it lists and applies."""
    policy = json.loads(updates(operator, "--policy").output)
    least = as_role(operator, "least-updates", policy)
    assert updates(least).code == 1
    ended = updates(least, "--apply", "late", "--yes")
    assert ended.code == 0, ended.output
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    asked = operator.actions("least-updates")
    assert asked - allowed <= {"sts:GetCallerIdentity"}
    assert allowed - asked == set()
