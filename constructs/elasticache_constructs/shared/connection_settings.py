"""The settings with which an application connects to a cache, as environment variables.

The contract has a version and is read by ``ConnectionSettings.from_environment`` of the distribution
``elasticache-client``; a test compares both ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elasticache_constructs.values.endpoint import Endpoint

_VERSION = "1"

PREFIX = "ELASTICACHE_"
"""What the name of each variable begins with."""
VARIABLES = tuple(
    f"{PREFIX}{name}"
    for name in (
        "CONTRACT",
        "ENGINE",
        "HOST",
        "PORT",
        "READER_HOST",
        "READER_PORT",
        "TLS",
        "MODE",
        "AUTH",
        "USER",
        "SECRET_ARN",
        "CACHE_NAME",
        "SERVERLESS",
    )
)
"""All variables that there may be."""


def connection_variables(
    *,
    engine: str,
    endpoint: Endpoint,
    reader: Endpoint | None = None,
    cluster_mode: bool = False,
    cache_name: str | None = None,
    iam_user: str | None = None,
    secret_user: str | None = None,
    secret_arn: str | None = None,
    serverless: bool = False,
    tls: bool = True,
) -> dict[str, str]:
    """The variables: endpoint and login. Secrets are referenced by ARN, never included."""
    auth = "iam" if iam_user else "secret" if secret_arn else "none"
    variables = {
        "ELASTICACHE_CONTRACT": _VERSION,
        "ELASTICACHE_ENGINE": engine,
        "ELASTICACHE_HOST": endpoint.host,
        "ELASTICACHE_PORT": str(endpoint.port),
        "ELASTICACHE_READER_HOST": reader.host if reader else None,
        "ELASTICACHE_READER_PORT": str(reader.port) if reader and reader.port != endpoint.port else None,
        "ELASTICACHE_TLS": "true" if tls else "false",
        "ELASTICACHE_MODE": "cluster" if cluster_mode else "standalone",
        "ELASTICACHE_AUTH": auth,
        "ELASTICACHE_USER": iam_user or secret_user,
        "ELASTICACHE_SECRET_ARN": secret_arn,
        "ELASTICACHE_CACHE_NAME": cache_name,
        "ELASTICACHE_SERVERLESS": "true" if serverless else "false",
    }
    return {name: value for name, value in variables.items() if value is not None}
