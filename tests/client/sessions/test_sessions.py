"""Sessions on real engines, through every kind of client."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from elasticache_client.sessions import Sessions, SessionsUnavailable
from elasticache_client.sessions.ids import SessionId, grant_key
from tests.client.conftest import KINDS
from tests.client.sessions.caches import Cache, plain_settings, recording
from tests.client.sessions.stores import Browser, Store, browsers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Caller

every_kind = pytest.mark.parametrize("kind", KINDS)
IDLE = dt.timedelta(minutes=30)
LIFETIME = dt.timedelta(hours=12)
IDLE_MS = 1_800_000


class Price(msgspec.Struct):
    """A value whose own check raises what no reader does."""

    currency: str

    def __post_init__(self) -> None:
        """Know the currency."""
        {"eur": 2}[self.currency]


@pytest.fixture(name="open_store")
def _open_store(node: Cache, open_client: Callable[..., Caller]) -> Callable[..., Store]:
    return lambda kind="redis-py", **options: Store(kind, node, open_client, **options)


@pytest.fixture(name="store")
def _store(open_store: Callable[..., Store]) -> Store:
    return open_store()


def story(store: Store) -> list[Any]:
    """A visitor becomes a user on two devices, gets more rights, and is thrown out of both."""
    phone, laptop, thief = browsers(3)
    store.request(phone, cart=["pear"])
    anonymous = phone.copy()
    store.log_in(phone, "ada", seen=1)
    store.log_in(laptop, "ada")
    store.request(laptop, theme="dark")
    thief.cookie = laptop.cookie
    elevated = store.load(laptop)
    elevated.renew()
    store.save(laptop, elevated)
    told: list[Any] = [
        dict(store.load(phone)),
        dict(store.load(laptop)),
        dict(store.load(anonymous)),
        [store.user(each) for each in (phone, laptop, anonymous, thief)],
    ]
    store("revoke", "ada")
    told.append([store.user(each) for each in (phone, laptop)])
    store.log_in(phone, "ada")
    told.append([store.user(each) for each in (phone, laptop)])
    leaving = store.load(phone)
    leaving.end()
    store.save(phone, leaving)
    told.append((phone.cookie, dict(store.load(phone))))
    return told


TOLD: list[Any] = [
    {"cart": ["pear"], "seen": 1},
    {"theme": "dark"},
    {},
    ["ada", "ada", None, None],
    [None, None],
    ["ada", None],
    (None, {}),
]


@every_kind
@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize("protocol", [2, 3])
def test_the_whole_story(open_store: Callable[..., Store], kind: str, protocol: int, *, decode: bool) -> None:
    """Whatever the client makes of replies."""
    assert story(open_store(kind, client_options={"decode_responses": decode, "protocol": protocol})) == TOLD


@every_kind
def test_the_whole_story_in_a_cluster(kind: str, cluster: Cache, open_client: Callable[..., Caller]) -> None:
    """Sessions and grants that live on different nodes."""
    assert [story(Store(kind, cluster, open_client)) for _ in range(3)] == [TOLD] * 3


@every_kind
def test_round_trips(open_store: Callable[..., Store], kind: str) -> None:
    """One to read, one more to write; none without a cookie of ours, and none to write what has not changed."""
    store, browser = open_store(kind), Browser()
    store.log_in(browser, "ada", theme="dark", cart=["pear"])
    store.request(browser, theme="light")
    counted = {}
    for what, cookie, values in [
        ("read", browser.cookie, {}),
        ("same", browser.cookie, {"theme": "light"}),
        ("changed", browser.cookie, {"theme": "dark"}),
        ("no cookie", None, {}),
        ("not ours", "of-another-site", {}),
    ]:
        with recording(store.caller) as sent:
            store.request(Browser(cookie), **values)
        counted[what] = len(sent)
    assert counted == {"read": 1, "same": 1, "changed": 2, "no cookie": 0, "not ours": 0}


def test_an_empty_session_is_not_kept(store: Store) -> None:
    """A visitor who has done nothing costs no memory and gets no cookie."""
    browser = Browser()
    assert (store.request(browser), browser.cookie, store.cache.keys(f"{store.prefix}*")) == ({}, None, set())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda session: session["cart"].append("plum"), {"cart": ["pear", "plum"], "theme": "dark"}),
        (lambda session: session.pop("theme"), {"cart": ["pear"]}),
        (lambda session: session.clear(), {}),
        (lambda session: session.update(theme=None), {"cart": ["pear"], "theme": None}),
        (lambda session: session.setdefault("seen", 1), {"cart": ["pear"], "theme": "dark", "seen": 1}),
    ],
    ids=["inside a value", "pop", "clear", "update", "setdefault"],
)
def test_changes(store: Store, change: Callable[[Any], Any], expected: dict[str, Any]) -> None:
    """Of any kind are noticed."""
    browser = Browser()
    store.request(browser, cart=["pear"], theme="dark")
    session = store.load(browser)
    change(session)
    store.save(browser, session)
    assert store.load(browser) == expected


def test_only_what_has_changed_is_written(store: Store) -> None:
    """One field in one write."""
    browser = Browser()
    store.request(browser, cart=["pear"], theme="dark")
    before = store.cache.changes()
    store.request(browser, theme="light")
    assert store.cache.changes() - before == 1


def test_two_requests_at_once(store: Store) -> None:
    """What they change under different names stays; under the same name the later one does."""
    browser = Browser()
    store.request(browser, both=0, dropped=1)
    first, second = store.load(browser), store.load(browser)
    first.update(first=1, both=1)
    del first["dropped"]
    second.update(second=2, both=2)
    store.save(browser, first)
    store.save(browser, second)
    assert store.load(browser) == {"first": 1, "second": 2, "both": 2}


def test_many_requests_at_once(store: Store) -> None:
    """No update is lost among threads that each write their own name."""
    browser = Browser()
    store.request(browser, start=True)
    names = [f"name-{number}" for number in range(40)]
    together = threading.Barrier(8)

    def serve(name: str) -> None:
        session = store.load(browser)
        together.wait()
        session[name] = name
        store.save(browser, session)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(serve, names))
    assert store.load(browser) == {"start": True, **{name: name for name in names}}


@pytest.mark.parametrize("ending", ["end", "renew", "revoke"])
def test_a_session_that_ended_is_not_brought_back(store: Store, ending: str) -> None:
    """By a request that had read it before: its changes are dropped, its cookie is left alone, and it is empty."""
    browser = Browser()
    store.log_in(browser, "ada", theme="dark")
    old = browser.copy()
    late = store.load(old)
    if ending == "revoke":
        store("revoke", "ada")
    else:
        session = store.load(browser)
        getattr(session, ending)()
        store.save(browser, session)
    late["theme"] = "light"
    cookie = old.cookie
    store.save(old, late)
    assert (old.cookie, late, late.user, store.load(old)) == (cookie, {}, None, {})


@pytest.mark.parametrize("ending", ["end", "renew", "revoke"])
def test_a_session_that_ended_is_not_renewed(store: Store, ending: str) -> None:
    """Asking for a new id without a login does not go round a revocation, and one id has one successor."""
    browser = Browser()
    store.log_in(browser, "ada", theme="dark")
    old = browser.copy()
    late = store.load(old)
    if ending == "revoke":
        store("revoke", "ada")
    else:
        session = store.load(browser)
        getattr(session, ending)()
        store.save(browser, session)
    late.renew()
    store.save(old, late)
    assert (late, late.user, store.user(old)) == ({}, None, None)


def test_an_id_is_never_taken_from_a_browser(store: Store) -> None:
    """An attacker that plants a cookie does not learn the id that is used."""
    planted = Browser()
    store.request(planted, theme="dark")
    planted_id = planted.cookie
    store.admin(planted).delete(store.key(planted))
    store.request(planted, theme="light")
    assert planted.cookie not in (None, planted_id)


def test_a_login_changes_the_id_and_ends_the_old_one(store: Store) -> None:
    """An attacker that planted or saw the visitor's id is left with nothing, and the values stay."""
    visitor = Browser()
    store.request(visitor, cart=["pear"])
    seen = visitor.copy()
    store.log_in(visitor, "ada")
    assert visitor.cookie != seen.cookie
    assert (store.load(visitor), store.user(visitor)) == ({"cart": ["pear"]}, "ada")
    assert (store.load(seen), store.user(seen)) == ({}, None)


