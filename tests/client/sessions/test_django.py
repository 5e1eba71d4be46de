"""What Django expects of a session engine beyond what every framework does."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.backends.base import UpdateError  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured  # type: ignore[import-untyped]
from django.test import override_settings  # type: ignore[import-untyped]

from elasticache_client import connect
from elasticache_client.sessions import Sessions
from tests.client.sessions import django_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.client.sessions.caches import Cache


@pytest.fixture(autouse=True, name="sessions")
def _sessions(node: Cache, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sessions]:
    client = connect(node.settings)
    sessions = Sessions(client)
    monkeypatch.setattr(django_project, "sessions", sessions)
    yield sessions
    client.close()


def open_store(key: str | None = None) -> Any:
    """A session as the middleware makes it; the engine needs settings before it can be imported."""
    from elasticache_client.sessions.django import SessionStore  # noqa: PLC0415

    return SessionStore(key)


def saved(**values: Any) -> str:
    """The key of a session with values."""
    session = open_store()
    session.update(values)
    session.save()
    return str(session.session_key)


def test_create_keeps_an_empty_one() -> None:
    """Applications call it to have a key."""
    session = open_store()
    session.create()
    assert (session.exists(session.session_key), dict(open_store(session.session_key).items())) == (True, {})


def test_an_unknown_key_is_not_kept() -> None:
    """The session that replaces it has its own."""
    session = open_store("x" * 43)
    session["pear"] = 1
    before = session.session_key
    session.save()
    assert before is None
    assert session.session_key not in (None, "x" * 43)


def test_cycle_key() -> None:
    """The values move to a new key, the old one is gone."""
    old = saved(pear=1)
    session = open_store(old)
    session.cycle_key()
    session.save()
    assert (session.exists(old), dict(open_store(session.session_key).items())) == (False, {"pear": 1})


def test_cycle_key_for_asyncio() -> None:
    """Does the same."""
    old = saved(pear=1)

    async def cycle() -> str:
        session = open_store(old)
        await session.acycle_key()
        await session.asave()
        return str(session.session_key)

    assert (dict(open_store(asyncio.run(cycle())).items()), open_store().exists(old)) == ({"pear": 1}, False)


def test_flush_and_delete() -> None:
    """The session is gone, and has no key."""
    key, named = saved(pear=1), saved(pear=2)
    session = open_store(key)
    session.delete(named)
    session.flush()
    assert (session.session_key, dict(session.items())) == (None, {})
    assert [open_store().exists(each) for each in (key, named)] == [False, False]


def test_clear_keeps_the_key() -> None:
    """Without reading first, which is what Django does."""
    key = saved(pear=1)
    session = open_store(key)
    session.clear()
    session.save()
    assert (session.session_key, open_store().exists(key), dict(open_store(key).items())) == (key, True, {})


@pytest.mark.parametrize("is_renewed", [False, True])
def test_a_session_that_ended_meanwhile(sessions: Sessions, *, is_renewed: bool) -> None:
    """Django is told, and sets no cookie then; saving once more logs no user in."""
    session = open_store()
    session["_auth_user_id"] = "7"
    session.save()
    late = open_store(session.session_key)
    late["pear"] = 1
    if is_renewed:
        late.cycle_key()
    sessions.revoke("7")
    with pytest.raises(UpdateError):
        late.save()
    late.save()
    assert (late.is_empty(), sessions.load(session.session_key).user) == (True, None)


def test_expired_ones_go_by_themselves() -> None:
    """The command clearsessions has nothing to do."""
    assert open_store().clear_expired() is None


@pytest.mark.parametrize("path", [None, "elasticache_client.sessions.Session"])
def test_a_missing_setting(path: str | None) -> None:
    """The message says how to write it."""
    with (
        override_settings(ELASTICACHE_SESSIONS=path),
        pytest.raises(ImproperlyConfigured, match=r"ELASTICACHE_SESSIONS=.*sessions = Sessions\(connect\(\)\)"),
    ):
        open_store("x" * 43).load()


@pytest.mark.parametrize(
    ("expiry", "most"), [(60, 60), (dt.timedelta(seconds=60), 60), (0, 1800), (None, 1800), (14 * 24 * 3600, 1800)]
)
def test_an_expiry_of_its_own(node: Cache, expiry: Any, most: int) -> None:
    """It holds in the cache as in the browser, from the last time it was saved on; the store's own is the longest."""
    session = open_store()
    session["pear"] = 1
    session.set_expiry(expiry)
    session.save()
    (key,) = session._kept.record.id.keys("session")
    admin = node.nodes[0].admin
    assert most - 40 < admin.ttl(key) <= most
    # A request that only reads does not lengthen it beyond, one that saves does.
    admin.pexpire(key, 10_000)
    late = open_store(session.session_key)
    assert late["pear"] == 1
    assert admin.ttl(key) <= most
    late["pear"] = 2
    late.save()
    assert most - 40 < admin.ttl(key) <= most


@pytest.mark.parametrize("expiry", [None, 0, 14 * 24 * 3600])
def test_an_expiry_can_be_taken_back(node: Cache, expiry: int | None) -> None:
    """A session that was to end soon lasts as long as any other again."""
    session = open_store()
    session.set_expiry(60)
    session.save()
    (key,) = session._kept.record.id.keys("session")
    later = open_store(session.session_key)
    later.set_expiry(expiry)
    later.save()
    kept = node.holding(key).pttl(key)
    assert (kept > 1_700_000, open_store(session.session_key).is_empty()) == (True, False)
    assert node.holding(key).hget(key, "expires") is None


def test_an_expired_one_is_gone() -> None:
    """The old cookie is worth nothing, also if requests came meanwhile."""
    session = open_store()
    session["pear"] = 1
    session.set_expiry(1)
    session.save()
    key = session.session_key
    end = time.monotonic() + 60
    while dict(open_store(key).items()) and time.monotonic() < end:
        time.sleep(0.05)
    assert dict(open_store(key).items()) == {}


def test_the_age_of_the_cookie_holds_for_all(node: Cache) -> None:
    """Where it is shorter than the store's time."""
    with override_settings(SESSION_COOKIE_AGE=90):
        session = open_store()
        session["pear"] = 1
        session.save()
    (key,) = session._kept.record.id.keys("session")
    assert 50 < node.nodes[0].admin.ttl(key) <= 90


def test_an_expiry_beyond_the_stores_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It has no effect, and the log says what would have one."""
    session = open_store()
    session["pear"] = 1
    session.set_expiry(14 * 24 * 3600)
    importlib.import_module("elasticache_client.sessions.django")._log_bounded.cache_clear()
    session.save()
    session.save()
    assert caplog.text.count("set_expiry() asks for more than the store's 1800 s") == 1


def test_a_serializer_is_refused() -> None:
    """Values are JSON, whatever else Django could do with them."""
    with (
        override_settings(SESSION_SERIALIZER="django.core.signing.JSONSerializer"),
        pytest.raises(ImproperlyConfigured, match=r"SESSION_SERIALIZER=.* Leave it out, and declare"),
    ):
        open_store("x" * 43).load()
