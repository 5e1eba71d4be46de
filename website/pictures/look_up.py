"""The path of one look-up with `elasticache_client.caching`, with the defaults that the code has."""

from __future__ import annotations

import inspect

from elasticache_client.caching import Cache
from website.pictures.boxes import Box, arrow, document


def drawn() -> str:
    """The picture: a hit above, a miss with its lease in the middle, a cache that is away below."""
    defaults = {name: each.default for name, each in inspect.signature(Cache).parameters.items()}
    lease, limit = f"{defaults['lease']:g} s", defaults["bypass_limit"]
    call = Box("your function", "@cache.lazy: product(42)", 20, 150, 180, 64, "accent")
    node = Box("cache", "GET, over verified TLS, with a login by IAM or a rotated secret", 280, 140, 210, 84)
    hit = Box("hit", "the value comes back, equal and of the same type", 620, 20, 280, 64, "good")
    first = Box(
        "miss: this caller gets the lease", f"for {lease}; all others wait, in every process", 620, 146, 280, 72
    )
    other = Box("miss: another caller has the lease", "waits for the value that it stores", 620, 256, 280, 64)
    load = Box("database", "one query loads the value", 970, 146, 200, 72)
    store = Box("stored in the cache", "if the lease is still valid, which a write ends", 970, 256, 200, 84, "good")
    away = Box("the cache is away", "it is not asked any more; one caller a second tries it", 280, 340, 260, 72, "bad")
    bypass = Box(
        "database, without the cache",
        f"at most {limit} loads at a time, unless bypass_limit says otherwise",
        620,
        376,
        280,
        72,
    )
    parts = [
        arrow([(200, 182), (280, 182)]),
        arrow([(490, 164), (550, 164), (550, 52), (620, 52)], "found", at=(560, 44)),
        arrow([(490, 182), (620, 182)], "not found", at=(556, 176)),
        arrow([(490, 200), (550, 200), (550, 288), (620, 288)]),
        arrow([(900, 182), (970, 182)]),
        arrow([(1070, 218), (1070, 256)]),
        arrow([(970, 288), (900, 288)]),
        arrow([(385, 224), (385, 340)], "no answer", at=(392, 286)),
        arrow([(540, 394), (620, 394)]),
    ]
    boxes = [call, node, hit, first, other, load, store, away, bypass]
    return document("The path of a look-up", 1190, 468, [*parts, *(box.drawn() for box in boxes)])
