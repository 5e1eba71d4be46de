"""redis-py and valkey-py, set up for Amazon ElastiCache from environment variables.

Importing the package loads only the contract of environment variables, so infrastructure code needs no client library.
Everything else is imported on first access.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from elasticache_client.contract import CONTRACT_VERSION, ConnectionSettings, SettingsError

if TYPE_CHECKING:
    from elasticache_client.clients import connect, connect_async
    from elasticache_client.connections import EventLoopError
    from elasticache_client.credentials import Credentials, Login
    from elasticache_client.iam import IamCredentials
    from elasticache_client.parameters import ParameterSettings
    from elasticache_client.secret import SecretCredentials, SecretError
    from elasticache_client.tls import tls_context

__all__ = [
    "CONTRACT_VERSION",
    "ConnectionSettings",
    "Credentials",
    "EventLoopError",
    "IamCredentials",
    "Login",
    "ParameterSettings",
    "SecretCredentials",
    "SecretError",
    "SettingsError",
    "connect",
    "connect_async",
    "tls_context",
]

_HOMES = {
    "Credentials": "credentials",
    "EventLoopError": "connections",
    "IamCredentials": "iam",
    "Login": "credentials",
    "ParameterSettings": "parameters",
    "SecretCredentials": "secret",
    "SecretError": "secret",
    "connect": "clients",
    "connect_async": "clients",
    "tls_context": "tls",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
