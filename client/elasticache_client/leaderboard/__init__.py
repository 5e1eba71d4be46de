"""Leaderboards on sorted sets: exact ranks and ties, of today, of this week and of all time."""

from __future__ import annotations

from elasticache_client.leaderboard.board import Order, Rule, Standing
from elasticache_client.leaderboard.leaderboards import AsyncLeaderboard, Leaderboard
from elasticache_client.leaderboard.windows import Window

__all__ = ["AsyncLeaderboard", "Leaderboard", "Order", "Rule", "Standing", "Window"]
