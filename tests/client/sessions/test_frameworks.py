"""One application in three frameworks, on a real Valkey, in a browser that keeps to the rules of cookies."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import flask
import httpx
import pytest

from elasticache_client import connect, connect_async
from elasticache_client.sessions import Sessions, SessionsDenied, SessionsUnavailable
from tests.client.sessions import django_project
from tests.client.sessions.applications import flask_application, starlette_application
from tests.client.sessions.caches import plain_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

    from starlette.types import ASGIApp

    from elasticache_client import ConnectionSettings
    from tests.client.sessions.caches import Cache

URL = "https://shop.example"
FRAMEWORKS = ("flask", "starlette", "django")
COOKIE = "__Host-session"


class AsyncBrowser:
    """A browser for an ASGI application, called like the other one."""

    def __init__(self, runner: asyncio.Runner, application: ASGIApp) -> None:
        self._runner = runner
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=URL)
        self.cookies = self._client.cookies

    def get(self, page: str) -> httpx.Response:
        """Ask for a page."""
        return self._runner.run(self._client.get(page))


@contextmanager
def serving(framework: str, settings: ConnectionSettings) -> Iterator[Callable[[], Any]]:
    """Opens browsers, each with its own cookies."""
    if framework == "starlette":
        with asyncio.Runner() as runner:
            client: Any = connect_async(settings)
            application = starlette_application(client)
            yield lambda: AsyncBrowser(runner, application)
            runner.run(client.aclose())
            runner.run(asyncio.sleep(0.01))  # transports close in the loop's next turns
        return
    client = connect(settings)
    wsgi = flask_application(client) if framework == "flask" else django_project.application
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(django_project, "sessions", Sessions(client))
        yield lambda: httpx.Client(transport=httpx.WSGITransport(wsgi), base_url=URL)
    client.close()


async def open_socket(application: ASGIApp, cookie: str) -> list[MutableMapping[str, Any]]:
    """What an application answers to a WebSocket with a cookie."""
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"cookie", f"{COOKIE}={cookie}".encode())]
    scope = {"type": "websocket", "path": "/socket", "headers": headers, "query_string": b"", "subprotocols": []}
    await application(scope, receive, send)
    return sent


@pytest.fixture(params=FRAMEWORKS, name="open_browser")
def _open_browser(request: pytest.FixtureRequest, node: Cache) -> Iterator[Callable[[], Any]]:
    with serving(request.param, node.settings) as open_browser:
        yield open_browser


def test_a_visit(open_browser: Callable[[], Any]) -> None:
    """A visitor logs in on two devices, gets more rights, and is thrown out of both; another user is not."""
    phone, laptop, other = (open_browser() for _ in range(3))
    phone.get("/put/pear")
    anonymous = phone.cookies[COOKIE]
    told = [phone.get("/log-in/ada").json(), laptop.get("/log-in/ada").json(), other.get("/log-in/bob").json()]
    laptop.get("/put/plum")
    before = laptop.cookies[COOKIE]
    laptop.get("/elevate/me")
    thief = open_browser()
    thief.cookies.set(COOKIE, before, domain="shop.example")
    planted = open_browser()
    planted.cookies.set(COOKIE, anonymous, domain="shop.example")
    told += [each.get("/show/me").json() for each in (phone, laptop, thief, planted)]
    other.get("/revoke/ada")
    told += [each.get("/show/me").json() for each in (phone, laptop, other)]
    other.get("/log-out/me")
    nobody = {"user": None}
    assert told == [
        {"user": "ada", "pear": True},
        {"user": "ada"},
        {"user": "bob"},
        {"user": "ada", "pear": True},
        {"user": "ada", "plum": True},
        nobody,
        nobody,
        nobody,
        nobody,
        {"user": "bob"},
    ]
    assert (other.cookies.get(COOKIE), other.get("/show/me").json()) == (None, nobody)


def test_the_cookie(open_browser: Callable[[], Any]) -> None:
    """It travels over HTTPS alone, to this host alone, is hidden from scripts and left out of others' posts."""
    response = open_browser().get("/log-in/ada")
    (header,) = response.headers.get_list("set-cookie")
    name, *attributes = header.strip().split("; ")
    found = {each.lower() for each in attributes if not each.lower().startswith(("max-age=", "expires="))}
    assert found == {"path=/", "httponly", "samesite=lax", "secure"}
    assert name.startswith("__Host-session=")
    assert response.headers["vary"] == "Cookie"


def test_no_cookie_without_need(open_browser: Callable[[], Any]) -> None:
    """Looking at an empty session sets none; reading a session does not set it again; a page may do without."""
    browser = open_browser()
    empty = browser.get("/show/me")
    browser.get("/put/pear")
    again = browser.get("/show/me")
    plain = browser.get("/plain")
    assert [each.headers.get("set-cookie") for each in (empty, again, plain)] == [None, None, None]
    assert [each.headers.get("vary") for each in (empty, again, plain)] == ["Cookie", "Cookie", None]


@pytest.mark.parametrize("cookie", ["", "x" * 43, f"{'x' * 22}.{'x' * 43}", "../../etc", "x" * 4000])
def test_tampered_cookies(open_browser: Callable[[], Any], cookie: str) -> None:
    """They are visitors without a session, and get an id that they did not choose."""
    browser = open_browser()
    browser.cookies.set(COOKIE, cookie, domain="shop.example")
    assert browser.get("/show/me").json() == {"user": None}
    browser.cookies.set(COOKIE, cookie, domain="shop.example")
    browser.get("/put/pear")
    assert browser.get("/show/me").json() == {"user": None, "pear": True}
    assert cookie not in [each.value for each in browser.cookies.jar if each.domain != "shop.example"]


