"""What a user may do."""

from __future__ import annotations

import re

import pytest
from aws_cdk import Token

from elasticache_constructs import ConfigurationError, Engine, Permissions, ServerlessEngine
from elasticache_constructs.access.access_string import is_known
from elasticache_constructs.access.granted import Version, allowed, is_command
from elasticache_constructs.checks.errors import reference

REASON = "The migration job copies every key of the old cache."
CONNECT = "+info +acl|whoami +cluster|slots +cluster|shards +cluster|nodes +cluster|keyslot"
BOTH = [Permissions.read_only("a:*"), Permissions.read_write("a:*")]
BROAD = ["+@all", "allcommands", "+@dangerous", "+@admin"]
BROAD_COMMANDS = [
    *("+acl", "+flushall", "+flushdb", "+keys", "+module", "+monitor"),
    *("+acl|setuser", "+module|load"),
]
KEYS_ALONE = (
    "name one or more patterns, of keys only, without spaces, parentheses or a leading sign of the ACL syntax. "
    f"Use '*' for every key, or preferably the application's own prefix, as in 'session:*'. {reference('RBC-10')}"
)
EITHER = pytest.mark.parametrize("make", [Permissions.read_only, Permissions.read_write])


ONE_KEY = "-@keyspace +dump +exists +expiretime +object +pexpiretime +pttl +touch +ttl +type"
CHANGES = "+copy +del +expire +expireat +move +persist +pexpire +pexpireat +rename +renamenx +unlink"
SCRIPTS = "+@transaction +eval +evalsha +script|load +script|exists"
CONNECTION = f"+@connection -@dangerous -client|tracking -client|caching {CONNECT}"
LISTING = f"+@connection -@dangerous {CONNECT}"
SUBSCRIBE = "+subscribe +unsubscribe +psubscribe +punsubscribe"
BOTH_WAYS = f"+publish {SUBSCRIBE}"
WRITE = f"+@read +@write -@scripting {ONE_KEY} {CHANGES} {SCRIPTS}"
WHY_LIST = "The console shows what is in the cache."


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        (
            Permissions.read_only("a:*", "b:*"),
            f"on ~a:* ~b:* resetchannels -@all +@read {ONE_KEY} {CONNECTION}",
        ),
        (
            Permissions.read_write("a:*"),
            f"on ~a:* resetchannels -@all {WRITE} {CONNECTION}",
        ),
        (
            Permissions.read_only("a:*", channels=["a:*"]),
            f"on ~a:* resetchannels &a:* -@all +@read {ONE_KEY} {SUBSCRIBE} {CONNECTION}",
        ),
        (
            Permissions.read_write("a:*", channels=["a:*", "news"]),
            f"on ~a:* resetchannels &a:* &news -@all {WRITE} {BOTH_WAYS} {CONNECTION}",
        ),
        (
            Permissions.read_only("a:*", list_keys_reason=WHY_LIST),
            f"on ~a:* resetchannels -@all +@read {LISTING}",
        ),
        (
            Permissions.read_write("a:*", "*"),
            f"on ~a:* ~* resetchannels -@all +@read +@write -@scripting {SCRIPTS} {LISTING}",
        ),
    ],
    ids=["read_only", "read_write", "and subscribe", "and both", "a reason to list", "every key is its own"],
)
def test_what_the_words_are_written_as(permissions: Permissions, expected: str) -> None:
    """The string names keys and channels, denies everything, then grants; names of other keys stay hidden."""
    assert expected == permissions.access_string


@EITHER
def test_listing_keys_needs_a_reason_that_says_something(make: type[Permissions]) -> None:
    """One of a word or two is refused."""
    with pytest.raises(ConfigurationError, match="a reason has 20"):
        make("a:*", list_keys_reason="ops")  # type: ignore[call-arg]


@EITHER
@pytest.mark.parametrize("channels", ["a:*", ["a b"], ["&a"], [">secret"], [7]])
def test_channels_have_to_be_channels(make: type[Permissions], channels: object) -> None:
    """A text in place of a list, and patterns that hold more, are refused."""
    with pytest.raises(ConfigurationError) as refusal:
        make("a:*", channels=channels)  # type: ignore[call-arg]
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("permissions", BOTH, ids=["read_only", "read_write"])
def test_everything_is_denied_before_anything_is_granted(permissions: Permissions) -> None:
    """Later rules win: ``-@all`` comes before the first grant."""
    words = permissions.access_string.split()
    first_grant = next(number for number, word in enumerate(words) if word.startswith("+"))
    assert first_grant - 1 == words.index("-@all")


