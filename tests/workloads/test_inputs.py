"""Unusual input: bounded, refused with a message, and never an error of the application."""

from __future__ import annotations

import socket
import sys
import unicodedata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from local_servers.ports import LOOPBACK
from workloads.leaderboard.domain import MAX_PLAYERS, Player
from workloads.local.servers import connection_settings, valkey, valkey_node
from workloads.sessions.domain import User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.workloads.conftest import Application

DIGITS = "1" * 5000  # more than Python reads as a number
LONG = "x" * 5000
# Of each kind of value: numbers, texts and shapes that are too large, too deep or no text.
VALUES = ["-1", "0", "1e400", "1.5", "NaN", DIGITS[:3900], f"-{DIGITS[:3900]}", "null", "true", '""', '"1"']
VALUES += ["{}", "[]", "[" * 3900, '{"a":' * 700, '"\\ud800"', '"\\u0000"', f'"{LONG[:3900]}"', '"\\u202e"', '"a\\r"']
BODIES = {
    "catalogue": [("PUT", "/api/products/1/price", '{"price_cents": %s}')],
    "sessions": [
        ("PUT", "/api/cart", '{"item": "lamp", "quantity": %s}'),
        ("PUT", "/api/cart", '{"item": %s, "quantity": 1}'),
        ("POST", "/api/login", '{"user": %s}'),
    ],
    "leaderboard": [
        ("PUT", "/api/scores", '{"player": "me", "score": %s}'),
        ("PUT", "/api/scores", '{"player": %s, "score": 1}'),
    ],
}
TEXTS = [
    DIGITS,
    LONG,
    "-1",
    "1.5",
    "%00",
    "%0D%0A",
    "%FF%FE",
    "%E2%80%AE",
    "%F0%9F%98%80",
    "%2F..%2F..",
    "%25",
    "$",
    "{x}",
    "",
]
PATHS = {
    "catalogue": ["/api/products/{}", "/api/products/1?cache={}", "/api/categories/{}/products", "/{}"],
    "sessions": ["/api/{}", "/api/session?x={}"],
    "leaderboard": ["/api/boards/{}", "/api/boards/daily?player={}", "/api/boards/{}?player=me"],
}
REFUSED = {400, 404, 405, 413, 415, 422}


@pytest.fixture(scope="module", name="leaderboard")
def _leaderboard(start: Callable[..., Application]) -> Iterator[Application]:
    """A leaderboard that no other test uses."""
    with valkey() as settings:
        yield start("leaderboard", **settings.to_environment())


@pytest.fixture(name="application")
def _application(request: pytest.FixtureRequest) -> Application:
    found: Any = request.getfixturevalue(request.param)
    application: Application = found[0] if isinstance(found, tuple) else found
    return application


def asked(application: Application, method: str, target: str, body: str = "", *headers: str) -> int:
    """The status of the answer to a request that is sent without encoding."""
    place = urlsplit(application.address)
    lines = [f"{method} {target} HTTP/1.1", f"Host: {place.netloc}", "Connection: close", *headers]
    content = body.encode()
    if content:
        lines.append(f"Content-Length: {len(content)}")
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + content)
        with connection.makefile("rb") as answer:
            return int(answer.readline().split()[1])


@pytest.mark.parametrize("application", BODIES, indirect=True)
def test_bodies_that_nobody_means(application: Application, request: pytest.FixtureRequest) -> None:
    """Each body is accepted or refused. The application never fails, and still answers afterwards."""
    name = request.node.callspec.params["application"]
    seen = {
        (path, shape % value): asked(application, method, path, shape % value, "Content-Type: application/json")
        for method, path, shape in BODIES[name]
        for value in VALUES
    }
    assert {} == {sent: status for sent, status in seen.items() if status not in {200, *REFUSED}}
    assert 200 == asked(application, "GET", "/")


