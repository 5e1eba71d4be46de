"""What a rehearsal reads and the verification of a real account does not: the values of secrets, which are its own."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from verification.finding import Finding
from verification.posture import Knowledge
from verification.reader import Properties, Reader
from verification.readers import READERS, read_secret
from verification.rules import RULES, secret

if TYPE_CHECKING:
    from verification.account import Account

TYPE = "AWS::SecretsManager::Secret"
WHOLE = "(all of it)"  # stands for a secret that is one string
MIN_PASSWORD_CHARACTERS = 16


def _excluded(options: Properties) -> str:
    kinds = {
        "ExcludePunctuation": string.punctuation,
        "ExcludeNumbers": string.digits,
        "ExcludeUppercase": string.ascii_uppercase,
        "ExcludeLowercase": string.ascii_lowercase,
    }
    whole = "".join(chars for name, chars in kinds.items() if options.get(name))
    return f"{whole}{options.get('ExcludeCharacters', '')}"


def _asked(properties: Properties) -> Properties:
    options = properties.get("GenerateSecretString")
    if options is None:
        return properties
    fields = json.loads(options.get("SecretStringTemplate", "{}")).keys() | {options.get("GenerateStringKey", WHOLE)}
    facts = {"fields": sorted(fields), "length": options.get("PasswordLength", 32), "excluded characters in it": 0}
    return {**properties, "GenerateSecretString": facts}


def _read(account: Account, name: str, asked: Properties) -> Properties:
    view = read_secret(account, name)
    if options := asked.get("GenerateSecretString"):
        value = _value(account, name)
        key = options.get("GenerateStringKey", WHOLE)
        fields = {WHOLE: value} if key == WHOLE else json.loads(value)
        excluded = len(set(fields[key]) & set(_excluded(options)))
        view["GenerateSecretString"] = {
            "fields": sorted(fields),
            "length": len(fields[key]),
            "excluded characters in it": excluded,
        }
    return view


def _value(account: Account, name: str) -> str:
    value: str = account.read("secretsmanager", "get_secret_value", SecretId=name)["SecretString"]
    return value


def _rule(account: Account, name: str) -> Iterator[Finding]:
    """The rule of a deployed secret, and a value that is long enough for a token or a password."""
    yield from secret(account, name)
    longest = max((len(part) for part in _strings(_value(account, name))), default=0)
    yield Finding(
        "is long",
        f"at least {MIN_PASSWORD_CHARACTERS} characters",
        f"{longest} characters",
        longest >= MIN_PASSWORD_CHARACTERS,
    )


def _strings(value: str) -> list[str]:
    try:
        parsed: Any = json.loads(value)
    except ValueError:
        return [value]
    return [str(part) for part in parsed.values()] if isinstance(parsed, Mapping) else [value]


KNOWLEDGE = Knowledge(
    readers={**READERS, TYPE: Reader(_read, _asked)},
    rules={**RULES, TYPE: _rule},
)
