"""The changes of an update, one line each."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Effect(enum.Enum):
    """Effect of an update on a resource, most severe first."""

    DATA_LOSS = "data loss"
    REPLACEMENT = "replacement"
    MAY_REPLACE = "may replace"
    REJECTED = "rejected by the service"
    SEVERAL_DEPLOYMENTS = "needs several deployments"
    NOT_JUDGED = "not judged"
    INTERRUPTION = "interruption"
    REMOVAL = "removal"
    IN_PLACE = "in place"
    CREATION = "creation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the report."""

    stack: str
    resource: str
    """The logical id."""
    property: str
    """Its path below ``Properties``; in parentheses if it is not a property, for example ``(resource)``."""
    old: str
    new: str
    """Values as text, shortened, with secrets hidden."""
    effect: Effect
    blocks: bool
    """Whether the change blocks a deployment until its logical id is allowed."""
    reason: str
    """The reason. Empty if the effect needs none."""
    instead: str
    """What to do instead, or before. Empty if there is nothing to do."""
    rules: tuple[str, ...]
    """Ids of the service's rules behind it; empty if it follows from the resource's schema or from CloudFormation."""
    page: str
    """The AWS page of the first rule, or empty."""
    kind: str = ""
    """The type of the resource. Empty if the change is one of the stack."""


@dataclass(frozen=True, slots=True)
class Changes:
    """All changes of an update, most severe first."""

    lines: tuple[Change, ...]

    def __iter__(self) -> Iterator[Change]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def blocking(self, allow: Collection[str] = ()) -> Changes:
        """The changes that block a deployment.

        Args:
            allow: Logical ids of which every change is accepted. Default: no id.
        """
        return Changes(tuple(each for each in self.lines if each.blocks and each.resource not in allow))


def in_order(lines: Collection[Change]) -> Changes:
    """The lines that block first, then by effect, stack, resource and property."""
    severity = {effect: index for index, effect in enumerate(Effect)}
    return Changes(
        tuple(
            sorted(
                lines,
                key=lambda each: (not each.blocks, severity[each.effect], each.stack, each.resource, each.property),
            )
        )
    )
