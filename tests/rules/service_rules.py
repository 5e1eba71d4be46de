"""What ElastiCache and CloudFormation are known to want, as `rules.json` has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_KNOWN = json.loads(Path(__file__).with_name("rules.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the service."""

    id: str
    kind: str
    """Keys of `KINDS`, with slashes between them."""
    check: str
    """A key of `CHECKS`."""
    subject: str
    """The property, or what else it is about."""
    rule: str
    source: str
    error: str = ""
    error_status: str = "none"
    alias_of: tuple[str, ...] = ()
    """Rules that say the same."""

    @property
    def category(self) -> str:
        """The key of its category."""
        return self.id[:3]

    @property
    def is_visible_in_a_template(self) -> bool:
        """Whether one template is enough to tell that the service would refuse it."""
        return self.check in {"literal", "cross"} and bool({"CREATE", "UPDATE", "REPLACE"} & {*self.kind.split("/")})


DATE: str = _KNOWN["date"]
CATEGORIES: dict[str, str] = _KNOWN["categories"]
KINDS: dict[str, str] = _KNOWN["kinds"]
CHECKS: dict[str, str] = _KNOWN["checks"]
RULES: dict[str, Rule] = {
    each["id"]: Rule(**{**each, "alias_of": tuple(each.get("alias_of", ()))}) for each in _KNOWN["rules"]
}