def test_another_user_in_the_same_browser(store: Store) -> None:
    """A login over a login ends the first one."""
    browser = Browser()
    store.log_in(browser, "ada")
    first = browser.copy()
    store.log_in(browser, "bob")
    assert (store.user(browser), store.user(first)) == ("bob", None)


def test_ending_and_logging_in_at_once(store: Store) -> None:
    """Nothing of the session that ended is in the new one."""
    browser = Browser()
    store.log_in(browser, "ada", secret="hers")
    session = store.load(browser)
    session.end()
    session.renew("bob")
    store.save(browser, session)
    assert (store.load(browser), store.user(browser)) == ({}, "bob")


def test_revocation_is_one_command_however_many_sessions(store: Store) -> None:
    """And it ends all of one user and none of another."""
    hers = list(browsers(30))
    for browser in hers:
        store.log_in(browser, "ada")
    his = Browser()
    store.log_in(his, "bob")
    with recording(store.caller) as sent:
        store("revoke", "ada")
    assert (len(sent), {store.user(each) for each in hers}, store.user(his)) == (1, {None}, "bob")


def test_a_revoked_session_does_not_come_back_with_the_next_login(store: Store) -> None:
    """Nor with many."""
    old, new = browsers(2)
    store.log_in(old, "ada")
    store("revoke", "ada")
    for _ in range(3):
        store.log_in(new, "ada")
    assert (store.user(old), store.user(new)) == (None, "ada")


