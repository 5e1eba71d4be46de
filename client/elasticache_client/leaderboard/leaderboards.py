"""A leaderboard for an application: one class that blocks, one for asyncio."""

from __future__ import annotations

from elasticache_client.leaderboard.board import Board
from elasticache_client.steps import Asyncio, Blocking


class Leaderboard(Board, Blocking):
    """Players by score, of all time, of the day and of the week.

    Of equal scores, the one that was reached first ranks first: in the order in which the cache received them, which is
    the same for all readers. Ranks count from 1. Every method is one round trip to one node, however many players there
    are. Days and ISO weeks begin at midnight UTC, by the clock of the application; their keys expire by themselves.

    Two limits. With the rule ``sum`` a score may be counted twice: a client repeats a command if its connection breaks
    before the reply, as those of ``connect()`` do three times. And a full cache evicts keys with an expiry first, so a
    day or a week may be lost as a whole; give boards a cache with room, or the policy ``noeviction``.

    Args:
        client: A client of redis-py or valkey-py, for one node or a cluster, as ``connect()`` makes it.
        name: The board's name. All its keys are on one node of a cluster: make several boards to spread the load.
        order: Whether the ``highest`` score is first, or the ``lowest``. Default: the highest.
        rule: What a player's second score does: the ``best`` of both stays, the ``sum``, or the ``latest``. Default:
            the best.
        windows: The windows of time that have a board; the first is the one that methods use by default. Default:
            all-time, daily and weekly.
        keep: How many past days and weeks can still be read. Default: one of each.
        most: The maximum number of players in a window: beyond it, the last of them is dropped. Set it where names come
            from outside, as boards grow without limit otherwise and evict other keys from a full cache. A lower maximum
            takes effect by a hundred players with each score. Default: no maximum.
        prefix: What the keys begin with, for the user's permissions: ``leaderboard:*``. Default: ``leaderboard``.
        clock: Seconds since 1970.

    Raises:
        ValueError: If an argument, here or of a method, is not valid. A score is a whole number of up to 53 bits, and
            so is a sum. A board's or a player's name has at most 1,024 bytes. The application limits the number of
            players: with ``most``, or with a separate cache if strangers may choose their names.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/elasticache-use-cases.html
    """


class AsyncLeaderboard(Board, Asyncio):
    """The same for asyncio: arguments and errors are those of `Leaderboard`, and each method is to be awaited.

    Args:
        client: A client as ``connect_async()`` makes it.
    """
