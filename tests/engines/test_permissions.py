"""Permissions have on real engines the effect that their names state."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.backoff import NoBackoff
from redis.retry import Retry

from elasticache_constructs import ConfigurationError, Permissions
from elasticache_constructs.access.granted import Version
from elasticache_constructs.access.granted import allowed as comes_to
from elasticache_rules import facts
from tests.client.engines import Engine, redis_server, valkey_server

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "of-the-tested-user"
NO_PERMISSION = redis.exceptions.NoPermissionError

READING = {"read_only", "read_write", "both", "lister", "owner"}
WRITING = {"read_write", "both", "owner"}
BUILT = {
    "read_only": Permissions.read_only("app:*", "shared:*"),
    "read_write": Permissions.read_write("app:*"),
    "both": Permissions.read_write("app:*", channels=["events:*"]),
    "lister": Permissions.read_only("app:*", list_keys_reason="The console shows what is in the cache."),
    "owner": Permissions.read_write("app:*", "*"),
    "publish": Permissions.publish("events:*"),
    "subscribe": Permissions.subscribe("events:*"),
}

# By what is asked: the command, and whose permissions allow it.
COMMANDS: list[tuple[str, set[str]]] = [
    ("PING", set(BUILT)),
    ("HELLO 3", set(BUILT)),
    ("CLIENT SETNAME application", set(BUILT)),
    ("CLIENT ID", set(BUILT)),
    ("ECHO hello", set(BUILT)),
    ("INFO server", set(BUILT)),
    ("ACL WHOAMI", set(BUILT)),
    ("SELECT 0", set(BUILT)),
    ("GET app:1", READING),
    ("MGET app:1 app:2", READING),
    ("HGETALL app:h", READING),
    ("ZRANGE app:z 0 -1", READING),
    ("SCAN 0", {"lister", "owner"}),
    ("GET shared:1", {"read_only", "owner"}),
    ("GET other:1", {"owner"}),
    ("MGET app:1 other:1", {"owner"}),
    ("SET app:1 x", WRITING),
    ("SET other:1 x", {"owner"}),
    ("DEL app:1", WRITING),
    ("EXPIRE app:1 10", WRITING),
    ("ZADD app:z 1 a", WRITING),
    ("EVAL return{1} 0", WRITING),
    ("PUBLISH events:1 hello", {"publish", "both"}),
    ("PUBLISH other:1 hello", set()),
    ("RANDOMKEY", {"lister", "owner"}),
    ("DBSIZE", {"lister", "owner"}),
    ("CLUSTERSCAN 0", {"lister", "owner"}),
    ("CLIENT TRACKING ON BCAST", {"lister", "owner"}),
    ("CLIENT CACHING YES", {"lister", "owner"}),
    ("TTL app:1", READING),
    ("PTTL app:1", READING),
    ("EXISTS app:1", READING),
    ("TYPE app:1", READING),
    ("TOUCH app:1", READING),
    ("EXPIRETIME app:1", READING),
    ("OBJECT ENCODING app:1", READING),
    ("MEMORY USAGE app:1", READING),
    ("EXISTS other:1", {"owner"}),
    ("TYPE other:1", {"owner"}),
    ("UNLINK app:1", WRITING),
    ("COPY app:1 app:2", WRITING),
    ("RENAME app:1 app:2", WRITING),
    ("PERSIST app:1", WRITING),
    ("COPY other:1 app:2", {"owner"}),
    ("MULTI", WRITING),
    ("WATCH app:1", WRITING),
    ("EVALSHA ffffffffffffffffffffffffffffffffffffffff 0", WRITING),
    ("FCALL anything 0", set()),
    ("READONLY", set(BUILT)),
    ("READWRITE", set(BUILT)),
    ("ASKING", set(BUILT)),
    ("COMMAND", set(BUILT)),
    ("CLIENT SETINFO LIB-NAME library", set(BUILT)),
    ("CLUSTER SLOTS", set(BUILT)),
    ("CLUSTER SHARDS", set(BUILT)),
    ("CLUSTER COUNTKEYSINSLOT 0", set()),
    ("CLUSTER GETKEYSINSLOT 0 10", set()),
    ("PUBSUB CHANNELS", set()),
    ("SLOWLOG GET", set()),
    ("LATENCY LATEST", set()),
    ("MEMORY STATS", set()),
    ("FLUSHALL", set()),
    ("FLUSHDB", set()),
    ("KEYS *", set()),
    ("CONFIG GET *", set()),
    ("ACL LIST", set()),
    ("ACL SETUSER other on", set()),
    ("CLIENT KILL ID 999999", set()),
    ("CLIENT LIST", set()),
    ("SHUTDOWN NOSAVE", set()),
    ("REPLICAOF NO ONE", set()),
    ("SAVE", set()),
    ("MONITOR", set()),
    ("SCRIPT FLUSH", set()),
    ("FUNCTION FLUSH", set()),
    ("SWAPDB 0 1", set()),
    ("SORT app:z", set()),
]

NOT_EVERYWHERE = {"CLUSTERSCAN 0", "CLIENT SETINFO LIB-NAME library"}


@pytest.fixture(scope="module", params=[redis_server, valkey_server], ids=["redis", "valkey"], name="engine")
def _engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(request.param(), tmp_path_factory.mktemp("engine"), None)
    for name, permissions in BUILT.items():
        define(engine, name, permissions)
    yield engine
    engine.stop()


def define(engine: Engine, name: str, permissions: Permissions) -> None:
    """Create a user as ElastiCache does: with the access string and a password."""
    words = permissions.access_string.split()
    engine.admin.execute_command("ACL", "SETUSER", name, "reset", *words, f">{PASSWORD}")


def connection(engine: Engine, name: str) -> Any:
    """A client logged in as that user."""
    return redis.Redis(
        port=engine.port, username=name, password=PASSWORD, retry=Retry(NoBackoff(), 0), socket_timeout=5
    )


def allowed(engine: Engine, name: str, *command: str) -> bool | None:
    """Whether a user may run a command; None if the engine lacks it. Errors other than a refusal count as run."""
    client = connection(engine, name)
    try:
        client.execute_command(*command)
    except NO_PERMISSION:
        return False
    except redis.ResponseError as error:
        # Engines look a command up before they look at who may run it.
        return None if "unknown" in str(error).lower() else True
    finally:
        client.close()
    return True


@pytest.mark.parametrize(("command", "allowed_for"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_words_mean_what_they_say(engine: Engine, command: str, allowed_for: set[str]) -> None:
    """Exactly the users whose permissions include a command may run it."""
    found = {name: allowed(engine, name, *command.split()) for name in BUILT}
    if None in found.values():
        assert command in NOT_EVERYWHERE
    else:
        assert allowed_for == {name for name, is_allowed in found.items() if is_allowed}


@pytest.mark.parametrize(
    ("name", "channel", "expected"),
    [
        ("subscribe", "events:1", True),
        ("subscribe", "other:1", False),
        ("both", "events:1", True),
        ("both", "other:1", False),
        ("publish", "events:1", False),
        ("read_write", "events:1", False),
    ],
)
def test_subscribing(engine: Engine, name: str, channel: str, *, expected: bool) -> None:
    """Only a subscriber receives from a channel, and only if its patterns match."""
    client = connection(engine, name)
    subscription = client.pubsub()
    try:
        subscription.subscribe(channel)
        answer = subscription.get_message(timeout=5)
        received = answer is not None and answer["type"] == "subscribe"
    except NO_PERMISSION:
        received = False
    finally:
        subscription.close()
        client.close()

    assert expected == received


def test_transactions_are_for_writers(engine: Engine) -> None:
    """A writer may run a transaction, which client libraries make of a pipeline."""
    client = connection(engine, "read_write")
    with client.pipeline(transaction=True) as pipeline:
        pipeline.set("app:t", "1")
        pipeline.get("app:t")
        results = pipeline.execute()
    client.close()

    assert [True, b"1"] == results


@pytest.mark.parametrize(
    "written",
    [
        "on ~* +@read",
        "ON ~App:* +@READ +SELECT|0",
        "on %R~in:* %W~out:* +get +set",
        "on ~a:* +@read (~b:* +get) (~c:* +set)",
        "on allkeys allchannels +@pubsub -publish",
        "off resetkeys nocommands",
        "on ~* &news:* +@all -@dangerous",
    ],
)
def test_canonical_form_means_the_same(engine: Engine, written: str) -> None:
    """The canonical form gives a new user the same permissions as the string that was written."""
    reason = "The meaning of broad rules is compared here."
    canonical = Permissions(written, reason=reason).access_string.split()
    root, _, selectors = written.partition(" (")
    written_rules = [
        *root.split(),
        *([f"({each.strip(' ()')})" for each in selectors.split(") (")] if selectors else []),
    ]
    engine.admin.execute_command("ACL", "SETUSER", "written", "reset", "resetchannels", *written_rules)
    rules = " ".join(canonical).replace(" (", "\0(").replace(") ", ")\0")
    words = [word for part in rules.split("\0") for word in ([part] if part.startswith("(") else part.split())]
    engine.admin.execute_command("ACL", "SETUSER", "canonical", "reset", *words)

    assert described(engine, "written") == described(engine, "canonical")


def described(engine: Engine, user: str) -> str:
    """The engine's own description of a user, without its name."""
    lines: list[str] = engine.admin.execute_command("ACL", "LIST")
    (line,) = (each for each in lines if each.startswith(f"user {user} "))
    return line.removeprefix(f"user {user} ")


