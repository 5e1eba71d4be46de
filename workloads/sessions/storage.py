"""Stores sessions in the cache, and none in the process."""

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
    """Set the quantity of one item.

    Each item is a separate value, so that two simultaneous requests for different items both take effect.
    """
    if change.quantity:
        session[change.item] = change.quantity
    else:
        session.pop(change.item, None)
