"""Access strings: a parser for ElastiCache's ACL syntax, and their canonical form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elasticache_constructs.access.granted import (
    EVERYTHING,
    Version,
    commands_taken_back,
    is_channel,
    is_command,
    places_taken_back,
    versions,
    widest_last,
)
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


_PASSWORD = re.compile(r"[><#!]")
_FORBIDDEN = frozenset(("nopass", "reset", "resetpass"))
_SWITCHES = ("on", "off")
_OF_USERS = frozenset((*_SWITCHES, "clearselectors"))
_WORDS = frozenset(
    (
        *("allkeys", "resetkeys", "allchannels", "resetchannels", "alldbs", "resetdbs"),
        *("allcommands", "nocommands", *_OF_USERS),
    )
)
_KEYS = re.compile(r"(~|%(r|w|rw|wr)~)[^\s()\x00-\x1f\x7f]+", re.IGNORECASE)
_CHANNELS = re.compile(r"&[^\s()\x00-\x1f\x7f]+")
_DATABASES = re.compile(r"db=[0-9]+(,[0-9]+)*")
_COMMAND = re.compile(r"[+-][a-z][a-z0-9_.-]*(\|[a-z0-9_-]+)?")
_CATEGORY = re.compile(r"[+-]@([a-z]+)")
_TOKEN = re.compile(r"\$\{Token\[[^\]]*\]\}")
_PARTS = re.compile(r"\(([^()]*)\)|([^\s()]+)")


@dataclass(frozen=True, slots=True)
class AccessString:
    """The rules of a user: those of the root, and those of each selector in parentheses."""

    root: tuple[str, ...]
    selectors: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, written: str, *, unlisted: bool = False) -> AccessString:
        """Parse an access string.

        Args:
            written: The string.
            unlisted: Whether to accept commands and categories that are newer than this package. Default: refused.

        Raises:
            ConfigurationError: If a token is not valid ACL syntax, contains a password, or disables password checks.
                Also if no engine has a command or category, a later token takes an earlier one back, a parenthesis is
                not closed, or there is neither ``on`` nor ``off``.
        """
        # A message ends up in logs, and a password must not.
        secret = next((word for word in re.split(r"[\s()]+", written) if _PASSWORD.match(word)), None)
        if secret is not None:
            # The message shows nothing else: the next words may be the rest of the password.
            _rule(secret, "Permissions with a password in it", unlisted=unlisted)
        got = f"Permissions({in_words(written)!r})"
        root: list[str] = []
        selectors: list[list[str]] = []
        with reported_together() as check:
            for inside, word in _PARTS.findall(written):
                if word:
                    root.append(check(_rule, word, got, unlisted=unlisted))
                    if root[-1] == "clearselectors":
                        check(_check_cleared, selectors, got)
                else:
                    selectors.append([check(_selector_rule, each, got, unlisted=unlisted) for each in inside.split()])
            check(_check_brackets, _PARTS.sub(" ", written), got)
            check(_check_switch, root, got)
            if all(word is not None for rules in (root, *selectors) for word in rules):
                for rules in (root, *selectors):
                    check(_check_order, rules, got)
        kept = [word for word in root if word != "clearselectors"]
        return cls(widest_last(kept), tuple(map(widest_last, selectors)))

    @property
    def is_on(self) -> bool:
        """Whether the user can log in."""
        return "on" in self.root

    @property
    def words(self) -> tuple[str, ...]:
        """All rules, including those of selectors."""
        return self.root + tuple(word for selector in self.selectors for word in selector)

    @property
    def channels(self) -> tuple[str, ...]:
        """The rules that allow channels."""
        return tuple(filter(is_channel, self.words))

    @property
    def databases(self) -> tuple[str, ...]:
        """The rules that allow databases."""
        return tuple(word for word in self.words if word.startswith("db=") or word in ("alldbs", "resetdbs"))

    @property
    def selective(self) -> tuple[str, ...]:
        """Rules that only newer engines support: selectors, read or write patterns, and removing a subcommand."""
        brackets = tuple(f"({' '.join(selector)})" for selector in self.selectors)
        return brackets + tuple(word for word in self.words if word.startswith("%") or re.match(r"-[^@|]+\|", word))

    def without(self, words: Iterable[str]) -> AccessString:
        """The same access string without some rules."""
        left_out = frozenset(words)
        root, *selectors = (
            tuple(word for word in rules if word not in left_out) for rules in (self.root, *self.selectors)
        )
        return AccessString(root, tuple(selectors))

    def written(self, *, channels: bool = True) -> str:
        """The canonical form, as the service returns it, so that no difference remains after a deployment.

        The switch comes first. Without a base, the string starts from no commands; without a rule about channels, from
        no channels.

        Args:
            channels: Whether the engine supports rules about channels.
        """
        switch = next(word for word in self.root if word in _SWITCHES)
        rules = [word for word in self.root if word not in _SWITCHES]
        places = [word for word in rules if not is_command(word)]
        commands = [word for word in rules if is_command(word)]
        if not any(is_channel(word) or word == "resetchannels" for word in places):
            places.append("resetchannels")
        if not EVERYTHING & set(commands):
            commands.insert(0, "-@all")
        selectors = [f"({' '.join(selector)})" for selector in self.selectors]
        words = [switch, *places, *commands, *selectors]
        return " ".join(word for word in words if channels or word != "resetchannels")

    def __str__(self) -> str:
        """The canonical form, for engines that support rules about channels."""
        return self.written()


def in_words(text: str) -> str:
    """Text for a message, with CDK tokens replaced by a readable text."""
    return _TOKEN.sub("<known when deployed>", text)


def taken_back(rules: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Rules that a later rule takes back on every engine that knows them all, each with the later rule."""
    yield from places_taken_back(rules)
    commands = [word for word in rules if is_command(word)]
    found = [
        dict(commands_taken_back(commands, each))
        for each in versions()
        if all(is_known(word, each) for word in commands)
    ]
    if found:
        yield from (each for each in found[-1].items() if all(each[0] in others for others in found))


