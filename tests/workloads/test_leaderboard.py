"""The leaderboard over HTTP, with a real cache."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from elasticache_client import connect
from elasticache_client.leaderboard import Leaderboard

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client import ConnectionSettings
    from tests.workloads.conftest import Application


@pytest.fixture(scope="module", name="filled")
def _filled(leaderboard: Application, cache: ConnectionSettings) -> Application:
    """Twenty players, each with ten times its number as score.

    Two of them have equal scores. Another player played nine days ago.
    """
    with connect(cache) as client:
        Leaderboard(client, "game", clock=lambda: time.time() - 9 * 86_400).submit("veteran", 5)
    for number in range(1, 21):
        put(leaderboard, f"player {number}", 190 if number == 20 else number * 10)
    return leaderboard


def put(application: Application, player: str, score: int) -> dict[str, dict[str, int]]:
    """Submit a score. Returns the player's standings by window."""
    answer = application.send("PUT", "/api/scores", {"player": player, "score": score})
    standings: dict[str, dict[str, int]] = answer.raise_for_status().json()
    return standings


def test_top_10_in_order(filled: Application) -> None:
    """The highest scores come first. Of equal scores, the earlier one does."""
    board = filled.get("/api/boards/all-time").json()
    assert [f"player {number}" for number in (19, 20, *range(18, 10, -1))] == [
        standing["player"] for standing in board["top"]
    ]
    assert list(range(1, 11)) == [standing["rank"] for standing in board["top"]]


@pytest.mark.parametrize(("window", "players"), [("daily", 20), ("weekly", 20), ("all-time", 21)])
def test_my_rank_and_who_is_around_me(filled: Application, window: str, players: int) -> None:
    """Three players before and three after, among those who have played in the window."""
    board = filled.get(f"/api/boards/{window}?player=player 10").json()
    assert {"player": "player 10", "rank": 11, "score": 100} == board["you"]
    assert [f"player {number}" for number in range(13, 6, -1)] == [standing["player"] for standing in board["around"]]
    assert players == board["players"]


def test_a_stranger_has_no_rank(filled: Application) -> None:
    """A user without a score sees the top, and no neighbours."""
    board = filled.get("/api/boards/daily?player=stranger").json()
    assert (None, [], 10) == (board["you"], board["around"], len(board["top"]))


def test_the_best_score_counts(filled: Application) -> None:
    """A lower score changes nothing, and the answer has the player's standing."""
    standing = put(filled, "player 1", 5)["weekly"]
    assert {"player": "player 1", "rank": 20, "score": 10} == standing


@pytest.mark.parametrize("player", ["a%41", "a/b", "a?b", "Ève 😀", "a+b"])
def test_a_name_stays_what_it_is(leaderboard: Application, player: str) -> None:
    """Characters with a meaning in URLs have none in names."""
    put(leaderboard, player, 1)
    board = leaderboard.client.get("/api/boards/all-time", params={"player": player}).json()
    assert (player, 1) == (board["you"]["player"], board["you"]["score"])


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (
            lambda app: app.send("PUT", "/api/scores", {"player": "me", "score": -1}),
            "Expected `int` >= 0 - at `$.score`",
        ),
        (lambda app: app.send("PUT", "/api/scores", {"player": "me", "score": 1.5}), "Expected `int`, got `float`"),
        (lambda app: app.send("PUT", "/api/scores", {"player": "m" * 25, "score": 1}), "at `$.player`"),
        (lambda app: app.send("PUT", "/api/scores", {"player": " me", "score": 1}), "at `$.player`"),
        (lambda app: app.send("PUT", "/api/scores", {"player": "me\n", "score": 1}), "at `$.player`"),
        (lambda app: app.get("/api/boards/hourly"), "window does not fit: Invalid enum value 'hourly'"),
        (lambda app: app.get("/api/boards/daily?player="), "player does not fit"),
        (lambda app: app.get("/api/boards/daily?player=me%0A"), "player does not fit"),
    ],
)
def test_what_does_not_fit_is_refused(
    leaderboard: Application, request_: Callable[[Application], object], said: str
) -> None:
    """The answer says what is allowed."""
    answer = request_(leaderboard)
    assert (422, True) == (answer.status_code, said in answer.json()["error"])  # type: ignore[attr-defined]
