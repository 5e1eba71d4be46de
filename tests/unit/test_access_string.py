"""Access strings: read word by word, written in one form."""

from __future__ import annotations

import pytest

from elasticache_constructs import ConfigurationError, Permissions
from elasticache_constructs.access.access_string import AccessString

GUIDE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html"
SYNTAX = "its words are on, off, ~keys, %R~keys, &channels, +command, +command|sub, +@category and their opposites"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        pytest.param("on ~* +@read", "on ~* resetchannels -@all +@read", id="starts from no command and no channel"),
        pytest.param("~* on +get", "on ~* resetchannels -@all +get", id="the switch comes first"),
        pytest.param("ON ~App:* +@READ", "on ~App:* resetchannels -@all +@read", id="lower case but for patterns"),
        pytest.param("  on\t~*   +get ", "on ~* resetchannels -@all +get", id="single spaces"),
        pytest.param("on ~* &* +@all -@dangerous +info", "on ~* &* +@all -@dangerous +info", id="order is kept"),
        pytest.param("off -@all", "off resetchannels -@all", id="off"),
        pytest.param("on ~a allchannels nocommands +get", "on ~a allchannels nocommands +get", id="words for a base"),
        pytest.param("on ~a +get (~b +@READ)", "on ~a resetchannels -@all +get (~b +@read)", id="selectors come last"),
        pytest.param("on %RW~x %r~y +client|id", "on %RW~x %r~y resetchannels -@all +client|id", id="kinds of keys"),
    ],
)
def test_canonical_form(written: str, canonical: str) -> None:
    """What the service would make of a string is what is kept of it."""
    assert canonical == str(AccessString.parse(written))


@pytest.mark.parametrize("written", ["on ~* +@read", "on ~a:* &b:* +get (~c +@all) (~d +set)", "off nocommands"])
def test_canonical_form_stays(written: str) -> None:
    """The canonical form of the canonical form is itself."""
    once = str(AccessString.parse(written))

    assert once == str(AccessString.parse(once))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param("on ~* +@reed", "Correct '+@reed'", id="a category that is none"),
        pytest.param("on * +get", f"{SYNTAX}. Correct '*'", id="a pattern without its sign"),
        pytest.param("on ~* get", f"{SYNTAX}. Correct 'get'", id="a command without its sign"),
        pytest.param("on ~* +", f"{SYNTAX}. Correct '+'", id="a sign without its command"),
        pytest.param("on ~ +get", f"{SYNTAX}. Correct '~'", id="a sign without its pattern"),
        pytest.param("on ~* (+get", "a selector is rules in brackets, one pair each. Close the bracket", id="open"),
        pytest.param("on ~* +get)", "a selector is rules in brackets, one pair each. Close the bracket", id="shut"),
        pytest.param(
            "on (~* (+get))", "a selector is rules in brackets, one pair each. Close the bracket", id="nested"
        ),
        pytest.param("on off ~*", "exactly one of on and off", id="both"),
        pytest.param("(on) ~* +get", "exactly one of on and off", id="on in a selector"),
    ],
)
def test_what_is_no_access_string(written: str, message: str) -> None:
    """A word that is none of the syntax is named."""
    with pytest.raises(ConfigurationError) as refusal:
        AccessString.parse(written)

    assert f"Permissions({written!r})" in str(refusal.value)
    assert message in str(refusal.value)
    assert GUIDE in str(refusal.value)


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (Permissions.publish("events:*"), "&events:* -@all +publish +@connection"),
        (Permissions.subscribe("events:*", "news"), "&events:* &news -@all +subscribe"),
    ],
)
def test_channels_in_words(built: Permissions, expected: str) -> None:
    """Publishers and subscribers have channels, and no key."""
    assert built.access_string.startswith("on resetkeys resetchannels ")
    assert expected in built.access_string


@pytest.mark.parametrize("category", ["+@write", "+@keyspace", "+@slow"])
def test_categories_that_flush_are_broad(category: str) -> None:
    """What brings FLUSHALL needs a reason, or has it taken back."""
    with pytest.raises(ConfigurationError, match="grants more than an application needs"):
        Permissions(f"on ~* -@dangerous {category}")

    assert Permissions(f"on ~* {category} -@dangerous")
