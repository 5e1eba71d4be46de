"""The short form of ``make bench ARGS=storm``: interrupts, forks, cancelled tasks, killed servers; answers stay right.

How soon all is well again depends on the machine, so it is measured there and not asserted here.
"""

from __future__ import annotations

import pytest

from benchmarks.storm.run import KINDS, QUICK_REQUESTS, one


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_gets_what_is_somebody_elses(kind: str) -> None:
    """No value of another key, no session of another user, and no caller who waits without an end."""
    found = one(kind, QUICK_REQUESTS)
    assert found["ended"]
    assert found["interrupted"] > 0
    assert found["outages"] > 0
    assert (found["wrong"], found["foreign_sessions"], found["hung"]) == (0, 0, 0), found["example"]
