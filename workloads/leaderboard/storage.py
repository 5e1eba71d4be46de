"""Stores the leaderboards, which are only in the cache."""

from __future__ import annotations

import asyncio

from elasticache_client import connect_async
from elasticache_client.leaderboard import AsyncLeaderboard, Standing, Window
from workloads.leaderboard.domain import MAX_PLAYERS, Board

_TOP = 10
_NEIGHBOURS = 3

_scores = AsyncLeaderboard(connect_async(decode_responses=True), "game", most=MAX_PLAYERS)


async def submit(player: str, score: int) -> dict[Window, Standing]:
    """Record a score. Returns the player's standing in each window."""
    return await _scores.submit(player, score)


async def board(window: Window, player: str) -> Board:
    """One window as this player sees it."""
    players, top, around = await asyncio.gather(
        _scores.size(window=window),
        _scores.top(_TOP, window=window),
        _scores.around(player, _NEIGHBOURS, window=window),
    )
    you = next((standing for standing in around if standing.player == player), None)
    return Board(players, top, around, you)