@pytest.mark.parametrize("permissions", BOTH, ids=["read_only", "read_write"])
def test_dangerous_commands_are_denied_after_the_categories(permissions: Permissions) -> None:
    """``-@dangerous`` comes after every category, and before the single commands that clients need."""
    words = permissions.access_string.split()
    cut = words.index("-@dangerous")
    last_category = max(number for number, word in enumerate(words) if word.startswith("+@"))
    assert cut - 1 == last_category
    assert CONNECTION.split()[2:] == words[cut + 1 :]


@pytest.mark.parametrize(
    "patterns",
    [
        *[(), ("",), ("a b",), ("a:*", " "), ("a:*)",), ("(a:*",), ("a:*\n",)],
        *[("~a:*",), ("%R~a:*",), ("&a:*",), ("+get",), ("@read",), ("-@all",), ("a:*", "+get")],
    ],
    ids=repr,
)
@EITHER
def test_keys_have_to_be_named(make: type[Permissions], patterns: tuple[str, ...]) -> None:
    """No pattern, an empty one, one with a space or bracket in it and one that begins as a rule does are refused."""
    with pytest.raises(ConfigurationError) as refusal:
        make(*patterns)

    assert f"key patterns {patterns!r}: {KEYS_ALONE}" == str(refusal.value)


@pytest.mark.parametrize(
    "patterns",
    [
        *[(">hunter2",), ("<hunter2",), ("#hunter2",), ("!hunter2",), ("a:*", ">hunter2")],
        *[("a:* >hunter2",), ("a:*", "b #hunter2"), ("+get", "hunter2!")],
    ],
    ids=repr,
)
@EITHER
def test_password_among_the_keys_is_not_repeated(make: type[Permissions], patterns: tuple[str, ...]) -> None:
    """What may be a password is refused as well, and no pattern is in the message then."""
    with pytest.raises(ConfigurationError) as refusal:
        make(*patterns)

    assert f"key patterns with what may be a password: {KEYS_ALONE}" == str(refusal.value)


@pytest.mark.parametrize("pattern", ["*", "a:[bc]?:*", "{a}:*", "a-b+c@d#e!", "9:*", "é:*"])
@EITHER
def test_keys_of_any_alphabet_can_be_named(make: type[Permissions], pattern: str) -> None:
    """A sign of the ACL syntax within a pattern is a letter as any other, and glob brackets are globs."""
    assert make(pattern).access_string.startswith(f"on ~{pattern} resetchannels ")


@pytest.mark.parametrize("access_string", ["", "~* +@read", "on off ~* +@read"], ids=repr)
def test_string_has_exactly_one_of_on_and_off(access_string: str) -> None:
    """A string without on or off makes a user that cannot log in, and is refused."""
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(access_string)

    expected = (
        f"Permissions({access_string!r}): an access string has exactly one of on and off; without either the user "
        f"cannot log in. Begin it with 'on'. {reference('RBC-11')}"
    )
    assert expected == str(refusal.value)


def test_word_that_begins_with_on_is_not_on() -> None:
    """Rules are compared as words."""
    with pytest.raises(ConfigurationError):
        Permissions("online ~*")


