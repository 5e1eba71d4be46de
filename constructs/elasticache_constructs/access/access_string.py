"""Access strings: what the service's ACL syntax allows, read word by word and written in one canonical form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from elasticache_constructs.errors import ConfigurationError, reported_together

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html"

CATEGORIES = frozenset(
    (
        *("all", "admin", "dangerous", "connection", "keyspace", "read", "write", "fast", "slow", "blocking"),
        *("bitmap", "generic", "geo", "hash", "hyperloglog", "list", "set", "sortedset", "stream", "string"),
        *("pubsub", "scripting", "transaction"),
        *("bloom", "json", "search"),
    )
)
"""The categories that Redis 7 and Valkey 9 know, with those of ElastiCache's JSON, bloom filters and search."""

_RESTRICTED = frozenset(
    f"+{command}"
    for command in (
        *("bgrewriteaof", "bgsave", "config", "debug", "migrate"),
        *("replicaof", "save", "shutdown", "slaveof", "sync"),
    )
)
"""See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ClientConfig.RestrictedCommands.html"""

_PASSWORD = re.compile(r"[><#!]")
_FORBIDDEN = frozenset(("nopass", "reset", "resetpass"))
_SWITCHES = ("on", "off")
_WORDS = frozenset((*_SWITCHES, "allkeys", "resetkeys", "allchannels", "resetchannels", "allcommands", "nocommands"))
_KEYS = re.compile(r"(~|%(r|w|rw)~)[^\s()]+", re.IGNORECASE)
_CHANNELS = re.compile(r"&[^\s()]+")
_COMMAND = re.compile(r"[+-][a-z][a-z0-9_.-]*(\|[a-z0-9_-]+)?")
_CATEGORY = re.compile(r"[+-]@([a-z]+)")
_BASE = frozenset(("+@all", "-@all", "allcommands", "nocommands"))
_SELECTOR = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class AccessString:
    """The rules of a user: those of the root, and those of each selector in brackets."""

    root: tuple[str, ...]
    selectors: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, written: str) -> AccessString:
        """Read what somebody wrote.

        Raises:
            ConfigurationError: When a word is none of the syntax, carries a password or lifts the need for one, a
                category is unknown, a bracket is alone, or there is neither ``on`` nor ``off``.
        """
        # A message ends up in logs, and a password must not.
        secret = next((word for word in re.split(r"[\s()]+", written) if _PASSWORD.match(word)), None)
        if secret is not None:
            # Nothing else is said: what stands beside it may be the rest of the password.
            _rule(secret, "Permissions with a password in it")
        got = f"Permissions({written!r})"
        outside = _SELECTOR.sub(" ", written)
        with reported_together() as check:
            selectors = [[check(_rule, word, got) for word in part.split()] for part in _SELECTOR.findall(written)]
            root = [check(_rule, word, got) for word in outside.replace("(", " ").replace(")", " ").split()]
            check(_check_brackets, outside, got)
            check(_check_switch, root, got)
        return cls(tuple(root), tuple(map(tuple, selectors)))

    @property
    def is_on(self) -> bool:
        """Whether the user can log in."""
        return "on" in self.root

    @property
    def words(self) -> tuple[str, ...]:
        """All rules, those of selectors too."""
        return self.root + tuple(word for selector in self.selectors for word in selector)

    @property
    def channels(self) -> tuple[str, ...]:
        """The words that let the user use channels."""
        return tuple(word for word in self.words if word.startswith("&") or word == "allchannels")

    @property
    def selective(self) -> tuple[str, ...]:
        """What only newer engines read: selectors, patterns for reading or writing, and taking back a subcommand."""
        brackets = tuple(f"({' '.join(selector)})" for selector in self.selectors)
        return brackets + tuple(word for word in self.words if word.startswith("%") or re.match(r"-[^@|]+\|", word))

    def __str__(self) -> str:
        """The canonical form: what the service would make of it, so that it gives no endless difference.

        The switch comes first; without a base of its own it starts from no commands, and without a word about channels
        from none.
        """
        switch = next(word for word in self.root if word in _SWITCHES)
        rules = [word for word in self.root if word not in _SWITCHES]
        places = [word for word in rules if not word.startswith(("+", "-")) and word not in _BASE]
        commands = [word for word in rules if word not in places]
        if not any(word.startswith("&") or word in ("allchannels", "resetchannels") for word in places):
            places.append("resetchannels")
        if not _BASE & set(commands):
            commands.insert(0, "-@all")
        selectors = [f"({' '.join(selector)})" for selector in self.selectors]
        return " ".join([switch, *places, *commands, *selectors])


def _rule(word: str, got: str) -> str:
    if _KEYS.fullmatch(word) or _CHANNELS.fullmatch(word):
        return word
    # Engines read all but patterns without regard to case.
    rule = word.lower()
    if _PASSWORD.match(rule) or rule in _FORBIDDEN:
        what = f"{rule[0]} and what follows it" if _PASSWORD.match(rule) else repr(rule)
        raise _refusal(
            got,
            f"{what} is not allowed: passwords are generated in Secrets Manager, and the door stays locked",
            "Leave it out",
            "RBC-12",
        )
    if rule.split("|")[0] in _RESTRICTED:
        raise _refusal(got, f"ElastiCache keeps {rule[1:]} to itself and grants it to nobody", "Leave it out", "RBC-14")
    category = _CATEGORY.fullmatch(rule)
    if category is not None and category[1] not in CATEGORIES:
        raise _refusal(got, f"the categories are {', '.join(sorted(CATEGORIES))}", f"Correct {rule!r}")
    if category is None and rule not in _WORDS and not _COMMAND.fullmatch(rule):
        raise _refusal(
            got,
            "its words are on, off, ~keys, %R~keys, &channels, +command, +command|sub, +@category and their opposites",
            f"Correct {word!r}",
        )
    return rule


def _check_brackets(outside: str, got: str) -> None:
    if "(" in outside or ")" in outside:
        raise _refusal(got, "a selector is rules in brackets, one pair each", "Close the bracket")


def _check_switch(root: list[str], got: str) -> None:
    if sum(word in _SWITCHES for word in root) != 1:
        raise _refusal(
            got,
            "an access string has exactly one of on and off; without either the user cannot log in",
            "Begin it with 'on'",
            "RBC-11",
        )


def _refusal(got: str, allowed: str, fix: str, rule: str = "RBC-10") -> ConfigurationError:
    return ConfigurationError(got=got, allowed=allowed, fix=fix, page=_PAGE, rule=rule)
