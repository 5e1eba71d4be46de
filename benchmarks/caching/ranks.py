"""A leaderboard in the cache, compared with an indexed table: ranks, and the queries that suit a table."""

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
# A prime number larger than the number of players, so that all scores differ.
_PRIME, _STEP = 1_000_003, 7919
_SEED = 7
_TABLE = """
CREATE TABLE players AS SELECT n::text AS player, mod(n::bigint * {step}, {prime})::int AS score
FROM generate_series(1, {count}) AS n;
ALTER TABLE players ADD PRIMARY KEY (player);
CREATE INDEX players_by_score ON players (score DESC);
"""
# Players with one score share a rank here, which costs less than the leaderboard's exact order.
_RANK = """
SELECT 1 + count(*) AS rank FROM players WHERE score > (SELECT score FROM players WHERE player = %s)
"""
_TOP = "SELECT player, score FROM players ORDER BY score DESC LIMIT 10"
# Without ranks, each of which would need a count.
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
    """Ask both in turns, about the same players."""
    count = _QUICK_PLAYERS if quick else _PLAYERS
    with running() as servers, servers.database() as database:
        client = connect(servers.cache)
        board = Leaderboard(client, "bench", windows=["all-time"])
        _fill(client, count)
        database.execute(_TABLE.format(count=count, step=_STEP, prime=_PRIME).encode())
        # So that index-only scans answer.
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
            # In batches: in single turns, each side would find the processor's caches full of the other's data.
            players = [str(chance.randint(1, count)) for _ in range(times // _ROUNDS)]
            for side, ask in (("ours", ours), ("postgresql", theirs)):
                answers[side] += [_timed(ask, player) for player in players]
        mine, others = ([answer for _, answer in answers[side]] for side in answers)
        if question == "rank of a player" and mine != others:
            raise RuntimeError("ranks of the leaderboard and of PostgreSQL differ: they must be equal")
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
    """Submit the scores of all players in pipelines; single round trips would take minutes."""
    # The pipeline only queues commands, so the node must have the script before.
    Leaderboard(client, "bench", windows=["all-time"]).submit("1", _STEP % _PRIME)
    pipeline = client.pipeline(transaction=False)
    board = Leaderboard(pipeline, "bench", windows=["all-time"])
    submit = inspect.unwrap(Leaderboard.submit)
    for number in range(2, count + 1):
        next(submit(board, str(number), number * _STEP % _PRIME))
        if number % _BATCH == 0:
            pipeline.execute()
    pipeline.execute()
