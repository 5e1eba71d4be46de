"""Endpoints as text."""

from __future__ import annotations

from elasticache_constructs import Endpoint


def test_endpoint_as_text() -> None:
    """As text an endpoint is host and port, as tools take them."""
    assert "orders.example.com:6379" == str(Endpoint("orders.example.com", 6379))
