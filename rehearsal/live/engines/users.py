"""The users of a cache for the engine: access strings, hashed passwords, and what ElastiCache takes from all users."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elasticache_rules.facts import restricted_commands

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT = "default"
EVERYTHING = "on ~* &* +@all"
"""The access string of clients without a user group."""

# Commands that are not on AWS's page of restricted commands, but change users, topology or the program of a node,
# which only the service does: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ClientConfig.RestrictedCommands.html
_ALSO_TAKEN = (
    *("acl|deluser", "acl|load", "acl|save", "acl|setuser", "failover", "module", "psync", "replconf"),
    *("cluster|addslots", "cluster|addslotsrange", "cluster|bumpepoch", "cluster|cancelslotmigrations"),
    *("cluster|delslots", "cluster|delslotsrange", "cluster|failover", "cluster|flushslots", "cluster|forget"),
    *("cluster|meet", "cluster|migrateslots", "cluster|replicate", "cluster|reset", "cluster|saveconfig"),
    *("cluster|set-config-epoch", "cluster|setslot", "cluster|syncslots"),
)
_WORD = re.compile(r"\([^)]*\)|\S+")  # a rule, or a selector with its rules


@dataclass(frozen=True)
class CacheUser:
    """A user who can log in to a cache.

    Attributes:
        name: The user name.
        access_string: Its permissions.
        password_hashes: Its passwords as ACL rules, such as `#` and a digest.
    """

    name: str
    access_string: str
    password_hashes: tuple[str, ...] = field(default=(), repr=False)

    @property
    def rules(self) -> tuple[str, ...]:
        """Its rules, as ACL SETUSER takes them after the name."""
        return (*permissions(self.access_string), *self.password_hashes)

    @property
    def is_on(self) -> bool:
        """Whether the engine accepts its logins: the last `on` or `off` of its access string decides."""
        switches = [word.lower() for word in _WORD.findall(self.access_string) if word.lower() in {"on", "off"}]
        return switches[-1:] == ["on"]

    @property
    def acl_line(self) -> str:
        """Its line of an ACL file."""
        return f"user {self.name} {' '.join(self.rules)}"


def permissions(access_string: str) -> list[str]:
    """The rules of an access string without what ElastiCache takes from every user, in selectors too."""
    taken = [f"-{command}" for command in (*sorted(restricted_commands()), *_ALSO_TAKEN)]
    words = _WORD.findall(access_string)
    inside = " ".join(taken)
    return [*(f"{word[:-1]} {inside})" if word.startswith("(") else word for word in words), *taken]


def changes(users: Iterable[CacheUser], known: Iterable[str]) -> list[tuple[str, ...]]:
    """The commands that give an engine exactly these users.

    Args:
        users: The users.
        known: Names of users that the engine may have.
    """
    wanted = {user.name: user for user in users}
    commands = [("ACL", "SETUSER", name, "reset", *user.rules) for name, user in wanted.items()]
    if DEFAULT not in wanted:
        commands.append(("ACL", "SETUSER", DEFAULT, "reset", "off"))
    gone = sorted(set(known) - set(wanted) - {DEFAULT})
    return [*commands, *([("ACL", "DELUSER", *gone)] if gone else [])]
