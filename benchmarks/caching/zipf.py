"""Queries that lazy loading saves if few keys are read often, compared with the exact formula."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

from benchmarks.caching.libraries import Row
from benchmarks.caching.servers import queries, running
from elasticache_client import connect
from elasticache_client.caching import Cache

_KEYS = 50_000
_READS = (2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
_QUICK_READS = (1_000, 2_000)
_SEED = 7
_TABLE = """
CREATE TABLE items AS SELECT n AS id, 'item ' || n AS name, repeat('x', 192) AS description
FROM generate_series(1, {keys}) AS n;
ALTER TABLE items ADD PRIMARY KEY (id);
"""
_ITEM = "SELECT nextval('queries'), id, name, description FROM items WHERE id = %s"


def run(*, quick: bool = False) -> dict[str, Any]:
    """Read keys drawn from a Zipf distribution of exponent 1 through an initially empty cache, with one caller."""
    reads = _QUICK_READS if quick else _READS
    weights = [1 / rank for rank in range(1, _KEYS + 1)]
    chance = random.Random(_SEED)  # noqa: S311 - the same reads every time
    drawn = chance.choices(range(1, _KEYS + 1), cum_weights=list(itertools.accumulate(weights)), k=reads[-1])
    total = sum(weights)
    chances = [weight / total for weight in weights]
    with running() as servers, servers.database() as database:
        database.execute(_TABLE.format(keys=_KEYS).encode())
        cache = Cache(connect(servers.cache), prefix="zipf")

        @cache.lazy("item:{item_id}", ttl=3600, type=Row)
        def item(item_id: int) -> Any:
            return database.execute(_ITEM, [item_id]).fetchone()

        points = []
        for begin, end in itertools.pairwise((0, *reads)):
            for item_id in drawn[begin:end]:
                item(item_id)
            points.append(_point(end, queries(database), len(set(drawn[:end])), chances))
    return {"keys": _KEYS, "exponent": 1.0, "points": points}


def _point(reads: int, asked: int, distinct: int, chances: list[float]) -> dict[str, Any]:
    unread = [(1 - chance) ** reads for chance in chances]
    expected = len(chances) - sum(unread)
    # The variance of a draw, to the first order.
    variance = sum(share * (1 - share) for share in unread)
    variance -= reads * sum(chance * share for chance, share in zip(chances, unread, strict=True)) ** 2
    return {
        "reads": reads,
        "queries": asked,
        "formula": round(expected),
        "difference_percent": round((asked / expected - 1) * 100, 2),
        "deviation_percent": round(math.sqrt(variance) / expected * 100, 2),
        "distinct_keys": distinct,
        "hit_percent": round((1 - asked / reads) * 100, 1),
        "reduction": round(reads / asked, 1),
    }