@pytest.mark.parametrize("application", PATHS, indirect=True)
def test_addresses_that_nobody_means(application: Application, request: pytest.FixtureRequest) -> None:
    """The same for paths and queries, including bytes that are not text."""
    name = request.node.callspec.params["application"]
    targets = [path.format(text) for path in PATHS[name] for text in TEXTS]
    seen = {target: asked(application, "GET", target) for target in targets}
    assert {} == {target: status for target, status in seen.items() if status not in {200, *REFUSED}}
    assert 200 == asked(application, "GET", "/")


@pytest.mark.parametrize("digits", [11, 5000])
@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("PUT", "/price")])
def test_ids_are_of_so_many_digits(catalogue: Application, digits: int, method: str, rest: str) -> None:
    """An id with more digits does not exist, and is not parsed."""
    sent = ('{"price_cents": 1}', "Content-Type: application/json") if method == "PUT" else ("",)
    assert 404 == asked(catalogue, method, f"/api/products/{'1' * digits}{rest}", *sent)


@pytest.mark.parametrize(
    "header", ["Cookie: __Host-session=\xff\xfe", f"Cookie: __Host-session={LONG}", "Cookie: ;;=;"]
)
def test_cookies_that_nobody_gave(sessions: tuple[Application, ...], header: str) -> None:
    """They belong to no session."""
    assert 200 == asked(sessions[0], "GET", "/api/session", "", header)


SEEN = ["a", "Ada Lovelace", "Ève 😀", "Ωμέγα", "李小龙", "a%41", "<b>", "x" * 24]
UNSEEN = {
    "return": "ada\r", "line": "ada\n", "null": "a\0da", "escape": "\x1b[31mada", "tab": "a\tda", "delete": "ada\x7f",
    "right to left": "\u202eada", "isolate": "\u2066ada\u2069", "arabic mark": "ada\u061c", "zero width": "a\u200bda",
    "joiner": "a\u200dda", "no-break": "a\ufeffda", "soft hyphen": "a\xadda", "word joiner": "a\u2060da",
    "separator": "a\u2028da", "tag": "ada\U000e0041", "filler": "\u3164", "halfwidth filler": "ada\uffa0",
    "blank braille": "\u2800", "selector": "ada\ufe0f", "wide blank": "a\u3000da", "private": "\ue000",
    "not a sign": "\uffff", "grapheme joiner": "a\u034fda",
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_names_that_are_seen(name: str) -> None:
    """Names may have letters of all scripts, symbols and emoji."""
    assert (name, name) == (Player.checked(name), User.checked(name))


@pytest.mark.parametrize("name", UNSEEN.values(), ids=UNSEEN)
def test_names_that_are_not_what_they_look_like(
    leaderboard: Application, sessions: tuple[Application, ...], name: str
) -> None:
    """They can neither be used nor requested."""
    answers = [
        leaderboard.send("PUT", "/api/scores", {"player": name, "score": 1}),
        leaderboard.client.get("/api/boards/daily", params={"player": name}),
        sessions[0].send("POST", "/api/login", {"user": name}),
    ]
    assert [422, 422, 422] == [answer.status_code for answer in answers]
    assert ["visible characters on one line" in answer.json()["error"] for answer in answers] == [True] * 3


def test_no_invisible_character_is_in_a_name() -> None:
    """Checked for all characters of Unicode."""
    hidden = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    for number in range(sys.maxunicode + 1):
        if unicodedata.category(chr(number)) in hidden:
            with pytest.raises(ValueError, match="visible"):
                Player.checked(f"a{chr(number)}b")


@pytest.mark.parametrize("path", ["/api/logout", "/api/logout-everywhere", "/api/login"])
@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Type: text/plain",),
        ("Content-Type: application/x-www-form-urlencoded",),
        ("Content-Type: multipart/form-data; boundary=x",),
        ("Origin: https://example.com",),
        ("Sec-Fetch-Site: cross-site",),
    ],
    ids=lambda headers: headers[0],
)
def test_pages_of_others_log_nobody_out(sessions: tuple[Application, ...], path: str, headers: tuple[str, ...]) -> None:
    """A request that a page can send without a preflight does not log out, with a body or without."""
    assert [415, 415] == [asked(sessions[0], "POST", path, body, *headers) for body in ("", "{}")]


