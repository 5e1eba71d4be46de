"""What a leaderboard speaks of."""

from __future__ import annotations

from typing import Annotated

import msgspec

from elasticache_client.leaderboard import Standing  # noqa: TC001  # msgspec reads it from the annotations

HIGHEST_SCORE = 1_000_000_000

Player = Annotated[str, msgspec.Meta(pattern=r"^\S(.{0,22}\S)?\Z")]
"""A name of 1 to 24 characters on one line, without blanks at its ends."""


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
