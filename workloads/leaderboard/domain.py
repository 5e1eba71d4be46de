"""The data types of the leaderboard."""

from __future__ import annotations

from typing import Annotated

import msgspec

from elasticache_client.leaderboard import Standing  # noqa: TC001 - msgspec reads the annotations
from workloads.names import Name

MAX_SCORE = 1_000_000_000
MAX_PLAYERS = 10_000
"""The maximum number of players in one window. A better player replaces the last one."""


class Player(Name):
    """A player's name."""

    max_length = 24


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A player's score in one game."""

    player: Player
    score: Annotated[int, msgspec.Meta(ge=0, le=MAX_SCORE)]


class Board(msgspec.Struct, frozen=True):
    """One window as a player sees it."""

    players: int
    top: list[Standing]
    around: list[Standing]
    """The player's standing with its neighbours; empty for a player without a score."""
    you: Standing | None
