"""Where sessions are kept: in the cache, and in no process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_client import connect_async
from elasticache_client.sessions import AsyncSessions
from workloads.sessions.domain import SHELF

if TYPE_CHECKING:
    from elasticache_client.sessions import Session
    from workloads.sessions.domain import Cart, Change

sessions = AsyncSessions(connect_async())


def cart(session: Session) -> Cart:
    """The cart in a session."""
    return {item: session[item] for item in SHELF if item in session}


def put(session: Session, change: Change) -> None:
    """Change how many of one item there are.

    Each item is a value of its own: of two requests that change different items at the same time, both count.
    """
    if change.quantity:
        session[change.item] = change.quantity
    else:
        session.pop(change.item, None)