SCRIPTS = ["return redis.call('SCAN', 0)", "return redis.call('RANDOMKEY')", "return redis.call('GET', 'other:1')"]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("name", ["read_write", "owner"])
def test_scripts_may_do_no_more(engine: Engine, name: str, script: str) -> None:
    """A script may call only what its caller may call."""
    client = connection(engine, name)
    try:
        client.eval(script, 0)
        is_allowed = True
    except redis.ResponseError:
        is_allowed = False
    finally:
        client.close()

    assert is_allowed == (name == "owner")


KEYS = ["a:1", "b:1", "other"]
CHANNELS = ["n:1", "m:1"]
PATTERNS = st.sampled_from(["a:*", "b:*", "[ab]:1", "a:?", "other", "*"])
NAMES = sorted(facts.commands("redis", "7.0"))
CATEGORIES = sorted(facts.categories("redis", "7.0") - {"json"})
COMMAND_WORDS = st.one_of(
    st.sampled_from([f"{sign}@{name}" for sign in "+-" for name in CATEGORIES]),
    st.sampled_from([f"{sign}{name}" for sign in "+-" for name in NAMES if not name.startswith("json.")]),
    st.sampled_from([f"{sign}{name}" for sign in "+-" for name in sorted(Version("redis", "7.0").containers)]),
    st.sampled_from(["+select|0", "+select", "-select", "-@connection", "-@fast", "+@connection"]),
    st.sampled_from(["allcommands", "nocommands", "+GET", "+@ALL", "+object|help", "-client|kill", "+@admin"]),
)
PLACES = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["~", "%R~", "%W~", "%RW~", "%wr~"]), PATTERNS),
    st.builds("&{}".format, st.sampled_from(["n:*", "m:1", "*"])),
    st.sampled_from(["allkeys", "resetkeys", "allchannels", "resetchannels"]),
)
RULES = st.lists(st.one_of(COMMAND_WORDS, PLACES), max_size=6)
REASON = "What engines make of broad rules is compared here."


