"""Node types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Token

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_rules import facts

if TYPE_CHECKING:
    from elasticache_constructs.values.engine import Engine
    from elasticache_rules.facts import NodeFamily, NodeTypeFacts


@dataclass(frozen=True, slots=True)
class NodeType:
    """The size of one cache node.

    Changing the type of a running Redis or Valkey group scales it online (docs/runbooks/node-type.md); a smaller type
    is refused by the service when the data does not fit. Changing it on a Memcached cluster loses what that holds.

    Args:
        name: The type as the service writes it, ``cache.t4g.small`` say. A CDK token passes through unchecked.
        unlisted: Whether the type may be one that the catalogue of this package does not have, because it came out
            later. Default: it may not.

    Raises:
        ConfigurationError: If the name is not of that form, no such type is on offer, or new caches cannot have it.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html
    """

    name: str
    unlisted: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be a node type."""
        check_kind("NodeType", "name", self.name, Kind(of=str, example="'cache.t4g.small'", rule="NOD-01"))
        if Token.is_unresolved(self.name):
            return
        if not re.fullmatch(r"cache\.[a-z0-9]+\.[a-z0-9]+", self.name):
            raise ConfigurationError(
                got=f"NodeType({self.name!r})",
                allowed="a node type is cache.<family>.<size> in lower case, as in cache.t4g.small",
                fix=_meant(self.name),
                rule="NOD-01",
            )
        if self.facts is None and not self.unlisted:
            near = facts.closest(self.name, _creatable())
            raise ConfigurationError(
                got=f"NodeType({self.name!r})",
                allowed="ElastiCache offers no such type",
                fix=(f"Use {near!r}, or for" if near else "For")
                + f" a type that is newer than this package NodeType({self.name!r}, unlisted=True)",
                rule="NOD-01",
            )
        family = self.family
        if family is not None and not family.creatable:
            raise ConfigurationError(
                got=f"NodeType({self.name!r})",
                allowed=f"new caches cannot have {family.name} nodes any more",
                fix=f"Use {'cache.t4g.small' if family.kind == 'burstable' else 'cache.m7g.large or cache.r7g.large'}",
                rule="NOD-09" if family.name == "t2" else "NOD-10",
            )

    def __str__(self) -> str:
        """The name."""
        return self.name

    @property
    def facts(self) -> NodeTypeFacts | None:
        """What the catalogue knows of it: nothing of a token, nor of a type that came out later."""
        return None if Token.is_unresolved(self.name) else facts.node_type(self.name)

    @property
    def family(self) -> NodeFamily | None:
        """What the catalogue knows of its family, which holds for a size that came out later too."""
        return None if Token.is_unresolved(self.name) else facts.node_family(self.name.split(".")[1])

    @property
    def has_data_tiering(self) -> bool:
        """Whether it keeps part of the data on SSD."""
        return self.family is not None and self.family.data_tiering

    def check(self, *, engine: Engine, region: str, ipv6: bool = False) -> None:
        """Refuse a type that does not go with the rest of a cache.

        Args:
            engine: The cache's engine.
            region: The cache's region. A CDK token, or a region that the catalogue does not have, passes unchecked.
            ipv6: Whether the cache speaks IPv6.

        Raises:
            ConfigurationError: If the engine does not run on it, the region does not offer it, or it has no IPv6.
        """
        known, family = self.facts, self.family
        with reported_together() as check:
            if family is not None:
                check(self._check_engine, family, engine)
            if known is not None:
                check(self._check_region, known, region)
            if family is not None and ipv6:
                check(self._check_ipv6, family)

    def _check_engine(self, family: NodeFamily, engine: Engine) -> None:
        least = family.minimum_versions.get(engine.name)
        if least is not None and engine.is_at_least(least):
            return
        allowed = f"{engine.name} runs on it from {least}" if least else f"{engine.name} does not run on it at all"
        raise ConfigurationError(
            got=f"NodeType({self.name!r}) for {engine}",
            allowed=allowed,
            fix=f"Use {engine.name} {least} or newer, or another type" if least else "Use another type or engine",
            rule=_engine_rule(family, engine),
        )

    def _check_region(self, known: NodeTypeFacts, region: str) -> None:
        if Token.is_unresolved(region) or region not in facts.regions() or region in known.regions:
            return
        near = facts.closest(self.name, facts.node_types(region))
        raise ConfigurationError(
            got=f"NodeType({self.name!r}) in {region}",
            allowed=f"{region} does not offer it",
            fix=f"Use {near or 'another type'}, or another region",
            rule="NOD-15",
        )

    def _check_ipv6(self, family: NodeFamily) -> None:
        if not family.ipv6:
            raise ConfigurationError(
                got=f"NodeType({self.name!r}) with IPv6",
                allowed="IPv6 needs a type of the Nitro system",
                fix="Use cache.m7g.large or cache.r7g.large, say, or NetworkType.IPV4",
                rule="NOD-20",
            )


def _meant(written: str) -> str:
    """The fix for what is no node type's name: of RDS's or EC2's types, in capitals, or with a slip of the pen."""
    bare = re.sub(r"^((cache|db)\.)*", "", written.strip().lower())
    name = facts.closest(f"cache.{bare}", _creatable()) if re.fullmatch(r"[a-z0-9]+\.[a-z0-9]+", bare) else None
    return f"Use NodeType({name!r})" if name else "Choose one from the page"


def _creatable() -> list[str]:
    return [
        name
        for name in facts.node_types()
        if (family := facts.node_family(name.split(".")[1])) is None or family.creatable
    ]


def _engine_rule(family: NodeFamily, engine: Engine) -> str:
    if family.data_tiering:
        return "NOD-03" if engine.is_memcached else "DTI-01"
    rules = {
        "NOD-04": ("m8g", "r8g", "c8gn"),
        "NOD-05": ("m7g", "r7g", "c7gn"),
        "NOD-06": ("m6g", "r6g"),
        "NOD-07": ("t4g",),
    }
    return next((rule for rule, families in rules.items() if family.name in families), "NOD-08")
