"""What the tests of this folder share: one question to the CDK for each value, and what was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_cdk import Token

from tests.deployable.accepted import Accepted, draw
from tests.deployable.stacks import Synthesised, synthesise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SYNTHESISED = 50
"""Of those that were accepted, so many are built by the real constructs."""


@pytest.fixture(scope="module", autouse=True)
def _tokens_are_asked_for_once() -> Iterator[None]:
    """Remember what the CDK says of a value: it is asked in another process, which is most of the time of a check."""
    ask = Token.is_unresolved
    answers: dict[tuple[type, object], bool] = {}

    def is_unresolved(value: object) -> bool:
        if not isinstance(value, str | int | float):
            return ask(value)
        key = type(value), value
        if key not in answers:
            answers[key] = ask(value)
        return answers[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Token, "is_unresolved", is_unresolved)
        yield


@pytest.fixture(scope="session", name="accepted")
def _accepted() -> Sequence[Accepted]:
    return draw()


@pytest.fixture(scope="session", name="synthesised")
def _synthesised(accepted: Sequence[Accepted], tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    # From all over: neighbours are often alike.
    return synthesise(accepted[:: len(accepted) // SYNTHESISED], tmp_path_factory.mktemp("accepted"))
