"""A leaderboard in the cache beside an indexed table: a player's rank, and the questions that a table answers well."""

from __future__ import annotations

import inspect
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks.caching.servers import running
from elasticache_client import connect
from elasticache_client.leaderboard import Leaderboard

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

_PLAYERS = 1_000_000
_QUICK_PLAYERS = 20_000
_RANKS = 200
_OTHERS = 1000
_ROUNDS = 5
_BATCH = 10_000
# Larger than any number of players here, and prime: no two of their scores are the same.
_PRIME, _STEP = 1_000_003, 7919
_SEED = 7
_TABLE = """
CREATE TABLE players AS SELECT n::text AS player, mod(n::bigint * {step}, {prime})::int AS score
FROM generate_series(1, {count}) AS n;
ALTER TABLE players ADD PRIMARY KEY (player);
CREATE INDEX players_by_score ON players (score DESC);
"""
# Players of one score share a rank here, which is less work than the exact order that the leaderboard keeps.
_RANK = """
SELECT 1 + count(*) AS rank FROM players WHERE score > (SELECT score FROM players WHERE player = %s)
"""
_TOP = "SELECT player, score FROM players ORDER BY score DESC LIMIT 10"
# Without their ranks, each of which would be counted.
_AROUND = """
(SELECT player, score FROM players WHERE score >= (SELECT score FROM players WHERE player = %(player)s)
 ORDER BY score LIMIT 6)
UNION ALL
(SELECT player, score FROM players WHERE score < (SELECT score FROM players WHERE player = %(player)s)
 ORDER BY score DESC LIMIT 5)
"""
_SUBMIT = """
INSERT INTO players (player, score) VALUES (%s, %s)
ON CONFLICT (player) DO UPDATE SET score = greatest(players.score, excluded.score)
"""


def run(*, quick: bool = False) -> dict[str, Any]:
    """Both, of the same players, in turns."""
    count = _QUICK_PLAYERS if quick else _PLAYERS
    with running() as servers, servers.database() as database:
        client = connect(servers.cache)
        board = Leaderboard(client, "bench", windows=["all-time"])
        _fill(client, count)
        database.execute(_TABLE.format(count=count, step=_STEP, prime=_PRIME).encode())
        # So that the index alone answers.
        database.execute("VACUUM ANALYZE players")
        return {"players": count, "milliseconds": _compared(board, database, count, 20 if quick else _RANKS)}


def _compared(
    board: Leaderboard, database: psycopg.Connection[dict[str, Any]], count: int, ranks: int
) -> dict[str, Any]:
    chance = random.Random(_SEED)  # noqa: S311 - the same players every time
    questions: dict[str, tuple[int, Callable[[str], object], Callable[[str], object]]] = {
        "rank of a player": (ranks, board.rank, lambda player: _rank(database, player)),
        "a player's ten neighbours": (
            _OTHERS,
            lambda player: board.around(player, 5),
            lambda player: database.execute(_AROUND, {"player": player}).fetchall(),
        ),
        "the first ten": (_OTHERS, lambda _: board.top(10), lambda _: database.execute(_TOP).fetchall()),
        "a new score": (
            _OTHERS,
            lambda player: board.submit(player, _PRIME + int(player)),
            lambda player: database.execute(_SUBMIT, [player, _PRIME + int(player)]),
        ),
    }
    found = {}
    for question, (times, ours, theirs) in questions.items():
        answers: dict[str, list[tuple[float, object]]] = {"ours": [], "postgresql": []}
        for _ in range(_ROUNDS):
            # Many at a time: one by one, each would find the processor's caches full of the other's data.
            players = [str(chance.randint(1, count)) for _ in range(times // _ROUNDS)]
            for side, ask in (("ours", ours), ("postgresql", theirs)):
                answers[side] += [_timed(ask, player) for player in players]
        mine, others = ([answer for _, answer in answers[side]] for side in answers)
        if question == "rank of a player" and mine != others:
            raise RuntimeError("the leaderboard and PostgreSQL do not agree on a rank")
        found[question] = _summary(*([milliseconds for milliseconds, _ in answers[side]] for side in answers))
    return found


def _rank(database: psycopg.Connection[dict[str, Any]], player: str) -> object:
    row = database.execute(_RANK, [player]).fetchone()
    return row["rank"] if row else None


def _timed(question: Callable[[str], object], player: str) -> tuple[float, object]:
    started_at = time.perf_counter()
    answer = question(player)
    return (time.perf_counter() - started_at) * 1000, answer


def _summary(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    return {
        "ours": _percentiles(ours),
        "postgresql": _percentiles(theirs),
        "ratio": float(f"{statistics.median(theirs) / statistics.median(ours):.2g}"),
    }


def _percentiles(milliseconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(milliseconds, n=20)
    return {"median": round(cuts[9], 3), "p95": round(cuts[18], 3)}


def _fill(client: Any, count: int) -> None:
    """Submit every player's score, many in one trip: one by one it would take minutes."""
    # The pipeline only notes the command, so that the script has to be on the node before.
    Leaderboard(client, "bench", windows=["all-time"]).submit("1", _STEP % _PRIME)
    pipeline = client.pipeline(transaction=False)
    board = Leaderboard(pipeline, "bench", windows=["all-time"])
    submit = inspect.unwrap(Leaderboard.submit)
    for number in range(2, count + 1):
        next(submit(board, str(number), number * _STEP % _PRIME))
        if number % _BATCH == 0:
            pipeline.execute()
    pipeline.execute()
