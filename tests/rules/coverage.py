"""What keeps each rule of the service: found in the code where code names it, declared where nothing does."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from elasticache_rules.rules import rules
from tests.rules import in_code
from tests.rules.declared import DECLARED, How


@dataclass(frozen=True, slots=True)
class Enforcement:
    """One thing that keeps a rule."""

    how: str
    where: str
    why: str = ""


@functools.cache
def coverage() -> dict[str, tuple[Enforcement, ...]]:
    """What keeps each rule, in the order of the rules; nothing for one that was forgotten."""
    return {each: tuple(_enforcements(each)) for each in rules()}


def checked_by(rule: str) -> str | None:
    """The id that a refusal for a rule carries: its own, or that of the rule whose check refuses it too."""
    if rule in in_code.refused():
        return rule
    declared = DECLARED.get(rule)
    return declared.where if declared and declared.how is How.REFUSED else None


def _enforcements(rule: str) -> list[Enforcement]:
    found = [
        *_in("refused", in_code.refused(), rule),
        *_in("warned of", in_code.warned(), rule),
        *_in("posture rule", in_code.guarded(), rule),
        *_in("change gate", in_code.gated(), rule),
    ]
    if rule in DECLARED:
        declared = DECLARED[rule]
        found.append(Enforcement(declared.how.value, declared.where, declared.why))
    if not found:
        found.extend(Enforcement("see", other) for other in rules()[rule].alias_of)
    return found


def _in(how: str, places: dict[str, tuple[str, ...]], rule: str) -> list[Enforcement]:
    return [Enforcement(how, ", ".join(places[rule]))] if rule in places else []