@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_shared_caches_keep_no_cookie(framework: str, node: Cache) -> None:
    """A response that sets one says that it is not to be stored."""
    with serving(framework, node.settings) as open_browser:
        browser = open_browser()
        found = [browser.get(page).headers.get("cache-control") for page in ("/put/pear", "/show/me")]
    assert found == ["no-store", None]


@pytest.mark.parametrize("page", ["/show/me", "/put/pear"])
def test_starlette_without_a_cache(unanswered: int, page: str) -> None:
    """Status 503 for requests that have a session or are to get one; the rest goes on."""
    with serving("starlette", plain_settings(unanswered)) as open_browser:
        visitor, user = open_browser(), open_browser()
        user.cookies.set(COOKIE, "x" * 43, domain="shop.example")
        found = user.get(page)
        assert (found.status_code, found.headers["retry-after"]) == (503, "1")
        assert [visitor.get(each).status_code for each in ("/plain", "/show/me", "/put/pear")] == [200, 200, 503]


@contextmanager
def denied(node: Cache, *, login: bool) -> Iterator[None]:
    """The application may not log in, or may not run the scripts of the sessions."""
    withdrawn, given = ("off", "on") if login else ("-evalsha", "+evalsha")
    node.nodes[0].admin.execute_command("ACL", "SETUSER", "default", withdrawn)
    node.nodes[0].cut("default")
    try:
        yield
    finally:
        node.nodes[0].admin.execute_command("ACL", "SETUSER", "default", given)


@pytest.mark.parametrize("login", [True, False])
def test_starlette_denied(node: Cache, *, login: bool) -> None:
    """A grant that was revoked is no outage: status 500, and no retry is asked for."""
    with denied(node, login=login), serving("starlette", node.settings) as open_browser:
        user = open_browser()
        user.cookies.set(COOKIE, "x" * 43, domain="shop.example")
        found = [user.get("/show/me"), open_browser().get("/put/pear")]
        assert [(500, None)] * 2 == [(each.status_code, each.headers.get("retry-after")) for each in found]


@pytest.mark.parametrize("login", [True, False])
def test_flask_denied(node: Cache, *, login: bool) -> None:
    """The error is another one, which handlers of the outage handle as well, and says what to check."""
    said: list[SessionsUnavailable] = []

    def handle(error: SessionsUnavailable) -> tuple[str, int]:
        said.append(error)
        return "no", 503

    application = flask_application(connect(node.settings))
    application.register_error_handler(SessionsUnavailable, handle)
    with denied(node, login=login), httpx.Client(transport=httpx.WSGITransport(application), base_url=URL) as browser:
        browser.cookies.set(COOKIE, "x" * 43, domain="shop.example")
        assert browser.get("/show/me").status_code == 503
    assert isinstance(said[0], SessionsDenied)
    assert ("elasticache:Connect" if login else "access string") in str(said[0])


def test_websockets(node: Cache, unanswered: int) -> None:
    """They know the user from the cookie that opened them; only without the cache are they told to try again later."""

    async def ask() -> list[Any]:
        client: Any = connect_async(node.settings)
        application = starlette_application(client)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=URL) as browser:
            await browser.get("/log-in/ada")
        answers = [await open_socket(application, browser.cookies[COOKIE])]
        without: Any = connect_async(plain_settings(unanswered))
        answers.append(await open_socket(starlette_application(without), browser.cookies[COOKIE]))
        with denied(node, login=True):
            answers.append(await open_socket(application, browser.cookies[COOKIE]))
        for each in (client, without):
            await each.aclose()
        await asyncio.sleep(0.01)
        return answers

    told, refused, forbidden = asyncio.run(ask())
    assert told[1]["text"] == '"ada"'
    assert refused == [{"type": "websocket.close", "code": 1013}]
    assert forbidden == [{"type": "websocket.close", "code": 1011}]


def test_flask_without_a_cache(unanswered: int) -> None:
    """An error in the view, for which a handler can answer; pages without a session go on."""
    application = flask_application(connect(plain_settings(unanswered)))
    application.register_error_handler(SessionsUnavailable, lambda _: ("later", 503))
    with httpx.Client(transport=httpx.WSGITransport(application), base_url=URL) as browser:
        assert browser.get("/put/pear").status_code == 500
        browser.cookies.set(COOKIE, "x" * 43, domain="shop.example")
        found = [browser.get(page).status_code for page in ("/show/me", "/plain")]
    assert found == [503, 200]


def test_flasks_messages(node: Cache) -> None:
    """What is flashed comes back as Flask's own sessions bring it back."""
    client = connect(node.settings)
    application = flask_application(client)

    @application.get("/flash")
    def flash() -> str:
        flask.flash("saved")
        flask.flash("twice", "warning")
        return ""

    @application.get("/flashed")
    def flashed() -> Any:
        return repr(flask.get_flashed_messages(with_categories=True))

    with httpx.Client(transport=httpx.WSGITransport(application), base_url=URL) as browser:
        browser.get("/flash")
        found = [browser.get("/flashed").text, browser.get("/flashed").text]
    client.close()
    assert found == ["[('message', 'saved'), ('warning', 'twice')]", "[]"]
