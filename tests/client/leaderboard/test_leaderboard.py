"""Boards on real engines, through every kind of client."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client.leaderboard import Standing
from tests.client.conftest import KINDS
from tests.client.leaderboard.boards import SUNDAY, Board
from tests.client.sessions.caches import recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Caller
    from tests.client.sessions.caches import Cache

every_kind = pytest.mark.parametrize("kind", KINDS)
MOST = 2**53 - 1
DAY = dt.timedelta(days=1)


@pytest.fixture(name="open_board")
def _open_board(node: Cache, open_client: Callable[..., Caller]) -> Callable[..., Board]:
    return lambda kind="redis-py", **options: Board(kind, node, open_client, **options)


def play(board: Board) -> dict[str, Any]:
    """What a board with five players says about them."""
    for player, score in [("ada", 10), ("bob", 30), ("cyd", 20), ("dan", 30), ("eve", 5)]:
        board("submit", player, score)
    return {
        "top": board("top", 2),
        "page": board("page", 2, size=2),
        "around": board("around", "cyd", 1),
        "standing": board("standing", "dan"),
        "rank": board("rank", "eve"),
        "size": board("size"),
        "removed": (board("remove", "bob"), board("remove", "bob")),
        "stranger": (board("standing", "bob"), board("rank", "bob"), board("around", "bob", 3)),
        "left": board.names(),
    }


PLAYED = {
    "top": [Standing("bob", 1, 30), Standing("dan", 2, 30)],
    "page": [Standing("cyd", 3, 20), Standing("ada", 4, 10)],
    "around": [Standing("dan", 2, 30), Standing("cyd", 3, 20), Standing("ada", 4, 10)],
    "standing": Standing("dan", 2, 30),
    "rank": 5,
    "size": 5,
    "removed": (True, False),
    "stranger": (None, None, []),
    "left": ["dan", "cyd", "ada", "eve"],
}


@every_kind
def test_a_bound_takes_the_last_off(open_board: Callable[..., Board], kind: str) -> None:
    """Who comes takes the place of the last one, or gets none; the room that names take does not grow."""
    board = open_board(kind, most=3)
    for player, score in [("ada", 10), ("bob", 30), ("cyd", 20), ("dan", 30)]:
        board("submit", player, score)
    gone = board("submit", "eve", 5), board("rank", "eve"), board("standing", "ada")
    back = board("submit", "ada", 40)

    assert ({}, None, None) == gone
    assert {"all-time": 1, "daily": 1, "weekly": 1} == {window: each.rank for window, each in back.items()}
    assert (["ada", "bob", "dan"], 3) == (board.names(), board("size"))


def test_a_lower_bound_is_reached(open_board: Callable[..., Board]) -> None:
    """A board that was larger shrinks with the scores that come, from its end."""
    larger = open_board()
    for number in range(250):
        larger("submit", f"player {number}", number)
    smaller = open_board(most=5)
    smaller._board._prefix = larger._board._prefix
    sizes: list[int] = []
    for _ in range(4):
        smaller("submit", "player 249", 249 + len(sizes) + 1)
        sizes.append(smaller("size"))

    assert [150, 50, 5, 5] == sizes
    assert [f"player {number}" for number in (249, 248, 247, 246, 245)] == smaller.names()


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "3"])
def test_a_bound_is_a_number(open_board: Callable[..., Board], most: object) -> None:
    """Nothing else is taken for one."""
    with pytest.raises(ValueError, match=r"most=.*: must be a whole number from 1, or None"):
        open_board(most=most)


@every_kind
@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize("protocol", [2, 3])
def test_every_client_gets_the_same(
    open_board: Callable[..., Board], kind: str, protocol: int, *, decode: bool
) -> None:
    """Whatever the client makes of replies."""
    board = open_board(kind, client_options={"decode_responses": decode, "protocol": protocol})
    assert play(board) == PLAYED


@every_kind
def test_a_cluster_gives_the_same(kind: str, cluster: Cache, open_client: Callable[..., Caller]) -> None:
    """Boards that live on different nodes, each with all windows."""
    boards = [Board(kind, cluster, open_client) for _ in range(4)]
    assert [play(board) for board in boards] == [PLAYED] * 4


@every_kind
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("submit", ("ada", 3)),
        ("rank", ("ada",)),
        ("standing", ("ada",)),
        ("around", ("ada", 2)),
        ("top", (10,)),
        ("page", (2,)),
        ("size", ()),
        ("remove", ("ada",)),
    ],
)
def test_one_round_trip(open_board: Callable[..., Board], kind: str, method: str, arguments: tuple[Any, ...]) -> None:
    """Every method, with all windows."""
    board = open_board(kind)
    play(board)
    with recording(board.caller) as sent:
        board(method, *arguments)
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("order", "rule", "scores", "kept", "before_rival"),
    [
        ("highest", "best", [5, 7, 6], 7, False),
        ("highest", "best", [7, 6, 7], 7, True),
        ("lowest", "best", [7, 5, 6], 5, False),
        ("lowest", "best", [5, 6, 5], 5, True),
        ("highest", "sum", [5, 0, 2], 7, False),
        ("highest", "sum", [9, -2], 7, False),
        ("highest", "sum", [7, 0], 7, True),
        ("lowest", "sum", [2, -3, 8], 7, False),
        ("highest", "latest", [9, 7], 7, False),
        ("highest", "latest", [7, 7], 7, True),
        ("lowest", "latest", [7, 8, 7], 7, False),
    ],
)
def test_rules_and_ties(
    open_board: Callable[..., Board], order: str, rule: str, scores: list[int], kept: int, *, before_rival: bool
) -> None:
    """Of two with the same score, the one who has held it for longer is first; repeating it changes nothing."""
    board = open_board(order=order, rule=rule)
    board("submit", "player", scores[0])
    board("submit", "rival", kept)
    for score in scores[1:]:
        board("submit", "player", score)
    expected = ["player", "rival"] if before_rival else ["rival", "player"]
    assert (board("standing", "player").score, board.names()) == (kept, expected)


def test_ties_are_by_arrival_and_not_by_name(open_board: Callable[..., Board]) -> None:
    """Twelve players with one score, so that the tenth number would come before the second if it were a text."""
    board = open_board()
    players = [f"player-{number:02}" for number in reversed(range(12))]
    for player in players:
        board("submit", player, 1)
    assert board.names() == players


@pytest.mark.parametrize("order", ["highest", "lowest"])
@pytest.mark.parametrize("score", [0, 1, -1, 10**15 + 1, MOST - 1, MOST, 1 - MOST, -MOST])
def test_scores_are_exact(open_board: Callable[..., Board], order: str, score: int) -> None:
    """Up to 53 bits, in replies and among neighbours."""
    board = open_board(order=order)
    assert board("submit", "ada", score)["all-time"] == Standing("ada", 1, score)
    assert board("standing", "ada") == Standing("ada", 1, score)


@pytest.mark.parametrize("order", ["highest", "lowest"])
@pytest.mark.parametrize("score", [MOST, -MOST])
def test_a_sum_beyond_the_limit_changes_no_window(open_board: Callable[..., Board], order: str, score: int) -> None:
    """The day before it fits into a day, but not into all time: it is refused for both."""
    board = open_board(order=order, rule="sum")
    board("submit", "ada", score)
    board.clock.now += DAY.total_seconds()
    with pytest.raises(
        ValueError, match=r"The sum of the scores is too large: must be at most .*Submit smaller scores"
    ):
        board("submit", "ada", score // abs(score))
    assert (board("standing", "ada").score, board("standing", "ada", window="daily")) == (score, None)


@pytest.mark.parametrize(
    ("player", "count", "expected"),
    [
        ("p1", 0, [1]),
        ("p1", 2, [1, 2, 3]),
        ("p2", 2, [1, 2, 3, 4]),
        ("p3", 2, [1, 2, 3, 4, 5]),
        ("p5", 2, [3, 4, 5, 6]),
        ("p6", 2, [4, 5, 6]),
        ("p6", 99, [1, 2, 3, 4, 5, 6]),
        ("p7", 2, []),
    ],
)
def test_around_at_the_borders(open_board: Callable[..., Board], player: str, count: int, expected: list[int]) -> None:
    """Fewer at the ends, and none around a stranger."""
    board = open_board()
    for number in range(1, 7):
        board("submit", f"p{number}", -number)
    found = board("around", player, count)
    assert [(each.rank, each.player) for each in found] == [(number, f"p{number}") for number in expected]


def test_windows(open_board: Callable[..., Board]) -> None:
    """A new day begins empty, a new week too, all time goes on; the past ones can be asked for."""
    board = open_board(windows=("daily", "weekly", "all-time"))
    board("submit", "ada", 9)
    board.clock.now += DAY.total_seconds()
    monday = board("submit", "ada", 4)
    assert monday == {
        "daily": Standing("ada", 1, 4),
        "weekly": Standing("ada", 1, 4),
        "all-time": Standing("ada", 1, 9),
    }
    past = {window: board("standing", "ada", window=window, at=SUNDAY) for window in ("daily", "weekly", "all-time")}
    assert past == {window: Standing("ada", 1, 9) for window in past}
    assert board("rank", "ada", at=SUNDAY - DAY) is None
    assert board("top", 1) == [Standing("ada", 1, 4)]


@pytest.mark.parametrize(
    ("keep", "day", "week"),
    [
        (0, dt.datetime(2100, 1, 4, tzinfo=dt.UTC), dt.datetime(2100, 1, 4, tzinfo=dt.UTC)),
        (1, dt.datetime(2100, 1, 5, tzinfo=dt.UTC), dt.datetime(2100, 1, 11, tzinfo=dt.UTC)),
        (7, dt.datetime(2100, 1, 11, tzinfo=dt.UTC), dt.datetime(2100, 2, 22, tzinfo=dt.UTC)),
    ],
)
def test_keys_go_by_themselves(
    node: Cache, open_board: Callable[..., Board], keep: int, day: dt.datetime, week: dt.datetime
) -> None:
    """Both keys of a window expire at its end and as many lengths later as it is kept; those of all time never."""
    board = open_board(keep=keep)
    board("submit", "ada", 1)
    admin = node.nodes[0].admin
    begin = f"leaderboard:{{{board.name}}}:"
    found = {key.removeprefix(begin): admin.expiretime(key) for key in node.keys(f"{begin}*")}
    expiries = {"all-time": -1, "2100-01-03": int(day.timestamp()), "2099-W53": int(week.timestamp())}
    both = {name: at for key, at in expiries.items() for name, at in ((key, at), (f"{key}:players", at))}
    assert found == both


def test_a_window_that_is_over_on_the_server(node: Cache, open_board: Callable[..., Board]) -> None:
    """A submission by a clock that is far behind leaves nothing, and no player has a rank there."""
    board = open_board(windows=("daily",))
    board.clock.now = dt.datetime(2020, 1, 1, tzinfo=dt.UTC).timestamp()
    assert board("submit", "ada", 1) == {}
    assert node.keys(f"leaderboard:{{{board.name}}}:*") == set()


def test_removal_from_past_windows(node: Cache, open_board: Callable[..., Board]) -> None:
    """Who is removed is gone from the days and weeks that are still kept, name and all."""
    board = open_board(keep=1)
    board("submit", "ada", 9)
    board("submit", "bob", 8)
    board.clock.now += DAY.total_seconds()
    assert board("remove", "ada")
    left = {window: board.names(window=window, at=SUNDAY) for window in ("all-time", "daily", "weekly")}
    assert left == {window: ["bob"] for window in left}
    hashes = node.keys(f"leaderboard:{{{board.name}}}:*:players")
    assert [set(node.nodes[0].admin.hkeys(each)) for each in hashes] == [{"", "bob"}] * 3


def test_numbers_go_on_after_a_removal(open_board: Callable[..., Board]) -> None:
    """A player that comes back has arrived again."""
    board = open_board()
    for player in ("ada", "bob"):
        board("submit", player, 1)
    board("remove", "ada")
    board("submit", "ada", 1)
    assert board.names() == ["bob", "ada"]


@pytest.mark.parametrize("lost", ["", ":players"])
def test_an_eviction_of_half_a_window(node: Cache, open_board: Callable[..., Board], lost: str) -> None:
    """A board that lost one of its keys starts again with the next score; no player is in it twice."""
    board = open_board(windows=("daily",))
    for player in ("ada", "bob"):
        board("submit", player, 5)
    node.nodes[0].admin.delete(f"leaderboard:{{{board.name}}}:2100-01-03{lost}")
    assert board("around", "ada", 1) == []
    board("submit", "ada", 5)
    assert (board("top", 10), board("size")) == ([Standing("ada", 1, 5)], 1)


def test_boards_are_apart(node: Cache, open_client: Callable[..., Caller]) -> None:
    """Names, and prefixes, do not share players."""
    boards = [Board("redis-py", node, open_client) for _ in range(2)]
    boards.append(Board("redis-py", node, open_client, prefix="leaderboard:test"))
    for number, board in enumerate(boards):
        board("submit", f"player-{number}", 1)
    assert [board.names() for board in boards] == [["player-0"], ["player-1"], ["player-2"]]


@pytest.mark.parametrize("player", ["Zoë", "名前", "a b:{c}", "0" * 300, "0000000000000001bob"])
def test_names_of_players(open_board: Callable[..., Board], player: str) -> None:
    """Any text but an empty one."""
    board = open_board()
    board("submit", player, 1)
    assert (board.names(), board("rank", player)) == ([player], 1)


@pytest.mark.parametrize(
    ("method", "arguments", "named", "message"),
    [
        ("submit", ("", 1), {}, r"player='': must be a text of 1 to 1024 bytes"),
        ("submit", ("ada", 1.5), {}, r"score=1.5: must be a whole number from -9007199254740991"),
        ("submit", ("ada", MOST + 1), {}, r"score=9007199254740992"),
        ("submit", ("ada", -MOST - 1), {}, r"score=-9007199254740992"),
        ("submit", ("ada", True), {}, r"score=True"),
        ("around", ("ada", -1), {}, r"count=-1: must be a whole number from 0"),
        ("top", (0,), {}, r"size=0: must be a whole number from 1"),
        ("page", (0,), {}, r"number=0: must be a whole number from 1"),
        ("rank", ("ada",), {"window": "monthly"}, r"window='monthly': must be one of the board's: all-time, daily"),
        ("rank", ("ada",), {"at": dt.datetime(2100, 1, 3)}, r"at=.*: must be a time with its time zone"),  # noqa: DTZ001
    ],
)
def test_refusals_of_methods(
    open_board: Callable[..., Board], method: str, arguments: tuple[Any, ...], named: dict[str, Any], message: str
) -> None:
    """Before anything is asked of the cache."""
    board = open_board()
    with recording(board.caller) as sent, pytest.raises(ValueError, match=message):
        board(method, *arguments, **named)
    assert sent == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "best"}, r"order='best': must be 'highest' or 'lowest'"),
        ({"rule": "max"}, r"rule='max': must be 'best' or 'sum' or 'latest'"),
        ({"windows": ()}, r"windows=\(\): must be some of"),
        ({"windows": ("daily", "daily")}, r"each once"),
        ({"windows": ("monthly",)}, r"windows=\('monthly',\)"),
        ({"keep": -1}, r"keep=-1: must be a whole number from 0"),
        ({"name": "a{b}"}, r"name='a\{b\}': must be a text without braces"),
        ({"name": ""}, r"name=''"),
    ],
)
def test_refusals_of_boards(options: dict[str, Any], message: str) -> None:
    """A board that is not possible is not made; the client is not even looked at."""
    from elasticache_client.leaderboard import Leaderboard  # noqa: PLC0415

    with pytest.raises(ValueError, match=message):
        Leaderboard(None, **{"name": "chess", **options})


@pytest.mark.parametrize(
    ("method", "arguments", "named"),
    [
        ("page", (10**30,), {}),
        ("page", (1,), {"size": 10**30}),
        ("top", (10**30,), {}),
        ("around", ("ada", 10**30), {}),
        ("rank", ("x" * 1025,), {}),
        ("rank", ("é" * 513,), {}),
        ("submit", ("\ud83d", 1), {}),
        ("size", (), {"at": dt.date(2026, 11, 22)}),
        ("size", (), {"at": "2026-11-22"}),
        ("size", (), {"at": dt.datetime.max.replace(tzinfo=dt.UTC), "window": "daily"}),
        ("size", (), {"at": dt.datetime.min.replace(tzinfo=dt.timezone(DAY / 2)), "window": "daily"}),
    ],
)
def test_what_a_query_string_may_hold_is_refused(
    open_board: Callable[..., Board], method: str, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    """In words, before anything is asked of the server, and without repeating a long text."""
    with pytest.raises(ValueError, match=": must be ") as refused:
        open_board()(method, *arguments, **named)
    assert len(str(refused.value)) < 250


def test_a_page_far_behind_the_last_is_empty(open_board: Callable[..., Board]) -> None:
    """The largest numbers that are allowed are ones that the server takes."""
    board = open_board()
    board("submit", "ada", 1)
    most = 2**31 - 1
    assert (board("page", most, size=most), len(board("around", "ada", most)), len(board("top", most))) == ([], 1, 1)


def test_a_window_that_is_over_by_the_servers_clock_has_no_standing(open_board: Callable[..., Board]) -> None:
    """Where the submitter's clock is days behind, the board is gone; the others count."""
    board = open_board(clock=lambda: time.time() - 30 * 24 * 3600)
    assert list(board("submit", "ada", 1)) == ["all-time"]
    assert (board("rank", "ada"), board("size", window="daily")) == (1, 0)
