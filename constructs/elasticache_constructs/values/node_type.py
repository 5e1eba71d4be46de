"""Node types."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_rules import facts

if TYPE_CHECKING:
    from elasticache_constructs.values.engine import Engine
    from elasticache_rules.facts import NodeFamily, NodeTypeFacts


@dataclass(frozen=True, slots=True)
class NodeType:
    """The node type of a cache.

    A change scales a running Redis or Valkey group online (docs/runbooks/node-type.md). The service refuses a smaller
    type if the data does not fit. A change of a Memcached cluster loses its data.

    Args:
        name: The node type as AWS writes it, such as ``cache.t4g.small``. A CDK token passes through unchecked.
        unlisted: Whether to accept a node type that is newer than this package. Default: refused.
        previous_generation: Whether to accept a type that is not available for new caches, such as ``cache.t2.micro``,
            for one that exists and runs on it. Default: refused.

    Raises:
        ConfigurationError: If the name is not of that form, ElastiCache has no such type, or it is not available for
            new caches.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html
    """

    name: str
    unlisted: bool = False
    previous_generation: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse what cannot be a node type."""
        check_kind("NodeType", "name", self.name, Kind(of=str, example="'cache.t4g.small'", rule="NOD-01"))
        if is_unresolved(self.name):
            return
        if not re.fullmatch(r"cache\.[a-z0-9]+\.[a-z0-9]+", self.name):
            raise ConfigurationError(
                got=f"NodeType({self.name!r})",
                allowed="a node type is cache.<family>.<size> in lower case, as in cache.t4g.small",
                fix=_corrected(self.name),
                rule="NOD-01",
            )
        family = self.family
        # First, whatever the size: a new size of such a family would be refused as well.
        if family is not None and not family.creatable and not self.previous_generation:
            raise ConfigurationError(
                got=f"NodeType({self.name!r})",
                allowed=f"{family.name} is not available for new caches",
                fix=f"Use {'cache.t4g.small' if family.kind == 'burstable' else 'cache.m7g.large or cache.r7g.large'}",
                rule="NOD-09" if family.name == "t2" else "NOD-10",
            )
        if self.facts is None and not self.unlisted and not self._is_retired:
            near = facts.closest(self.name, _creatable())
            raise ConfigurationError(
                got=f"NodeType({self.name!r})",
                allowed="ElastiCache offers no such type",
                fix=(f"Use {near!r}, or for" if near else "For")
                + f" a type that is newer than this package NodeType({self.name!r}, unlisted=True)",
                rule="NOD-01",
            )
        if self.previous_generation and not self._is_retired:
            raise ConfigurationError(
                got=f"NodeType({self.name!r}, previous_generation=True)",
                allowed="the type is available for new caches",
                fix="Leave previous_generation out",
                rule="NOD-10",
            )

    def __str__(self) -> str:
        """The name."""
        return self.name

    @property
    def facts(self) -> NodeTypeFacts | None:
        """The facts about this node type; ``None`` for a CDK token or a newer type."""
        return None if is_unresolved(self.name) else facts.node_type(self.name)

    @property
    def family(self) -> NodeFamily | None:
        """The facts about its family, also for a newer size; ``None`` for a CDK token or a newer family."""
        return None if is_unresolved(self.name) else facts.node_family(self.name.split(".")[1])

    @property
    def _is_retired(self) -> bool:
        return self.family is not None and not self.family.creatable

    @property
    def has_data_tiering(self) -> bool:
        """Whether it has data tiering: part of the data is on SSD."""
        return self.family is not None and self.family.data_tiering

    def check(self, *, engine: Engine, region: str, ipv6: bool = False) -> None:
        """Refuse a node type that does not fit the rest of a cache.

        Args:
            engine: The cache's engine.
            region: The cache's region. A CDK token, or a region newer than this package, passes unchecked.
            ipv6: Whether the cache uses IPv6.

        Raises:
            ConfigurationError: If the engine does not run on it, the region does not offer it, or it has no IPv6.
        """
        known, family = self.facts, self.family
        with reported_together() as check:
            if family is not None and not self.previous_generation:
                check(self._check_engine, family, engine)
            if known is not None and not self.previous_generation:
                check(self._check_region, known, region)
            if family is not None and ipv6:
                check(self._check_ipv6, family)

    def check_available(self) -> None:
        """Refuse a type of a previous generation, for a cache that is new.

        Raises:
            ConfigurationError: If it is of a previous generation.
        """
        if self.previous_generation:
            raise ConfigurationError(
                got=f"NodeType({self.name!r}, previous_generation=True) for a new cache",
                allowed="a type of a previous generation is for a cache that exists and runs on it",
                fix="Use cache.t4g.small, cache.m7g.large or cache.r7g.large; where the cache exists, add existing=...",
                rule="NOD-10",
            )

    def check_auto_scaling(self, what: str) -> None:
        """Refuse a node type whose caches are not scaled automatically.

        Args:
            what: The call that asks for it, for the message.

        Raises:
            ConfigurationError: If its family is known, and Application Auto Scaling does not take it or the size.
        """
        family = self.family
        if family is None or self.name.split(".")[2] in family.autoscaling_sizes:
            return
        same = facts.node_type(f"cache.{family.name}.large")
        near = same.name if same is not None and same.autoscaling else "cache.m7g.large"
        raise ConfigurationError(
            got=f"{what} with NodeType({self.name!r})",
            allowed="sizes large, xlarge and 2xlarge of families that are not burstable are scaled automatically",
            fix=f"Use {near!r}, or leave the scaling out",
            rule="ASC-04",
        )

    def _check_engine(self, family: NodeFamily, engine: Engine) -> None:
        minimum = family.minimum_versions.get(engine.name)
        if minimum is not None and engine.is_at_least(minimum):
            return
        allowed = f"{engine.name} runs on it from {minimum}" if minimum else f"{engine.name} does not run on it at all"
        raise ConfigurationError(
            got=f"NodeType({self.name!r}) for {engine}",
            allowed=allowed,
            fix=f"Use {engine.name} {minimum} or newer, or another type" if minimum else "Use another type or engine",
            rule=_engine_rule(family, engine),
        )

    def _check_region(self, known: NodeTypeFacts, region: str) -> None:
        if is_unresolved(region) or region not in facts.regions() or region in known.regions:
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
                allowed="IPv6 needs a type built on the Nitro System",
                fix="Use a type such as cache.m7g.large or cache.r7g.large, or NetworkType.IPV4",
                rule="NOD-20",
            )


def _corrected(written: str) -> str:
    """The fix for a name that is not a node type: an RDS or EC2 type, capitals, or a typing error."""
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
