"""What the tests of this folder share: one question to the CDK for each value, and what was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.deployable.accepted import Accepted, draw, tokens_asked_for_once
from tests.deployable.stacks import Synthesised, synthesise
from tests.distribution import made_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SYNTHESISED = 15
"""Of those that were accepted, so many are built by the real constructs."""


@pytest.fixture(scope="module", autouse=True)
def _tokens_are_asked_for_once() -> Iterator[None]:
    with tokens_asked_for_once():
        yield


@pytest.fixture(scope="session", name="accepted")
def _accepted(tmp_path_factory: pytest.TempPathFactory, *, exhaustive: bool) -> Sequence[Accepted]:
    made_once("accepted", tmp_path_factory)
    with tokens_asked_for_once():
        return draw(exhaustive=exhaustive)


@pytest.fixture(scope="session", name="synthesised")
def _synthesised(accepted: Sequence[Accepted], tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    # From all over: neighbours are often alike.
    return synthesise(accepted[:: len(accepted) // SYNTHESISED], tmp_path_factory.mktemp("accepted"))
