"""What the permissions say in words, asked of real engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from elasticache_constructs import Permissions
from elasticache_constructs.access.access_string import CATEGORIES
from tests.client.engines import Engine, redis_server, valkey_server

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "of-the-tested-user"
NO_PERMISSION = redis.exceptions.NoPermissionError

BUILT = {
    "read_only": Permissions.read_only("app:*", "shared:*"),
    "read_write": Permissions.read_write("app:*"),
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
    ("GET app:1", {"read_only", "read_write"}),
    ("MGET app:1 app:2", {"read_only", "read_write"}),
    ("HGETALL app:h", {"read_only", "read_write"}),
    ("ZRANGE app:z 0 -1", {"read_only", "read_write"}),
    ("SCAN 0", {"read_only", "read_write"}),
    ("GET shared:1", {"read_only"}),
    ("GET other:1", set()),
    ("MGET app:1 other:1", set()),
    ("SET app:1 x", {"read_write"}),
    ("SET other:1 x", set()),
    ("DEL app:1", {"read_write"}),
    ("EXPIRE app:1 10", {"read_write"}),
    ("ZADD app:z 1 a", {"read_write"}),
    ("EVAL return{1} 0", {"read_write"}),
    ("PUBLISH events:1 hello", {"publish"}),
    ("PUBLISH other:1 hello", set()),
    ("FLUSHALL", set()),
    ("FLUSHDB", set()),
    ("KEYS *", set()),
    ("CONFIG GET *", set()),
    ("ACL LIST", set()),
    ("ACL SETUSER somebody on", set()),
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


@pytest.fixture(scope="module", params=[redis_server, valkey_server], ids=["redis", "valkey"], name="engine")
def _engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(request.param(), tmp_path_factory.mktemp("engine"), None)
    for name, permissions in BUILT.items():
        define(engine, name, permissions)
    yield engine
    engine.stop()


def define(engine: Engine, name: str, permissions: Permissions) -> None:
    """Make a user as the service would: what the access string says, and a password."""
    words = permissions.access_string.split()
    engine.admin.execute_command("ACL", "SETUSER", name, "reset", *words, f">{PASSWORD}")


def connection(engine: Engine, name: str) -> Any:
    """A client logged in as that user."""
    return redis.Redis(
        port=engine.port, username=name, password=PASSWORD, retry=Retry(NoBackoff(), 0), socket_timeout=5
    )


def allowed(engine: Engine, name: str, *command: str) -> bool:
    """Whether the engine runs a command for a user; other errors than a refusal count as run."""
    client = connection(engine, name)
    try:
        client.execute_command(*command)
    except NO_PERMISSION:
        return False
    except redis.ResponseError:
        return True
    finally:
        client.close()
    return True


@pytest.mark.parametrize(("command", "allowed_for"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_words_mean_what_they_say(engine: Engine, command: str, allowed_for: set[str]) -> None:
    """Each command is permitted to exactly those whose words say so."""
    assert allowed_for == {name for name in BUILT if allowed(engine, name, *command.split())}


@pytest.mark.parametrize(
    ("name", "channel", "expected"),
    [
        ("subscribe", "events:1", True),
        ("subscribe", "other:1", False),
        ("publish", "events:1", False),
        ("read_write", "events:1", False),
    ],
)
def test_subscribing(engine: Engine, name: str, channel: str, *, expected: bool) -> None:
    """Only a subscriber hears a channel, and only those of its patterns."""
    client = connection(engine, name)
    subscription = client.pubsub()
    try:
        subscription.subscribe(channel)
        answer = subscription.get_message(timeout=5)
        heard = answer is not None and answer["type"] == "subscribe"
    except NO_PERMISSION:
        heard = False
    finally:
        subscription.close()
        client.close()

    assert expected == heard


def test_transactions_are_for_writers(engine: Engine) -> None:
    """A writer's pipeline is a transaction, which is what client libraries make of one."""
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
    """An engine makes of the canonical form what it makes of the string that was written, started from nothing."""
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


def test_categories_are_those_of_the_engines(engine: Engine) -> None:
    """Every category of an engine is known."""
    assert set() == set(engine.admin.execute_command("ACL", "CAT")) - CATEGORIES
