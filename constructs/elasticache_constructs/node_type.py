"""Node types."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aws_cdk import Token

from elasticache_constructs.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class NodeType:
    """The size of one cache node.

    Changing the type of a running Redis or Valkey group scales it online; a smaller type is refused by the service
    when the data does not fit. Changing it on a Memcached cluster loses what the cluster holds.

    Args:
        name: The type as the service writes it, ``cache.t4g.small`` say. A CDK token passes through unchecked.

    Raises:
        ConfigurationError: When the name is not of that form.
    """

    name: str

    def __post_init__(self) -> None:
        """Refuse what cannot be a node type."""
        if not Token.is_unresolved(self.name) and not re.fullmatch(r"cache\.[a-z0-9]+\.[a-z0-9]+", self.name):
            raise ConfigurationError(
                got=f"NodeType({self.name!r})",
                allowed="a node type is cache.<family>.<size> in lower case, as in cache.t4g.small",
                fix=f"Use NodeType('cache.{self.name}')"
                if re.fullmatch(r"(?!cache\.|db\.)[a-z0-9]+\.[a-z0-9]+", self.name)
                else "Choose one from the page",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html",
            )

    def __str__(self) -> str:
        """The name."""
        return self.name
