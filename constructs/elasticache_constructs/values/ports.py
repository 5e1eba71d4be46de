"""Default ports of the engines, and the check of a port."""

from __future__ import annotations

from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.tokens import is_token
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown

REDIS_PORT = 6379
"""The default port of Redis and Valkey."""

MEMCACHED_PORT = 11211
"""The default port of Memcached."""

PORT_LATER = (
    "The port is known at deployment only, where the rule cannot read it; it is opened to the client group alone."
)
"""Reason for acknowledging rules that raise an error for a port that is a CDK token."""

_MAX_PORT = 65535


def checked_port(port: int, *, default: int) -> int:
    """Return the port if it is valid.

    Args:
        port: The port. A CDK token passes through unchecked.
        default: The engine's default port, for the message.

    Raises:
        ConfigurationError: If the port is not a whole number from 1 to 65535.
    """
    if is_token(port):
        return port
    if not is_whole_number(port, 1, _MAX_PORT):
        raise ConfigurationError(
            got=f"port={shown(port)}{other_type(port)}",
            allowed=f"a TCP port is a whole number from 1 to {_MAX_PORT}",
            fix=f"Use port={default}, or leave it out",
            rule="NET-12",
        )
    return port
