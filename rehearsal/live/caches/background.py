"""Work that the API does not wait for, and CloudFormation does: the cache is `modifying` until it is done."""

from __future__ import annotations

import contextvars
import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.live.caches.registry import Cache, Caches

AVAILABLE, MODIFYING = "available", "modifying"

# Whether a request of the API is being answered; CloudFormation calls the same functions without one.
is_api_request: contextvars.ContextVar[bool] = contextvars.ContextVar("is_api_request", default=False)

logger = logging.getLogger(__name__)


def run(caches: Caches, cache: Cache, work: Callable[[], None]) -> None:
    """Run work in a thread for a request of the API, and at once otherwise.

    Args:
        caches: All caches.
        cache: The cache.
        work: What to do. What it raises in a thread is recorded in the journal.
    """
    cache.record["Status"] = MODIFYING
    if is_api_request.get():
        threading.Thread(target=_go, args=(caches, cache, work), name=f"modify-{cache.id}", daemon=True).start()
        return
    try:
        work()
    finally:
        cache.record["Status"] = AVAILABLE


def _go(caches: Caches, cache: Cache, work: Callable[[], None]) -> None:
    try:
        with caches.run.in_account():
            work()
    except Exception as fault:
        logger.exception("the modification of %s failed", cache.id)
        caches.run.journal.write("engine", cache=cache.id, failed=str(fault))
    finally:
        cache.record["Status"] = AVAILABLE
