"""Permissions of a user, built by methods or written as an ACL access string."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_cdk import Token

from elasticache_constructs.access.access_string import AccessString, in_words, is_known, taken_back_refusal
from elasticache_constructs.access.granted import Version, commands_taken_back, grants, is_command, kept, versions
from elasticache_constructs.checks.argument_types import Kind, check_kind, check_seen, checked_list
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_rules import facts
from elasticache_rules.facts.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from elasticache_constructs.values.engine import Engine
    from elasticache_constructs.values.serverless_engine import ServerlessEngine


# What every client sends before its first command, in cluster mode too. +@connection brings CLIENT KILL and +@write
# FLUSHALL: -@dangerous takes both back, and since later rules win, what is needed of the dangerous ones follows it.
_CONNECTION = "+@connection -@dangerous"
_ABOUT_SERVER = "+info +acl|whoami +cluster|slots +cluster|shards +cluster|nodes +cluster|keyslot"
# SCAN, RANDOMKEY, DBSIZE and CLUSTERSCAN answer with keys of other users. They are taken back as a category, since
# Redis has no CLUSTERSCAN and refuses its name, and a string that all engines read outlives an upgrade of the cache.
_ONE_KEY = "-@keyspace +dump +exists +expiretime +object +pexpiretime +pttl +touch +ttl +type"
_READ = f"+@read {_ONE_KEY}"
# +@write brings FUNCTION FLUSH, which deletes the functions of every application.
_WRITE = (
    f"+@read +@write -@scripting {_ONE_KEY} "
    "+copy +del +expire +expireat +move +persist +pexpire +pexpireat +rename +renamenx +unlink"
)
_READ_AND_LIST, _WRITE_AND_LIST = "+@read", "+@read +@write -@scripting"
_SCRIPTS = "+@transaction +eval +evalsha +script|load +script|exists"
# In broadcasting mode, tracking shows the name of each key that any client changes.
_NO_TRACKING = "-client|tracking -client|caching"
_PUBLISH = "+publish"
_SUBSCRIBE = "+subscribe +unsubscribe +psubscribe +punsubscribe"

# Redis before 7.0 takes no subcommand back, calls CLIENT dangerous, has other connection commands among those of keys,
# and lacks some commands.
_OLD_CONNECTION = (
    f"{_CONNECTION} +asking +readonly +readwrite +select "
    "+client|getname +client|id +client|info +client|reply +client|setname"
)
_BEFORE_SUBCOMMANDS = (
    (f"{_CONNECTION} {_NO_TRACKING} ", f"{_OLD_CONNECTION} "),
    (f"{_CONNECTION} {_ABOUT_SERVER}", f"{_OLD_CONNECTION} +client|caching +client|tracking {_ABOUT_SERVER}"),
    (" +expiretime +object +pexpiretime ", " +object "),
)
_BEFORE_COPY = ((" +copy +del ", " +del "),)

_PATTERN = re.compile(r"[^\s()~%&+@><#!\x00-\x1f\x7f-][^\s()\x00-\x1f\x7f]*")
# A string is parsed whenever it is checked, shown or written, up to ten times in a synth.
_parse = lru_cache(maxsize=256)(AccessString.parse)
_MARKS = "><#!"
_PLACE = re.compile(r"~|&|%\w+~")
_BROAD = frozenset(
    (
        *("+@all", "allcommands", "+@dangerous", "+@admin"),
        *("+acl", "+flushall", "+flushdb", "+keys", "+module", "+monitor"),
    )
)
_HARMLESS = ("+acl|whoami",)
_REACHES_OTHERS = frozenset(
    (
        *("flushall", "flushdb", "swapdb", "failover", "monitor", "client|kill", "client|pause"),
        *("acl|deluser", "acl|load", "acl|save", "acl|setuser", "module|load", "module|loadex", "module|unload"),
    )
)
"""Commands that delete the data of all users, disconnect all clients, or change users."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """The access string of a user. Broad permissions need a written reason.

    A change updates the user in place. Open connections stay open under the new rules.

    Args:
        access_string: The rules, in ElastiCache's ACL syntax. They are kept in canonical form, as the service stores
            them. Prefer `read_only`, `read_write`, `publish` and `subscribe`. A string that is known only at deployment
            passes through unchecked and needs a reason.
        reason: Why this user may run every command, or dangerous ones. Default: such rules are refused.
        unlisted: Whether to accept commands and categories that are newer than this package. Default: refused.

    Raises:
        ConfigurationError: If a token is not valid ACL syntax, contains a password, disables password checks, or is
            taken back by a later one. Also if no engine has a command or a category, the string has neither ``on`` nor
            ``off``, or it grants access to other users' data without a reason.
    """

    access_string: str
    reason: str | None = None
    unlisted: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse strings that contain a password, disable authentication or are not valid; keep the canonical form."""
        kind = Kind(of=str, example="'on ~orders:* -@all +@read'", rule="RBC-10", secret=True)
        check_kind("Permissions", "access_string", self.access_string, kind)
        check_kind("Permissions", "unlisted", self.unlisted, Kind(of=bool, example="True"))
        if self.reason is not None:
            checked_reason(self.reason, what="Permissions")
        if self._is_unknown:
            self._check_unknown()
            return
        parsed = self._parsed(self.access_string)
        check_seen("Permissions(access_string=...)", str(parsed), rule="RBC-10")
        broad = [word for rules in (parsed.root, *parsed.selectors) for word in _broad(rules)]
        if broad and self.reason is None:
            raise _refusal(
                f"Permissions({in_words(self.access_string)!r})",
                f"{broad[0]} grants more than an application needs",
                "Use Permissions.read_write('<prefix>:*'), or say why: Permissions('...', reason='...')",
                "POS-07",
            )
        object.__setattr__(self, "access_string", str(parsed))

    def _check_unknown(self) -> None:
        if self.reason is None:
            raise _refusal(
                "Permissions with an access string that is known only when it is deployed",
                "what it grants cannot be checked at synth",
                "Write it out, or say why it cannot be: Permissions(..., reason='...')",
                "POS-07",
            )
        object.__setattr__(self, "access_string", Token.as_string(self.access_string))

    @property
    def can_log_in(self) -> bool:
        """Whether the user is enabled; true if the access string is known only at deployment."""
        return self._is_unknown or self._parsed(self.access_string).is_on

    def check_engine(self, engine: Engine | ServerlessEngine) -> None:
        """Refuse rules that the engine does not know, or that have no effect on it.

        Raises:
            ConfigurationError: If there is such a rule.
        """
        if self._is_unknown:
            return
        parsed = self._parsed(self.written_for(engine))
        got = f"Permissions({in_words(self.access_string)!r}) on {engine}"
        features: tuple[tuple[str, facts.Feature, tuple[str, ...]], ...] = (
            ("channels", "acl_channels", parsed.channels),
            ("selectors and read or write patterns", "acl_selectors", parsed.selective),
            ("databases", "database_acl", parsed.databases),
        )
        for what, feature, found in features:
            if found and not facts.supports(feature, engine.name, engine.version):
                what_needs = f"{what}, as in {in_words(found[0])}, need"
                raise _refusal(got, f"{what_needs} at least {facts.floors_in_words(feature)}", "Use a newer engine")
        for rules in (parsed.root, *parsed.selectors):
            self._check_commands(rules, engine, got)

    def _check_commands(self, rules: tuple[str, ...], engine: Engine | ServerlessEngine, got: str) -> None:
        where = Version(engine.name, engine.version, engine.is_serverless)
        for word in filter(is_command, rules):
            if not self.unlisted and not is_known(word, where):
                raise _unknown(got, word, engine)
        for word, later in commands_taken_back(rules, where):
            raise taken_back_refusal(got, word, later)

    def written_for(self, engine: Engine | ServerlessEngine) -> str:
        """The access string for an engine.

        Redis before 6.2 gets no rules about channels. Redis before 7.0 gets the older equivalents of the rules of
        `read_only` and the other methods. Rules that take back commands or categories unknown to the engine are left
        out.
        """
        if self._is_unknown:
            return self.access_string
        name, version = engine.name, engine.version
        written = self.access_string
        replaced = () if facts.supports("acl_selectors", name, version) else _BEFORE_SUBCOMMANDS
        reads_channels = facts.supports("acl_channels", name, version)
        for words, older in (*replaced, *(() if reads_channels else _BEFORE_COPY)):
            written = written.replace(words, older)
        parsed = self._parsed(written)
        needless = [
            word
            for word in parsed.words
            if word.startswith("-")
            and "|" not in word
            and not is_known(word, Version(name, version))
            # What no engine has is newer than this package.
            and facts.command_floors(word[1:])
        ]
        return parsed.without(needless).written(channels=reads_channels)

    @property
    def _is_unknown(self) -> bool:
        """Whether more than the names of keys and channels is known only at deployment."""
        if not isinstance(self.access_string, str):
            return True
        if not is_unresolved(self.access_string):
            return False
        words = re.split(r"[\s()]+", self.access_string)
        return any(is_unresolved(word) and not _PLACE.match(word) for word in words)

    def _parsed(self, written: str) -> AccessString:
        return _parse(written, unlisted=self.unlisted)

    @classmethod
    def read_only(
        cls, *key_patterns: str, channels: Sequence[str] = (), list_keys_reason: str | None = None
    ) -> Permissions:
        """Read the keys that match, and nothing else. The names of other keys stay hidden.

        Args:
            *key_patterns: Glob patterns of keys, as in ``session:*``. At least one. With ``*``, which every key
                matches, the user may list keys.
            channels: Glob patterns of the channels that the user may subscribe to, as in ``events:*``. Needs Redis 6.2
                or Valkey. Default: no channels.
            list_keys_reason: Why this user may see the names of all keys, including other users' keys: with SCAN,
                RANDOMKEY, DBSIZE, and with CLIENT TRACKING, which client-side caches need. Default: it may not.

        Raises:
            ConfigurationError: If no pattern is given, or a pattern is not of keys or channels only.
        """
        lists = _lists(key_patterns, list_keys_reason)
        commands = [_READ_AND_LIST if lists else _READ, *([_SUBSCRIBE] if channels else [])]
        return cls(_written(key_patterns, channels, commands, lists=lists))

    @classmethod
    def read_write(
        cls, *key_patterns: str, channels: Sequence[str] = (), list_keys_reason: str | None = None
    ) -> Permissions:
        """Read and write the keys that match, also in transactions and scripts, without administration or flushing.

        The names of other keys stay hidden.

        Args:
            *key_patterns: Glob patterns of keys, as in ``session:*``. At least one. With ``*``, which every key
                matches, the user may list keys.
            channels: Glob patterns of the channels that the user may publish and subscribe to, as in ``events:*``.
                Needs Redis 6.2 or Valkey. Default: no channels.
            list_keys_reason: Why this user may see the names of all keys, including other users' keys: with SCAN,
                RANDOMKEY, DBSIZE, and with CLIENT TRACKING, which client-side caches need. Default: it may not.

        Raises:
            ConfigurationError: If no pattern is given, or a pattern is not of keys or channels only.
        """
        lists = _lists(key_patterns, list_keys_reason)
        commands = [_WRITE_AND_LIST if lists else _WRITE, _SCRIPTS, *([_PUBLISH, _SUBSCRIBE] if channels else [])]
        return cls(_written(key_patterns, channels, commands, lists=lists))

    @classmethod
    def publish(cls, *channel_patterns: str) -> Permissions:
        """Publish to the channels that match, and nothing else. Needs Redis 6.2 or Valkey.

        Args:
            *channel_patterns: Glob patterns of channels, as in ``events:*``. At least one.

        Raises:
            ConfigurationError: If no pattern is given, or a pattern is not of channels only.
        """
        _checked(channel_patterns, "channel")
        return cls(_written((), channel_patterns, [_PUBLISH], lists=False))

    @classmethod
    def subscribe(cls, *channel_patterns: str) -> Permissions:
        """Subscribe to the channels that match, and nothing else. Needs Redis 6.2 or Valkey.

        Args:
            *channel_patterns: Glob patterns of channels, as in ``events:*``. At least one. A client may subscribe to
                the patterns themselves and to channels that match.

        Raises:
            ConfigurationError: If no pattern is given, or a pattern is not of channels only.
        """
        _checked(channel_patterns, "channel")
        return cls(_written((), channel_patterns, [_SUBSCRIBE], lists=False))


