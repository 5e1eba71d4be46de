"""When a node counts as down."""

from __future__ import annotations

import pytest

from elasticache_client.memcached.health import Health
from tests.client.conftest import Clock


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="down")
def _down(clock: Clock) -> Health:
    health = Health(clock)
    assert [health.failed(), health.failed()] == [False, True]
    return health


def test_one_failure_is_forgiven(clock: Clock) -> None:
    """A node is asked on after a failure, and the next answer clears it."""
    health = Health(clock)
    seen = []
    for _ in range(3):
        seen += [health.failed(), health.is_down, health.admits(), health.answered()]
    assert seen == [False, False, True, False] * 3


def test_the_second_in_a_row_is_the_end(down: Health) -> None:
    """Then it is down and nobody may ask it."""
    assert (down.is_down, down.admits()) == (True, False)


def test_going_down_is_said_once(down: Health) -> None:
    """Those that were under way fail too and change nothing."""
    assert [down.failed() for _ in range(20)] == [False] * 20


def test_one_caller_per_pause_tries(down: Health, clock: Clock) -> None:
    """When the pause is over one may, the next ones not."""
    clock.now += 1.0
    assert [down.admits() for _ in range(3)] == [True, False, False]


def test_pauses_grow_to_ten_seconds(down: Health, clock: Clock) -> None:
    """Each is twice as long as the one before, up to the longest."""
    start = clock.now
    tried: list[float] = []
    while len(tried) < 6:
        clock.now += 0.5
        if down.admits():
            tried.append(clock.now - start)
            down.failed()
    assert tried == [1.0, 3.0, 7.0, 15.0, 25.0, 35.0]


def test_an_answer_makes_it_as_new(down: Health, clock: Clock) -> None:
    """It is up, may fail once again, and its next pause is the shortest."""
    clock.now += 1.0
    down.admits()
    seen = [down.answered(), down.is_down, down.failed(), down.failed()]
    clock.now += 1.0
    assert [*seen, down.admits()] == [True, False, False, True, True]