def test_the_present_session_may_outlive_a_revocation(store: Store) -> None:
    """After a change of the password: all others end, and this one is renewed."""
    here, there = browsers(2)
    for browser in (here, there):
        store.log_in(browser, "ada", theme="dark")
    session = store.load(here)
    store("revoke", "ada")
    session.renew("ada")
    store.save(here, session)
    assert (store.load(here), store.user(here), store.user(there)) == ({"theme": "dark"}, "ada", None)


@pytest.mark.parametrize(("revoked", "expected"), [(False, "ada"), (True, None)])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_login_with_a_grant(store: Store, expected: str | None, *, is_first: bool, revoked: bool) -> None:
    """A login that looked at the password before a revocation fails, even when it is saved long after."""
    if not is_first:
        store.log_in(Browser(), "ada")
    browser = Browser()
    session = store.load(browser)
    grant = store("grant", "ada")
    if revoked:
        store("revoke", "ada")
        store.log_in(Browser(), "ada")
    session.renew("ada", grant=grant)
    store.save(browser, session)
    assert (session.user, store.user(browser)) == (expected, expected)


def test_a_grant_for_a_login_lasts_ten_minutes(store: Store) -> None:
    """Also where the one that there is would soon be over; it never shortens one."""
    key = grant_key(store.prefix, "ada")
    store.log_in(Browser(), "ada")
    admin = store.cache.holding(key)
    store("grant", "ada")
    before = admin.pttl(key)
    admin.pexpire(key, 1000)
    store("grant", "ada")
    assert (before > 600_000, 590_000 < admin.pttl(key) <= 600_000) == (True, True)