def _broad(rules: tuple[str, ...]) -> list[str]:
    """The rules of one set that grant access to other users' data, and are not taken back by a later rule."""
    commands = [word for word in rules if is_command(word)]
    return [
        word
        for place, word in enumerate(commands)
        if grants(word)
        and word not in _HARMLESS
        and (word.split("|")[0] in _BROAD or kept(place, commands, versions()[-1]) & _REACHES_OTHERS)
    ]


def _unknown(got: str, word: str, engine: Engine | ServerlessEngine) -> ConfigurationError:
    """The error for a command or category that an engine does not have."""
    floors = facts.command_floors(word[1:])
    floor = floors.get(engine.name)
    if floor is None:
        return _refusal(
            got, f"{word} needs at least {facts.versions_in_words(floors)}", f"Use Valkey, or leave {word!r} out"
        )
    if version_key(engine.version) < version_key(floor):
        return _refusal(got, f"{word} needs at least {facts.versions_in_words(floors)}", "Use a newer engine")
    if engine.is_serverless and is_known(word, Version(engine.name, engine.version)):
        return _refusal(got, f"{word} is about search, which serverless caches do not have", "Use a ReplicationGroup")
    return _refusal(got, f"this engine no longer has {word[1:]}", f"Leave {word!r} out")


def _refusal(got: str, allowed: str, fix: str, rule: str = "RBC-10") -> ConfigurationError:
    return ConfigurationError(got=got, allowed=allowed, fix=fix, rule=rule)


