"""What is left out is what tells nothing new: the runs that stay reach every goal, and are few."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.conftest import KINDS
from tests.combinations import fewest, of_clients, pairs, values

if TYPE_CHECKING:
    from collections.abc import Callable

PLACES = ("redis", "valkey", "redis cluster", "valkey cluster")
STATES = ("cold", "expired", "stale")
RUNS: list[dict[str, Any]] = [
    {"kind": kind, "place": place, "state": state} for kind, place, state in itertools.product(KINDS, PLACES, STATES)
]


def kept(goals: Callable[[dict[str, Any]], Any], runs: list[dict[str, Any]], name: str = "") -> list[dict[str, Any]]:
    """The runs that stay."""
    return [runs[place] for place in fewest([goals(each) for each in runs], name)]


def seen(runs: list[dict[str, Any]], *names: str) -> set[Any]:
    """The values of some parameters together."""
    return {tuple(run[name] for name in names) for run in runs}


@pytest.mark.parametrize("each_kind", [False, True])
def test_a_client_meets_what_matters(*, each_kind: bool) -> None:
    """Each case with and without asyncio, each library, engine and mode; each kind of client where it matters."""
    runs = [
        {
            **run,
            "library": run["kind"].partition(" ")[0],
            "face": run["kind"].partition(" ")[2],
            "engine": run["place"].partition(" ")[0],
            "mode": run["place"].partition(" ")[2],
        }
        for run in kept(lambda run: of_clients(run, each_kind=each_kind), RUNS)
    ]
    assert seen(runs, "state", "face") == {*itertools.product(STATES, ("", "asyncio"))}
    assert seen(runs, "mode", "face") == {*itertools.product(("", "cluster"), ("", "asyncio"))}
    assert len(seen(runs, "library")) == len(seen(runs, "engine")) == 2
    assert len(seen(runs, "kind")) == 4 or not each_kind
    assert len(runs) <= 8


def test_options_of_a_client_are_no_cases() -> None:
    """Each combination of them is tried once, and not with every case."""
    runs = kept(
        lambda run: of_clients(run, each_kind=False),
        [
            {"node": node, "decode": decode, "protocol": protocol, "content": content}
            for node, decode, protocol, content in itertools.product(PLACES[:2], (False, True), (2, 3), "abcdefgh")
        ],
    )
    assert seen(runs, "content") == {*itertools.product("abcdefgh")}
    assert seen(runs, "decode", "protocol") == {*itertools.product((False, True), (2, 3))}
    assert len(runs) == 8


def test_pairs() -> None:
    """Each value meets each value of every other parameter."""
    runs = kept(pairs, RUNS)
    for names, expected in [
        (("kind", "place"), itertools.product(KINDS, PLACES)),
        (("kind", "state"), itertools.product(KINDS, STATES)),
        (("place", "state"), itertools.product(PLACES, STATES)),
    ]:
        assert seen(runs, *names) == {*expected}
    assert len(runs) <= 20


def test_each_value() -> None:
    """Each is met with once, and as many at a time as can be."""
    runs = kept(values, RUNS)
    assert (seen(runs, "kind"), seen(runs, "place"), seen(runs, "state")) == (
        {*itertools.product(KINDS)},
        {*itertools.product(PLACES)},
        {*itertools.product(STATES)},
    )
    assert len(runs) == 4


def test_equal_values_of_other_types_are_other_values() -> None:
    """1 and True are."""
    assert len(kept(values, [{"value": value} for value in (1, True, 1.0)])) == 3


def test_tests_differ_in_what_they_take() -> None:
    """So that all of them together meet every combination of client and server."""
    taken = [
        run
        for number in range(300)
        for run in kept(lambda run: of_clients(run, each_kind=False), RUNS, f"test {number}")
    ]
    assert seen(taken, "kind", "place") == {*itertools.product(KINDS, PLACES)}
