"""Ids, and the keys they lead to."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import pytest

from elasticache_client.sessions.ids import SessionId, grant_key


@pytest.mark.parametrize("user", [None, "ada", "名前", "x" * 1000])
def test_what_a_browser_sends_back_is_the_same_id(user: str | None) -> None:
    """For any user."""
    made = SessionId.new(user)
    assert SessionId.parse(made.text) == made


def test_256_random_bits() -> None:
    """And no two alike."""
    made = [SessionId.new("ada") for _ in range(1000)]
    assert {len(urlsafe_b64decode(each.secret + "=")) * 8 for each in made} == {256}
    assert len({each.secret for each in made}) == 1000


def test_all_of_a_users_keys_are_in_one_slot() -> None:
    """The session and the grant have the same hash tag; a visitor's session has its own."""
    grant = grant_key("session", "ada")
    session, named = SessionId.new("ada").keys("session")
    (visitor,) = SessionId.new(None).keys("session")
    assert named == grant
    assert session.startswith(f"{grant}:")
    assert (grant.count("{"), visitor.count("{")) == (1, 1)


def test_users_have_their_own_grants() -> None:
    """Also where one name begins with another."""
    users = ["ada", "ada ", "ad", "Ada", "bob"]
    assert len({grant_key("session", user) for user in users}) == len(users)


@pytest.mark.parametrize("secret", [b"of the application", b"of another one"])
def test_nobody_without_the_secret_finds_a_user_by_guessing(secret: bytes) -> None:
    """A key that names a user is another one under each secret; without one it is a plain hash."""
    guess = urlsafe_b64encode(sha256(b"ada").digest())[:22].decode()
    assert guess in grant_key("session", "ada")
    made = SessionId.new("ada", secret)
    assert made.keys("session")[1] == grant_key("session", "ada", secret)
    assert grant_key("session", "ada", secret) != grant_key("session", "ada", secret + b"!")
    assert [each for each in (made.text, *made.keys("session")) if guess in each] == []


def test_no_key_and_no_repr_has_the_secret() -> None:
    """Nor the name of the user."""
    made = SessionId.new("ada-lovelace")
    shown = " ".join([repr(made), *made.keys("session"), *SessionId(made.secret, None).keys("session")])
    assert [each for each in (made.secret, "ada-lovelace") if each in shown] == []


@pytest.mark.parametrize("text", [None, "", "x" * 42, "x" * 44, "é" * 43, "x" * 43 + "\n", f"{'x' * 21}.{'x' * 43}"])
def test_what_is_no_id(text: str | None) -> None:
    """It is not asked of the cache."""
    assert SessionId.parse(text) is None
