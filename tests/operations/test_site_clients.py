"""The client of the sessions application tells versions apart by what is in a cart."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from operations.site_clients import CartClient, Visit
from rehearsal.drills.clients import Answer, RefusedError
from rehearsal.drills.load import WrongAnswer

URL = "https://site.example/"


class Site:
    """The sessions application, in this process."""

    def __init__(self) -> None:
        self.carts: dict[str, dict[str, int]] = {}
        self.status = 200

    def call(self, base: str, path: str, method: str = "GET", body: Any = None, cookie: str = "") -> Answer:
        """Answer a request; a request without a session gets a new one."""
        assert (base, path, method) in {(URL, "api/cart", "PUT"), (URL, "api/session", "GET")}
        if self.status != 200:
            return Answer(self.status, "no")
        made = "" if cookie in self.carts else f"session={len(self.carts)}"
        cart = self.carts.setdefault(cookie or made, {})
        if body is not None:
            cart[body["item"]] = body["quantity"]
        lines = [{"item": item, "quantity": quantity} for item, quantity in cart.items()]
        return Answer(200, json.dumps({"cart": lines}), made)


def client(site: Site, visits: defaultdict[str, Visit] | None = None) -> CartClient:
    """A client of the site."""
    caller: Any = site
    return CartClient(caller, URL, defaultdict(Visit) if visits is None else visits)


def test_versions_are_read_back_by_any_client() -> None:
    """Also beyond 99, which is as much as a cart holds, and by the new client that compares all at the end."""
    site, visits = Site(), defaultdict[str, Visit](Visit)
    for version in (1, 98, 99, 100, 198, 199, 1000):
        client(site, visits).write("a", version)
        client(site, visits).write("b", version + 1)
        assert client(site, visits).read("a") == version
        assert client(site, visits).read("b") == version + 1
    assert len(site.carts) == 2


def test_an_old_value_is_an_old_version() -> None:
    """A write that took no effect leaves the version before it, which the load counts as lost."""
    site, visits = Site(), defaultdict[str, Visit](Visit)
    client(site, visits).write("a", 99)
    visits["a"].newest = 101
    assert client(site, visits).read("a") == 99


def test_an_empty_session_has_no_version_and_a_foreign_one_is_wrong() -> None:
    """A session that is gone is a loss, and one with what no client put there is a wrong answer."""
    site, visits = Site(), defaultdict[str, Visit](Visit)
    client(site, visits).write("a", 5)
    [cart] = site.carts.values()
    cart["lamp"] = 1
    with pytest.raises(WrongAnswer, match="what no client put"):
        client(site, visits).read("a")
    cart.clear()
    assert client(site, visits).read("a") is None


def test_another_status_is_an_error() -> None:
    """With the status and what the site says."""
    site = Site()
    site.status = 503
    with pytest.raises(RefusedError, match="503 no"):
        client(site).write("a", 1)
