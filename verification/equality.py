"""Whether a property of a template and what AWS has of it are the same: AWS writes some values in another form.

Only what AWS changes by itself is passed over. What another change could have caused stays a difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_KEYS = frozenset({"KmsKeyArn", "KmsKeyId", "KmsMasterKeyId", "TargetKeyId"})
_POLICIES = frozenset({"AssumeRolePolicyDocument", "KeyPolicy", "PolicyDocument", "ResourcePolicy"})
# ElastiCache stores these names in lower case. The name of a user, with which a client logs in, is not one of them.
_LOWERED = frozenset(
    {
        *("CacheParameterGroupName", "CacheSubnetGroupName", "ClusterName", "GlobalReplicationGroupId"),
        *("ReplicationGroupId", "ServerlessCacheName", "UserGroupId", "UserGroupIds", "UserId", "UserIds"),
    }
)
_COMMANDS = ("+", "-")
_NO_COMMANDS = "-@all"
_LISTED_IN_STATEMENTS = frozenset({"Action", "NotAction", "Resource", "NotResource"})


def same(name: str, asked: Any, read: Any, *, engine: str = "", key_arn: Callable[[str], str] = str) -> bool:
    """Whether two values of a property mean the same.

    Args:
        name: Name of the property.
        asked: The value of the template, resolved.
        read: The value in the account.
        engine: The engine of the cache. Default: it has none, or it does not matter.
        key_arn: Gives the ARN of a KMS key for its id, its ARN or its alias.
    """
    if canonical(asked) == canonical(read):
        return True
    if name == "EngineVersion":
        return same_version(engine, str(asked), str(read))
    if name == "AccessString":
        return same_access(str(asked), str(read))
    if name in _KEYS:
        return key_arn(str(asked)) == key_arn(str(read))
    form = _lowered if name in _LOWERED else _policy if name in _POLICIES else None
    return form is not None and bool(form(asked) == form(read))


def canonical(value: Any) -> Any:
    """The value without differences that have no meaning: text or number, and the order of a list."""
    if isinstance(value, Mapping):
        return {name: canonical(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return sorted((canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def same_version(engine: str, asked: str, read: str) -> bool:
    """Whether a version is the one that was asked for: of Redis OSS and Valkey, AWS chooses the patch and names it.

    Args:
        engine: The engine.
        asked: For example `7.1`, or `6.x` of Redis OSS 6.
        read: For example `7.1.0`.
    """
    if engine == "memcached":
        return asked == read
    wanted = list(takewhile(lambda part: part != "x", asked.split(".")))
    return read.split(".")[: len(wanted)] == wanted


def same_access(asked: str, read: str) -> bool:
    """Whether an access string is the one that was asked for, in the same order, but for a `-@all` that AWS adds.

    AWS adds it before all other rules of commands, where it changes nothing: a user begins without commands. After
    another rule it removes commands.

    Args:
        asked: The access string of the template.
        read: The one that ElastiCache has.
    """
    wanted, rules = asked.split(), read.split()
    commands = [index for index, rule in enumerate(rules) if rule.startswith(_COMMANDS)]
    if wanted != rules and commands and rules[commands[0]] == _NO_COMMANDS:
        del rules[commands[0]]
    return wanted == rules


def _lowered(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return sorted(str(item).lower() for item in value)
    return str(value).lower()


def _policy(document: Any) -> Any:
    """A policy in one of the forms that mean the same: lists of one item, the root of an account, any principal."""
    if not isinstance(document, Mapping):
        return document
    statements = [_statement(statement) for statement in _listed(document.get("Statement", []))]
    return canonical({**document, "Statement": statements})


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(statement)
    for name in _LISTED_IN_STATEMENTS & found.keys():
        found[name] = _listed(found[name])
    for name in {"Principal", "NotPrincipal"} & found.keys():
        principal = {"AWS": "*"} if found[name] == "*" else found[name]
        found[name] = {kind: [_principal(item) for item in _listed(names)] for kind, names in principal.items()}
    if "Condition" in found:
        found["Condition"] = {
            operator: {key: _listed(values) for key, values in keys.items()}
            for operator, keys in found["Condition"].items()
        }
    return found


def _principal(name: Any) -> str:
    """An account is named by its id or by the ARN of its root."""
    parts = str(name).split(":")
    is_root = parts[0] == "arn" and parts[2:4] == ["iam", ""] and parts[-1] == "root"
    return parts[4] if is_root else str(name)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return [value]