def test_logins_and_revocations_at_once(store: Store) -> None:
    """Among threads: what was saved before a revocation began is over, and what began after it ended holds."""
    moments = iter(range(10**6))
    logins: list[tuple[int, int, Browser]] = []
    revocations: list[tuple[int, int]] = []
    together = threading.Barrier(5)

    def log_in(_: int) -> None:
        together.wait()
        for _ in range(25):
            browser = Browser()
            begin = next(moments)
            store.log_in(browser, "ada")
            logins.append((begin, next(moments), browser))

    def revoke() -> None:
        together.wait()
        for _ in range(15):
            begin = next(moments)
            store("revoke", "ada")
            revocations.append((begin, next(moments)))

    with ThreadPoolExecutor(5) as threads:
        running = [*(threads.submit(log_in, number) for number in range(4)), threads.submit(revoke)]
        for each in running:
            each.result()
    last_begin, last_end = revocations[-1]
    last = Browser()
    store.log_in(last, "ada")
    logins.append((last_end + 1, last_end + 2, last))
    over = [browser for _, end, browser in logins if end < last_begin]
    holding = [browser for begin, _, browser in logins if begin > last_end]
    assert over
    assert {store.user(each) for each in over} == {None}
    assert {store.user(each) for each in holding} == {"ada"}


@pytest.mark.parametrize("is_spoilt", [False, True])
def test_a_lost_grant_ends_the_sessions(store: Store, *, is_spoilt: bool) -> None:
    """A cache that evicts it forgets logins, and revocations never; two missing grants are not one and the same."""
    browser = Browser()
    store.log_in(browser, "ada")
    key = grant_key(store.prefix, "ada")
    store.cache.holding(key).delete(key)
    if is_spoilt:
        store.admin(browser).hdel(store.key(browser), "grant")
    assert store.user(browser) is None


def test_a_grant_lives_as_long_as_the_last_login(store: Store) -> None:
    """Each login gives it the full lifetime again."""
    first, second = browsers(2)
    store.log_in(first, "ada")
    key = grant_key(store.prefix, "ada")
    admin = store.cache.holding(key)
    admin.pexpire(key, 1000)
    store.log_in(second, "ada")
    lifetime_ms = int(LIFETIME.total_seconds() * 1000)
    assert lifetime_ms - 10_000 < admin.pttl(key) <= lifetime_ms


@pytest.mark.parametrize(("untouched", "is_written"), [(0.05, False), (0.2, True), (0.9, True)])
def test_expiry_slides_with_few_writes(store: Store, untouched: float, *, is_written: bool) -> None:
    """Reading puts it off when a tenth of the time has passed, and writes nothing before."""
    browser = Browser()
    store.request(browser, theme="dark")
    admin, key = store.admin(browser), store.key(browser)
    assert IDLE_MS - 10_000 < admin.pttl(key) <= IDLE_MS
    admin.pexpire(key, int(IDLE_MS * (1 - untouched)))
    before = store.cache.changes()
    store.load(browser)
    assert store.cache.changes() - before == int(is_written)
    assert (admin.pttl(key) > IDLE_MS * 0.97) == is_written


def test_a_thousand_requests_write_ten_times(store: Store) -> None:
    """In the time that an idle session lasts, however often it is read."""
    browser = Browser()
    store.request(browser, theme="dark")
    admin, key, pttl = store.admin(browser), store.key(browser), IDLE_MS
    writes = 0
    for _ in range(1000):
        pttl -= IDLE_MS // 1000
        admin.pexpire(key, pttl)
        before = store.cache.changes()
        store.load(browser)
        if store.cache.changes() != before:
            writes += 1
            pttl = IDLE_MS
    assert 8 <= writes <= 10


def test_an_idle_session_expires(node: Cache, open_client: Callable[..., Caller]) -> None:
    """The server forgets it by itself."""
    store = Store("redis-py", node, open_client, idle=dt.timedelta(milliseconds=50))
    browser = Browser()
    store.request(browser, theme="dark")
    gone = threading.Event()
    for _ in range(100):
        if not node.keys(f"{store.prefix}*"):
            break
        gone.wait(0.02)
    assert store.load(browser) == {}


def test_no_session_outlives_its_lifetime(store: Store) -> None:
    """However busy, and however often its id is renewed."""
    browser = Browser()
    store.log_in(browser, "ada")
    store.clock.now += LIFETIME.total_seconds() - 60
    session = store.load(browser)
    session.renew()
    store.save(browser, session)
    assert store.admin(browser).pttl(store.key(browser)) <= 60_000
    store.load(browser)
    assert store.admin(browser).pttl(store.key(browser)) <= 60_000
    assert store.user(browser) == "ada"
    store.clock.now += 60
    assert store.user(browser) is None


