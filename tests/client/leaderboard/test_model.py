"""Any course of a game, compared with a model in plain Python."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elasticache_client.leaderboard import Standing
from tests.client.leaderboard.boards import SUNDAY, Board

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client.leaderboard import Window
    from tests.client.conftest import Caller
    from tests.client.sessions.caches import Cache

WINDOWS: tuple[Window, ...] = ("all-time", "daily", "weekly")
DAY = dt.timedelta(days=1)
SPANS = {"all-time": DAY, "daily": DAY, "weekly": 7 * DAY}
KEEP = 1
MOST = 2**53 - 1

players = st.sampled_from("abcdef")
scores = st.one_of(st.integers(-3, 3), st.integers(-MOST, MOST))
steps = st.one_of(
    st.tuples(st.just("submit"), players, scores),
    st.tuples(st.just("submit"), players, scores),
    st.tuples(st.just("remove"), players),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("around"), players, st.integers(0, 7)),
)


@dataclass
class Model:
    """Players in lists that are sorted when asked."""

    order: str
    rule: str
    held: dict[tuple[str, ...], dict[str, tuple[int, int]]] = field(default_factory=dict)
    arrivals: Any = field(default_factory=count)

    def submit(self, player: str, score: int, at: dt.datetime) -> bool:
        """Take a score into every window, or into none where a sum is too large."""
        wanted = {}
        for window in WINDOWS:
            held = self.players(window, at).get(player)
            before = score if held is None else held[0]
            better = max if self.order == "highest" else min
            new = {"best": better(before, score), "latest": score, "sum": score + (0 if held is None else before)}
            wanted[window] = new[self.rule]
        if any(abs(each) > MOST for each in wanted.values()):
            return False
        for window, new_score in wanted.items():
            held = self.players(window, at).get(player)
            if held is None or held[0] != new_score:
                self.players(window, at)[player] = (new_score, next(self.arrivals))
        return True

    def remove(self, player: str, at: dt.datetime) -> bool:
        """Take a player out of the present windows and those before that are kept."""
        kept = [self.players(window, at - SPANS[window] * back) for window in WINDOWS for back in range(KEEP + 1)]
        was_in = any(player in players for players in kept)
        for players in kept:
            players.pop(player, None)
        return was_in

    def standings(self, window: Window, at: dt.datetime) -> list[Standing]:
        """All players, in order."""
        sign = -1 if self.order == "highest" else 1
        ordered = sorted(self.players(window, at).items(), key=lambda each: (sign * each[1][0], each[1][1]))
        return [Standing(player, rank, score) for rank, (player, (score, _)) in enumerate(ordered, 1)]

    def players(self, window: Window, at: dt.datetime) -> dict[str, tuple[int, int]]:
        """One window's players, with score and arrival."""
        year, week, _ = at.isocalendar()
        names = {"all-time": "", "daily": at.date().isoformat(), "weekly": f"{year} {week}"}
        return self.held.setdefault((window, names[window]), {})


def check(board: Board, model: Model, at: dt.datetime) -> None:
    """Every method says the same about every window that is kept."""
    for window in WINDOWS:
        for then in (at, at - SPANS[window]):
            expected = model.standings(window, then)
            assert expected == board("top", 10, window=window, at=then)
            assert expected[2:4] == board("page", 2, size=2, window=window, at=then)
            assert len(expected) == board("size", window=window, at=then)
            last = expected[-1].player if expected else "a stranger"
            assert (len(expected) or None) == board("rank", last, window=window, at=then)


def play(board: Board, model: Model, game: list[tuple[Any, ...]]) -> None:
    """Take the steps of a game on both, and compare what they answer."""
    now = SUNDAY
    for name, *arguments in game:
        if name == "wait":
            now += dt.timedelta(hours=arguments[0])
            board.clock.now = now.timestamp()
        elif name == "remove":
            assert model.remove(arguments[0], now) == board("remove", *arguments)
        elif name == "around":
            player, reach = arguments
            standings = model.standings("weekly", now)
            place = next((place for place, each in enumerate(standings) if each.player == player), None)
            expected = [] if place is None else standings[max(place - reach, 0) : place + reach + 1]
            assert expected == board("around", player, reach, window="weekly")
        elif model.submit(arguments[0], arguments[1], now):
            player = arguments[0]
            expected_by_window = {
                window: next(each for each in model.standings(window, now) if each.player == player)
                for window in WINDOWS
            }
            assert expected_by_window == board("submit", *arguments)
        else:
            with pytest.raises(ValueError, match="The sum of the scores is too large"):
                board("submit", *arguments)
    check(board, model, now)


@pytest.mark.parametrize("kind", ["redis-py", "valkey-py asyncio"])
def test_any_game(node: Cache, open_client: Callable[..., Caller], kind: str, *, exhaustive: bool) -> None:
    """Ranks, ties, neighbours, windows, removals and sums, in whatever course."""
    caller = open_client(kind, node.settings)

    @settings(max_examples=150 if exhaustive else 60, deadline=None, derandomize=True, database=None)
    @given(
        order=st.sampled_from(["highest", "lowest"]),
        rule=st.sampled_from(["best", "sum", "latest"]),
        game=st.lists(steps, max_size=40),
    )
    def any_game(order: str, rule: str, game: list[tuple[Any, ...]]) -> None:
        board = Board(kind, node, lambda *_, **__: caller, order=order, rule=rule, windows=WINDOWS, keep=KEEP)
        play(board, Model(order, rule), game)

    any_game()
