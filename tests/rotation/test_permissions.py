"""What each step needs of AWS: not less, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
from elasticache_constructs.rotation.runtime.rotate_secret.errors import CallFailed
from tests.rotation.needed_actions import actions_by_step
from tests.rotation.rig import FOUR, GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rotation.rig import Rig

WAYS = {"rotate and retire": (*FOUR, "retire", "status"), "give up": ("createSecret", "setSecret", "abort", "status")}


def _fails_without(rig: Rig, steps: tuple[str, ...], missing: str | None) -> list[str]:
    """Take every step without an action, then with it where it failed; the steps that failed."""
    failed = []
    token = rig.secrets.rotate()
    for step in steps:
        if step == "retire":
            rig.clock.sleep(GRACE + 1)
        needed = actions_by_step(rig.kind, serverless=rig.serverless)[step]
        rig.account.allowed = needed - {missing}
        argument = token if step in FOUR else None
        try:
            rig.step(step, argument)
        except CallFailed:
            failed.append(step)
            rig.account.allowed = needed
            rig.step(step, argument)
    return failed


@pytest.mark.parametrize("way", WAYS)
def test_each_step_is_content_with_its_own_actions(rig: Rig, way: str) -> None:
    """With exactly the actions that the table gives a step, no step is denied anything."""
    assert [] == _fails_without(rig, WAYS[way], None)


@pytest.mark.parametrize(
    ("kind", "action"),
    [(kind, action) for kind in Kind for action in sorted(frozenset().union(*actions_by_step(kind).values()))],
    ids=str,
)
def test_each_action_is_needed_where_the_table_says(new_rig: Callable[[Kind], Rig], kind: Kind, action: str) -> None:
    """Without one action exactly the steps fail that the table gives it to; the others do not notice."""
    failed = {step for steps in WAYS.values() for step in _fails_without(new_rig(kind), steps, action)}
    expected = {step for step, actions in actions_by_step(kind).items() if action in actions}

    assert expected == failed


def test_serverless_cache_takes_one_action_more_and_two_less(new_serverless_rig: Callable[[], Rig]) -> None:
    """Without looking at the serverless cache exactly the steps fail that look; nothing asks for nodes."""
    action = "elasticache:DescribeServerlessCaches"
    failed = {step for steps in WAYS.values() for step in _fails_without(new_serverless_rig(), steps, action)}
    expected = {step for step, actions in actions_by_step(Kind.USER, serverless=True).items() if action in actions}

    assert expected == failed
    assert [] == [step for steps in WAYS.values() for step in _fails_without(new_serverless_rig(), steps, None)]
