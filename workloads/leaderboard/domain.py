"""What a leaderboard speaks of."""

from __future__ import annotations

from typing import Annotated

import msgspec

from elasticache_client.leaderboard import Standing  # noqa: TC001 - msgspec reads it from the annotations
from workloads.names import Name

HIGHEST_SCORE = 1_000_000_000
MOST_PLAYERS = 10_000
"""In one window: the last one falls off when another comes before it."""


class Player(Name):
    """A player's name."""

    longest = 24


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a player has reached in one game."""

    player: Player
    score: Annotated[int, msgspec.Meta(ge=0, le=HIGHEST_SCORE)]


class Board(msgspec.Struct, frozen=True):
    """What a player sees of one window."""

    players: int
    top: list[Standing]
    around: list[Standing]
    """The player between those before and after; empty for somebody without a score."""
    you: Standing | None
