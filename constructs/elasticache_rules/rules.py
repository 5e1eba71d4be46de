"""The rules of ElastiCache and of its CloudFormation types, as package data: asked by id, read when first asked.

    >>> rules.page_of("TLS-06")
    'https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-enable.html'

`rules.json` is the only place that states a rule's text and its AWS page. `docs/service-rules.md` is written from it.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the service.

    Args:
        id: For example ``TLS-06``. Its first three letters are the key of its category.
        kind: Keys of `kinds()`, with slashes between them.
        check: A key of `checks()`: what has to be known to tell that the rule is broken.
        subject: The property, or what else the rule is about.
        rule: The rule in words.
        source: Where it was found, in the keys of ``sources`` in `rules.json`.
        page: The AWS page that states it. Every rule that the code enforces has one.
        error: What the service answers.
        error_status: How well that answer is known: a key of ``error_statuses`` in `rules.json`.
        alias_of: Rules that say the same.
    """

    id: str
    kind: str
    check: str
    subject: str
    rule: str
    source: str
    page: str | None = None
    error: str = ""
    error_status: str = "none"
    alias_of: tuple[str, ...] = ()

    @property
    def category(self) -> str:
        """The key of its category."""
        return self.id[:3]

    @property
    def is_visible_in_a_template(self) -> bool:
        """Whether one template is enough to tell that the service would refuse it."""
        return self.check in {"literal", "cross"} and bool({"CREATE", "UPDATE", "REPLACE"} & {*self.kind.split("/")})


@functools.cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its id, in the order of the categories."""
    known = (Rule(**{**each, "alias_of": tuple(each.get("alias_of", ()))}) for each in _read()["rules"])
    return MappingProxyType({rule.id: rule for rule in known})


def page_of(rule: str) -> str | None:
    """The AWS page of the rule with that id; None for an id that is unknown, and for a rule without a page."""
    known = rules().get(rule)
    return known.page if known else None


def page_of_first(ids: Sequence[str]) -> str:
    """The AWS page of the first of several rules; empty where there is none."""
    return (page_of(ids[0]) or "") if ids else ""


def date() -> str:
    """The day on which the rules were last compared with their sources, as ``2026-11-22``."""
    day: str = _read()["date"]
    return day


def categories() -> Mapping[str, str]:
    """The title of each category, by the three letters that the ids of its rules begin with."""
    return MappingProxyType(_read()["categories"])


def kinds() -> Mapping[str, str]:
    """What breaking a rule of each kind leads to."""
    return MappingProxyType(_read()["kinds"])


def checks() -> Mapping[str, str]:
    """What has to be known to tell that a rule is broken."""
    return MappingProxyType(_read()["checks"])


@functools.cache
def _read() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(Path(__file__).with_name("rules.json").read_text(encoding="utf-8"))
    return known
