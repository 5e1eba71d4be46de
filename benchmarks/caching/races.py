"""Failures while a value is loaded: a concurrent write, a failing database, a killed loader."""

from __future__ import annotations

import itertools
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks.caching.crowd import Call, Invalidate, crowd, together
from benchmarks.caching.libraries import LEASE_SECONDS, LIBRARIES
from benchmarks.caching.servers import queries, running

if TYPE_CHECKING:
    import psycopg

    from benchmarks.caching.servers import Servers

_FRESH_SECONDS = 60.0
_RACES = 5
_CALLERS = 100
_PROCESSES = 4
_CALLS = 2
_KILLS = 2
_GIVE_UP_SECONDS = 10.0

# A statement of PostgreSQL reads the rows of the time it begins, here before it sleeps.
_READ_SLOWLY = "SELECT nextval('queries'), pg_sleep(0.2), price FROM prices"
_READ = "SELECT nextval('queries'), price FROM prices"
# random() keeps the planner from evaluating the division before the query is counted.
_FAIL = "SELECT nextval('queries'), pg_sleep(0.05), 1 / (random() * 0)::int"
_LOAD_FOR_MINUTES = "SELECT nextval('queries'), pg_sleep(120)"

_keys = (f"races:{number}" for number in itertools.count())


def run(*, quick: bool = False) -> dict[str, Any]:
    """Measure each library in all three cases."""
    with running() as servers, servers.database() as database:
        database.execute("CREATE TABLE prices AS SELECT 0 AS price")
        return {
            "races": 2 if quick else _RACES,
            "callers": _CALLERS,
            "calls_of_each": _CALLS,
            "kills": 1 if quick else _KILLS,
            "give_up_seconds": _GIVE_UP_SECONDS,
            "lease_seconds": LEASE_SECONDS,
            "libraries": {
                library: {
                    "stale_after_write": _stale(library, servers, database, races=2 if quick else _RACES),
                    "failing_database": _failing(library, servers, database),
                    "killed_loader_seconds": _killed(library, servers, database, kills=1 if quick else _KILLS),
                }
                for library in LIBRARIES
            },
        }


def _stale(library: str, servers: Servers, database: psycopg.Connection[dict[str, Any]], *, races: int) -> int:
    """How often a stale price is served after a change and an invalidation."""
    stale = 0
    with crowd(library, servers, 2) as (reader, writer):
        together([reader, writer], Call(next(_keys), _READ, 1, _FRESH_SECONDS))
        for price in range(1, races + 1):
            key = next(_keys)
            before = queries(database)
            reader.begin(Call(key, _READ_SLOWLY, 1, _FRESH_SECONDS))
            _wait_for_query(database, before)
            database.execute("UPDATE prices SET price = %s", [price])
            writer.begin(Invalidate(key, _FRESH_SECONDS))
            writer.answers()
            reader.answers()
            (answer,) = together([writer], Call(key, _READ, 1, _FRESH_SECONDS))
            stale += answer.row is None or answer.row["price"] != price
    return stale


def _failing(library: str, servers: Servers, database: psycopg.Connection[dict[str, Any]]) -> dict[str, Any]:
    """How many queries reach a failing database, and how long callers wait for the error."""
    with crowd(library, servers, _PROCESSES) as members:
        callers = _CALLERS // _PROCESSES
        together(members, Call(next(_keys), _READ, callers, _FRESH_SECONDS))
        before = queries(database)
        call = Call(next(_keys), _FAIL, callers, _FRESH_SECONDS)
        answers = [answer for _ in range(_CALLS) for answer in together(members, call)]
        return {
            "queries": queries(database) - before,
            "slowest_seconds": round(max(answer.seconds for answer in answers), 2),
        }


def _killed(
    library: str, servers: Servers, database: psycopg.Connection[dict[str, Any]], *, kills: int
) -> dict[str, float] | None:
    """How long the next caller waits after the loader is killed; None if it gets no answer in ten seconds."""
    waits = []
    for _ in range(kills):
        with crowd(library, servers, 2) as (loader, next_one):
            together([next_one], Call(next(_keys), _READ, 1, _FRESH_SECONDS))
            key, before = next(_keys), queries(database)
            loader.begin(Call(key, _LOAD_FOR_MINUTES, 1, _FRESH_SECONDS))
            _wait_for_query(database, before)
            loader.stop()
            next_one.begin(Call(key, _READ, 1, _FRESH_SECONDS))
            if not next_one.has_answered(_GIVE_UP_SECONDS):
                return None
            waits.append(next_one.answers()[0].seconds)
    return {"median": round(statistics.median(waits), 2), "worst": round(max(waits), 2)}


def _wait_for_query(database: psycopg.Connection[dict[str, Any]], before: int) -> None:
    while queries(database) == before:
        time.sleep(0.001)
