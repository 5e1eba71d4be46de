"""Which combinations of parameters are run: as few as try everything often enough, not each value with each other.

A test says that it holds for every kind of client, on every engine, in every case. All combinations are thousands of
runs, and most tell nothing that another one does not. ``pytest --exhaustive`` runs them all the same.

Of a test with the mark ``pairwise`` as many are run as it takes to try each value with each value of the other
parameters; with ``each_value``, as many as it takes to try each value. Of tests of the client as many that

* every case is tried with a client of each face, with and without asyncio;
* each library, each engine and each combination of the client's options is met with once;
* each face meets with one node and with a cluster;
* where connections and logins are tested, every kind of client is met with.
"""

from __future__ import annotations

import itertools
import zlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    import pytest

    Parameters = Mapping[str, Any]
    Goals = set[Hashable]

SERVERS = ("place", "node", "cluster", "engine")
"""Parameters that name a server: ``redis``, ``valkey``, ``redis cluster``."""
CLIENTS = ("kind", "library")
"""Parameters that name a client: ``redis-py asyncio``, ``redis``."""
OPTIONS = ("decode", "protocol")
"""Parameters that a client is opened with, whatever it is asked to do."""
_NO_CASES = {*SERVERS, *CLIENTS, *OPTIONS}


def values(parameters: Parameters) -> Goals:
    """Each value by itself."""
    # Equal values of different types are different ones.
    return {(name, id(value)) for name, value in parameters.items()}


def pairs(parameters: Parameters) -> Goals:
    """Each value with each of another parameter."""
    return set(itertools.combinations(sorted(values(parameters), key=str), 2))


COMBINED = {"each_value": values, "pairwise": pairs}
"""What a run of a test with a mark is to try."""


def of_clients(parameters: Parameters, *, each_kind: bool) -> Goals:
    """What a run tries of a client, of a server and of the test's own cases."""
    client = next((parameters[name] for name in CLIENTS if name in parameters), None)
    server = next((parameters[name] for name in SERVERS if name in parameters), None)
    case = frozenset(values({name: value for name, value in parameters.items() if name not in _NO_CASES}))
    options = tuple((name, parameters[name]) for name in OPTIONS if name in parameters)
    found: Goals = {case, options}
    face: str | None = None
    if isinstance(client, str):
        library, _, face = client.partition(" ")
        found |= {(case, face), ("library", library), ("kind", client) if each_kind else ("face", face)}
    if isinstance(server, str):
        engine, _, mode = server.partition(" ")
        found |= {("engine", engine), ("mode", mode, face)}
    return found


def names_client_or_server(parameters: Iterable[str]) -> bool:
    """Whether a test is run for several clients or on several servers."""
    return not {*CLIENTS, *SERVERS}.isdisjoint(parameters)


def fewest(wanted: Sequence[Goals], name: str) -> set[int]:
    """The places of runs that reach all goals together, about as few as can be. Other tests get other ones."""
    first = zlib.crc32(name.encode()) % len(wanted)
    order = [*range(first, len(wanted)), *range(first)]
    left: Goals = set().union(*wanted)
    kept: set[int] = set()
    while left:
        best = max(order, key=lambda place: len(wanted[place] & left))
        kept.add(best)
        left -= wanted[best]
    return kept


def left_out(items: Iterable[pytest.Item], goals: Callable[[pytest.Item], Goals | None]) -> set[pytest.Item]:
    """Of the runs of each test, those that reach no goal which the others do not reach."""
    tests: dict[str, list[tuple[pytest.Item, Goals]]] = defaultdict(list)
    for item in items:
        wanted = goals(item)
        if wanted is not None:
            tests[item.nodeid.partition("[")[0]].append((item, wanted))
    found: set[pytest.Item] = set()
    for name, runs in tests.items():
        kept = fewest([wanted for _, wanted in runs], name)
        found |= {item for place, (item, _) in enumerate(runs) if place not in kept}
    return found


def deselect(config: pytest.Config, items: list[pytest.Item], goals: Callable[[pytest.Item], Goals | None]) -> None:
    """Leave them out of what was collected, unless everything is asked for."""
    if config.getoption("exhaustive"):
        return
    dropped = left_out(items, goals)
    config.hook.pytest_deselected(items=[item for item in items if item in dropped])
    items[:] = [item for item in items if item not in dropped]
