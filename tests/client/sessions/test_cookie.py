"""The Set-Cookie header."""

from __future__ import annotations

from typing import Any

import pytest

from elasticache_client.sessions import Cookie, CookieChange

CHANGE = CookieChange("an-id", 60)


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({}, "__Host-session=an-id; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure"),
        ({"name": "shop"}, "__Host-shop=an-id; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure"),
        ({"path": "/shop"}, "__Secure-session=an-id; Max-Age=60; Path=/shop; HttpOnly; SameSite=Lax; Secure"),
        (
            {"domain": "example.com"},
            "__Secure-session=an-id; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure; Domain=example.com",
        ),
        ({"secure": False}, "session=an-id; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"),
        ({"same_site": "Strict"}, "__Host-session=an-id; Max-Age=60; Path=/; HttpOnly; SameSite=Strict; Secure"),
        ({"same_site": "None"}, "__Host-session=an-id; Max-Age=60; Path=/; HttpOnly; SameSite=None; Secure"),
    ],
)
def test_headers(options: dict[str, Any], header: str) -> None:
    """As strict as the rest allows, and never seen by scripts."""
    assert Cookie(**options).header(CHANGE) == header


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "__Host-session"}, r"name='__Host-session'.*Leave prefixes out"),
        ({"name": "a;b"}, r"name='a;b'"),
        ({"name": ""}, r"name=''"),
        ({"same_site": "lax"}, r"Cookie\(same_site='lax'\): must be 'Lax', 'Strict' or 'None'\. Use one of them\."),
        ({"same_site": None}, r"same_site=None"),
        ({"same_site": "None", "secure": False}, r"same_site='None'.*Use secure=True"),
        ({"domain": "a;b"}, r"domain='a;b'"),
        ({"domain": ""}, r"domain=''"),
        ({"path": "shop"}, r"path='shop'\): must be a path that starts with /"),
        ({"path": "/; HttpOnly"}, r"path='/; HttpOnly'"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    """What no browser would take, or what would write another header."""
    with pytest.raises(ValueError, match=message):
        Cookie(**options)