def _lists(key_patterns: tuple[str, ...], reason: str | None) -> bool:
    """Whether a user may list keys: with a reason, or if it may use every key."""
    if reason is not None:
        checked_reason(reason, what="Permissions(list_keys_reason)")
    return reason is not None or "*" in key_patterns


def _written(keys: tuple[str, ...], channels: Sequence[str], commands: Iterable[str], *, lists: bool) -> str:
    given = checked_list(
        "Permissions", "channels", channels, Kind(of=str, example="['events:*']", rule="RBC-10", secret=True)
    )
    places = [
        " ".join(f"~{pattern}" for pattern in _checked(keys, "key")) if keys or not given else "resetkeys",
        "resetchannels",
        *(f"&{pattern}" for pattern in (_checked(given, "channel") if given else ())),
    ]
    connect = [_CONNECTION, *([] if lists else [_NO_TRACKING]), _ABOUT_SERVER]
    return " ".join(["on", *places, "-@all", *commands, *connect])


def _checked(patterns: tuple[str, ...], what: str) -> tuple[str, ...]:
    for pattern in patterns:
        check_kind("", f"{what} pattern", pattern, Kind(of=str, example="'session:*'", rule="RBC-10", secret=True))
    if not patterns or any(not _PATTERN.fullmatch(pattern) for pattern in patterns):
        secret = any(mark in pattern for pattern in patterns for mark in _MARKS)
        raise _refusal(
            f"{what} patterns with what may be a password" if secret else f"{what} patterns {_shown(patterns)}",
            f"name one or more patterns, of {what}s only, without spaces, parentheses or a leading sign of "
            "the ACL syntax",
            f"Use '*' for every {what}, or preferably the application's own prefix, as in 'session:*'",
        )
    for pattern in patterns:
        check_seen(f"{what} pattern", pattern, rule="RBC-10")
    return patterns


def _shown(patterns: tuple[str, ...]) -> str:
    return repr(tuple(map(in_words, patterns)))
