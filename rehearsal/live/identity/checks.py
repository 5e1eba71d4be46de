"""What else a request must be allowed: the further resources it names, roles that it passes, keys that it uses.

The emulator asks once for one resource, so it carries the further checks with the ARN of the first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Context = Mapping[str, Any]
Query = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One question to the evaluator.

    Attributes:
        action: The action.
        resource: The ARN, or `*`.
        context: Further condition keys, in lower case.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)

    @property
    def service(self) -> str:
        """The service whose resource it is."""
        return self.action.partition(":")[0]


class Asked(str):
    """The ARN of the resource that a request is on, with what else is to be checked.

    Attributes:
        further: The further checks; all must pass.
        context: Condition keys of the request that the emulator does not know, in lower case.
    """

    __slots__ = ("context", "further")
    further: tuple[Check, ...]
    context: Context

    @classmethod
    def about(cls, resource: str, further: tuple[Check, ...] = (), context: Context | None = None) -> Self:
        """Make one."""
        asked = cls(resource)
        asked.further, asked.context = further, context or {}
        return asked


@dataclass(frozen=True)
class Call:
    """A request of an AWS API, as far as it says what it is on.

    Attributes:
        service: The service, as the emulator calls it.
        action: The action without the service, for example `DescribeUsers`; empty if it is not known.
        query: Parameters of the query protocol and of the URL.
        body: The body, if it is JSON.
        region: Name of the Region.
        account: Id of the account.
    """

    service: str
    action: str
    query: Query
    body: Mapping[str, Any]
    region: str
    account: str

    @classmethod
    def of(cls, service: str, action: str | None, query: Query, body: bytes, *, region: str, account: str) -> Self:
        """Read a request.

        Args:
            service: The service.
            action: The action with the service, for example `elasticache:DescribeUsers`.
            query: Parameters of the query protocol and of the URL.
            body: The body.
            region: Name of the Region.
            account: Id of the account.
        """
        try:
            parsed = json.loads(body) if body[:1] == b"{" else {}
        except ValueError:
            parsed = {}
        return cls(service, (action or "").partition(":")[2], query or {}, parsed, region, account)

    def text(self, name: str) -> str:
        """A parameter; empty if it is absent."""
        value = self.body.get(name) or self.query.get(name) or ""
        value = value[0] if isinstance(value, list) and value else value
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """The items of a parameter of the query protocol that is a list, whatever they are called; or the one value."""
        prefix = f"{name}."
        names = sorted(key for key in self.query if key.startswith(prefix) and key.rpartition(".")[2].isdigit())
        return [value for value in map(self.text, names) if value] or [value for value in [self.text(name)] if value]

    def arn(self, resource: str, service: str = "") -> str:
        """The ARN of a resource of the account in the Region."""
        return f"arn:aws:{service or self.service}:{self.region}:{self.account}:{resource}"