@given(st.lists(COMMAND_WORDS, max_size=7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_words_come_to_what_engines_make_of_them(engine: Engine, words: list[str]) -> None:
    """For any tokens, revoked or not, our evaluation allows the same commands as the engine."""
    written = [word.lower() for word in words]
    engine.admin.execute_command("ACL", "SETUSER", "drawn", "reset", "on", "~*", "&*", *written)
    commands, arguments = comes_to(written, version_of(engine))

    asked = every_command(engine)
    with engine.admin.pipeline(transaction=False) as pipeline:
        for call in asked.values():
            pipeline.execute_command("ACL", "DRYRUN", "drawn", *call)
        answers = dict(zip(asked, pipeline.execute(), strict=True))
    assert [] == [name for name, answer in answers.items() if (answer == "OK") != (name in commands)]
    # The first argument 0 is allowed by itself, or SELECT altogether.
    assert ("select" in commands or "select|0" in arguments) == is_run(engine, "drawn", "SELECT", "0")


@given(RULES, st.lists(RULES.filter(bool), max_size=2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_strings_that_are_accepted_are_read_by_engines(
    engine: Engine, root: list[str], selectors: list[list[str]]
) -> None:
    """Engines accept the canonical form; it has the effect of the string, if they accept that too.

    What is refused here may be taken there: rules that come to nothing are no mistake to an engine.
    """
    brackets = [f"({' '.join(each)})" for each in selectors]
    permissions = refusal = None
    try:
        permissions = Permissions(" ".join(["on", *root, *brackets]), reason=REASON)
    except ConfigurationError as error:
        refusal = error
    if permissions is None:
        assert refusal is not None
        assert {each.rule for each in refusal.errors} <= {"RBC-13", "RBC-14"}
        return
    define(engine, "drawn", permissions)
    try:
        engine.admin.execute_command("ACL", "SETUSER", "as-written", "reset", "resetchannels", "on", *root, *brackets)
    except redis.ResponseError:
        # It has a pattern behind ~* or &*, which the canonical form puts before it.
        return
    compare(engine, "drawn", "as-written")


def compare(engine: Engine, *users: str) -> None:
    """Assert that two users have the same permissions on some keys and channels."""
    probes = [("GET", key) for key in KEYS] + [("SET", key, "x") for key in KEYS] + [("DBSIZE",), ("CLIENT", "ID")]
    probes += [("PUBLISH", channel, "x") for channel in CHANNELS]
    assert [] == [each for each in probes if len({is_run(engine, user, *each) for user in users}) > 1]


@cache
def version_of(engine: Engine) -> Version:
    """The engine's version as ElastiCache writes it."""
    about = engine.admin.info("server")
    name = "valkey" if "valkey_version" in about else "redis"
    return Version(name, ".".join(about[f"{name}_version"].split(".")[:2]))


@cache
def every_command(engine: Engine) -> dict[str, list[str]]:
    """Each command that needs a permission, with a call that has the arguments it needs."""
    connected = engine.admin.connection_pool.get_connection()
    connected.send_command("COMMAND")
    reply = connected.read_response()
    engine.admin.connection_pool.release(connected)
    calls = {}
    for command in [*reply, *(sub for each in reply for sub in each[9])]:
        name, arity, flags = command[:3]
        if "no_auth" not in flags and not command[9]:
            words = name.split("|")
            calls[name] = [*words, *["1"] * (abs(arity) - len(words))]
    return calls


def is_run(engine: Engine, user: str, *command: str) -> bool:
    """The engine's answer to ACL DRYRUN, which checks permissions only."""
    answer: str = engine.admin.execute_command("ACL", "DRYRUN", user, *command)
    return answer == "OK"