def test_a_page_of_ones_own_logs_out(sessions: tuple[Application, ...]) -> None:
    """A page of the application sends JSON. A client other than a browser may send no body."""
    json = ("Origin: http://localhost", "Sec-Fetch-Site: same-origin", "Content-Type: application/json")
    assert 200 == asked(sessions[0], "POST", "/api/logout", "{}", *json)
    assert 200 == asked(sessions[0], "POST", "/api/logout")


@pytest.mark.parametrize(
    ("application", "path"),
    [("catalogue", "/api/categories/"), ("sessions", "/api/session/"), ("leaderboard", "/api/boards/daily/")],
    indirect=["application"],
)
def test_nobody_is_sent_elsewhere(application: Application, path: str) -> None:
    """An address with an extra slash is not found, and does not redirect to the client's Host."""
    answer = application.get(path, host="elsewhere.example")
    assert (404, None) == (answer.status_code, answer.headers.get("location"))


def test_the_switch_can_be_taken_away(start: Callable[..., Application]) -> None:
    """A deployed catalogue never bypasses its cache."""
    catalogue = start("catalogue", CATALOGUE_CACHE_SWITCH="false")
    answers = [catalogue.get(f"/api/products/1?cache={text}").status_code for text in ("on", "off")]
    assert ([200, 403], False) == (answers, catalogue.get("/api/figures").json()["switch"])


@pytest.fixture(name="full")
def _full(start: Callable[..., Application]) -> Iterator[Application]:
    """A leaderboard with the maximum number of players, in a separate cache. Their scores are their numbers."""
    with valkey_node() as node:
        application = start("leaderboard", **connection_settings(node).to_environment())
        application.send("PUT", "/api/scores", {"player": "1", "score": 1}).raise_for_status()
        fill = """
        for number = 2, tonumber(ARGV[1]) do
          local member = string.format('%016.0f', redis.call('HINCRBY', KEYS[2], '', 1)) .. number
          redis.call('HSET', KEYS[2], number, member)
          redis.call('ZADD', KEYS[1], -number, member)
        end
        """
        for players in node.admin.keys("leaderboard:*:players"):
            node.admin.eval(fill, 2, players.removesuffix(":players"), players, MAX_PLAYERS)
        yield application


def test_a_board_has_an_end(full: Application) -> None:
    """A new player replaces the last one or is not added. Names take no more memory than before."""
    for number in range(30):
        full.send("PUT", "/api/scores", {"player": f"new {number}", "score": MAX_PLAYERS}).raise_for_status()
    late = full.send("PUT", "/api/scores", {"player": "late", "score": 0}).raise_for_status().json()
    boards = {window: full.get(f"/api/boards/{window}?player=30").json() for window in ("daily", "weekly", "all-time")}
    assert {} == late
    assert {MAX_PLAYERS} == {board["players"] for board in boards.values()}
    assert {None} == {board["you"] for board in boards.values()}
    assert full.get("/api/boards/daily?player=31").json()["you"] == {"player": "31", "rank": MAX_PLAYERS, "score": 31}


def test_the_local_sites_are_for_this_machine_alone(sites: dict[str, int]) -> None:
    """Pages of other sites cannot read these sites or send changes to them, also not with DNS rebinding."""
    for port in sites.values():
        own, bent = f"Host: {LOOPBACK}:{port}", f"Host: attacker.example:{port}"
        assert [200, 403, 403, 200] == [
            _asked(port, host, *origin)
            for host, origin in (
                (own, ()),
                (bent, ()),
                (own, ("Origin: http://attacker.example",)),
                (own, (f"Origin: http://{LOOPBACK}:{port}",)),
            )
        ]


def _asked(port: int, *headers: str) -> int:
    with socket.create_connection((LOOPBACK, port), timeout=30) as connection:
        connection.sendall("\r\n".join(["GET / HTTP/1.1", "Connection: close", *headers, "", ""]).encode())
        with connection.makefile("rb") as answer:
            return int(answer.readline().split()[1])