@pytest.mark.parametrize("word", ["nopass", "reset", "resetpass"])
def test_words_that_lift_the_password_are_refused(word: str) -> None:
    """No user logs in without a password."""
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(f"on ~* {word} +@read")

    expected = (
        f"Permissions('on ~* {word} +@read'): {word!r} is not allowed: passwords are generated in Secrets Manager; "
        f"they cannot "
        f"be set or removed here. Leave it out. {reference('RBC-12')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize("mark", [">", "<", "#", "!"])
def test_password_in_a_string_is_refused_without_repeating_it(mark: str) -> None:
    """A password, or the hash of one, is refused, and the message names only its mark."""
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(f"on ~* {mark}hunter2 +@read")

    expected = (
        f"Permissions with a password in it: {mark} and what follows it is not allowed: passwords are generated in "
        f"Secrets "
        f"Manager; they cannot be set or removed here. Leave it out. {reference('RBC-12')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    "access_string",
    [
        pytest.param("on ~* +@all >hunter2", id="broad as well"),
        pytest.param("on ~* >hunter2 nopass", id="another word refused after it"),
        pytest.param(
            "~* >hunter2",
            id="neither on nor off",
        ),
        pytest.param(
            "on nopass >hunter2",
            id="another word refused before it",
        ),
        pytest.param(
            "on ~* (>hunter2 +@read)",
            id="in a selector",
        ),
    ],
)
def test_password_is_never_in_a_message(access_string: str) -> None:
    """Whatever else is wrong with a string, the password in it is not repeated."""
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(access_string)

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("word", [*BROAD, *BROAD_COMMANDS])
def test_broad_rules_need_a_reason(word: str) -> None:
    """Rules that grant everything, or what is dangerous or administers, are refused without a reason."""
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(f"on ~* {word}")

    expected = (
        f"Permissions('on ~* {word}'): {word} grants more than an application needs. "
        f"Use Permissions.read_write('<prefix>:*'), or say why: Permissions('...', reason='...'). {reference('POS-07')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize("word", [*BROAD, *BROAD_COMMANDS])
def test_broad_rules_are_accepted_with_a_reason(word: str) -> None:
    """With a reason they are accepted, and granted."""
    assert word in Permissions(f"on ~* {word}", reason=REASON).access_string.split()


@pytest.mark.parametrize("word", ["+config", "+CONFIG|GET", "+debug|sleep", "+shutdown|now", "+replicaof", "+bgsave"])
def test_commands_of_the_service_are_granted_to_nobody(word: str) -> None:
    """What ElastiCache keeps to itself is refused, with a reason too."""
    with pytest.raises(ConfigurationError, match=r"reserves \w+(\|\w+)? and grants it to no user.*\(RBC-14\)$"):
        Permissions(f"on ~* {word}", reason=REASON)


def test_engine_without_channels_reads_no_word_about_them() -> None:
    """Redis 6.0 has users and no permissions on channels, so nothing is reset there."""
    permissions = Permissions.read_only("a:*")

    assert ("resetchannels" in permissions.written_for(Engine.REDIS_6_2).split(), False) == (
        True,
        "channels" in permissions.written_for(Engine("redis", "6.0")),
    )


@pytest.mark.parametrize(
    ("permissions", "engine", "word"),
    [
        (Permissions.publish("a:*"), Engine("redis", "6.0"), "&a:*"),
        (Permissions("on %R~a:* +get"), Engine.REDIS_6_2, "%R~a:*"),
        (Permissions("on ~a:* +get (~b:* +set)"), Engine.REDIS_6_2, "(~b:* +set)"),
        (Permissions("on ~a:* +@read -client|kill"), Engine.REDIS_6_2, "-client|kill"),
    ],
    ids=["channels", "patterns for reading", "selectors", "a subcommand taken back"],
)
def test_words_of_newer_engines_are_refused(permissions: Permissions, engine: Engine, word: str) -> None:
    """A word that the engine does not read yet is refused; the next version reads it."""
    with pytest.raises(ConfigurationError) as refusal:
        permissions.check_engine(engine)

    assert f", as in {word}, need" in str(refusal.value)
    permissions.check_engine(Engine.REDIS_7_0)


@pytest.mark.parametrize("word", ["+acl|whoami", "+ACL|WhoAmI", "+get", "-flushall", "~+keys"])
def test_narrow_rules_need_no_reason(word: str) -> None:
    """Asking who one is, other commands, and taking a command away grant nothing broad."""
    assert word.lower() in Permissions(f"on ~* {word}").access_string.lower().split()


def test_harmless_rule_excuses_no_other() -> None:
    """Next to a rule that is fine, a broad one of the same command is refused, and it is the one named."""
    with pytest.raises(ConfigurationError, match=r": \+acl\|list grants more than an application needs\. "):
        Permissions("on ~* +acl|whoami +acl|list")


@pytest.mark.parametrize(
    "access_string",
    [
        *("on ~* +@ALL", "on ~* AllCommands", "on ~* NOPASS", "on ~* (+@all)"),
        *("on ~* +FlushAll", "on ~* +CONFIG|SET", "on ~* (+keys ~a:*)"),
    ],
)
def test_words_are_known_in_any_spelling(access_string: str) -> None:
    """Capitals or a selector's bracket do not get a broad rule past the check."""
    with pytest.raises(ConfigurationError):
        Permissions(access_string)


def test_pattern_cannot_carry_a_rule() -> None:
    """No white space of any kind can slip a further rule in behind a key pattern."""
    with pytest.raises(ConfigurationError):
        Permissions.read_only("a:*\t+flushall")


def test_reason_has_to_say_something() -> None:
    """A reason of a word or two is refused."""
    with pytest.raises(ConfigurationError, match=re.escape("Permissions with the reason 'ops': a reason has 20")):
        Permissions("on ~* +@all", reason="ops")


PARAMETER = Token.as_string({"Ref": "Prefix"})


def test_string_that_nobody_knows_yet_needs_a_reason() -> None:
    """What it grants cannot be looked at, which is said without the CDK's own writing of it."""
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(PARAMETER)

    expected = (
        "Permissions with an access string that is known only when it is deployed: what it grants cannot be checked at "
        f"synth. Write it out, or say why it cannot be: Permissions(..., reason='...'). {reference('POS-07')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    "written", [PARAMETER, f"on ~a:* {PARAMETER}", f"on ~a:* +{PARAMETER}"], ids=["all", "some words", "one command"]
)
def test_string_that_nobody_knows_yet_is_passed_on(written: str) -> None:
    """With a reason it goes into the template as it is, on every engine."""
    permissions = Permissions(written, reason=REASON)
    permissions.check_engine(Engine.REDIS_6_2)

    assert (written, True) == (permissions.written_for(Engine.REDIS_6_2), permissions.can_log_in)


def test_prefix_that_nobody_knows_yet() -> None:
    """A pattern may hold one, since it grants no command; a message does not show how the CDK writes it."""
    assert f"~{PARAMETER}:*" in Permissions.read_only(f"{PARAMETER}:*").access_string.split()
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(f"on ~{PARAMETER}:* +gett")

    assert str(refusal.value).startswith("Permissions('on ~<known when deployed>:* +gett'): no engine has gett. ")


@pytest.mark.parametrize("word", ["+@write", "+@slow", "+@connection"])
def test_categories_that_reach_others_are_broad(word: str) -> None:
    """A category needs a reason for what it brings in addition to what it is for; taken back, it needs none."""
    with pytest.raises(ConfigurationError, match=re.escape(f": {word} grants more than an application needs. ")):
        Permissions(f"on ~a:* {word}")
    assert Permissions(f"on ~a:* {word} -@dangerous")


@pytest.mark.parametrize("words", ["+client", "+client|kill", "+swapdb", "+@slow -flushall -flushdb"])
def test_broad_is_what_words_come_to(words: str) -> None:
    """Neither the command by its own name, nor a category without some of it, gets past the check."""
    with pytest.raises(ConfigurationError, match=r"\(POS-07\)"):
        Permissions(f"on ~a:* {words}")


NEEDS = [
    ("+@bloom", Engine.REDIS_7_1, "+@bloom needs at least Valkey 8.1. Use Valkey, or leave '+@bloom' out"),
    ("+bf.add", Engine.VALKEY_8_0, "+bf.add needs at least Valkey 8.1. Use a newer engine"),
    ("+@search", Engine.VALKEY_8_1, "+@search needs at least Valkey 8.2. Use a newer engine"),
    ("+@json", Engine("redis", "6.0"), "+@json needs at least Redis OSS 6.2 or Valkey 7.2. Use a newer engine"),
    ("+hexpire", Engine.VALKEY_8_2, "+hexpire needs at least Valkey 9.0. Use a newer engine"),
    ("+client|setinfo", Engine.REDIS_7_0, "+client|setinfo needs at least Valkey 7.2. Use Valkey, or leave"),
    ("+stralgo", Engine.REDIS_7_0, "this engine no longer has stralgo. Leave '+stralgo' out"),
    ("(~b +hgetdel)", Engine.VALKEY_9_0, "+hgetdel needs at least Valkey 9.1. Use a newer engine"),
    ("db=0,1", Engine.VALKEY_9_0, "databases, as in db=0,1, need at least Valkey 9.1. Use a newer engine"),
    ("+ft.search", ServerlessEngine.VALKEY_9, "serverless caches do not have. Use a ReplicationGroup"),
    ("db=0", ServerlessEngine.VALKEY_8, "databases, as in db=0, need at least Valkey 9.1"),
    ("+wait -@blocking", Engine.VALKEY_7_2, "'-@blocking' takes '+wait' back, which comes before it. Leave out"),
]


@pytest.mark.parametrize(("words", "engine", "expected"), NEEDS, ids=[f"{row[0]} on {row[1]}" for row in NEEDS])
def test_engines_have_what_they_have(words: str, engine: Engine | ServerlessEngine, expected: str) -> None:
    """A command, category or kind of rule that an engine does not have is refused where the engine is known."""
    with pytest.raises(ConfigurationError) as refusal:
        Permissions(f"on ~a:* +get {words}").check_engine(engine)

    assert f" on {engine}: " in str(refusal.value)
    assert expected in str(refusal.value)


@pytest.mark.parametrize(
    ("words", "engine"),
    [
        ("+@bloom", Engine.VALKEY_8_1),
        ("+@json +json.get", Engine.REDIS_6_2),
        ("+ft.search", Engine.VALKEY_8_2),
        ("+bf.add", ServerlessEngine.VALKEY_8),
        ("db=0,1", Engine.VALKEY_9_1),
        ("db=0", ServerlessEngine.VALKEY_9),
        ("+wait -@blocking", Engine.REDIS_7_0),
        ("+hexpire", Engine("valkey", "9.9", unlisted=True)),
    ],
    ids=str,
)
def test_engines_read_what_they_have(words: str, engine: Engine | ServerlessEngine) -> None:
    """From its first version on."""
    permissions = Permissions(f"on ~a:* +get {words}")
    permissions.check_engine(engine)

    assert set(words.split()) <= set(permissions.written_for(engine).split())


def test_one_user_of_two_caches_is_judged_for_each() -> None:
    """What is taken back on one engine only, or is not there to be taken back, is no matter to the other."""
    shared = Permissions("on ~a:* +@write -function -@bloom -@dangerous")
    for engine in (Engine.REDIS_6_2, Engine.VALKEY_9_1):
        shared.check_engine(engine)

    assert "-@all +@write -@dangerous" in shared.written_for(Engine.REDIS_6_2)
    assert "-@all +@write -function -@bloom -@dangerous" in shared.written_for(Engine.VALKEY_9_1)


def test_command_that_came_out_tomorrow() -> None:
    """One explicit argument allows a command that the facts do not have; no engine refuses it then."""
    permissions = Permissions("on ~a:* +tomorrow -@tomorrows", unlisted=True)
    permissions.check_engine(Engine.VALKEY_9_1)

    assert permissions.written_for(Engine.VALKEY_9_1).endswith("-@all +tomorrow -@tomorrows")


ENGINES = [
    *(Engine("redis", "6.0"), Engine.REDIS_6_2, Engine.REDIS_7_0, Engine.REDIS_7_1, Engine.VALKEY_7_2),
    *(Engine.VALKEY_8_0, Engine.VALKEY_8_1, Engine.VALKEY_8_2, Engine.VALKEY_9_0, Engine.VALKEY_9_1),
]
EVERY_ENGINE = pytest.mark.parametrize("engine", ENGINES, ids=str)
LISTS = {"scan", "randomkey", "dbsize", "keys", "clusterscan", "client|tracking", "client|caching", "client|list"}
EVERY_CLIENT = {"readonly", "readwrite", "asking", "select", "ping", "echo", "command", "info", "multi", "watch"}
SAFE = {"get", "set", "del", "unlink", "expire", "ttl", "exists", "type", "rename", "eval", "evalsha", "object"}


@EVERY_ENGINE
@pytest.mark.parametrize("keys", ["a:*", "*"])
def test_words_are_those_of_every_engine(engine: Engine, keys: str) -> None:
    """Each engine has what is said, may be connected to, and tells of other keys only where all are one's own."""
    for permissions in (Permissions.read_only(keys), Permissions.read_write(keys)):
        permissions.check_engine(engine)
    words = permissions.written_for(engine).split()
    assert [] == [
        word for word in words if is_command(word) and not is_known(word, Version(engine.name, engine.version))
    ]
    commands, arguments = allowed(words, Version(engine.name, engine.version))
    granted = {name.partition("|")[0] if name.startswith("object") else name for name in commands | arguments}

    assert EVERY_CLIENT | SAFE | {"client|setname", "client|id", "script|load", "cluster|slots"} <= granted
    assert {"flushall", "flushdb", "swapdb", "keys", "function|flush", "client|kill", "client|list"} & granted == set()
    assert ({"scan", "randomkey", "dbsize", "client|tracking"} <= granted, LISTS & granted == set()) == (
        (True, False) if keys == "*" else (False, True)
    )


@EVERY_ENGINE
def test_clients_name_themselves_where_engines_let_them(engine: Engine) -> None:
    """CLIENT SETINFO is granted where there is one, since each refusal is counted and logged."""
    commands, _ = allowed(
        Permissions.read_only("a:*").written_for(engine).split(), Version(engine.name, engine.version)
    )
    known = "client|setinfo" in Version(engine.name, engine.version).commands
    assert known == ("client|setinfo" in commands)
