"""Parameter groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import aws_elasticache as elasticache

from elasticache_constructs.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from elasticache_constructs.engine import Engine

_CLUSTER_MODE = "cluster-enabled"
_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.html"


def create_parameter_group(
    scope: Construct, engine: Engine, parameters: Mapping[str, str], *, cluster_mode: bool = False
) -> str:
    """Create the cache's own parameter group and return its name.

    Its construct id carries the family: an upgrade to another family makes a second group first and removes the first
    one afterwards, where a change in place would delete a group that is in use and fail.

    Raises:
        ConfigurationError: When a value is not a string, or cluster mode is set here and not by the topology.
    """
    for name, value in parameters.items():
        if not isinstance(value, str):
            raise ConfigurationError(
                got=f"parameters[{name!r}] = {value!r}",
                allowed="parameter values are strings, as the service writes them",
                fix=f"Write {name!r}: {_as_text(value)!r}",
                page=_PAGE,
            )
    if _CLUSTER_MODE in parameters:
        raise ConfigurationError(
            got=f"parameters[{_CLUSTER_MODE!r}] = {parameters[_CLUSTER_MODE]!r}",
            allowed="Memcached has no cluster mode"
            if engine.is_memcached
            else "cluster mode follows from the topology",
            fix="Leave it out"
            if engine.is_memcached
            else "Leave it out and use Topology(shards=...), or Topology(cluster_mode=True) for a cluster of one shard",
            page=_PAGE,
        )
    family = re.sub(r"\W", "", engine.family).capitalize()
    group = elasticache.CfnParameterGroup(
        scope,
        f"Parameters{family}",
        cache_parameter_group_family=engine.family,
        description=f"Parameters of the cache, {engine.family}",
        properties={**parameters, **({_CLUSTER_MODE: "yes"} if cluster_mode else {})} or None,
    )
    return group.ref


def _as_text(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
