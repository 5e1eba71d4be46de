"""Values as the report shows them: short, and without secrets."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any

from elasticache_rules.change_gate.values import ABSENT, is_intrinsic

_LONGEST = 60
_BEFORE = 10
_SECRET = re.compile(
    r"password|passphrase|(auth|access|session|secret)_?token|secret_?string|client_?secret"
    r"|(private|api|secret_?access)_?key|credential|(^|_)(pass|pwd|secret|token)$",
    re.IGNORECASE,
)
_LOGIN_IN_URL = re.compile(r"://([^\s/?#]*|[^\s:]*:\S*)@")
# In an access string these begin passwords, added or removed, plain or hashed.
_PASSWORD_OF_USER = re.compile(r"(^|\s)[><#!]\S")
_RIGHTS_OF_USER = re.compile(r"(^|\s)(on|off|~\S+|[+-]@\S+)(\s|$)")


@dataclass(frozen=True, slots=True)
class Hidden:
    """A text that is a secret: it can be compared, and is not shown."""

    text: str = field(repr=False)

    def __str__(self) -> str:
        return "(hidden)"


def without_secrets(name: str, value: Any, *, is_secret: bool = False) -> Any:
    """A value without its secrets: properties that are named like one, and texts that look like one.

    Args:
        name: The property of the value.
        value: The value, normalised.
        is_secret: Whether an enclosing property is named like a secret. Default: no.
    """
    is_secret = is_secret or bool(_SECRET.search(name))
    if isinstance(value, dict):
        labels = [each for key, each in value.items() if key.lower() in ("name", "key") and isinstance(each, str)]
        is_labelled = any(map(_SECRET.search, labels))
        is_function = is_intrinsic(value)
        return {
            key: without_secrets(
                name if is_function else key,
                each,
                is_secret=is_secret or (is_labelled and key.lower() == "value"),
            )
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(name, each, is_secret=is_secret) for each in value]
    return Hidden(value) if isinstance(value, str) and (is_secret or _is_secret(name, value)) else value


def _is_secret(name: str, text: str) -> bool:
    is_access_string = name == "AccessString" or _RIGHTS_OF_USER.search(text)
    return bool(_LOGIN_IN_URL.search(text) or (is_access_string and _PASSWORD_OF_USER.search(text)))


def shown(value: Any, other: Any = ABSENT) -> str:
    """A value without secrets as a text, shortened.

    Args:
        value: The value.
        other: The other value, so that long texts are cut where they are equal. Default: no other value.
    """
    if value is ABSENT:
        return "-"
    text = _as_text(value)
    if len(text) <= _LONGEST:
        return text
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(text, _as_text(other), strict=False))
    start = max(0, sum(1 for _ in same) - _BEFORE)
    end = start + _LONGEST
    return f"{'...' if start else ''}{text[start:end]}{'...' if end < len(text) else ''}"


def _as_text(value: Any) -> str:
    return str(value) if isinstance(value, str | Hidden) else json.dumps(value, sort_keys=True, default=str)