def test_a_login_begins_a_new_life(store: Store) -> None:
    """The lifetime counts from it."""
    browser = Browser()
    store.request(browser, cart=["pear"])
    store.clock.now += LIFETIME.total_seconds() - 60
    store.log_in(browser, "ada")
    store.clock.now += 120
    assert store.user(browser) == "ada"


def test_reading_near_the_end_writes_nothing(store: Store) -> None:
    """When the lifetime leaves less than the idle time, there is nothing to put off."""
    browser = Browser()
    store.request(browser, theme="dark")
    store.clock.now += LIFETIME.total_seconds() - 60
    store.load(browser)
    before = store.cache.changes()
    store.load(browser)
    assert store.cache.changes() == before


@every_kind
def test_the_cookie_is_kept_as_long_as_the_session_may_last(open_store: Callable[..., Store], kind: str) -> None:
    """Set once, and again with a new id, for what is left."""
    store, browser = open_store(kind), Browser()
    session = store.load(browser)
    session.renew("ada")
    change = store("save", session)
    assert change.max_age == LIFETIME.total_seconds()
    store.clock.now += 3600
    session = store("load", change.value)
    session["theme"] = "dark"
    assert store("save", session) is None
    session.renew()
    assert store("save", session).max_age == LIFETIME.total_seconds() - 3600


SECRET, NEWER = "a secret of 16 bytes", b"and the one after it"


@every_kind
def test_a_secret_changes_nothing_else(open_store: Callable[..., Store], kind: str) -> None:
    """All that users do, with users' names hashed with it."""
    assert TOLD == story(open_store(kind, secret=SECRET))


def test_the_cache_cannot_tell_users(open_store: Callable[..., Store]) -> None:
    """An attacker that sees the names of all keys, and guesses the users, learns nothing."""
    store = open_store(secret=SECRET)
    store.log_in(Browser(), "ada")
    store("grant", "bob")
    keys = store.cache.keys(f"{store.prefix}*")
    assert len(keys) == 3
    assert [key for key in keys for user in ("ada", "bob") if key.startswith(grant_key(store.prefix, user))] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, SECRET), (SECRET, [NEWER, SECRET])],
    ids=["set", "changed"],
)
@pytest.mark.parametrize("renewed", [False, True])
def test_sessions_outlive_a_change_of_the_secret(
    open_store: Callable[..., Store], before: Any, after: Any, *, renewed: bool
) -> None:
    """They go on, with a new id too; and a revocation ends them, and those that began afterwards."""
    old = open_store(secret=before)
    phone, laptop = browsers(2)
    old.log_in(phone, "ada", cart=["pear"])
    new = open_store(secret=after, prefix=old.prefix)
    if renewed:
        session = new.load(phone)
        session.renew()
        new.save(phone, session)
    new.request(phone, theme="dark")
    new.log_in(laptop, "ada")
    assert (dict(new.load(phone)), new.user(phone), new.user(laptop)) == (
        {"cart": ["pear"], "theme": "dark"},
        "ada",
        "ada",
    )
    new("revoke", "ada")
    assert [new.user(phone), new.user(laptop)] == [None, None]


@pytest.mark.parametrize(
    ("secret", "error"),
    [("x" * 15, ValueError), ("", ValueError), (["x" * 16, b"short"], ValueError), (7, TypeError), ([None], TypeError)],
)
def test_secrets_that_are_none(secret: Any, error: type[Exception]) -> None:
    """A short one would be guessed, and so would nothing at all; the message does not repeat it."""
    with pytest.raises(error) as refusal:
        Sessions(None, secret=secret)
    assert "x" * 15 not in str(refusal.value)


