"""Parameter groups: the engine judges their values, and groups that use them get what can change at once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rehearsal.extension.seam import REFUSED, Action, Private, Query, Response, elasticache, param
from rehearsal.live.caches import answers, registry
from rehearsal.live.engines.parameters import engine_options, unknown_to_elasticache
from rehearsal.live.engines.valkey import EngineRefusalError

if TYPE_CHECKING:
    from rehearsal.live.caches.registry import Caches
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_param_groups"),
    Private("services.elasticache", "_modify_cache_parameter_group", ("p",)),
    Private("services.elasticache", "_reset_cache_parameter_group", ("p",)),
)

MEMCACHED = "memcached"
_ITEM = "ParameterNameValues.ParameterNameValue"


def _asked(query: Query) -> dict[str, str]:
    values: dict[str, str] = {}
    for number in itertools.count(1):
        name = param(query, f"{_ITEM}.{number}.ParameterName")
        if not name:
            return values
        values[name] = param(query, f"{_ITEM}.{number}.ParameterValue")
    raise AssertionError


def _fault(caches: Caches, name: str, family: str, values: dict[str, str]) -> Response | None:
    known = caches.trial.defaults
    if unknown := unknown_to_elasticache(family, values, known):
        return answers.error(answers.INVALID_VALUE, f"Could not find parameter with name: {', '.join(unknown)}")
    try:
        caches.trial.check_options(engine_options(caches.parameter_values(name, values), known).options)
    except EngineRefusalError as fault:
        what = f"Parameter group {name} with {', '.join(f'{key}={value}' for key, value in values.items())}"
        return answers.engine_error(what, fault, "Change the value")
    return None


def _modifying(caches: Caches, stock: Action) -> Action:
    def modify_cache_parameter_group(query: Query) -> Response:
        name = param(query, "CacheParameterGroupName")
        family = str((elasticache._param_groups.get(name) or {}).get("CacheParameterGroupFamily", ""))
        if family and not family.startswith(MEMCACHED) and (fault := _fault(caches, name, family, _asked(query))):
            return fault
        response = stock(query)
        if response[0] < REFUSED:
            _apply(caches, name)
        return response

    return modify_cache_parameter_group


def _resetting(caches: Caches, stock: Action) -> Action:
    def reset_cache_parameter_group(query: Query) -> Response:
        response = stock(query)
        if response[0] < REFUSED:
            _apply(caches, param(query, "CacheParameterGroupName"))
        return response

    return reset_cache_parameter_group


def _apply(caches: Caches, name: str) -> None:
    for cache in tuple(caches.groups.values()):
        if cache.record.get("CacheParameterGroupName") == name:
            caches.apply_options(cache, name)


def install(run: Run) -> None:
    """Replace modification and reset of parameter groups."""
    caches = registry.of(run)
    elasticache._modify_cache_parameter_group = _modifying(caches, elasticache._modify_cache_parameter_group)
    elasticache._reset_cache_parameter_group = _resetting(caches, elasticache._reset_cache_parameter_group)