def is_known(word: str, version: Version) -> bool:
    """Whether an engine version knows a rule about commands."""
    known = version.commands
    if word in EVERYTHING:
        return True
    if word[1] == "@":
        return word[2:] in _categories(version)
    name, _, argument = word[1:].partition("|")
    if not argument or f"{name}|{argument}" in known:
        return word[1:] in known
    # A first argument can be allowed for a command without subcommands; it cannot be taken back.
    return word.startswith("+") and name in known and name not in version.containers


def _categories(version: Version) -> frozenset[str]:
    return facts.categories(version.engine, version.version, serverless=version.serverless)


def _rule(word: str, got: str, *, unlisted: bool) -> str:
    if _KEYS.fullmatch(word) or _CHANNELS.fullmatch(word):
        return word
    # Only patterns are case-sensitive.
    rule = word.lower()
    if _PASSWORD.match(rule) or rule in _FORBIDDEN:
        what = f"{rule[0]} and what follows it" if _PASSWORD.match(rule) else repr(rule)
        raise _refusal(
            got,
            f"{what} is not allowed: passwords are generated in Secrets Manager; they cannot be set or removed here",
            "Leave it out",
            "RBC-12",
        )
    if rule[:1] == "+" and rule[1:].split("|")[0] in facts.restricted_commands():
        raise _refusal(got, f"ElastiCache reserves {rule[1:]} and grants it to no user", "Leave it out", "RBC-14")
    category = _CATEGORY.fullmatch(rule)
    if category is None and rule not in _WORDS and not _COMMAND.fullmatch(rule) and not _DATABASES.fullmatch(rule):
        raise _refusal(
            got,
            "its words are on, off, ~keys, %R~keys, &channels, +command, +command|sub, +@category and their opposites",
            f"Correct {in_words(word)!r}",
        )
    if not unlisted and is_command(rule) and rule not in EVERYTHING:
        _check_listed(rule, got)
    return rule


def _selector_rule(word: str, got: str, *, unlisted: bool) -> str:
    rule = _rule(word, got, unlisted=unlisted)
    if rule in _OF_USERS:
        raise _refusal(
            got,
            f"a selector has rules about keys, channels and commands, and {rule!r} is about the user",
            f"Put {rule!r} outside the parentheses",
        )
    return rule


def _check_listed(rule: str, got: str) -> None:
    name, _, argument = rule[1:].partition("|")
    # Redis before 7.0 accepts any first argument: it does not check the names of what are subcommands now.
    has_subcommands = bool(argument) and any(name in version.containers for version in versions())
    if facts.command_floors(rule[1:]) if has_subcommands else any(is_known(rule, each) for each in versions()):
        return
    is_category = rule[1] == "@"
    names = {name for version in versions() for name in (_categories(version) if is_category else version.commands)}
    meant = facts.closest(rule[1:].removeprefix("@"), names)
    if meant and meant.partition("|")[0] in facts.restricted_commands():
        # The correction would be refused too.
        meant = None
    correction = f"Correct {rule!r}"
    if meant:
        correction += f" to {rule[: 2 if is_category else 1] + meant!r}"
    raise _refusal(
        got,
        f"the categories are {', '.join(sorted(names))}" if is_category else f"no engine has {rule[1:]}",
        f"{correction}, or add unlisted=True if it is newer than this package",
    )


def _check_cleared(selectors: Sequence[Sequence[str]], got: str) -> None:
    if selectors:
        selector = f"({' '.join(selectors[0])})"
        raise taken_back_refusal(got, selector, "clearselectors")


def _check_order(rules: Sequence[str], got: str) -> None:
    with reported_together() as check:
        for word, later in dict(taken_back(rules)).items():
            check(_refuse, taken_back_refusal(got, word, later))


def _refuse(error: ConfigurationError) -> None:
    raise error


def taken_back_refusal(got: str, word: str, later: str) -> ConfigurationError:
    """The error for a rule that a later rule takes back."""
    return _refusal(
        got,
        f"rules are applied from left to right, and {later!r} takes {in_words(word)!r} back, which comes before it",
        "Leave out one of the two",
        "RBC-13",
    )


def _check_brackets(outside: str, got: str) -> None:
    if "(" in outside or ")" in outside:
        raise _refusal(got, "a selector is a list of rules in one pair of parentheses", "Close the parenthesis")


def _check_switch(root: list[str], got: str) -> None:
    if sum(word in _SWITCHES for word in root) != 1:
        raise _refusal(
            got,
            "an access string has exactly one of on and off; without either the user cannot log in",
            "Begin it with 'on'",
            "RBC-11",
        )


def _refusal(got: str, allowed: str, fix: str, rule: str = "RBC-10") -> ConfigurationError:
    return ConfigurationError(got=got, allowed=allowed, fix=fix, rule=rule)