def test_the_cache_cannot_tell_ids(store: Store) -> None:
    """An attacker that reads all keys and values finds no cookie in them."""
    visitor, user = browsers(2)
    store.request(visitor, theme="dark")
    store.log_in(user, "ada", theme="dark")
    admin = store.cache.nodes[0].admin
    keys = store.cache.keys(f"{store.prefix}*")
    content = repr({key: admin.hgetall(key) if admin.type(key) == "hash" else admin.get(key) for key in keys})
    assert len(keys) == 3
    assert [each.cookie for each in (visitor, user) if each.cookie and each.cookie.split(".")[-1] in content] == []


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        {"deadline": None},
        {"deadline": "soon"},
        {"deadline": "nan"},
        {"deadline": "0x7fffffffffff"},
        {"deadline": "1"},
        {"grant": None},
        {"grant": "another"},
        {"user": None},
        {"user": b"\xff"},
        {":theme": "{"},
        {":theme": b"\xff"},
        {":theme": "[" * 100_000},
        {b":\xff": "1"},
    ],
    ids=str,
)
def test_tampered_content(
    open_store: Callable[..., Store], content: dict[Any, Any], protocol: int, *, decode: bool
) -> None:
    """A session that has been tampered with is a new one, and no user is logged in."""
    client_options = {"decode_responses": decode, "protocol": protocol}
    store = open_store(types={"seen": dt.datetime}, client_options=client_options)
    browser = Browser()
    store.log_in(browser, "ada", theme="dark")
    admin, key = store.admin(browser), store.key(browser)
    for name, value in content.items():
        admin.hset(key, name, value) if value is not None else admin.hdel(key, name)
    session = store.load(browser)
    assert (session, session.user) == ({}, None)
    store.log_in(browser, "ada", theme="light")
    assert store.load(browser) == {"theme": "light"}


def releases(open_store: Callable[..., Store]) -> tuple[Store, Store]:
    """Two of them on the same sessions: the newer one has changed the types of two values."""
    old = open_store(types={"cart": dict[str, int]})
    return old, open_store(types={"cart": list[str], "price": Price}, prefix=old.prefix)


def test_another_release_logs_nobody_out(open_store: Callable[..., Store], caplog: pytest.LogCaptureFixture) -> None:
    """What does not fit its type is left out and stays for the release that wrote it; the first is logged."""
    old, new = releases(open_store)
    browser = Browser()
    old.log_in(browser, "ada", cart={"pear": 2}, theme="dark", price={"currency": "gbp"})
    for _ in range(2):
        session = new.load(browser)
        assert session.user == "ada"
        assert {"cart", "price"}.isdisjoint(session)
        session["theme"] = "light"
        new.save(browser, session)
    assert old.load(browser) == {"cart": {"pear": 2}, "theme": "light", "price": {"currency": "gbp"}}
    assert {each.args for each in caplog.records if each.levelname == "WARNING"} == {("cart",), ("price",)}
    session = new.load(browser)
    session.renew()
    session["cart"] = ["pear"]
    new.save(browser, session)
    assert new.load(browser) == {"cart": ["pear"], "theme": "light"}
    assert old.load(browser) == {"theme": "light", "price": {"currency": "gbp"}}


def test_what_cannot_be_read_is_cleared_and_handed_to_nobody(open_store: Callable[..., Store]) -> None:
    """By clearing the session, and by the login of another user."""
    old, new = releases(open_store)
    cleared, handed = browsers(2)
    for browser in (cleared, handed):
        old.log_in(browser, "ada", cart={"pear": 2})
    session = new.load(cleared)
    session.clear()
    new.save(cleared, session)
    new.log_in(handed, "bob")
    assert (old.load(cleared), old.user(cleared), old.load(handed)) == ({}, "ada", {})


@pytest.mark.parametrize("which", ["session", "grant"])
def test_keys_of_another_type(store: Store, which: str) -> None:
    """Whatever is stored instead of a session or a grant, it logs no user in."""
    browser = Browser()
    store.log_in(browser, "ada")
    key = store.key(browser) if which == "session" else grant_key(store.prefix, "ada")
    admin = store.cache.holding(key)
    admin.delete(key)
    admin.rpush(key, "deadline")
    assert store.user(browser) is None


