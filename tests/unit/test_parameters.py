"""Parameter groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from elasticache_constructs import ConfigurationError, Engine
from elasticache_constructs.checks.errors import reference
from elasticache_constructs.values.parameters import check_parameters, create_parameter_group
from tests.unit.builders import SMALL

if TYPE_CHECKING:
    from tests.conftest import Bench


def _properties(bench: Bench) -> dict[str, Any]:
    properties: dict[str, Any] = bench.only("ElastiCache::ParameterGroup")["Properties"]
    return properties


def _logical_id(bench: Bench) -> str:
    ((logical_id, _),) = bench.resources("ElastiCache::ParameterGroup").items()
    return logical_id


def test_group_is_of_the_engines_family(bench: Bench) -> None:
    """The family is the engine's, never another."""
    create_parameter_group(bench.stack, Engine.REDIS_6_2, {})

    assert "redis6.x" == _properties(bench)["CacheParameterGroupFamily"]


def test_name_is_that_of_the_group(bench: Bench) -> None:
    """What is returned refers to the group."""
    name = create_parameter_group(bench.stack, Engine.REDIS_7_1, {})

    assert {"Ref": _logical_id(bench)} == bench.stack.resolve(name)


@pytest.mark.parametrize(
    ("engine", "logical_id"),
    [
        (Engine.REDIS_5_0_6, "ParametersRedis50"),
        (Engine.REDIS_6_2, "ParametersRedis6x"),
        (Engine.REDIS_7_1, "ParametersRedis7"),
        (Engine.VALKEY_7_2, "ParametersValkey7"),
        (Engine.VALKEY_8_2, "ParametersValkey8"),
        (Engine.MEMCACHED_1_6_22, "ParametersMemcached16"),
    ],
    ids=str,
)
def test_logical_id_carries_the_family(bench: Bench, engine: Engine, logical_id: str) -> None:
    """Another family is another group, made before the first one goes."""
    create_parameter_group(bench.stack, engine, {})

    assert logical_id == _logical_id(bench)


def test_parameters_are_those_given(bench: Bench) -> None:
    """Parameters go into the group as they are."""
    create_parameter_group(bench.stack, Engine.REDIS_7_1, {"maxmemory-policy": "allkeys-lru", "timeout": "300"})

    assert {"maxmemory-policy": "allkeys-lru", "timeout": "300"} == _properties(bench)["Properties"]


def test_without_parameters_there_are_none(bench: Bench) -> None:
    """A group without parameters leaves them all to the family."""
    create_parameter_group(bench.stack, Engine.REDIS_7_1, {})

    assert "Properties" not in _properties(bench)


def test_cluster_mode_is_a_parameter(bench: Bench) -> None:
    """In cluster mode the group says so, as well as the parameters given."""
    create_parameter_group(bench.stack, Engine.REDIS_7_1, {"timeout": "300"}, cluster_mode=True)

    assert {"timeout": "300", "cluster-enabled": "yes"} == _properties(bench)["Properties"]


def test_token_passes_through(bench: Bench) -> None:
    """A value that is known at deployment only is not checked."""
    value = cdk.CfnParameter(bench.stack, "Policy").value_as_string
    create_parameter_group(bench.stack, Engine.REDIS_7_1, {"maxmemory-policy": value})

    assert {"maxmemory-policy": {"Ref": "Policy"}} == _properties(bench)["Properties"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(300, "300", id="a number"),
        pytest.param(0.5, "0.5", id="a fraction"),
        pytest.param(True, "yes", id="true"),
        pytest.param(False, "no", id="false"),
        pytest.param(None, "None", id="nothing"),
    ],
)
def test_values_that_are_no_strings_are_refused(value: Any, text: str) -> None:
    """A value that is no string is refused, with the string to write."""
    with pytest.raises(ConfigurationError) as refusal:
        check_parameters({"activedefrag": value}, engine=Engine.REDIS_7_1, node_type=SMALL)

    expected = (
        f"parameters['activedefrag'] = {value!r}: parameter values are strings, as the service writes them. "
        f"Write 'activedefrag': {text!r}. {reference('PGR-03')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize("value", ["yes", "no"])
def test_cluster_mode_is_not_set_by_hand(value: str) -> None:
    """Cluster mode follows from the topology and from nothing else."""
    with pytest.raises(ConfigurationError) as refusal:
        check_parameters({"cluster-enabled": value}, engine=Engine.REDIS_7_1, node_type=SMALL)

    expected = (
        f"parameters['cluster-enabled'] = {value!r}: cluster mode follows from the topology. Leave it out and use "
        f"Topology(shards=...), or Topology(cluster_mode=True) for a cluster of one shard. {reference('PGR-07')}"
    )
    assert expected == str(refusal.value)
