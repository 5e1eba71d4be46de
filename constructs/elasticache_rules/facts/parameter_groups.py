"""Parameters of parameter groups: the parameters of a family and their values."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from elasticache_rules.facts.records import Source, read, source

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["float", "integer", "renames", "string"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a family.

    Args:
        name: For example ``maxmemory-policy``.
        kind: The type of its values. ``renames`` is a list of commands, each followed by its new name.
        allowed: The values the service takes, as it writes them: alternatives with commas between them, where
            ``1-75`` and ``20-`` are ranges of integers. None where they are not known.
        default: The value of the service's own groups; None where it depends on the node type or is not known.
        modifiable: Whether a group may set it at all.
        fixed_in_use: Whether its value must be the same in the old and the new group when a cache moves between them.
        requires_reboot: Whether a change has no effect until the nodes are rebooted, which CloudFormation does not do.
        since: The version of the engine that brought it; None where every version of the family has it.
        source: Where it is written.
    """

    name: str
    kind: Kind
    allowed: str | None
    default: str | None
    modifiable: bool
    fixed_in_use: bool
    requires_reboot: bool
    since: str | None
    source: Source

    def accepts(self, value: str) -> bool:
        """Whether the service takes a value, as far as that is known.

        Without known alternatives a value only has to be of the right kind. The default is always taken: AWS
        documents a few that lie outside of their own ranges.
        """
        if value == self.default:
            return True
        if self.kind == "renames":
            commands = value.split()
            return len(commands) % 2 == 0 and (self.allowed is None or set(commands[::2]) <= {*self.allowed.split(",")})
        if self.kind == "string":
            return self.allowed is None or value in self.allowed.split(",")
        pattern = r"-?\d+" if self.kind == "integer" else r"\d+(\.\d+)?"
        if re.fullmatch(pattern, value, re.ASCII) is None:
            return False
        return self.allowed is None or any(_within(value, part) for part in self.allowed.split(","))

    @property
    def allowed_in_words(self) -> str:
        """The values it takes, for a message: ``0 or at least 20``."""
        if self.kind == "renames":
            return "commands, each followed by its new name"
        if self.allowed is None:
            return {"integer": "an integer", "float": "a number", "string": "a text"}[self.kind]
        *others, last = (_in_words(part) for part in self.allowed.split(","))
        return f"{', '.join(others)} or {last}" if others else last


@functools.cache
def parameters(family: str) -> Mapping[str, Parameter]:
    """The parameters of a family by name; empty for a family whose parameters are not known.

    `fully_listed` says whether a name that is absent does not exist.
    """
    known = read("parameter_groups").get(family)
    if known is None:
        return MappingProxyType({})
    like = parameters(known["like"]) if "like" in known else {}
    # What a version of an older family brought, every version of this one has.
    kept = {name: replace(each, since=None) for name, each in like.items() if name not in known.get("without", ())}
    own = {name: _parameter(name, each, known["source"]) for name, each in known.get("parameters", {}).items()}
    return MappingProxyType({**kept, **own})


def parameter(family: str, name: str) -> Parameter | None:
    """A parameter of a family, or None when it is not known."""
    return parameters(family).get(name)


def fully_listed(family: str) -> bool:
    """Whether the parameters of a family come from the service itself, so that no other name exists."""
    return bool(read("parameter_groups").get(family, {}).get("fully_listed"))


def _parameter(name: str, known: Mapping[str, Any], said_by: str) -> Parameter:
    return Parameter(
        name=name,
        kind=known["kind"],
        allowed=known.get("allowed"),
        default=known.get("default"),
        modifiable=known.get("modifiable", True),
        fixed_in_use=known.get("fixed_in_use", False),
        requires_reboot=known.get("requires_reboot", False),
        since=known.get("since"),
        source=source(known.get("source", said_by)),
    )


def _range(part: str) -> tuple[int | None, int | None] | None:
    """The ends of a range; None for what is a single value: ``-5`` is a number, ``-`` is every number."""
    ends = re.fullmatch(r"(-?\d+)?-(\d+)?", part)
    if ends is None or (ends[1] is None and ends[2] is not None):
        return None
    low, high = (None if end is None else int(end) for end in ends.groups())
    return low, high


def _within(value: str, part: str) -> bool:
    ends = _range(part)
    if ends is None:
        return value == part
    low, high = ends
    return (low is None or int(value) >= low) and (high is None or int(value) <= high)


def _in_words(part: str) -> str:
    match _range(part):
        case None:
            return part
        case (None, None):
            return "any integer"
        case (low, None):
            return f"at least {low}"
        case (low, high):
            return f"{low} to {high}"
