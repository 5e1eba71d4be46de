"""Reasons that are still to be written: a warning, and in a protected stack an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Annotations
from constructs import IValidation

from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.locations import stack_of
from elasticache_rules.reasons import is_open

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constructs import IConstruct

# By app: the paths of the constructs at which an open reason was reported, by reason.
_REPORTED: WeakKeyDictionary[IConstruct, dict[str, list[str]]] = WeakKeyDictionary()


def reasons_of(value: object) -> Iterator[tuple[str, str]]:
    """The reasons in a value and in its parts, each with what it is the reason of: fields named ``reason`` or so."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from reasons_of(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from reasons_of(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            given = getattr(value, part.name)
            if isinstance(given, str) and part.name.split("_")[-1] == "reason":
                called = getattr(value, "CONSTRUCT", type(value).__name__)
                yield f"{called}({part.name}=...)", given
            else:
                yield from reasons_of(given)


def report_open_reasons(construct: IConstruct, reasons: Iterable[tuple[str, str]]) -> None:
    """Warn of each reason that begins with TODO; the synth fails if the stack has termination protection.

    A reason is reported once, at the outermost construct that has it.

    Args:
        construct: The construct that the reasons are given to.
        reasons: What each reason is of, and the reason.
    """
    still_open = [(what, reason) for what, reason in reasons if is_open(reason)]
    if not still_open:
        return
    node = construct.node
    reported, path = _REPORTED.setdefault(node.root, {}), node.path
    for what, reason in still_open:
        places = reported.setdefault(reason, [])
        if any(path == place or path.startswith(f"{place}/") for place in places):
            continue
        places.append(path)
        Annotations.of(construct).add_warning_v2("elasticache-constructs:open-reason", str(_refusal(what, reason)))
        node.add_validation(_WrittenIfProtected(construct, what, reason))


def _refusal(what: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        got=f"{what} with the reason {reason!r}",
        allowed="a reason is written out before a stack with termination protection is deployed",
        fix="Write why this is right here, and until when",
    )


@jsii.implements(IValidation)
class _WrittenIfProtected:
    """Fails the synth of a protected stack; the protection may be turned on after the construct was made."""

    def __init__(self, construct: IConstruct, what: str, reason: str) -> None:
        self._construct, self._what, self._reason = construct, what, reason

    def validate(self) -> list[str]:
        """The mistake, if the stack is protected."""
        if stack_of(self._construct).termination_protection is not True:
            return []
        return [str(_refusal(self._what, self._reason))]
