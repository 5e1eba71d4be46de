"""One row of the tables: what is refused, in which words, and what is accepted on the other side of the limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_constructs import (
    Access,
    DefaultUser,
    Engine,
    NodeType,
)
from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
from elasticache_rules.rules import page_of

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Row:
    """A bad input, what it is told, and its good neighbour."""

    rule: str
    bad: Callable[[], object]
    says: str
    """The message up to the page."""
    good: Callable[[], object]
    carries: str = ""
    """The id at the end of the message, where one check keeps several rules. Default: that of `rule`."""

    @property
    def message(self) -> str:
        """The whole message."""
        rule = self.carries or self.rule
        return f"{self.says} See {page_of(rule)} ({rule})"


def group(**changes: Any) -> ReplicationGroupSettings:
    """What a replication group is to be, with changes; without a construct."""
    arguments: dict[str, Any] = {
        "description": "cache",
        "engine": Engine.REDIS_7_1,
        "node_type": NodeType("cache.r7g.large"),
        "access": Access.users(default=DefaultUser.with_token()),
        "region": "eu-west-1",
        **changes,
    }
    return ReplicationGroupSettings(**arguments)


def cluster(**changes: Any) -> MemcachedClusterSettings:
    """What a Memcached cluster is to be, with changes; without a construct."""
    arguments: dict[str, Any] = {"node_type": NodeType("cache.r7g.large"), "region": "eu-west-1", **changes}
    return MemcachedClusterSettings(**arguments)
