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
    """A node is still used after one failure, and the next reply clears it."""
    health = Health(clock)
    seen = []
    for _ in range(3):
        seen += [health.failed(), health.is_down, health.admits(), health.answered()]
    assert seen == [False, False, True, False] * 3


def test_the_second_in_a_row_is_the_end(down: Health) -> None:
    """The node is then down, and no command may use it."""
    assert (down.is_down, down.admits()) == (True, False)


def test_going_down_is_said_once(down: Health) -> None:
    """Commands that were already running fail too, and change nothing."""
    assert [down.failed() for _ in range(20)] == [False] * 20


def test_one_caller_per_pause_tries(down: Health, clock: Clock) -> None:
    """After the interval, one caller may use the node."""
    clock.now += 1.0
    assert [down.admits() for _ in range(3)] == [True, False, False]


def test_pauses_grow_to_ten_seconds(down: Health, clock: Clock) -> None:
    """Each interval is twice as long as the one before, up to the maximum."""
    start = clock.now
    tried: list[float] = []
    while len(tried) < 6:
        clock.now += 0.5
        if down.admits():
            tried.append(clock.now - start)
            down.failed()
    assert tried == [1.0, 3.0, 7.0, 15.0, 25.0, 35.0]


def test_an_answer_makes_it_as_new(down: Health, clock: Clock) -> None:
    """The node is up, may fail once again, and its next interval is the shortest."""
    clock.now += 1.0
    down.admits()
    seen = [down.answered(), down.is_down, down.failed(), down.failed()]
    clock.now += 1.0
    assert [*seen, down.admits()] == [True, False, False, True, True]
