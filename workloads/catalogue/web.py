"""The catalogue over HTTP."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from psycopg import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Route

from elasticache_client.caching import LoadFailed, Overloaded
from elasticache_client.messages import refusal
from workloads.catalogue import storage
from workloads.catalogue.domain import MAX_CATEGORY_LENGTH, MAX_ID, PriceChange
from workloads.web import Json, application, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

F = TypeVar("F", bound="Callable[..., object]")
T = TypeVar("T")

_CACHE = {"on": True, "off": False}
# Bypassing the cache is for trying it out. In a deployment it would let every caller load the database.
_SWITCH = os.environ.get("CATALOGUE_CACHE_SWITCH", "true") == "true"


def categories(_: Request) -> Json:
    """Return the names of the categories."""
    return Json(storage.categories())


def products(request: Request) -> Json:
    """Return the products of a category."""
    category = request.path_params["category"]
    # An unknown category costs a query, and a key in the cache for a minute. An impossible name costs neither.
    may_be_one = category.isascii() and category.isalpha() and len(category) <= MAX_CATEGORY_LENGTH
    found = _with_cache(request, storage.products)(category) if may_be_one else []
    if not found:
        allowed = "must be one that GET api/categories lists"
        raise HTTPException(404, refusal(got="Unknown category", allowed=allowed, fix="Choose one of these"))
    return Json(found)


def product(request: Request) -> Json:
    """Return one product."""
    return Json(_found(_with_cache(request, storage.product)(_product_id(request))))


async def change_price(request: Request) -> Json:
    """Change a product's price."""
    change = await read(request, PriceChange)
    return Json(_found(await run_in_threadpool(storage.set_price, _product_id(request), change.price_cents)))


def figures(_: Request) -> Json:
    """Return statistics of the cache and the database for this process."""
    return Json(
        {
            "process": os.getpid(),
            "switch": _SWITCH,
            "cache": {"down": storage.cache.is_down, **asdict(storage.cache.stats)},
            "database": {"queries": storage.database.queries},
        }
    )


def _with_cache(request: Request, function: F) -> F:
    """The function, or with ``?cache=off`` the undecorated function."""
    text = request.query_params.get("cache", "on")
    if text not in _CACHE:
        raise HTTPException(422, refusal(got=f"cache={text}", allowed="must be on or off", fix="Leave it out for on"))
    if not (_CACHE[text] or _SWITCH):
        allowed = "this deployment reads only through the cache"
        raise HTTPException(403, refusal(got="cache=off", allowed=allowed, fix="Leave it out"))
    return function if _CACHE[text] else function.__wrapped__  # type: ignore[attr-defined]


def _product_id(request: Request) -> int:
    product_id: int = request.path_params["product_id"]
    if product_id > MAX_ID:
        raise _NO_SUCH_PRODUCT
    return product_id


def _found(product: T | None) -> T:
    if product is None:
        raise _NO_SUCH_PRODUCT
    return product


_NO_SUCH_PRODUCT = HTTPException(
    404,
    refusal(
        got="Unknown product",
        allowed="must be an id that GET api/categories/{category}/products lists",
        fix="Choose one of these",
    ),
)


app = application(
    Path(__file__).parent,
    [
        Route("/api/categories", categories),
        Route("/api/categories/{category}/products", products),
        Route("/api/products/{product_id:id}", product),
        Route("/api/products/{product_id:id}/price", change_price, methods=["PUT"]),
        Route("/api/figures", figures),
    ],
    overload=[OperationalError, Overloaded, LoadFailed],
)
