"""What a reader is: how the properties of a template and the answers of an account come into the same form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from verification.account import Account

Properties = Mapping[str, Any]
View = Callable[[Properties], Properties]
Read = Callable[[Account, str, Properties], Properties]

IRRELEVANT = frozenset({"Tags"})  # not compared: they do not change the posture


def _as_is(properties: Properties) -> Properties:
    return properties


@dataclass(frozen=True)
class Reader:
    """How to compare one type of resource.

    Attributes:
        read: Reads the properties of a resource from the account.
        asked: Brings the properties of a template into the same form. Default: as they are.
        silent: Properties that no API returns, with the reason.
        follows: Properties by a property whose difference makes them differ as well.
    """

    read: Read
    asked: View = _as_is
    silent: Mapping[str, str] = field(default_factory=dict)
    follows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def reads_by_name(read: Callable[[Account, str], Properties]) -> Read:
    """A reader that needs the resource's name only."""
    return lambda account, name, _asked: read(account, name)
