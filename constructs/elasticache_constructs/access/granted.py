"""The commands that an access string grants: an engine applies its rules from left to right, and later rules win."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

EVERYTHING = frozenset(("+@all", "-@all", "allcommands", "nocommands"))
_BASES = frozenset(("-@all", "nocommands"))
_EVERY_KEY = frozenset(("~*", "allkeys"))
_EVERY_CHANNEL = frozenset(("&*", "allchannels"))
_DATABASES = ("db=", "alldbs")


def is_command(word: str) -> bool:
    """Whether a rule is about commands."""
    return word.startswith(("+", "-")) or word in EVERYTHING


def grants(word: str) -> bool:
    """Whether a rule about commands grants them rather than takes them back."""
    return word.startswith("+") or word == "allcommands"


class Version(NamedTuple):
    """An engine version, which decides which commands exist."""

    engine: str
    version: str
    serverless: bool = False

    @property
    def commands(self) -> Mapping[str, frozenset[str]]:
        """The commands and subcommands, with the categories of each."""
        return facts.commands(self.engine, self.version, serverless=self.serverless)

    @property
    def containers(self) -> frozenset[str]:
        """The commands that have subcommands."""
        return _containers(self)


@functools.cache
def _containers(version: Version) -> frozenset[str]:
    return frozenset(each.partition("|")[0] for each in version.commands if "|" in each)


@functools.cache
def versions() -> tuple[Version, ...]:
    """The engine versions between which commands differ."""
    return tuple(Version(*each) for each in facts.command_versions())


@functools.cache
def touched(word: str, version: Version) -> frozenset[str]:
    """The commands and subcommands that a rule grants or takes back on an engine version."""
    known = version.commands
    if word in EVERYTHING:
        return frozenset(known)
    name = word[1:]
    named = {each for each, of in known.items() if name[1:] in of} if name[:1] == "@" else {name} & known.keys()
    # A command is granted or taken back with all of its subcommands.
    return frozenset(named | {each for each in known if each.partition("|")[0] in named})


def allowed(words: Iterable[str], version: Version) -> tuple[frozenset[str], frozenset[str]]:
    """The commands that rules grant, and the first arguments that are allowed separately."""
    commands: frozenset[str] = frozenset()
    arguments: frozenset[str] = frozenset()
    for word in filter(is_command, words):
        of = touched(word, version)
        commands = commands | of if grants(word) else commands - of
        arguments = frozenset(each for each in arguments if each.partition("|")[0] not in of)
        if _first_argument_of(word, version):
            arguments |= {word[1:]}
    return commands, arguments


def kept(place: int, words: Sequence[str], version: Version) -> frozenset[str]:
    """The commands that a rule grants and no later rule takes back."""
    left = touched(words[place], version)
    for later in words[place + 1 :]:
        if is_command(later) and not grants(later):
            left -= touched(later, version)
    return left


def commands_taken_back(words: Iterable[str], version: Version) -> Iterator[tuple[str, str]]:
    """Rules about commands that later rules take back completely, each with the later rule."""
    commands = [word for word in words if is_command(word)]
    for place, word in enumerate(commands):
        if word in _BASES:
            continue
        argument = _first_argument_of(word, version)
        left = frozenset((argument,)) if argument else touched(word, version)
        for later in commands[place + 1 :]:
            if left and grants(later) != grants(word):
                left -= touched(later, version)
                if not left:
                    yield word, later


def places_taken_back(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Rules about keys, channels and databases that later rules take back, each with the later rule."""
    yield from _reset(words, "resetkeys", is_key)
    yield from _reset(words, "resetchannels", is_channel)
    databases = [word for word in words if word.startswith(_DATABASES) or word == "resetdbs"]
    # Only the last rule about databases counts.
    yield from ((word, databases[-1]) for word in databases[:-1] if word != "resetdbs" or databases[-1] == "alldbs")


def is_key(word: str) -> bool:
    """Whether a rule grants keys."""
    return word.startswith(("~", "%")) or word == "allkeys"


def is_channel(word: str) -> bool:
    """Whether a rule grants channels."""
    return word.startswith("&") or word == "allchannels"


def widest_last(words: Sequence[str]) -> tuple[str, ...]:
    """The rules with ``~*`` and ``&*`` after the patterns that they cover: engines refuse patterns that follow them."""
    for every, gives in ((_EVERY_KEY, is_key), (_EVERY_CHANNEL, is_channel)):
        places = [place for place, word in enumerate(words) if gives(word)]
        patterns = iter(sorted((words[place] for place in places), key=every.__contains__))
        words = [next(patterns) if place in places else word for place, word in enumerate(words)]
    return tuple(words)


def _first_argument_of(word: str, version: Version) -> str | None:
    """The command of a rule such as ``+select|0``, which allows one first argument; None for every other rule."""
    name, _, argument = word[1:].partition("|")
    if not argument or not word.startswith("+") or word[1:] in version.commands:
        return None
    return name


def _reset(words: Sequence[str], reset: str, gives: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    last = max((place for place, word in enumerate(words) if word == reset), default=0)
    yield from ((word, reset) for word in words[:last] if gives(word))
