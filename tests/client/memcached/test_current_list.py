"""Which list of nodes replaces the current one."""

from __future__ import annotations

import pytest

from elasticache_client.memcached.discovery import NodeList
from elasticache_client.memcached.transport import Address
from elasticache_client.memcached.watch import CurrentList

STALENESS_SECONDS = 180.0
ONE, TWO, THREE = (Address(f"node-{number}", 11211) for number in (1, 2, 3))
NEWER = NodeList(8, (ONE, TWO, THREE))
CURRENT = NodeList(7, (ONE, TWO))
OLDER = NodeList(6, (ONE,))
TWIN = NodeList(7, (ONE, THREE))


@pytest.fixture(name="current_list")
def _current_list() -> CurrentList:
    current_list = CurrentList(STALENESS_SECONDS)
    current_list.accepts(CURRENT, all_down=False, now=0.0)
    return current_list


@pytest.mark.parametrize(
    ("offered", "all_down", "taken"),
    [
        pytest.param(NEWER, False, True, id="newer"),
        pytest.param(CURRENT, False, False, id="the same"),
        pytest.param(OLDER, False, False, id="older"),
        pytest.param(TWIN, False, False, id="same version, other nodes"),
        pytest.param(OLDER, True, True, id="older, and nothing else left"),
        pytest.param(TWIN, True, True, id="same version, other nodes, and nothing else left"),
        pytest.param(CURRENT, True, False, id="the same, and all down"),
    ],
)
def test_one_offer(current_list: CurrentList, offered: NodeList, *, all_down: bool, taken: bool) -> None:
    """A newer list is accepted at once; a contradicting one only if all nodes of the current list are down."""
    was_taken = current_list.accepts(offered, all_down=all_down, now=60.0)
    assert (was_taken, current_list.current) == (taken, offered if taken else CURRENT)


def test_the_first_list_is_taken() -> None:
    """Its version does not matter."""
    assert CurrentList(STALENESS_SECONDS).accepts(OLDER, all_down=True, now=0.0)


@pytest.mark.parametrize("offered", [OLDER, TWIN], ids=["older", "same version, other nodes"])
def test_a_cluster_made_anew_is_believed_after_a_while(current_list: CurrentList, offered: NodeList) -> None:
    """Its list is accepted if no other list was seen for the staleness time."""
    taken = [current_list.accepts(offered, all_down=False, now=now) for now in (60.0, 120.0, 239.9, 240.0)]
    assert taken == [False, False, False, True]


def test_a_node_that_lags_behind_is_never_believed(current_list: CurrentList) -> None:
    """While the current list is confirmed now and then, the older one is not accepted."""
    offers = [OLDER, OLDER, CURRENT] * 100
    taken = [current_list.accepts(offered, all_down=False, now=60.0 * at) for at, offered in enumerate(offers)]
    assert (any(taken), current_list.current) == (False, CURRENT)


def test_doubts_do_not_add_up(current_list: CurrentList) -> None:
    """Two lists that contradict each other and the current one do not share the staleness time."""
    taken = [
        current_list.accepts(offered, all_down=False, now=60.0 * at) for at, offered in enumerate([OLDER, TWIN] * 10)
    ]
    assert not any(taken)
