"""What a port may be."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from elasticache_constructs import MEMCACHED_PORT, REDIS_PORT, ConfigurationError
from elasticache_constructs.checks.errors import reference
from elasticache_constructs.values.ports import checked_port


def test_redis_default_is_the_services() -> None:
    """Redis and Valkey listen on 6379 by default."""
    assert 6379 == REDIS_PORT


def test_memcached_default_is_the_services() -> None:
    """Memcached listens on 11211 by default."""
    assert 11211 == MEMCACHED_PORT


@pytest.mark.parametrize("port", [1, 6379, 65535])
def test_tcp_port_is_accepted(port: int) -> None:
    """Every TCP port is accepted, the lowest and the highest included."""
    assert port == checked_port(port, default=REDIS_PORT)


@pytest.mark.parametrize(
    ("port", "got"),
    [
        pytest.param(0, "port=0", id="zero"),
        pytest.param(65536, "port=65536", id="one above the highest"),
        pytest.param(-1, "port=-1", id="negative"),
        pytest.param(6379.0, "port=6379.0 of type float", id="not whole"),
        pytest.param("6379", "port='6379' of type str", id="text"),
        pytest.param(True, "port=True of type bool", id="a truth value"),
        pytest.param(False, "port=False of type bool", id="the other one"),
        pytest.param(None, "port=None of type NoneType", id="nothing"),
    ],
)
def test_anything_else_is_refused(port: Any, got: str) -> None:
    """What is no port is refused with the engine's usual one as the fix."""
    with pytest.raises(ConfigurationError) as refusal:
        checked_port(port, default=MEMCACHED_PORT)

    expected = (
        f"{got}: a TCP port is a whole number from 1 to 65535. Use port=11211, or leave it out. {reference('NET-12')}"
    )
    assert expected == str(refusal.value)


def test_token_passes_through() -> None:
    """A port that is known at deployment only is not checked."""
    port = cdk.CfnParameter(cdk.Stack(), "Port", type="Number").value_as_number

    assert port == checked_port(port, default=REDIS_PORT)  # type: ignore[arg-type]
