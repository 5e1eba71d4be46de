"""A shop served by two processes, with the same session in both."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from local_servers.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from local_servers.nodes import Node
    from tests.workloads.conftest import Application

    Pair = tuple[Application, Application]

_UNUSED_PORT = 1  # no primary ever listens here


class Browser:
    """Stores the cookie, and sends it over plain HTTP, as browsers do for localhost."""

    def __init__(self) -> None:
        self.cookie = ""

    def get(self, application: Application) -> dict[str, Any]:
        """The state as one process sees it."""
        return self._kept(application.get("/api/session", cookie=self.cookie))

    def send(self, application: Application, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a change."""
        return self._kept(application.send(method, f"/api/{path}", body, cookie=self.cookie))

    def _kept(self, answer: httpx.Response) -> dict[str, Any]:
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        state: dict[str, Any] = answer.raise_for_status().json()
        return state


def quantities(state: dict[str, Any]) -> dict[str, int]:
    """The quantities in a cart."""
    return {line["item"]: line["quantity"] for line in state["cart"]}


def test_two_processes_serve_one_session(sessions: Pair) -> None:
    """What is put into the cart by one process is in it for the other, at once."""
    first, second = sessions
    browser = Browser()
    browser.send(first, "PUT", "cart", {"item": "lamp", "quantity": 2})
    browser.send(second, "PUT", "cart", {"item": "teapot", "quantity": 1})
    states = [browser.get(first), browser.get(second)]
    assert [{"teapot": 1, "lamp": 2}] * 2 == [quantities(state) for state in states]
    assert 2 == len({state["process"] for state in states})


def test_a_cart_adds_up(sessions: Pair) -> None:
    """The total is that of the lines. An item with quantity 0 has no line."""
    browser = Browser()
    browser.send(sessions[0], "PUT", "cart", {"item": "lamp", "quantity": 2})
    browser.send(sessions[0], "PUT", "cart", {"item": "kettle", "quantity": 3})
    state = browser.send(sessions[0], "PUT", "cart", {"item": "lamp", "quantity": 0})
    assert ({"kettle": 3}, 3 * 8900) == (quantities(state), state["total_cents"])


def test_a_login_renews_the_id_and_keeps_the_cart(sessions: Pair) -> None:
    """The id from before the login belongs to no session any more."""
    first, second = sessions
    browser, thief = Browser(), Browser()
    browser.send(first, "PUT", "cart", {"item": "lamp", "quantity": 2})
    thief.cookie = before = browser.cookie
    browser.send(first, "POST", "login", {"user": "ada"})
    mine, theirs = browser.get(second), thief.get(second)
    assert before != browser.cookie
    assert ("ada", {"lamp": 2}) == (mine["user"], quantities(mine))
    assert (None, {}) == (theirs["user"], quantities(theirs))


def test_logging_out_ends_this_session_alone(sessions: Pair) -> None:
    """Another browser of the same user stays logged in. The old cookie is not valid any more."""
    first, second = sessions
    here, there = Browser(), Browser()
    here.send(first, "POST", "login", {"user": "grace"})
    there.send(first, "POST", "login", {"user": "grace"})
    stolen = Browser()
    stolen.cookie = here.cookie
    here.send(second, "POST", "logout")
    assert (None, None, "grace") == tuple(browser.get(first)["user"] for browser in (here, stolen, there))


def test_logging_out_everywhere_ends_all_sessions_of_the_user(sessions: Pair) -> None:
    """All browsers of the user are logged out in every process. Other users are not."""
    first, second = sessions
    here, there, other = Browser(), Browser(), Browser()
    here.send(first, "POST", "login", {"user": "alan"})
    there.send(second, "POST", "login", {"user": "alan"})
    other.send(first, "POST", "login", {"user": "edsger"})
    here.send(first, "POST", "logout-everywhere")
    assert (None, None, "edsger") == tuple(browser.get(second)["user"] for browser in (here, there, other))


@contextmanager
def demoted(node: Node) -> Iterator[None]:
    """The cache as a failover leaves a former primary: a replica, which serves reads and rejects writes."""
    node.admin.replicaof(LOOPBACK, _UNUSED_PORT)
    try:
        yield
    finally:
        node.admin.replicaof("NO", "ONE")


@pytest.mark.parametrize(("path", "body"), [("logout-everywhere", None), ("logout", None), ("login", {"user": "tony"})])
def test_a_failover_is_said_to_be_one(sessions: Pair, node: Node, path: str, body: object) -> None:
    """A request that is not idempotent is answered with 503 and Retry-After, and has had no effect."""
    browser = Browser()
    browser.send(sessions[0], "POST", "login", {"user": "tony"})
    with demoted(node):
        answer = sessions[0].send("POST", f"/api/{path}", body, cookie=browser.cookie)
    assert (503, "1") == (answer.status_code, answer.headers.get("retry-after"))
    assert "tony" == browser.get(sessions[1])["user"]


def test_nothing_is_kept_of_who_does_nothing(sessions: Pair) -> None:
    """Looking at the shop creates no session and sets no cookie."""
    answer = sessions[0].get("/api/session")
    assert (None, None) == (answer.json()["fingerprint"], answer.headers.get("set-cookie"))


def test_the_cookie_is_closed_to_scripts_and_other_sites(sessions: Pair) -> None:
    """The cookie is for this host and HTTPS only, and scripts cannot read it."""
    answer = sessions[0].send("PUT", "/api/cart", {"item": "lamp", "quantity": 1})
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-session=")
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert "no-store" == answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("PUT", "cart", {"item": "sofa", "quantity": 1}, "item='sofa': must be one of teapot, kettle, lamp"),
        ("PUT", "cart", {"item": "lamp", "quantity": 100}, "Expected `int` <= 99 - at `$.quantity`"),
        ("PUT", "cart", {"item": "lamp", "quantity": 1, "price_cents": 1}, "unknown field `price_cents`"),
        ("POST", "login", {"user": " "}, "at `$.user`"),
        ("POST", "login", {"user": "a" * 41}, "at `$.user`"),
        ("POST", "login", {"user": "ada\n"}, "at `$.user`"),
    ],
)
def test_what_does_not_fit_is_refused(sessions: Pair, method: str, path: str, body: object, said: str) -> None:
    """The answer says what is allowed."""
    answer = sessions[0].send(method, f"/api/{path}", body)
    assert 422 == answer.status_code
    assert said in answer.json()["error"]
