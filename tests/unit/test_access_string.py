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
        pytest.param("on ~* +@reed", "Correct '+@reed'", id="a category that does not exist"),
        pytest.param("on * +get", f"{SYNTAX}. Correct '*'", id="a pattern without its sign"),
        pytest.param("on ~* get", f"{SYNTAX}. Correct 'get'", id="a command without its sign"),
        pytest.param("on ~* +", f"{SYNTAX}. Correct '+'", id="a sign without its command"),
        pytest.param("on ~ +get", f"{SYNTAX}. Correct '~'", id="a sign without its pattern"),
        pytest.param("on ~* (+get", "in one pair of parentheses. Close the parenthesis", id="open"),
        pytest.param("on ~* +get)", "in one pair of parentheses. Close the parenthesis", id="shut"),
        pytest.param("on (~* (+get))", "in one pair of parentheses. Close the parenthesis", id="nested"),
        pytest.param("on off ~*", "exactly one of on and off", id="both"),
        pytest.param("(on) ~* +get", "exactly one of on and off", id="on in a selector"),
    ],
)
def test_what_is_no_access_string(written: str, message: str) -> None:
    """A token that is not valid syntax is named."""
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


TAKEN_BACK = [
    ("on ~q:* &q:* resetchannels -@all +@read", "&q:*", "resetchannels"),
    ("on ~q:* resetkeys +@read", "~q:*", "resetkeys"),
    ("on %R~q:* RESETKEYS +@read", "%R~q:*", "resetkeys"),
    ("on allkeys resetkeys ~q:* +@read", "allkeys", "resetkeys"),
    ("on allchannels resetchannels &q +publish", "allchannels", "resetchannels"),
    ("on ~q:* +@read -@all", "+@read", "-@all"),
    ("on ~q:* +@read nocommands +get", "+@read", "nocommands"),
    ("on ~q:* +get -get", "+get", "-get"),
    ("on ~q:* +get +set -@string", "+get", "-@string"),
    ("on ~q:* +get -@read -@fast", "+get", "-@read"),
    ("on ~q:* +@geo -@read -@write", "+@geo", "-@write"),
    ("on ~q:* +client|id -client", "+client|id", "-client"),
    ("on ~q:* +client|id -@connection", "+client|id", "-@connection"),
    ("on ~q:* +select|0 -select", "+select|0", "-select"),
    ("on ~q:* +select|0 -@fast", "+select|0", "-@fast"),
    ("on ~q:* +json.get -@json", "+json.get", "-@json"),
    ("on ~q:* -get +get", "-get", "+get"),
    ("on ~q:* +@read -hget +@hash", "-hget", "+@hash"),
    ("on ~q:* +get db=0 db=1", "db=0", "db=1"),
    ("on ~q:* +get db=0 alldbs", "db=0", "alldbs"),
    ("on ~q:* +get alldbs db=0", "alldbs", "db=0"),
    ("on ~q:* +get db=0 resetdbs", "db=0", "resetdbs"),
    ("on ~q:* +get (~r:* +set -set)", "+set", "-set"),
    ("on ~q:* +get (~r:* resetkeys +set)", "~r:*", "resetkeys"),
    ("on ~q:* +get (~r:* +set) clearselectors", "(~r:* +set)", "clearselectors"),
]


@pytest.mark.parametrize(("written", "word", "later"), TAKEN_BACK, ids=[row[0] for row in TAKEN_BACK])
def test_words_that_later_words_take_back(written: str, word: str, later: str) -> None:
    """Engines apply rules from left to right; what comes to nothing is refused, and leaving either out helps."""
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(written)

    expected = (
        f"Permissions({written!r}): rules are applied from left to right, and {later!r} takes {word!r} back, which "
        f"comes before it. Leave out one of the two. See {GUIDE} (RBC-13)"
    )
    assert expected in str(refusal.value).splitlines()
    for each in (word, later):
        assert expected not in _refusals(written.lower().replace(each.lower(), "", 1))


def _refusals(written: str) -> list[str]:
    try:
        Permissions(written)
    except ConfigurationError as refusal:
        return str(refusal).splitlines()
    return []


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("on ~a clearselectors +get (~b +get)", "on ~a resetchannels -@all +get (~b +get)"),
        ("on ~a:* +get db=0,1", "on ~a:* db=0,1 resetchannels -@all +get"),
        ("on ~a resetdbs DB=1 +get", "on ~a resetdbs db=1 resetchannels -@all +get"),
        ("on %WR~a +set", "on %WR~a resetchannels -@all +set"),
        ("on ~* ~a %R~b +get", "on ~a %R~b ~* resetchannels -@all +get"),
        ("on ~a allchannels &b +publish", "on ~a &b allchannels -@all +publish"),
        ("on resetkeys ~a resetchannels &b +@pubsub", "on resetkeys ~a resetchannels &b -@all +@pubsub"),
        ("on ~a +@read -@dangerous +info", "on ~a resetchannels -@all +@read -@dangerous +info"),
        ("on ~a +@read -get +@hash", "on ~a resetchannels -@all +@read -get +@hash"),
        ("on ~a +client -client|kill -client|pause", "on ~a resetchannels -@all +client -client|kill -client|pause"),
        ("on ~a -@dangerous +get", "on ~a resetchannels -@all -@dangerous +get"),
    ],
)
def test_words_that_come_to_something(written: str, canonical: str) -> None:
    """Taking back a part, or what was never granted, is no mistake."""
    assert canonical == Permissions(written).access_string


@pytest.mark.parametrize(
    ("word", "fix"),
    [
        ("+gett", "no engine has gett. Correct '+gett' to '+get'"),
        ("-gett", "no engine has gett. Correct '-gett' to '-get'"),
        ("+client|lst", "no engine has client|lst. Correct '+client|lst' to '+client|list'"),
        ("-select|0", "no engine has select|0. Correct '-select|0' to '-select'"),
        ("+confih", "no engine has confih. Correct '+confih',"),
        ("+@redd", "Correct '+@redd' to '+@read'"),
        ("+@generic", "Correct '+@generic',"),
        ("-@strings", "Correct '-@strings' to '-@string'"),
        ("+json.gett", "Correct '+json.gett' to '+json.get'"),
        ("db=", "Correct 'db='"),
        ("db=a", "Correct 'db=a'"),
        ("~a\x00b", "Correct '~a\\x00b'"),
        ("(off +get)", "'off' is about the user. Put 'off' outside the parentheses"),
        ("(clearselectors)", "'clearselectors' is about the user"),
    ],
)
def test_what_no_engine_reads(word: str, fix: str) -> None:
    """A misspelt command or category is refused, with the one that was probably meant."""
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(f"on ~a {word}")

    assert fix in str(refusal.value)
