"""Parameter groups, and the parameters in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import aws_elasticache as elasticache

from elasticache_constructs.checks.argument_types import check_seen
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from elasticache_constructs.values.engine import Engine
    from elasticache_constructs.values.node_type import NodeType

_CLUSTER_MODE = "cluster-enabled"
_EVICTION = "maxmemory-policy"


def check_parameters(parameters: Mapping[str, str], *, engine: Engine, node_type: NodeType) -> None:
    """Refuse parameters and values that the engine's parameter group family does not have.

    Values that are CDK tokens pass unchecked, as do all parameters of a family newer than this package.

    Raises:
        ConfigurationError: If a value is not a string or not allowed, a name is unknown or cannot be set, or cluster
            mode is set here instead of by the topology.
    """
    with reported_together() as check:
        for name, value in parameters.items():
            check(_check_parameter, name, value, engine)
        check(_check_eviction, parameters.get(_EVICTION), node_type)


def check_unlisted_parameters(parameters: Mapping[str, str], *, engine: Engine) -> None:
    """Refuse what no engine version accepts: a value that is not a string, and cluster mode.

    Raises:
        ConfigurationError: If any parameter is not valid.
    """
    with reported_together() as check:
        for name, value in parameters.items():
            check(_check_form, name, value, engine)


def check_named_once(parameters: Mapping[str, str], unlisted: Mapping[str, str]) -> None:
    """Refuse a parameter that is in both ``parameters`` and ``unlisted_parameters``.

    Raises:
        ConfigurationError: If any parameter is in both.
    """
    twice = sorted({str(name) for name in parameters} & {str(name) for name in unlisted})
    if twice:
        raise ConfigurationError(
            got=f"parameters and unlisted_parameters with {twice[0]!r} in both",
            allowed="a parameter has one value",
            fix="Leave it out of unlisted_parameters, or of parameters where this package does not know it",
            rule="PGR-03",
        )


def create_parameter_group(
    scope: Construct, engine: Engine, parameters: Mapping[str, str], *, cluster_mode: bool = False
) -> str:
    """Create the cache's own parameter group and return its name.

    Its construct id contains the family and the cluster mode. So an upgrade to another family, or a migration to
    cluster mode, creates a second group first and removes the first one afterwards. A change in place would delete or
    edit a group that is in use, and fail.
    """
    family = re.sub(r"\W", "", engine.family).capitalize()
    group = elasticache.CfnParameterGroup(
        scope,
        f"Parameters{family}{'Cluster' if cluster_mode else ''}",
        cache_parameter_group_family=engine.family,
        description=f"Parameters of the cache, {engine.family}",
        properties={**parameters, **({_CLUSTER_MODE: "yes"} if cluster_mode else {})} or None,
    )
    return group.ref


def _check_parameter(name: str, value: str, engine: Engine) -> None:
    _check_form(name, value, engine)
    got = f"parameters[{name!r}] = {value!r}"
    known = facts.parameters(engine.family)
    if known and name not in known:
        raise ConfigurationError(
            got=got,
            allowed=f"family {engine.family} has no such parameter",
            fix=_rename(name, engine) + f"unlisted_parameters={{{name!r}: {value!r}}}",
            rule="PGR-20" if _was_known(name, engine) else "PGR-04",
        )
    if name in known:
        _check_value(known[name], value, got, engine)


def _check_form(name: str, value: str, engine: Engine) -> None:
    got = f"parameters[{name!r}] = {value!r}"
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(
            got=f"{got} with the name {name!r} of type {type(name).__name__}",
            allowed="a parameter's name is a non-empty string",
            fix="Name the parameter as the service does, as in 'maxmemory-policy'",
            rule="PGR-03",
        )
    if not isinstance(value, str):
        raise ConfigurationError(
            got=got,
            allowed="parameter values are strings, as the service writes them",
            fix=f"Write {name!r}: {_as_text(value)!r}",
            rule="PGR-03",
        )
    check_seen("parameters", f"{name}{value}", rule="PGR-03")
    if name == _CLUSTER_MODE:
        raise ConfigurationError(
            got=got,
            allowed="Memcached has no cluster mode"
            if engine.is_memcached
            else "cluster mode follows from the topology",
            fix="Leave it out"
            if engine.is_memcached
            else "Leave it out and use Topology(shards=...), or Topology(cluster_mode=True) for a cluster of one shard",
            rule="PGR-07",
        )


def _check_value(parameter: facts.Parameter, value: str, got: str, engine: Engine) -> None:
    if not parameter.modifiable:
        raise ConfigurationError(
            got=got,
            allowed="the service sets this parameter itself and takes no other value",
            fix="Leave it out",
            rule="PGR-05",
        )
    if parameter.since is not None and not engine.is_at_least(parameter.since):
        raise ConfigurationError(
            got=f"{got} on {engine}",
            allowed=f"this parameter came with {engine.name} {parameter.since}",
            fix="Leave it out, or use a newer engine",
            rule="PGR-04",
        )
    if not is_unresolved(value) and not parameter.accepts(value):
        raise ConfigurationError(
            got=got,
            allowed=f"its values are {parameter.allowed_in_words}",
            fix="Write it as in 'flushall flushall-of-operations'"
            if parameter.kind == "renames"
            else "Use one of them" + (f", for example {parameter.default!r}" if parameter.default else ""),
            rule="PGR-16" if parameter.kind == "renames" else "PGR-06",
        )


def _check_eviction(policy: str | None, node_type: NodeType) -> None:
    policies = node_type.family.maxmemory_policies if node_type.family else ()
    if policy is not None and policies and not is_unresolved(policy) and policy not in policies:
        raise ConfigurationError(
            got=f"parameters[{_EVICTION!r}] = {policy!r} on {node_type}",
            allowed=f"with data tiering it is one of {', '.join(policies)}",
            fix=f"Use {policies[0]!r}",
            rule="DTI-02",
        )


def _was_known(name: str, engine: Engine) -> bool:
    return any(name in facts.parameters(family) for family in facts.parameter_families(engine.name))


def _rename(name: str, engine: Engine) -> str:
    near = facts.closest(name, facts.parameters(engine.family))
    return (f"Use {near!r}, or for" if near else "Leave it out, or for") + " one that is newer than this package "


def _as_text(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
