"""What Flask's own functions and settings do to a session that is kept in a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask
import pytest

from elasticache_client import connect
from elasticache_client.sessions import Sessions
from elasticache_client.sessions.flask import FlaskSessions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.client.sessions.caches import Cache


@pytest.fixture(name="app")
def _app(node: Cache) -> Iterator[flask.Flask]:
    client = connect(node.settings)
    app = flask.Flask(__name__)
    app.session_interface = FlaskSessions(Sessions(client))
    app.testing = True

    @app.get("/flash")
    def flash() -> Any:
        flask.flash("saved", "info")
        return [flask.session.new]

    @app.get("/flashed")
    def flashed() -> Any:
        return [flask.session.new, flask.get_flashed_messages(with_categories=True)]

    @app.get("/permanent/<int:value>")
    def permanent(value: int) -> Any:
        flask.session.permanent = bool(value)
        return [flask.session.permanent]

    yield app
    client.close()


def test_flash(app: flask.Flask) -> None:
    """It needs no type to be declared."""
    browser = app.test_client()
    seen = [browser.get(path, base_url="https://shop.test").json for path in ("/flash", "/flashed", "/flashed")]
    assert seen == [[True], [False, [["info", "saved"]]], [False, []]]


def test_permanent(app: flask.Flask) -> None:
    """Every session is, and one that is not to be is refused with a message."""
    browser = app.test_client()
    assert browser.get("/permanent/1").json == [True]
    with pytest.raises(RuntimeError, match=r"session\.permanent = False: must be True.* idle= or lifetime="):
        browser.get("/permanent/0")


def test_settings_without_effect(app: flask.Flask, caplog: pytest.LogCaptureFixture) -> None:
    """One that asks for something else than the cookie has is logged, once."""
    asked = {"SESSION_COOKIE_NAME": "sid", "SESSION_COOKIE_PARTITIONED": True, "SESSION_REFRESH_EACH_REQUEST": False}
    app.config |= {"SESSION_COOKIE_SECURE": True, **asked}
    for _ in range(2):
        app.test_client().get("/flashed")
    assert [each.args for each in caplog.records if "has no effect" in each.msg] == list(asked.items())