def test_a_huge_deadline_is_cut(store: Store) -> None:
    """A renewed session lasts no longer than the lifetime, whatever the cache says."""
    browser = Browser()
    store.log_in(browser, "ada")
    store.admin(browser).hset(store.key(browser), "deadline", "inf")
    session = store.load(browser)
    session.renew()
    store.save(browser, session)
    lifetime_ms = (store.clock.now + LIFETIME.total_seconds()) * 1000
    assert float(store.admin(browser).hget(store.key(browser), "deadline")) == lifetime_ms


def other(text: str) -> str:
    """A text that differs in its last character."""
    return text[:-1] + ("A" if text[-1] != "A" else "E")


def tampered(cookie: str) -> list[str]:
    """Cookies that are nearly a user's."""
    owner, secret = cookie.split(".")
    return [
        secret,
        owner,
        f"{owner}.",
        f"{owner}.{secret[:-1]}",
        f"{owner}.{other(secret)}",
        f"{owner}.{secret}x",
        f"{other(owner)}.{secret}",
        f"{owner}.{owner}.{secret}",
        f" {cookie}",
        f"{cookie}\n",
        f"{owner}.{'é' * 43}",
        "",
        "." * 66,
        "x" * 100_000,
    ]


def test_tampered_cookies(store: Store) -> None:
    """Nothing that is nearly a cookie opens a session."""
    browser = Browser()
    store.log_in(browser, "ada", theme="dark")
    assert browser.cookie is not None
    found = [store.load(Browser(each)) for each in tampered(browser.cookie)]
    assert [(session, session.user) for session in found] == [({}, None)] * len(found)


@every_kind
def test_a_cache_that_does_not_answer(unanswered: int, open_client: Callable[..., Caller], kind: str) -> None:
    """No user is taken for a visitor: reading and writing raise, and say nothing of the id."""
    store = Store(kind, Cache([], plain_settings(unanswered)), open_client)
    browser = Browser(SessionId.new("ada").text)
    session = store.load(Browser())
    session.renew("ada")
    for method, argument in [("load", browser.cookie), ("save", session), ("revoke", "ada"), ("grant", "ada")]:
        with pytest.raises(SessionsUnavailable, match="Answer with status 503") as raised:
            store(method, argument)
        assert raised.value.__cause__ is not None
        assert (browser.cookie or "").split(".")[-1] not in f"{raised.value!r} {raised.value.__cause__!r}"
    assert store.load(Browser()) == {}


@pytest.mark.parametrize("user", ["", 7, b"ada"])
def test_users_are_texts(store: Store, user: Any) -> None:
    """Anything else is refused before it could be a user."""
    session = store.load(Browser())
    for refuse in (session.renew, lambda user: store("revoke", user), lambda user: store("grant", user)):
        with pytest.raises(ValueError, match=r"user=.*: must be a non-empty string"):
            refuse(user)
    assert session.user is None


def test_a_value_that_cannot_be_kept_changes_nothing(store: Store) -> None:
    """It is refused before the former session is deleted."""
    browser = Browser()
    store.request(browser, theme="dark")
    session = store.load(browser)
    session.renew("ada")
    session["seen"] = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    with pytest.raises(TypeError, match="of type datetime"):
        store.save(browser, session)
    assert store.load(browser) == {"theme": "dark"}


@pytest.mark.parametrize(("idle", "lifetime"), [(dt.timedelta(), LIFETIME), (-IDLE, LIFETIME), (LIFETIME, IDLE)])
def test_refused_times(idle: dt.timedelta, lifetime: dt.timedelta) -> None:
    """Before a client is looked at."""
    with pytest.raises(ValueError, match=r"idle=.*lifetime=.*: idle must be more than zero and at most lifetime"):
        Sessions(None, idle=idle, lifetime=lifetime)


def test_nothing_secret_is_shown(store: Store) -> None:
    """A session, its record and what a browser is told show no id and no value."""
    browser = Browser()
    session = store.load(browser)
    session.renew("ada")
    session["card"] = "4111-1111"
    change = store("save", session)
    shown = repr([session, session.record, change])
    secret = change.value.split(".")[1]
    assert [each for each in (secret, "4111-1111", session.record.grant) if each in shown] == []
