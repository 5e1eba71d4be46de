"""The short form of ``make bench ARGS=storm``: interrupts, forks, cancelled tasks, killed servers; no wrong replies.

The time until recovery depends on the machine, so it is measured there and not asserted here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.storm.run import KINDS, QUICK_REQUESTS, one

if TYPE_CHECKING:
    import pytest

SAMPLE = ("redis-py, cluster", "valkey-py asyncio, one node")
"""Each library, each face and each mode once; pytest --exhaustive takes all kinds."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One storm for each kind of client."""
    metafunc.parametrize("client", KINDS if metafunc.config.getoption("exhaustive") else SAMPLE)


def test_nobody_gets_what_is_somebody_elses(client: str) -> None:
    """No caller gets another key's value or another user's session, and none waits indefinitely."""
    found = one(client, QUICK_REQUESTS)
    assert found["ended"]
    assert found["interrupted"] > 0
    assert found["outages"] > 0
    assert (found["wrong"], found["foreign_sessions"], found["hung"]) == (0, 0, 0), found["example"]
